import { permute } from "./contract.ts";
import { backend } from "./current.ts";
import { ConvergenceError } from "./errors.ts";
import { excess, normalised, scaleByPower } from "./scaling.ts";

export { orthAug } from "./orth-aug.ts";

import { type Dtype, shapeText, type Tensor, tensor, width } from "./tensor.ts";
import { type Frame, workspace } from "./workspace.ts";

/**
 * Thin QR, A = Q R with k = min(m, n): `q` m x k with orthonormal columns, `r` k x n upper triangular with a real,
 * non-negative diagonal; unique for a matrix of full rank. Householder, cost 4 m n k (16 when complex).
 * Throws a RangeError when `a` is not a matrix and a NonFiniteError when an entry is NaN or infinite. `q` is in `frame` if given.
 */
export function qr(a: Tensor, frame?: Frame): { q: Tensor; r: Tensor } {
  const [m, n] = matrixShape(a, "qr");
  const shape = [m, Math.min(m, n)];
  const q = frame ? frame.take(shape, a.dtype) : tensor(shape, a.dtype);
  return { q, r: factorise(a, m, n, q, "qr") };
}

/** The factor R of `qr` alone, at half the cost. */
export function triangular(a: Tensor): Tensor {
  const [m, n] = matrixShape(a, "triangular");
  return factorise(a, m, n, null, "triangular");
}

/** The factor R of the transpose of `a` (rows x columns): R is min(rows, columns) x rows. */
export function triangularOfTranspose(a: Tensor): Tensor {
  const [n, m] = matrixShape(a, "triangularOfTranspose");
  const blas = backend();
  using frame = workspace().frame();
  if (!blas.triangularOfTranspose) return triangular(permute(a, [1, 0], frame));
  const r = tensor([Math.min(m, n), n], a.dtype);
  const e = excess(a, "triangularOfTranspose");
  const scaled = normalised(a, e, frame);
  blas.triangularOfTranspose(a.dtype, m, n, scaled, r.data);
  makeDiagonalPositive(a.dtype, r, null);
  scaleByPower(r.data, e, r.data);
  return r;
}

/**
 * Thin SVD, A = U diag(s) Vh with k = min(m, n): `u` m x k, `s` decreasing and non-negative, `vh` k x n. Vectors of zero
 * singular values are orthonormal too. |s - sigma| <= O(max(m, n) eps sigma_1); the backend `wasm` (one-sided Jacobi)
 * also keeps the small values of column-scaled matrices to high relative accuracy.
 * Throws a RangeError when `a` is not a matrix, a NonFiniteError when an entry is NaN or infinite, and a ConvergenceError.
 */
export function svd(a: Tensor): { u: Tensor; s: Float64Array; vh: Tensor } {
  const [m, n] = matrixShape(a, "svd");
  const k = Math.min(m, n);
  const u = tensor([m, k], a.dtype);
  const vh = tensor([k, n], a.dtype);
  return { u, s: decompose(a, m, n, u.data, vh.data, "svd"), vh };
}

/** The singular values of `svd` alone. */
export function singularValues(a: Tensor): Float64Array {
  const [m, n] = matrixShape(a, "singularValues");
  return decompose(a, m, n, null, null, "singularValues");
}

/**
 * Eigenvalues (ascending) and orthonormal eigenvectors (columns) of the Hermitian n x n matrix `a`, of which the lower
 * triangle is read. Throws as `svd` does; a RangeError also when `a` is not square.
 */
export function eigh(a: Tensor): { values: Float64Array; vectors: Tensor } {
  const [m, n] = matrixShape(a, "eigh");
  if (m !== n) throw new RangeError(`eigh: the matrix is ${m}x${n}, it must be square`);
  const e = excess(a, "eigh");
  using frame = workspace().frame();
  const scaled = normalised(a, e, frame);
  const values = new Float64Array(n);
  const vectors = tensor([n, n], a.dtype);
  if (!backend().eigh(a.dtype, n, scaled, values, vectors.data))
    throw new ConvergenceError(`eigh: no convergence for a ${n}x${n} matrix`);
  scaleByPower(values, e, values);
  return { values, vectors };
}

function matrixShape(a: Tensor, who: string): [number, number] {
  const [m, n] = a.shape;
  if (a.shape.length !== 2 || m === undefined || n === undefined)
    throw new RangeError(`${who}: the shape is ${shapeText(a.shape)}, expected a matrix (rows x columns)`);
  const length = m * n * width(a.dtype);
  if (a.data.length !== length)
    throw new RangeError(
      `${who}: a ${m}x${n} matrix of ${a.dtype} has ${length} numbers, its data has ${a.data.length}`,
    );
  return [m, n];
}

/** R of a, with the non-negative diagonal; fills `q` unless it is null. */
function factorise(a: Tensor, m: number, n: number, q: Tensor | null, who: string): Tensor {
  const r = tensor([Math.min(m, n), n], a.dtype);
  const e = excess(a, who);
  using frame = workspace().frame();
  const scaled = normalised(a, e, frame);
  backend().qr(a.dtype, m, n, scaled, q?.data ?? null, r.data);
  makeDiagonalPositive(a.dtype, r, q);
  scaleByPower(r.data, e, r.data);
  return r;
}

/** Moves the phase of R's diagonal into the columns of Q. */
function makeDiagonalPositive(dtype: Dtype, r: Tensor, q: Tensor | null): void {
  const w = width(dtype);
  const [k, n] = r.shape as [number, number];
  const phases = new Float64Array(2 * k);
  let turned = false;
  for (let i = 0; i < k; i++) {
    const p = w * (i * n + i);
    const re = r.data[p]!;
    const im = w === 2 ? r.data[p + 1]! : 0;
    const size = im === 0 ? Math.abs(re) : Math.hypot(re, im);
    phases[2 * i] = size === 0 ? 1 : re / size;
    phases[2 * i + 1] = size === 0 ? 0 : im / size;
    if (phases[2 * i] === 1) continue;
    turned = true;
    for (let j = i; j < n; j++) turn(r.data, w, i * n + j, phases[2 * i]!, -phases[2 * i + 1]!);
    r.data[p] = size;
    if (w === 2) r.data[p + 1] = 0;
  }
  if (!q || !turned) return;
  const rows = q.shape[0]!;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < k; j++) if (phases[2 * j] !== 1) turn(q.data, w, i * k + j, phases[2 * j]!, phases[2 * j + 1]!);
}

/** Multiplies one entry by re + i im; a phase of -1 is a change of sign, without rounding. */
function turn(x: Float64Array, w: number, index: number, re: number, im: number): void {
  const p = w * index;
  const a = x[p]!;
  if (im === 0) {
    x[p] = re * a;
    if (w === 2) x[p + 1] = re * x[p + 1]!;
    return;
  }
  const b = x[p + 1]!;
  x[p] = re * a - im * b;
  x[p + 1] = re * b + im * a;
}

function decompose(
  a: Tensor,
  m: number,
  n: number,
  u: Float64Array | null,
  vh: Float64Array | null,
  who: string,
): Float64Array {
  const s = new Float64Array(Math.min(m, n));
  const e = excess(a, who);
  using frame = workspace().frame();
  const scaled = normalised(a, e, frame);
  if (!backend().svd(a.dtype, m, n, scaled, u, s, vh))
    throw new ConvergenceError(`${who}: no convergence for a ${m}x${n} matrix`);
  scaleByPower(s, e, s);
  return s;
}
