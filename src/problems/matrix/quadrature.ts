import { gaussLegendre } from "../quadrature.ts";

/** Times and weights that integrate smooth functions over [t0, t1], by 16 points on each of `panels` pieces. */
export function quadrature(
  t0: number,
  t1: number,
  panels: number,
): readonly { readonly t: number; readonly w: number }[] {
  const length = (t1 - t0) / panels;
  const { nodes, weights } = gaussLegendre(16);
  return Array.from({ length: panels }, (_, k) =>
    Array.from(nodes, (x, i) => ({ t: t0 + (k + (1 + x) / 2) * length, w: weights[i]! * length })),
  ).flat();
}
