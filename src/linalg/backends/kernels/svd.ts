import { gemm } from "./gemm";
import { dot, rotate, scale, square, subtract, transpose } from "./level1";
import { lq, lqScratch, middleOfQ } from "./qr";
import { resultAt } from "./simd";

/*
 * One-sided Jacobi after a QR factorisation [drmac2008jacobi]: with the columns in order of decreasing norm, A P = Q R,
 * the columns of R* are rotated until they are orthogonal, R* = X S Z*; then A = (Q Z) S (P X)*. X is kept as its rows
 * X^T, Z likewise. A wide matrix is treated as its adjoint.
 */

const sweeps: i32 = 60;
/** Rows with a smaller square are zero: they are 10^-130 of the largest entry. */
const zeroSquare: f64 = 1e-260;

/** Doubles of scratch memory for an m x n matrix. */
export function svdScratch(w: i32, m: i32, n: i32): i32 {
  const k = min(m, n);
  return w * m * n + lqScratch(w, k, max(m, n)) + w * 4 * k * k + 3 * k + 64;
}

/** SVD as in backend.ts; u and vh may both be 0. Returns whether the sweeps converged. */
export function svd(w: i32, rows: i32, columns: i32, a: usize, u: usize, s: usize, vh: usize, scratch: usize): bool {
  const tall = rows >= columns;
  const n = tall ? columns : rows;
  const m = tall ? rows : columns;
  const size: usize = 8 * w;
  const b = scratch;
  const x = b + size * m * n;
  const z = x + size * n * n;
  const middle = z + size * n * n;
  const product = middle + size * n * n;
  const order = product + size * n * n;
  const squares = order + 8 * n;
  const v = squares + 8 * n;

  // Rows of b: the columns of A, or of A*.
  if (tall) transpose(w, m, n, a, n, b, m, false);
  else {
    memory.copy(b, a, size * m * n);
    if (w == 2) conjugate(b, m * n);
  }
  for (let i = 0; i < n; i++) {
    store<i32>(order + 8 * i, i);
    store<f64>(squares + 8 * i, square(w, m, b + size * i * m));
  }
  for (let i = 0; i < n - 1; i++) {
    const best = largestFrom(squares, i, n);
    if (best == i) continue;
    swap(squares + 8 * i, squares + 8 * best, 8);
    swap(order + 8 * i, order + 8 * best, 8);
    swap(b + size * i * m, b + size * best * m, size * m);
  }
  lq(w, n, m, b, v, u != 0);
  // X^T = L*: its rows start on the diagonal.
  memory.fill(x, 0, size * n * n);
  for (let i = 0; i < n; i++) transpose(w, n - i, 1, b + size * (i * m + i), m, x + size * (i * n + i), n, true);
  if (u != 0) {
    memory.fill(z, 0, size * n * n);
    for (let i = 0; i < n; i++) store<f64>(z + size * i * (n + 1), 1);
  }
  const converged = orthogonalise(w, n, x, u != 0 ? z : 0, squares);
  sortRows(w, n, x, u != 0 ? z : 0, squares);
  for (let i = 0; i < n; i++) store<f64>(s + 8 * i, sqrt(load<f64>(squares + 8 * i)));
  if (u == 0 || !converged) return converged;

  for (let i = 0; i < n; i++) {
    const sigma = load<f64>(s + 8 * i);
    if (sigma > 0) scale(w, n, 1 / sigma, 0, x + size * i * n);
    else complete(w, n, x, i);
  }
  // The long side is Q Z: with Q = [1; 0] - V^T M^T, its transpose is [Z^T, 0] - (Z^T M) V.
  middleOfQ(middle);
  gemm(w, 0, 0, n, n, n, n, n, n, 1, 0, 0, 0, -1, 0, z, middle, 0, product);
  const long = tall ? u : vh;
  if (tall) gemm(w, 1, 1, m, n, n, m, n, n, 1, 0, 0, 0, 1, 0, v, product, 0, u);
  else gemm(w, 0, 0, n, m, n, n, m, m, 1, 0, 0, 0, 1, 0, product, v, 0, vh);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const from = z + size * (i * n + j);
      const to = long + size * (tall ? j * n + i : i * m + j);
      store<f64>(to, load<f64>(to) + load<f64>(from));
      if (w == 2) store<f64>(to, load<f64>(to, 8) + load<f64>(from, 8), 8);
    }
  if (!tall && w == 2) conjugate(vh, n * m);
  // The short side is P X, adjoint for a tall matrix.
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const from = x + size * (i * n + j);
      const row = load<i32>(order + 8 * j);
      const to = tall ? vh + size * (i * n + row) : u + size * (row * n + i);
      store<f64>(to, load<f64>(from));
      if (w == 2) store<f64>(to, tall ? -load<f64>(from, 8) : load<f64>(from, 8), 8);
    }
  return true;
}

/** Rotates the n rows of x (length n) until they are orthogonal, and those of z along (unless it is 0). */
function orthogonalise(w: i32, n: i32, x: usize, z: usize, squares: usize): bool {
  const row: usize = 8 * w * n;
  const tolerance = 2.220446049250313e-16 * sqrt(<f64>n);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let rotations = 0;
    for (let i = 0; i < n; i++) refresh(w, n, x + row * i, squares + 8 * i);
    for (let p = 0; p < n - 1; p++) {
      // De Rijk: the longest of the remaining rows comes first.
      const best = largestFrom(squares, p, n);
      if (best != p) {
        swap(squares + 8 * p, squares + 8 * best, 8);
        swap(x + row * p, x + row * best, row);
        if (z) swap(z + row * p, z + row * best, row);
      }
      const xp = x + row * p;
      for (let q = p + 1; q < n; q++) {
        const a = load<f64>(squares + 8 * p);
        const b = load<f64>(squares + 8 * q);
        if (a == 0 || b == 0) continue;
        const xq = x + row * q;
        const re = dot(w, n, xp, xq);
        const im = load<f64>(resultAt);
        const g = modulus(re, im);
        if (!(g > tolerance * sqrt(a) * sqrt(b))) continue;
        rotations++;
        const zeta = (b - a) / (2 * g);
        const tangent = (zeta < 0 ? -1.0 : 1.0) / (abs(zeta) + sqrt(1 + zeta * zeta));
        const c = 1 / sqrt(1 + tangent * tangent);
        const sine = c * tangent / g;
        rotate(w, n, c, sine * re, sine * im, xp, xq);
        if (z) rotate(w, n, c, sine * re, sine * im, z + row * p, z + row * q);
        update(w, n, xp, squares + 8 * p, a, a - tangent * g);
        update(w, n, xq, squares + 8 * q, b, b + tangent * g);
      }
    }
    if (rotations == 0) return true;
  }
  return n < 2;
}

/** |re + i im| without underflow: a rotation is unitary only as far as this is accurate. */
function modulus(re: f64, im: f64): f64 {
  const large = max(abs(re), abs(im));
  const small = min(abs(re), abs(im));
  if (small == 0) return large;
  const ratio = small / large;
  return large * sqrt(1 + ratio * ratio);
}

/** The new square of a row; measured again where the difference has cancelled. */
function update(w: i32, n: i32, x: usize, to: usize, before: f64, after: f64): void {
  if (after > 0.1 * before) store<f64>(to, after);
  else refresh(w, n, x, to);
}

function refresh(w: i32, n: i32, x: usize, to: usize): void {
  const value = square(w, n, x);
  if (value < zeroSquare) memory.fill(x, 0, 8 * w * n);
  store<f64>(to, value < zeroSquare ? 0 : value);
}

function sortRows(w: i32, n: i32, x: usize, z: usize, squares: usize): void {
  const row: usize = 8 * w * n;
  for (let i = 0; i < n; i++) refresh(w, n, x + row * i, squares + 8 * i);
  for (let i = 0; i < n - 1; i++) {
    const best = largestFrom(squares, i, n);
    if (best == i) continue;
    swap(squares + 8 * i, squares + 8 * best, 8);
    swap(x + row * i, x + row * best, row);
    if (z) swap(z + row * i, z + row * best, row);
  }
}

/** Row j of x := a unit vector orthogonal to the rows before it. */
function complete(w: i32, n: i32, x: usize, j: i32): void {
  const row: usize = 8 * w * n;
  const to = x + row * j;
  let best = 0;
  let least = Infinity;
  for (let i = 0; i < n; i++) {
    let sum = 0.0;
    for (let d = 0; d < j; d++) sum += square(w, 1, x + row * d + 8 * w * i);
    if (sum < least) {
      least = sum;
      best = i;
    }
  }
  memory.fill(to, 0, row);
  store<f64>(to + 8 * w * best, 1);
  for (let pass = 0; pass < 3; pass++) {
    for (let d = 0; d < j; d++) {
      const re = dot(w, n, x + row * d, to);
      subtract(w, n, re, load<f64>(resultAt), x + row * d, to);
    }
    scale(w, n, 1 / sqrt(square(w, n, to)), 0, to);
  }
}

function conjugate(x: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f64>(x + 16 * i + 8, -load<f64>(x + 16 * i + 8));
}

function largestFrom(squares: usize, from: i32, n: i32): i32 {
  let best = from;
  for (let i = from + 1; i < n; i++) if (load<f64>(squares + 8 * i) > load<f64>(squares + 8 * best)) best = i;
  return best;
}

function swap(x: usize, y: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 8) {
    const t = load<f64>(x + i);
    store<f64>(x + i, load<f64>(y + i));
    store<f64>(y + i, t);
  }
}
