export { type Backend, type Gemm, gemmShape, type Op } from "./backend.ts";
export { enableRelaxedSimd } from "./backends/engine.ts";
export * from "./contract.ts";
export { type BackendName, backend, backendNames, useBackend } from "./current.ts";
export * from "./errors.ts";
export { expm } from "./expm.ts";
export { eigh, qr, singularValues, svd, triangular } from "./factor.ts";
export { applyKroneckerSum, planKroneckerSum } from "./kronecker-plan.ts";
export { type KroneckerSum, type KroneckerTerm, kroneckerSum } from "./kronecker-sum.ts";
export { expAction, type KrylovOperator, type KrylovOptions, type KrylovResult } from "./krylov.ts";
export { conj, dot, norm as frobeniusNorm } from "./level1.ts";
export {
  banded,
  diagonal,
  isDense,
  isSparse,
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
} from "./matrix.ts";
export { adjointMatrix, matrixSum } from "./matrix-algebra.ts";
export { isHermitian } from "./matrix-checks.ts";
export { denseOf, multiply } from "./matrix-product.ts";
export { orthAug } from "./orth-aug.ts";
export { type Random, randomTensor, seeded } from "./random.ts";
export { plainSparseProduct, sparseProduct } from "./sparse-product.ts";
export { tProduct, tTranspose, tubalSingularValues } from "./t-product.ts";
export * from "./tensor.ts";
export { type Frame, Workspace, workspace } from "./workspace.ts";
