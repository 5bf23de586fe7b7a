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
export { attractedOde } from "./attracted-ode.ts";
export { BrokenPromise, type Measurement, type Report, type Sense } from "./broken-promise.ts";
export { type ConservationOptions, checkConservation } from "./check-conservation.ts";
export { checkDescent, type DescentOptions } from "./check-descent.ts";
export { checkErrorBound, type ErrorBoundOptions, type ErrorConstants, errorConstants } from "./check-error-bound.ts";
export { checkExactness, type ExactnessOptions } from "./check-exactness.ts";
export { checkMoments, type MomentsOptions } from "./check-moments.ts";
export { checkOrder, type OrderOptions } from "./check-order.ts";
export { checkPurity } from "./check-purity.ts";
export { checkRanks, type RanksOptions } from "./check-ranks.ts";
export { checkRobustness, type RobustnessOptions } from "./check-robustness.ts";
export { checkTimeWindow } from "./check-time-window.ts";
export { checkTruncation, type TruncationOptions } from "./check-truncation.ts";
export { checkWork, type WorkOptions } from "./check-work.ts";
export type { ContractTest } from "./contract-test.ts";
export { type IntegratorContractOptions, integratorContract } from "./integrator-contract.ts";
export { type KnownOde, type LowRankOde, lowRankOde, type OdeSpec } from "./low-rank-ode.ts";
export { lowRankOdes, type OdeOptions, odeSpecs } from "./low-rank-odes.ts";
export type { RunOptions } from "./march.ts";
export { type RhsContractOptions, rhsContract } from "./rhs-contract.ts";
export type { CheckOptions } from "./search.ts";
export { type SolverContractOptions, solverContract } from "./solver-contract.ts";
export { type SpectrumOptions, spectrum, statesWithSpectrum, stateWithSpectrum, withSpectrum } from "./spectra.ts";
