import type { SparseMatrix } from "./matrix.ts";
import { type Complex, sizeOf, type Tensor, width } from "./tensor.ts";

/**
 * out := alpha A x + beta out on the mode with `before` numbers of slices before it: x is (before, columns of A, after), out
 * (before, rows of A, after), both of one type that holds A and alpha. With beta = 0 `out` is written, never read.
 * Cost 2 nnz before after flops (8 when A is complex, 4 when only x is).
 */
export function sparseProduct(
  a: SparseMatrix,
  before: number,
  alpha: Complex,
  x: Tensor,
  beta: number,
  out: Tensor,
): void {
  const [rows, columns] = a.shape;
  const run = (sizeOf(out.shape) / (before * rows)) * width(out.dtype) || 0;
  if (beta === 0) out.data.fill(0);
  else if (beta !== 1) for (let p = 0; p < out.data.length; p++) out.data[p]! *= beta;
  const isReal = a.dtype === "float64" && alpha.im === 0;
  const w = width(a.dtype);
  for (let b = 0; b < before; b++)
    for (let i = 0; i < rows; i++)
      for (let s = a.rowStart[i]!; s < a.rowStart[i + 1]!; s++) {
        const from = (b * columns + a.columns[s]!) * run;
        const to = (b * rows + i) * run;
        const re = w === 1 ? alpha.re * a.values[s]! : alpha.re * a.values[2 * s]! - alpha.im * a.values[2 * s + 1]!;
        if (isReal) for (let p = 0; p < run; p++) out.data[to + p]! += re * x.data[from + p]!;
        else {
          const im = w === 1 ? alpha.im * a.values[s]! : alpha.re * a.values[2 * s + 1]! + alpha.im * a.values[2 * s]!;
          for (let p = 0; p < run; p += 2) {
            const [xr, xi] = [x.data[from + p]!, x.data[from + p + 1]!];
            out.data[to + p]! += re * xr - im * xi;
            out.data[to + p + 1]! += re * xi + im * xr;
          }
        }
      }
}
