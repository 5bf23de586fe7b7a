import { inline } from "./executors/inline.ts";
import { type EvolveOptions, evolve as evolveOn, type Snapshot } from "./integrators/evolve.ts";
import type { Problem } from "./ttn/problem.ts";

/**
 * Evolves a problem over its span, yielding a snapshot after every step. Local problems are solved in this thread
 * unless another executor is given; everything else is as in `EvolveOptions`.
 *
 *     for await (const { t, observables } of evolve(problem, { integrator: parallelBug(), h: 0.01 })) ...
 *
 * Bad options throw before any work (RangeError, TypeError). A local solve that fails ends the run with an
 * EvolutionError, which carries the last good state; an abort signal ends it with the signal's reason.
 */
export const evolve = (
  problem: Problem,
  options: Omit<EvolveOptions, "executor"> & Partial<Pick<EvolveOptions, "executor">>,
): AsyncGenerator<Snapshot, void, void> => evolveOn(problem, { ...options, executor: options.executor ?? inline() });

export { type Message, type Passing, type Places, type Prediction, predictStep } from "./executors/cost-model.ts";
export { inline } from "./executors/inline.ts";
export { type Kernel, type Machine, type Measured, machineOf, type Planning, type Rate } from "./executors/machine.ts";
export { type MeasureOptions, measureMachine } from "./executors/measure-machine.ts";
export { type MeasurePassingOptions, measurePassing } from "./executors/measure-passing.ts";
export { RankError, RanksLostError } from "./executors/mpi/communicator.ts";
export { type MpiExecutor, type MpiOptions, mpi } from "./executors/mpi.ts";
export { WorkerError } from "./executors/pool.ts";
export { type Piece, type StepSizes, type StepWork, stepWork } from "./executors/step-work.ts";
export { usualSmallest, type WorkersOptions, workers } from "./executors/workers.ts";
export { type AugmentedBugOptions, augmentedBug } from "./integrators/augmented-bug.ts";
export { type ErrorParts, EvolutionError, type EvolveOptions, type Snapshot } from "./integrators/evolve.ts";
export type { Executor } from "./integrators/executor.ts";
export { fixedRankBug } from "./integrators/fixed-rank-bug.ts";
export type {
  Integrator,
  Promises,
  RunContext,
  StepContext,
  StepFailure,
  StepResult,
  StepSuccess,
} from "./integrators/integrator.ts";
export { automatic } from "./integrators/local/automatic.ts";
export { type Dopri5Options, dopri5 } from "./integrators/local/dopri5.ts";
export { euler } from "./integrators/local/euler.ts";
export { type ExponentialOptions, exponential } from "./integrators/local/exponential.ts";
export { exactIncrement } from "./integrators/local/increment.ts";
export { krylov } from "./integrators/local/krylov.ts";
export { midpointRule } from "./integrators/local/midpoint-rule.ts";
export type { LocalProblem, LocalSolution, LocalSolver, SolverSpec } from "./integrators/local/problem.ts";
export { rk4 } from "./integrators/local/rk4.ts";
export { adaptiveMethods, conservativeMethods, type MethodName, methodNames, methods } from "./integrators/methods.ts";
export { midpointBug } from "./integrators/midpoint-bug.ts";
export { type Flow, operatorFlow, operatorSplitting, type SplittingOptions } from "./integrators/operator-splitting.ts";
export { type ParallelBugOptions, parallelBug } from "./integrators/parallel-bug.ts";
export { predictedBug } from "./integrators/predicted-bug.ts";
export { type ProjectorSplittingOptions, projectorSplitting } from "./integrators/projector-splitting.ts";
export type { Rejection } from "./integrators/rejection.ts";
export { type Schedule, type Stage, sideBySide, solved, solvedAtOnce } from "./integrators/schedule.ts";
export { type SecondOrderParallelBugOptions, secondOrderParallelBug } from "./integrators/second-order-parallel-bug.ts";
export { type BackendName, backend, backendNames, useBackend } from "./linalg/current.ts";
export { ConvergenceError, NonFiniteError } from "./linalg/errors.ts";
export {
  banded,
  diagonal,
  kroneckerProduct,
  type Matrix,
  type MatrixFunction,
  type MatrixFunctionOptions,
  type MatrixSum,
  matrixFunction,
  type SparseMatrix,
  scaledIdentity,
  sparse,
  sparseOf,
} from "./linalg/matrix.ts";
export { adjointMatrix, matrixSum } from "./linalg/matrix-algebra.ts";
export { isHermitian } from "./linalg/matrix-checks.ts";
export { denseOf, multiply } from "./linalg/matrix-product.ts";
export { type Random, randomTensor, seeded } from "./linalg/random.ts";
export { tProduct, tTranspose, tubalSingularValues } from "./linalg/t-product.ts";
export {
  asDtype,
  type Complex,
  type Dtype,
  entry,
  fromFunction,
  fromValues,
  identity,
  realPart,
  reshape,
  type Scalar,
  type Tensor,
  tensor,
} from "./linalg/tensor.ts";
export { add, densityMatrix, inner, norm, scale, stateAs, toDense } from "./ttn/arithmetic.ts";
export type { Functional } from "./ttn/conserved.ts";
export { fromDense, productState, randomState } from "./ttn/construct.ts";
export { contractModes, marginalSquare, pointValue, slice } from "./ttn/contract-modes.ts";
export { type CP, contractCP, restrictCP, slices } from "./ttn/cp.ts";
export { functionRhs, type Networks } from "./ttn/function-rhs.ts";
export { centers, moveCenter, orthonormalize, ttn } from "./ttn/gauge.ts";
export { hadamard } from "./ttn/hadamard.ts";
export { type FunctionOptions, type LocalFunction, localRhs } from "./ttn/local-rhs.ts";
export { type FactoredMatrix, factorsOf, type MatrixFactors, matrixNetwork, matrixRhs } from "./ttn/matrix-rhs.ts";
export { moduleRhs } from "./ttn/module-rhs.ts";
export {
  expectation,
  imaginaryTime,
  type LinearOptions,
  type LinearPart,
  type LinearRhs,
  linearRhs,
  schroedinger,
} from "./ttn/operators/linear-rhs.ts";
export { pairTerms, pairwise } from "./ttn/operators/pairwise.ts";
export { type ProductTerm, productSum } from "./ttn/operators/product-sum.ts";
export {
  adjoint,
  applyOperator,
  type CoreEntry,
  checkHermitian,
  denseOperator,
  hermitianDefect,
  nonzeroFlops,
  type TTNO,
} from "./ttn/operators/ttno.ts";
export type { Observable, ObservedValue, Problem } from "./ttn/problem.ts";
export { applyProduct, quasilinearRhs } from "./ttn/quasilinear-rhs.ts";
export { restrict } from "./ttn/restrict.ts";
export type { Evaluation, LocalField, LocalFieldData, ModuleReference, Rhs } from "./ttn/rhs.ts";
export { leavesTangentSpace, roomFor } from "./ttn/room.ts";
export { type PrescribedOptions, prescribedRhs, type SourceOptions, sourceRhs } from "./ttn/source-rhs.ts";
export { sumRhs } from "./ttn/sum-rhs.ts";
export {
  balanced,
  draw,
  edgesOf,
  levels,
  modesBelow,
  type Nested,
  type NodeId,
  nestedOf,
  rootOf,
  star,
  type Tree,
  type TreeNode,
  train,
  tree,
} from "./ttn/tree.ts";
export { entropy, schmidtValues, type Truncated, type Truncation, truncate } from "./ttn/truncate.ts";
export { modeSizes, ranks, spreadRanks, storage, type TTN } from "./ttn/ttn.ts";
export { version } from "./version.ts";
