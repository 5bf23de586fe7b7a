import { type Dtype, width } from "./tensor.ts";

/**
 * |R^-1|_F of an upper triangular n x n matrix (row-major, n columns): 1 / |R^-1|_F <= the smallest singular value, at n^3 / 3 operations and
 * so far below the cost of that. Infinite or NaN where R is singular or close to the range of numbers.
 */
export function inverseNorm(dtype: Dtype, n: number, r: Float64Array): number {
  const w = width(dtype);
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  let sum = 0;
  // R x = e_j from the last row up: column j of the inverse
  for (let j = 0; j < n; j++)
    for (let i = j; i >= 0; i--) {
      let x = i === j ? 1 : 0;
      let y = 0;
      if (w === 1) for (let k = i + 1; k <= j; k++) x -= r[i * n + k]! * re[k]!;
      else
        for (let k = i + 1; k <= j; k++) {
          const p = 2 * (i * n + k);
          x -= r[p]! * re[k]! - r[p + 1]! * im[k]!;
          y -= r[p]! * im[k]! + r[p + 1]! * re[k]!;
        }
      const p = w * (i * n + i);
      const [a, b] = [r[p]!, w === 2 ? r[p + 1]! : 0];
      const size = a * a + b * b;
      re[i] = (x * a + y * b) / size;
      im[i] = (y * a - x * b) / size;
      sum += re[i]! * re[i]! + im[i]! * im[i]!;
    }
  return Math.sqrt(sum);
}
