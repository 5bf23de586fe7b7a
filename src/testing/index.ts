export {
  operators,
  productTerms,
  type StateOptions,
  states,
  statesTogether,
  statesWithOperators,
  type TermOptions,
  type TreeOptions,
  trees,
} from "./arbitraries.ts";
