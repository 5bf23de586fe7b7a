import { gemm } from "./gemm";
import { dot, scale, square, subtract, transpose } from "./level1";
import { resultAt } from "./simd";

/*
 * Householder QR. The work is done on B = A^T, whose rows are the columns of A and contiguous: B H_1 H_2 ... = L, with
 * H_1 ... H_k = 1 - V* T V, V the reflectors as rows (k x m) and T upper triangular. Then R = L^T and
 * Q = [1; 0] - V^T (V_1* T*)^T. All but a few rows at a time is done by products [elmroth2000applying].
 */

let w: i32 = 1;
let m: i32 = 0;
let b: usize = 0;
let v: usize = 0;
let t: usize = 0;
let ldt: i32 = 0;
let work: usize = 0;

/** Rows that are reflected one by one. */
const leaf: i32 = 4;

/** Doubles of scratch memory that `lq` needs for n rows of length m. */
export function lqScratch(width: i32, n: i32, length: i32): i32 {
  const k = min(n, length);
  return width * (k * length + k * k + 2 * n * k) + 32;
}

/**
 * Factors the n x m rows at `rows` in place into L (on and below the diagonal; the rest is what was left of the rows).
 * `scratch` keeps V, then T (k x k) when `wantT`.
 */
export function lq(width: i32, n: i32, length: i32, rows: usize, scratch: usize, wantT: bool): void {
  const k = min(n, length);
  w = width;
  m = length;
  b = rows;
  v = scratch;
  t = v + 8 * w * k * m;
  ldt = k;
  work = t + 8 * w * k * k;
  memory.fill(v, 0, 8 * w * k * (m + k));
  factor(0, k, wantT || n > k);
  if (n > k) apply(0, k, k, n);
}

/** Address of entry (i, j) of a matrix with leading dimension ld. */
// @ts-ignore: decorator
@inline
function at(x: usize, ld: i32, i: i32, j: i32): usize {
  return x + 8 * w * (i * ld + j);
}

function factor(first: i32, end: i32, wantT: bool): void {
  if (end - first <= leaf) {
    for (let j = first; j < end; j++) {
      reflector(j);
      for (let i = j + 1; i < end; i++) applyOne(j, i);
      if (wantT) extendT(first, j);
    }
    return;
  }
  const middle = first + ((end - first) / 2 + leaf - 1) / leaf * leaf;
  factor(first, middle, true);
  apply(first, middle, middle, end);
  factor(middle, end, wantT);
  if (!wantT) return;
  // T_12 = -T_1 (V_1 V_2*) T_2
  const n1 = middle - first;
  const n2 = end - middle;
  const next = work + 8 * w * n1 * n2;
  gemm(w, 0, 2, n1, n2, m - middle, m, m, n2, 1, 0, 0, 0, 1, 0, at(v, m, first, middle), at(v, m, middle, middle), 0, work);
  gemm(w, 0, 0, n1, n2, n1, ldt, n2, n2, 1, 0, 0, 0, -1, 0, at(t, ldt, first, first), work, 0, next);
  gemm(w, 0, 0, n1, n2, n2, n2, ldt, ldt, 1, 0, 0, 0, 1, 0, next, at(t, ldt, middle, middle), 0, at(t, ldt, first, middle));
}

/** Rows `from` .. `to` - 1 of B, times 1 - V* T V for the reflectors `first` .. `end` - 1. */
function apply(first: i32, end: i32, from: i32, to: i32): void {
  const k = end - first;
  const rows = to - from;
  const inner = m - first;
  const next = work + 8 * w * rows * k;
  gemm(w, 0, 2, rows, k, inner, m, m, k, 1, 0, 0, 0, 1, 0, at(b, m, from, first), at(v, m, first, first), 0, work);
  gemm(w, 0, 0, rows, k, k, k, ldt, k, 1, 0, 0, 0, 1, 0, work, at(t, ldt, first, first), 0, next);
  gemm(w, 0, 0, rows, inner, k, k, m, m, 1, 0, 0, 0, -1, 0, next, at(v, m, first, first), 1, at(b, m, from, first));
}

/** The reflector of row j: x H = beta e_1 with a real beta, H = 1 - tau v* v, v = x / (x_0 - beta). */
function reflector(j: i32): void {
  const x = at(b, m, j, j);
  const length = m - j;
  const to = at(v, m, j, j);
  const tau = at(t, ldt, j, j);
  const bytes: usize = 8 * w * length;
  memory.copy(to, x, bytes);
  let tail = length > 1 ? square(w, length - 1, to + 8 * w) : 0;
  let re = load<f64>(to);
  let im = w == 2 ? load<f64>(to, 8) : 0;
  let lift = 1.0;
  // Squares below this have lost digits: lift the row, exactly, as often as it takes.
  while (re * re + im * im + tail < 1e-270 && lift < 1e230) {
    if (largest(to, bytes) == 0) break;
    scale(w, length, 1.157920892373162e77, 0, to); // 2^256
    lift *= 1.157920892373162e77;
    tail = length > 1 ? square(w, length - 1, to + 8 * w) : 0;
    re = load<f64>(to);
    im = w == 2 ? load<f64>(to, 8) : 0;
  }
  if (tail == 0 && im == 0) {
    memory.fill(to, 0, bytes);
    store<f64>(to, 1);
    store<f64>(tau, 0);
    if (w == 2) store<f64>(tau, 0, 8);
    if (length > 1) memory.fill(x + 8 * w, 0, bytes - 8 * w);
    return;
  }
  const norm = sqrt(re * re + im * im + tail);
  const beta = re > 0 ? -norm : norm;
  const dRe = re - beta;
  const d = dRe * dRe + im * im;
  scale(w, length, dRe / d, -im / d, to);
  store<f64>(to, 1);
  store<f64>(tau, (beta - re) / beta);
  store<f64>(x, beta / lift);
  if (w == 2) {
    store<f64>(to, 0, 8);
    store<f64>(tau, im / beta, 8);
    store<f64>(x, 0, 8);
  }
  if (length > 1) memory.fill(x + 8 * w, 0, bytes - 8 * w);
}

function largest(x: usize, bytes: usize): f64 {
  let result = 0.0;
  for (let p = x; p < x + bytes; p += 8) result = max(result, abs(load<f64>(p)));
  return result;
}

/** Row i of B, times 1 - tau v* v. */
function applyOne(j: i32, i: i32): void {
  const from = at(v, m, j, j);
  const x = at(b, m, i, j);
  const re = dot(w, m - j, from, x);
  const im = load<f64>(resultAt);
  const tRe = load<f64>(at(t, ldt, j, j));
  const tIm = w == 2 ? load<f64>(at(t, ldt, j, j), 8) : 0;
  subtract(w, m - j, re * tRe - im * tIm, re * tIm + im * tRe, from, x);
}

/** Column j of T from row `first` on: -tau_j T (V v_j*). */
function extendT(first: i32, j: i32): void {
  const tRe = load<f64>(at(t, ldt, j, j));
  const tIm = w == 2 ? load<f64>(at(t, ldt, j, j), 8) : 0;
  for (let i = first; i < j; i++) {
    const re = dot(w, m - j, at(v, m, j, j), at(v, m, i, j));
    const im = load<f64>(resultAt);
    const to = work + 8 * w * i;
    store<f64>(to, -(re * tRe - im * tIm));
    if (w == 2) store<f64>(to, -(re * tIm + im * tRe), 8);
  }
  for (let i = first; i < j; i++) {
    let re = 0.0;
    let im = 0.0;
    for (let l = i; l < j; l++) {
      const x = at(t, ldt, i, l);
      const y = work + 8 * w * l;
      re += load<f64>(x) * load<f64>(y);
      if (w == 1) continue;
      re -= load<f64>(x, 8) * load<f64>(y, 8);
      im += load<f64>(x) * load<f64>(y, 8) + load<f64>(x, 8) * load<f64>(y);
    }
    store<f64>(at(t, ldt, i, j), re);
    if (w == 2) store<f64>(at(t, ldt, i, j), im, 8);
  }
}

/** to := V_1* T*, the k x k matrix between V^T and V in Q (after `lq` with `wantT`). */
export function middleOfQ(to: usize): void {
  const k = ldt;
  gemm(w, 2, 2, k, k, k, m, k, k, 1, 0, 0, 0, 1, 0, v, t, 0, to);
}

/** Thin QR as in backend.ts; `scratch` has w n m + lqScratch doubles; q may be 0. */
export function qr(width: i32, rows: i32, n: i32, a: usize, q: usize, r: usize, scratch: usize): void {
  const k = min(rows, n);
  const lower = scratch;
  const rest = scratch + 8 * width * rows * n;
  transpose(width, rows, n, a, n, lower, rows, false);
  lq(width, n, rows, lower, rest, q != 0);
  transpose(w, n, k, lower, m, r, n, false);
  for (let i = 1; i < k; i++) memory.fill(r + 8 * w * i * n, 0, 8 * w * i);
  if (q == 0) return;
  middleOfQ(work);
  gemm(w, 1, 1, m, k, k, m, k, k, 1, 0, 0, 0, -1, 0, v, work, 0, q);
  for (let j = 0; j < k; j++) {
    const diagonal = at(q, k, j, j);
    store<f64>(diagonal, load<f64>(diagonal) + 1);
  }
}
