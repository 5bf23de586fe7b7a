import { NonFiniteError } from "./errors.ts";

/**
 * Eigenvalues and eigenvectors of a real symmetric tridiagonal matrix by the implicit QL iteration.
 * `vectors` is row-major, column k belongs to `values[k]` (not sorted). Cost O(m^3) for m x m; meant for small m.
 * Throws an Error when an eigenvalue needs more than 60 sweeps, which no finite matrix does, and a
 * NonFiniteError when an entry is NaN or infinite.
 * [wilkinson1971handbook, procedure imtql2]
 */
export function tridiagonalEigen(
  diagonal: readonly number[],
  offDiagonal: readonly number[],
): { values: Float64Array; vectors: Float64Array } {
  const m = diagonal.length;
  const d = Float64Array.from(diagonal);
  const e = new Float64Array(m);
  e.set(offDiagonal.slice(0, Math.max(0, m - 1)));
  const z = new Float64Array(m * m);
  for (let i = 0; i < m; i++) z[i * (m + 1)] = 1;
  const size = Math.max(0, ...d.map(Math.abs), ...e.map(Math.abs));
  if (!Number.isFinite(size))
    throw new NonFiniteError("tridiagonalEigen: the matrix has entries that are NaN or infinite");
  const negligible = 1e-17 * size; // the diagonal alone would ask for many sweeps where it nearly vanishes
  for (let l = 0; l < m; l++) {
    for (let sweep = 0; ; sweep++) {
      let end = l;
      while (end < m - 1 && Math.abs(e[end]!) > 2e-16 * (Math.abs(d[end]!) + Math.abs(d[end + 1]!)) + negligible) end++;
      if (end === l) break;
      if (sweep === 60) throw new Error("tridiagonalEigen: no convergence after 60 sweeps");
      qlSweep(d, e, z, m, l, end);
    }
  }
  return { values: d, vectors: z };
}

/** One implicit QL sweep on rows l .. end. */
function qlSweep(d: Float64Array, e: Float64Array, z: Float64Array, m: number, l: number, end: number): void {
  let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  let r = Math.hypot(g, 1);
  g = d[end]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = end - 1; i >= l; i--) {
    const f = s * e[i]!;
    const b = c * e[i]!;
    r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1]! -= p;
      e[end] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1]! - p;
    const t = (d[i]! - g) * s + 2 * c * b;
    p = s * t;
    d[i + 1] = g + p;
    g = c * t - b;
    for (let k = 0; k < m; k++) {
      const hi = z[k * m + i + 1]!;
      const lo = z[k * m + i]!;
      z[k * m + i + 1] = s * lo + c * hi;
      z[k * m + i] = c * lo - s * hi;
    }
  }
  d[l]! -= p;
  e[l] = g;
  e[end] = 0;
}
