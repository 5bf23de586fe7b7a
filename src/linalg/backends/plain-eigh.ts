import { norm, sweeps } from "./plain.ts";

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
  // Columns (p, q) of `y` are replaced by (c p - s z* q, s p + c z* q); `z` is the phase of h[p][q].
  const columns = (y: Float64Array, p: number, q: number, c: number, s: number, zRe: number, zIm: number) => {
    for (let i = 0; i < n; i++) {
      const a = 2 * (i * n + p);
      const b = 2 * (i * n + q);
      const qRe = y[b]! * zRe + y[b + 1]! * zIm;
      const qIm = y[b + 1]! * zRe - y[b]! * zIm;
      const pRe = y[a]!;
      const pIm = y[a + 1]!;
      y[a] = c * pRe - s * qRe;
      y[a + 1] = c * pIm - s * qIm;
      y[b] = s * pRe + c * qRe;
      y[b + 1] = s * pIm + c * qIm;
    }
  };
  const rowsOf = (p: number, q: number, c: number, s: number, zRe: number, zIm: number) => {
    for (let j = 0; j < n; j++) {
      const a = 2 * (p * n + j);
      const b = 2 * (q * n + j);
      const qRe = h[b]! * zRe - h[b + 1]! * zIm;
      const qIm = h[b + 1]! * zRe + h[b]! * zIm;
      const pRe = h[a]!;
      const pIm = h[a + 1]!;
      h[a] = c * pRe - s * qRe;
      h[a + 1] = c * pIm - s * qIm;
      h[b] = s * pRe + c * qRe;
      h[b + 1] = s * pIm + c * qIm;
    }
  };
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
        const zeta = (h[2 * (q * n + q)]! - h[2 * (p * n + p)]!) / (2 * g);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        columns(h, p, q, c, c * t, re / g, im / g);
        rowsOf(p, q, c, c * t, re / g, im / g);
        columns(rows, p, q, c, c * t, re / g, im / g);
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
