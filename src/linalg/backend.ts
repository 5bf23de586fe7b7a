import type { SparseMatrix } from "./matrix.ts";
import type { Complex, Dtype, Tensor } from "./tensor.ts";

/** How an operand enters a product: as it is, transposed, or conjugate-transposed. */
export type Op = "N" | "T" | "C";

/**
 * The shape of a batch of matrix products C_b := alpha op(A_b) op(B_b) + beta C_b, b = 0 .. count-1.
 * Matrices are row-major; leading dimensions and strides count scalars, not numbers.
 * op(A) is m x k, op(B) is k x n, C is m x n.
 */
export interface Gemm {
  readonly dtype: Dtype;
  readonly opA: Op;
  readonly opB: Op;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly lda: number;
  readonly ldb: number;
  readonly ldc: number;
  readonly count: number;
  readonly strideA: number;
  readonly strideB: number;
  readonly strideC: number;
}

/**
 * Dense linear algebra on flat arrays: all that a backend has to offer. Every array is a view that starts at its
 * operand's first entry. Arrays from `allocate` are reached without a copy; any other Float64Array works too.
 * Inputs of the factorisations are finite and of moderate size (a largest entry within 2^-64 .. 2^64); the layer
 * above sees to that, and normalises signs. Sizes may be zero.
 */
export interface Backend {
  readonly name: "wasm" | "openblas" | "reference";
  /** What runs, in words: library version, SIMD features. */
  readonly description: string;
  /** Memory that lives as long as the backend. */
  allocate(length: number): Float64Array;
  /** Whether it reaches these numbers where they are, without a copy. Default: nothing but what is from `allocate`. */
  reaches?(x: Float64Array): boolean;
  /** C := alpha op(A) op(B) + beta C. With beta = 0, C is written, never read. */
  gemm(g: Gemm, alpha: Complex, a: Float64Array, b: Float64Array, beta: number, c: Float64Array): void;
  /** `sparseProduct` (see there), where the backend has something better than plain loops, or counts. */
  sparseProduct?(a: SparseMatrix, before: number, alpha: Complex, x: Tensor, beta: number, out: Tensor): void;
  /**
   * Thin QR of the row-major m x n matrix `a` (kept): A = Q R with k = min(m, n), `q` m x k or null when only R is wanted,
   * `r` k x n upper triangular (zeros below the diagonal are written).
   */
  qr(dtype: Dtype, m: number, n: number, a: Float64Array, q: Float64Array | null, r: Float64Array): void;
  /** The factor R of `qr` for the m x n matrix whose transpose, n x m, is `a`; where that is cheaper than transposing first. */
  triangularOfTranspose?(dtype: Dtype, m: number, n: number, a: Float64Array, r: Float64Array): void;
  /**
   * Thin SVD A = U diag(s) Vh with k = min(m, n): `u` m x k, `s` k real numbers in decreasing order, `vh` k x n.
   * `u` and `vh` are both null when only values are wanted. Returns false when the iteration did not converge.
   */
  svd(
    dtype: Dtype,
    m: number,
    n: number,
    a: Float64Array,
    u: Float64Array | null,
    s: Float64Array,
    vh: Float64Array | null,
  ): boolean;
  /**
   * Eigenvalues `w` (ascending) and orthonormal eigenvectors (columns of `v`, n x n) of the Hermitian matrix `a`.
   * Only the lower triangle is trusted. Returns false when the iteration did not converge.
   */
  eigh(dtype: Dtype, n: number, a: Float64Array, w: Float64Array, v: Float64Array): boolean;
}

/** The product of a single pair of contiguous matrices, as a batch of one. */
export function gemmShape(dtype: Dtype, opA: Op, opB: Op, m: number, n: number, k: number): Gemm {
  return {
    dtype,
    opA,
    opB,
    m,
    n,
    k,
    lda: opA === "N" ? k : m,
    ldb: opB === "N" ? n : k,
    ldc: n,
    count: 1,
    strideA: 0,
    strideB: 0,
    strideC: 0,
  };
}
