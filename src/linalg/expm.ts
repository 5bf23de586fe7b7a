import { gemmShape, type Op } from "./backend.ts";
import { backend } from "./current.ts";
import { exponent } from "./scaling.ts";
import { type Complex, shapeText, type Tensor, tensor, width } from "./tensor.ts";

const one: Complex = { re: 1, im: 0 };

/** Coefficients of the [13/13] Pade approximant of exp and the 1-norm up to which it is exact to eps. */
const pade = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
  670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
];
const theta = 5.371920351148152;

/**
 * exp(A) of a small dense square matrix: scaling and squaring around the [13/13] Pade approximant, six products and one
 * LU solve plus a product per halving. Relative error about eps |A|; entries overflow to Infinity as exp does.
 * Throws a RangeError when `a` is not square and a NonFiniteError when an entry is NaN or infinite. [higham2005scaling]
 */
export function expm(a: Tensor): Tensor {
  const [n, columns] = a.shape;
  if (a.shape.length !== 2 || n === undefined || n !== columns)
    throw new RangeError(`expm: the shape is ${shapeText(a.shape)}, expected a square matrix`);
  exponent(a, "expm");
  const w = width(a.dtype);
  const blas = backend();
  const multiply = (x: Float64Array, y: Float64Array): Float64Array => {
    const out = new Float64Array(x.length);
    blas.gemm(gemmShape(a.dtype, "N" satisfies Op, "N", n, n, n), one, x, y, 0, out);
    return out;
  };
  let halvings = 0;
  let factor = 1;
  for (let size = norm1(a.data, n, w); size > theta; size /= 2) {
    halvings++;
    factor /= 2;
  }
  const a1 = a.data.map((x) => x * factor);
  const a2 = multiply(a1, a1);
  const a4 = multiply(a2, a2);
  const a6 = multiply(a2, a4);
  /** c6 A^6 + c4 A^4 + c2 A^2 + c0 I */
  const even = (c6: number, c4: number, c2: number, c0: number): Float64Array => {
    const out = a6.map((x, i) => c6 * x + c4 * a4[i]! + c2 * a2[i]!);
    for (let i = 0; i < n; i++) out[w * i * (n + 1)]! += c0;
    return out;
  };
  const add = (x: Float64Array, y: Float64Array, sign: number) => x.map((v, i) => v + sign * y[i]!);
  const c = (i: number): number => pade[i]!;
  const odd = multiply(a1, add(multiply(a6, even(c(13), c(11), c(9), 0)), even(c(7), c(5), c(3), c(1)), 1));
  const evenPart = add(multiply(a6, even(c(12), c(10), c(8), 0)), even(c(6), c(4), c(2), c(0)), 1);
  let x = solve(n, w, add(evenPart, odd, -1), add(evenPart, odd, 1));
  for (; halvings > 0; halvings--) x = multiply(x, x);
  return tensor([n, n], a.dtype, x);
}

/** Largest sum of absolute values in a column. */
function norm1(x: Float64Array, n: number, w: number): number {
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) sums[j]! += magnitude(x, w, i * n + j);
  return sums.reduce((largest, s) => Math.max(largest, s), 0);
}

const magnitude = (x: Float64Array, w: number, index: number): number =>
  w === 1 ? Math.abs(x[index]!) : Math.hypot(x[2 * index]!, x[2 * index + 1]!);

/** Solves M X = B by Gaussian elimination with row exchanges; overwrites both and returns X in the memory of B. */
function solve(n: number, w: number, m: Float64Array, b: Float64Array): Float64Array {
  for (let j = 0; j < n; j++) {
    let pivot = j;
    for (let i = j + 1; i < n; i++) if (magnitude(m, w, i * n + j) > magnitude(m, w, pivot * n + j)) pivot = i;
    if (pivot !== j) for (const x of [m, b]) swapRows(x, w * n, j, pivot);
    for (let i = j + 1; i < n; i++) {
      const [re, im] = quotient(m, w, i * n + j, j * n + j);
      if (re === 0 && im === 0) continue;
      subtractRow(m, w, n, i, j, re, im, j);
      subtractRow(b, w, n, i, j, re, im, 0);
    }
  }
  for (let j = n - 1; j >= 0; j--) {
    for (let i = 0; i < n; i++) {
      const pivotRe = m[w * (j * n + j)]!;
      const pivotIm = w === 2 ? m[w * (j * n + j) + 1]! : 0;
      divide(b, w, j * n + i, pivotRe, pivotIm);
    }
    for (let i = 0; i < j; i++)
      subtractRow(b, w, n, i, j, m[w * (i * n + j)]!, w === 2 ? m[w * (i * n + j) + 1]! : 0, 0);
  }
  return b;
}

function swapRows(x: Float64Array, length: number, i: number, j: number): void {
  const row = x.slice(i * length, (i + 1) * length);
  x.copyWithin(i * length, j * length, (j + 1) * length);
  x.set(row, j * length);
}

/** Entry `at` of x divided by entry `by`. */
function quotient(x: Float64Array, w: number, at: number, by: number): [number, number] {
  const cell = x.slice(w * at, w * at + w);
  divide(cell, w, 0, x[w * by]!, w === 2 ? x[w * by + 1]! : 0);
  return [cell[0]!, w === 2 ? cell[1]! : 0];
}

function divide(x: Float64Array, w: number, at: number, re: number, im: number): void {
  const p = w * at;
  if (im === 0) {
    x[p]! /= re;
    if (w === 2) x[p + 1]! /= re;
    return;
  }
  const square = re * re + im * im;
  const a = x[p]!;
  const b = x[p + 1]!;
  x[p] = (a * re + b * im) / square;
  x[p + 1] = (b * re - a * im) / square;
}

/** Row i of x, minus (re + i im) times row j, from column `first` on. */
function subtractRow(
  x: Float64Array,
  w: number,
  n: number,
  i: number,
  j: number,
  re: number,
  im: number,
  first: number,
) {
  if (w === 1) {
    for (let c = first; c < n; c++) x[i * n + c]! -= re * x[j * n + c]!;
    return;
  }
  for (let c = first; c < n; c++) {
    const p = 2 * (i * n + c);
    const q = 2 * (j * n + c);
    const a = x[q]!;
    const b = x[q + 1]!;
    x[p]! -= re * a - im * b;
    x[p + 1]! -= re * b + im * a;
  }
}
