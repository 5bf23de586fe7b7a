import { backend } from "./current.ts";
import type { SparseMatrix } from "./matrix.ts";
import { type Complex, sizeOf, type Tensor, width } from "./tensor.ts";

/**
 * out := alpha A x + beta out on the mode with `before` slices before it: x is (before, columns of A, after), out is
 * (before, rows of A, after), both of one type, complex unless A and alpha are real. With beta = 0 `out` is written, never read.
 * Cost 2 nnz before after flops (8 when A or alpha is complex, 4 when only x is), without allocating.
 *
 * Each row of the result is a combination of rows of x, as many as A has entries there, taken up to four at a time:
 * memory that `out` lies in is passed once or twice.
 */
export function sparseProduct(
  a: SparseMatrix,
  before: number,
  alpha: Complex,
  x: Tensor,
  beta: number,
  out: Tensor,
): void {
  (backend().sparseProduct ?? plainSparseProduct)(a, before, alpha, x, beta, out);
}

/** `sparseProduct` in plain loops. */
export function plainSparseProduct(
  a: SparseMatrix,
  before: number,
  alpha: Complex,
  x: Tensor,
  beta: number,
  out: Tensor,
): void {
  const [rows, columns] = a.shape;
  if (before === 0 || rows === 0) return;
  const run = (sizeOf(out.shape) / (before * rows)) * width(out.dtype);
  if (beta !== 0 && beta !== 1) for (let p = 0; p < out.data.length; p++) out.data[p]! *= beta;
  const combine = a.dtype === "float64" && alpha.im === 0 ? combineRows : combineRowsComplex;
  for (let b = 0; b < before; b++)
    for (let i = 0; i < rows; i++)
      combine(a, i, alpha, x.data, b * columns * run, beta === 0, out.data, (b * rows + i) * run, run);
}

/** The row of `out` at `to` := (or, unless `fresh`, +=) alpha sum_j a[i, j] (row j of x, from `at`), rows being `run` numbers long. */
type CombineRows = (
  a: SparseMatrix,
  i: number,
  alpha: Complex,
  x: Float64Array,
  at: number,
  fresh: boolean,
  out: Float64Array,
  to: number,
  run: number,
) => void;

/** For real values and a real alpha, whatever the rows are. */
const combineRows: CombineRows = (a, i, { re: alpha }, x, at, fresh, out, to, run) => {
  const { columns, values, rowStart } = a;
  const end = rowStart[i + 1]!;
  let s = rowStart[i]!;
  if (fresh) {
    const count = end - s;
    if (count === 0) {
      out.fill(0, to, to + run);
      return;
    }
    const v0 = alpha * values[s]!;
    const p0 = at + columns[s]! * run;
    if (count === 1) {
      for (let p = 0; p < run; p++) out[to + p] = v0 * x[p0 + p]!;
      return;
    }
    const v1 = alpha * values[s + 1]!;
    const p1 = at + columns[s + 1]! * run;
    if (count === 2) {
      for (let p = 0; p < run; p++) out[to + p] = v0 * x[p0 + p]! + v1 * x[p1 + p]!;
      return;
    }
    const v2 = alpha * values[s + 2]!;
    const p2 = at + columns[s + 2]! * run;
    if (count === 3) {
      for (let p = 0; p < run; p++) out[to + p] = v0 * x[p0 + p]! + v1 * x[p1 + p]! + v2 * x[p2 + p]!;
      return;
    }
    const v3 = alpha * values[s + 3]!;
    const p3 = at + columns[s + 3]! * run;
    for (let p = 0; p < run; p++) out[to + p] = v0 * x[p0 + p]! + v1 * x[p1 + p]! + v2 * x[p2 + p]! + v3 * x[p3 + p]!;
    s += 4;
  }
  for (; s + 4 <= end; s += 4) {
    const v0 = alpha * values[s]!;
    const v1 = alpha * values[s + 1]!;
    const v2 = alpha * values[s + 2]!;
    const v3 = alpha * values[s + 3]!;
    const p0 = at + columns[s]! * run;
    const p1 = at + columns[s + 1]! * run;
    const p2 = at + columns[s + 2]! * run;
    const p3 = at + columns[s + 3]! * run;
    for (let p = 0; p < run; p++) out[to + p]! += v0 * x[p0 + p]! + v1 * x[p1 + p]! + v2 * x[p2 + p]! + v3 * x[p3 + p]!;
  }
  if (s + 2 <= end) {
    const v0 = alpha * values[s]!;
    const v1 = alpha * values[s + 1]!;
    const p0 = at + columns[s]! * run;
    const p1 = at + columns[s + 1]! * run;
    for (let p = 0; p < run; p++) out[to + p]! += v0 * x[p0 + p]! + v1 * x[p1 + p]!;
    s += 2;
  }
  if (s < end) {
    const v0 = alpha * values[s]!;
    const p0 = at + columns[s]! * run;
    for (let p = 0; p < run; p++) out[to + p]! += v0 * x[p0 + p]!;
  }
};

/** For interleaved complex rows, with a complex alpha and complex or real values. */
const combineRowsComplex: CombineRows = (a, i, alpha, x, at, fresh, out, to, run) => {
  const { columns, values, rowStart } = a;
  const w = width(a.dtype);
  if (fresh) out.fill(0, to, to + run);
  for (let s = rowStart[i]!; s < rowStart[i + 1]!; s++) {
    const vr = values[w * s]!;
    const vi = w === 2 ? values[2 * s + 1]! : 0;
    const re = alpha.re * vr - alpha.im * vi;
    const im = alpha.re * vi + alpha.im * vr;
    const from = at + columns[s]! * run;
    for (let p = 0; p < run; p += 2) {
      const xr = x[from + p]!;
      const xi = x[from + p + 1]!;
      out[to + p]! += re * xr - im * xi;
      out[to + p + 1]! += re * xi + im * xr;
    }
  }
};
