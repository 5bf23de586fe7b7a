import { eigh } from "../../linalg/factor.ts";
import { fromFunction } from "../../linalg/tensor.ts";

/** Nodes and weights of Gauss quadrature on [-1, 1], from the eigenvalues of the Jacobi matrix. [golub1969calculation] */
function gaussLegendre(count: number): readonly { readonly x: number; readonly w: number }[] {
  const beta = (k: number): number => k / Math.sqrt(4 * k * k - 1);
  const jacobi = fromFunction([count, count], (i, j) => (Math.abs(i! - j!) === 1 ? beta(Math.max(i!, j!)) : 0));
  const { values, vectors } = eigh(jacobi);
  return Array.from(values, (x, k) => ({ x, w: 2 * vectors.data[k]! ** 2 }));
}

/** Times and weights that integrate smooth functions over [t0, t1], by 16 points on each of `panels` pieces. */
export function quadrature(
  t0: number,
  t1: number,
  panels: number,
): readonly { readonly t: number; readonly w: number }[] {
  const half = (t1 - t0) / panels / 2;
  const rule = gaussLegendre(16);
  return Array.from({ length: panels }, (_, k) =>
    rule.map(({ x, w }) => ({ t: t0 + (2 * k + 1 + x) * half, w: w * half })),
  ).flat();
}
