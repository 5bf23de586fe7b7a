export { exactSolution, largestExact } from "./quantum/exact.ts";
export * from "./quantum/expression.ts";
export * from "./quantum/hamiltonians.ts";
export * from "./quantum/observables.ts";
export * from "./quantum/spin-chain.ts";
export { spinOperators } from "./quantum/spin-operators.ts";
