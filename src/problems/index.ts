export { type BurgersOptions, type BurgersProblem, burgers, type Statistics } from "./kinetic/burgers.ts";
export { type DispersionOptions, plasmaDispersion, plasmaFrequency } from "./kinetic/dispersion.ts";
export { type FokkerPlanckOptions, type FokkerPlanckProblem, fokkerPlanck } from "./kinetic/fokker-planck.ts";
export { type HenonHeilesOptions, type HenonHeilesProblem, henonHeiles } from "./kinetic/henon-heiles.ts";
export type { Moments } from "./kinetic/ornstein-uhlenbeck.ts";
export { growthOf, type Wave, waveOf } from "./kinetic/rates.ts";
export { autocorrelation, type Lines, linesOf, type Samples, spectrum } from "./kinetic/spectrum.ts";
export { type VlasovPoissonOptions, type VlasovPoissonProblem, vlasovPoisson } from "./kinetic/vlasov-poisson.ts";
export { type AllenCahnOptions, allenCahn } from "./matrix/allen-cahn.ts";
export { groundState } from "./matrix/ground-state.ts";
export { type HeatOptions, heatWithSource } from "./matrix/heat.ts";
export { type PrescribedMotionOptions, prescribedMotion } from "./matrix/prescribed-motion.ts";
export { type LyapunovOptions, lyapunovFlow, type RiccatiOptions, riccatiFlow } from "./matrix/riccati.ts";
export { type MatrixSchroedingerOptions, matrixSchroedinger } from "./matrix/schroedinger.ts";
export type { SolvedProblem } from "./matrix/solved.ts";
export { exactSolution, largestExact } from "./quantum/exact.ts";
export * from "./quantum/expression.ts";
export * from "./quantum/hamiltonians.ts";
export * from "./quantum/observables.ts";
export * from "./quantum/spin-chain.ts";
export { spinOperators } from "./quantum/spin-operators.ts";
export type { Coefficient, Profile, RandomCoefficient, RandomPart } from "./radiation/coefficients.ts";
export { type CollocatedInput, collocate, type UncertainInput } from "./radiation/distributions.ts";
export { type LatticeOptions, lattice, latticeSquare } from "./radiation/lattice.ts";
export { absLegendreFlux, legendreFlux } from "./radiation/legendre.ts";
export { type PlaneOptions, plane } from "./radiation/plane.ts";
export { type PlaneCoefficients, planeReference, planeReferenceSteps } from "./radiation/plane-reference.ts";
export { type PlaneSourceOptions, planeSource } from "./radiation/plane-source.ts";
export type { RadiationProblem } from "./radiation/problem.ts";
export { linePulse, planarPulse } from "./radiation/pulse.ts";
export { type SlabOptions, slab } from "./radiation/slab.ts";
export {
  type Reference,
  type ReferenceOptions,
  slabReference,
  slabReferenceSteps,
} from "./radiation/slab-reference.ts";
export { type Harmonic, type HarmonicFlux, harmonicFlux } from "./radiation/spherical-harmonics.ts";
export { checkCfl, type ExplicitScheme, stabilityRadius } from "./radiation/stability.ts";
export { centralDifference, upwindDiffusion } from "./radiation/stencils.ts";
export { type SuOlsonOptions, suOlson } from "./radiation/su-olson.ts";
export type { Source, TransportOptions } from "./radiation/transport.ts";
export {
  type LineSourceOptions,
  lineSource,
  type UncertainPlaneOptions,
  uncertainPlane,
} from "./radiation/uncertain-plane.ts";
export {
  type ManyInputSlabOptions,
  manyInputParts,
  manyInputSlab,
  type UncertainSlabOptions,
  uncertainSlab,
} from "./radiation/uncertain-slab.ts";
