import { norm, sweeps } from "./plain.ts";
import { conjugateRotation, jacobiRotation, rotate } from "./plain-rotation.ts";

const eps = Number.EPSILON;

/** Eigenvalues (ascending) and eigenvectors of a Hermitian matrix by cyclic two-sided Jacobi. Reads the lower triangle. */
export function plainEigh(n: number, a: Float64Array, w: Float64Array, v: Float64Array): boolean {
  const h = new Float64Array(2 * n * n);
  const rows = new Float64Array(2 * n * n);
  for (let i = 0; i < n; i++) {
    rows[2 * (i * n + i)] = 1;
    for (let j = 0; j <= i; j++) {
      const re = a[2 * (i * n + j)]!;
      const im = i === j ? 0 : a[2 * (i * n + j) + 1]!;
      h[2 * (i * n + j)] = h[2 * (j * n + i)] = re;
      h[2 * (i * n + j) + 1] = im;
      h[2 * (j * n + i) + 1] = -im;
    }
  }
  const scale = norm(h, 0, n * n, 1);
  let converged = n < 2;
  for (let sweep = 0; sweep < sweeps && !converged; sweep++) {
    converged = true;
    for (let p = 0; p < n - 1; p++)
      for (let q = p + 1; q < n; q++) {
        const re = h[2 * (p * n + q)]!;
        const im = h[2 * (p * n + q) + 1]!;
        const g = Math.hypot(re, im);
        if (g <= (eps * scale) / n) continue;
        converged = false;
        const rotation = jacobiRotation(h[2 * (p * n + p)]!, h[2 * (q * n + q)]!, re, im, g);
        rotate(h, rotation, p, q, n, n); // columns
        rotate(h, conjugateRotation(rotation), p * n, q * n, n, 1); // rows
        rotate(rows, rotation, p, q, n, n);
        h[2 * (p * n + q)] = h[2 * (p * n + q) + 1] = 0;
        h[2 * (q * n + p)] = h[2 * (q * n + p) + 1] = 0;
      }
  }
  const order = Array.from({ length: n }, (_, j) => j).sort((p, q) => h[2 * (p * n + p)]! - h[2 * (q * n + q)]!);
  for (const [i, j] of order.entries()) {
    w[i] = h[2 * (j * n + j)]!;
    for (let p = 0; p < n; p++) {
      v[2 * (p * n + i)] = rows[2 * (p * n + j)]!;
      v[2 * (p * n + i) + 1] = rows[2 * (p * n + j) + 1]!;
    }
  }
  return converged;
}
