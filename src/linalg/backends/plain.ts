/**
 * Slow and obvious factorisations of complex row-major matrices, interleaved (re, im): what the reference backend
 * runs on. No blocking, no pivoting, no shortcuts, so that a reader can check every line against a textbook.
 */

import { jacobiRotation, rotate } from "./plain-rotation.ts";

const eps = Number.EPSILON;
/** Sweeps after which an iteration counts as not converging. */
export const sweeps = 60;

/** Euclidean norm of `count` complex numbers `stride` apart, safe from underflow and overflow. */
export function norm(x: Float64Array, start: number, count: number, stride: number): number {
  let largest = 0;
  for (let i = 0; i < count; i++) {
    const p = 2 * (start + i * stride);
    largest = Math.max(largest, Math.abs(x[p]!), Math.abs(x[p + 1]!));
  }
  if (largest === 0) return 0;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const p = 2 * (start + i * stride);
    const re = x[p]! / largest;
    const im = x[p + 1]! / largest;
    sum += re * re + im * im;
  }
  return largest * Math.sqrt(sum);
}

/** y := (1 - tau v v*) y for the columns `first .. n - 1` of `y` (row-major, n columns) from row `j` on; v[0] = 1. */
function reflect(v: Float64Array, tauRe: number, tauIm: number, y: Float64Array, n: number, j: number, first: number) {
  const rows = v.length / 2;
  for (let col = first; col < n; col++) {
    let re = 0;
    let im = 0;
    for (let i = 0; i < rows; i++) {
      const p = 2 * ((j + i) * n + col);
      re += v[2 * i]! * y[p]! + v[2 * i + 1]! * y[p + 1]!;
      im += v[2 * i]! * y[p + 1]! - v[2 * i + 1]! * y[p]!;
    }
    const fRe = tauRe * re - tauIm * im;
    const fIm = tauRe * im + tauIm * re;
    for (let i = 0; i < rows; i++) {
      const p = 2 * ((j + i) * n + col);
      y[p] = y[p]! - (v[2 * i]! * fRe - v[2 * i + 1]! * fIm);
      y[p + 1] = y[p + 1]! - (v[2 * i]! * fIm + v[2 * i + 1]! * fRe);
    }
  }
}

/** Householder QR: `q` (m x k, or null) and `r` (k x n) of the complex m x n matrix `a`, k = min(m, n). */
export function plainQr(m: number, n: number, a: Float64Array, q: Float64Array | null, r: Float64Array): void {
  const k = Math.min(m, n);
  const work = a.slice(0, 2 * m * n);
  const reflectors: { v: Float64Array; re: number; im: number }[] = [];
  for (let j = 0; j < k; j++) {
    const v = new Float64Array(2 * (m - j));
    const length = norm(work, j * n + j, m - j, n);
    const alphaRe = work[2 * (j * n + j)]!;
    const alphaIm = work[2 * (j * n + j) + 1]!;
    if (length === Math.abs(alphaRe) && (length === 0 || norm(work, (j + 1) * n + j, m - j - 1, n) === 0)) {
      v[0] = 1;
      reflectors.push({ v, re: 0, im: 0 });
      continue;
    }
    const beta = alphaRe > 0 ? -length : length;
    for (let i = 0; i < m - j; i++) {
      const p = 2 * ((j + i) * n + j);
      v[2 * i] = work[p]! / length;
      v[2 * i + 1] = work[p + 1]! / length;
    }
    v[0] = (alphaRe - beta) / length;
    const square = v[0] * v[0] + v[1]! * v[1]!;
    const headRe = v[0];
    const headIm = v[1]!;
    for (let i = 0; i < m - j; i++) {
      const re = v[2 * i]!;
      const im = v[2 * i + 1]!;
      v[2 * i] = (re * headRe + im * headIm) / square;
      v[2 * i + 1] = (im * headRe - re * headIm) / square;
    }
    // H = 1 - tau v v* is unitary and H* x = beta e1 with a real beta.
    const tau = { v, re: (beta - alphaRe) / beta, im: -alphaIm / beta };
    reflectors.push(tau);
    reflect(v, tau.re, -tau.im, work, n, j, j + 1);
    for (let i = 0; i < m - j; i++) {
      work[2 * ((j + i) * n + j)] = i === 0 ? beta : 0;
      work[2 * ((j + i) * n + j) + 1] = 0;
    }
  }
  for (let i = 0; i < k; i++)
    for (let j = 0; j < n; j++) {
      r[2 * (i * n + j)] = j < i ? 0 : work[2 * (i * n + j)]!;
      r[2 * (i * n + j) + 1] = j < i ? 0 : work[2 * (i * n + j) + 1]!;
    }
  if (!q) return;
  q.fill(0, 0, 2 * m * k);
  for (let j = 0; j < k; j++) q[2 * (j * k + j)] = 1;
  for (let j = k - 1; j >= 0; j--) {
    const { v, re, im } = reflectors[j]!;
    reflect(v, re, im, q, k, j, j);
  }
}

/** One-sided Jacobi on the `n` rows (length m <= any) of `x`, collecting the rotations in the rows of `v`. */
function orthogonaliseRows(n: number, m: number, x: Float64Array, v: Float64Array): boolean {
  const dot = (p: number, q: number): [number, number] => {
    let re = 0;
    let im = 0;
    for (let i = 0; i < m; i++) {
      const a = 2 * (p * m + i);
      const b = 2 * (q * m + i);
      re += x[a]! * x[b]! + x[a + 1]! * x[b + 1]!;
      im += x[a]! * x[b + 1]! - x[a + 1]! * x[b]!;
    }
    return [re, im];
  };
  const tolerance = eps * Math.sqrt(Math.max(m, 1));
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let rotations = 0;
    // Squares of rows this small (10^-130 of the largest entry) lose digits, and there is nothing left to find in them.
    for (let p = 0; p < n; p++) if (norm(x, p * m, m, 1) < 1e-130) x.fill(0, 2 * p * m, 2 * (p + 1) * m);
    for (let p = 0; p < n - 1; p++)
      for (let q = p + 1; q < n; q++) {
        const alpha = dot(p, p)[0];
        const beta = dot(q, q)[0];
        const [re, im] = dot(p, q);
        const g = Math.hypot(re, im);
        if (g <= tolerance * Math.sqrt(alpha) * Math.sqrt(beta)) continue;
        rotations++;
        const rotation = jacobiRotation(alpha, beta, re, im, g);
        rotate(x, rotation, p * m, q * m, m, 1);
        rotate(v, rotation, p * n, q * n, n, 1);
      }
    if (rotations === 0) return true;
  }
  return n < 2;
}

/** Fills row `j` of `u` (length m) with a unit vector orthogonal to the rows `done`. */
function completeRow(u: Float64Array, m: number, j: number, done: readonly number[]): void {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < m; i++) {
    let sum = 0;
    for (const d of done) {
      const re = u[2 * (d * m + i)]!;
      const im = u[2 * (d * m + i) + 1]!;
      sum += re * re + im * im;
    }
    if (sum < least) [least, best] = [sum, i];
  }
  u.fill(0, 2 * j * m, 2 * (j + 1) * m);
  u[2 * (j * m + best)] = 1;
  for (let pass = 0; pass < 3; pass++) {
    for (const d of done) {
      let re = 0;
      let im = 0;
      for (let i = 0; i < m; i++) {
        const a = 2 * (d * m + i);
        const b = 2 * (j * m + i);
        re += u[a]! * u[b]! + u[a + 1]! * u[b + 1]!;
        im += u[a]! * u[b + 1]! - u[a + 1]! * u[b]!;
      }
      for (let i = 0; i < m; i++) {
        const a = 2 * (d * m + i);
        const b = 2 * (j * m + i);
        u[b] = u[b]! - (u[a]! * re - u[a + 1]! * im);
        u[b + 1] = u[b + 1]! - (u[a]! * im + u[a + 1]! * re);
      }
    }
    const length = norm(u, j * m, m, 1);
    for (let i = 2 * j * m; i < 2 * (j + 1) * m; i++) u[i] = u[i]! / length;
  }
}

/** Thin SVD by one-sided Jacobi (Hestenes) on the columns of the taller of `a` and `a`*. */
export function plainSvd(
  m: number,
  n: number,
  a: Float64Array,
  u: Float64Array | null,
  s: Float64Array,
  vh: Float64Array | null,
): boolean {
  const tall = m >= n;
  const long = tall ? m : n;
  const k = tall ? n : m;
  // Rows of x are the columns of A (tall), or the conjugated rows of A (wide): columns of A*.
  const x = new Float64Array(2 * k * long);
  for (let j = 0; j < k; j++)
    for (let i = 0; i < long; i++) {
      const p = tall ? i * n + j : j * n + i;
      x[2 * (j * long + i)] = a[2 * p]!;
      x[2 * (j * long + i) + 1] = tall ? a[2 * p + 1]! : -a[2 * p + 1]!;
    }
  const v = new Float64Array(2 * k * k);
  for (let j = 0; j < k; j++) v[2 * (j * k + j)] = 1;
  if (!orthogonaliseRows(k, long, x, v)) return false;

  const lengths = Array.from({ length: k }, (_, j) => norm(x, j * long, long, 1));
  const order = lengths.map((_, j) => j).sort((p, q) => lengths[q]! - lengths[p]!);
  const done: number[] = [];
  for (const [i, j] of order.entries()) {
    const sigma = lengths[j]!;
    s[i] = sigma;
    if (!u || !vh) continue;
    if (sigma > 0) for (let p = 2 * j * long; p < 2 * (j + 1) * long; p++) x[p] = x[p]! / sigma;
    else completeRow(x, long, j, done);
    done.push(j);
  }
  if (!u || !vh) return true;
  for (const [i, j] of order.entries()) {
    // Tall: u from x, vh from v; wide: A = (X S V*)* = V S X*.
    const left = tall ? x : v;
    const right = tall ? v : x;
    for (let p = 0; p < m; p++) {
      u[2 * (p * k + i)] = left[2 * (j * m + p)]!;
      u[2 * (p * k + i) + 1] = left[2 * (j * m + p) + 1]!;
    }
    for (let p = 0; p < n; p++) {
      vh[2 * (i * n + p)] = right[2 * (j * n + p)]!;
      vh[2 * (i * n + p) + 1] = -right[2 * (j * n + p) + 1]!;
    }
  }
  return true;
}
