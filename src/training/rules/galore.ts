import { block, combine, matmul, permute } from "../../linalg/contract.ts";
import { svd } from "../../linalg/factor.ts";
import { type Tensor, tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { type AdamOptions, adam, adamStep } from "./adam.ts";
import type { Moments } from "./moment-rule.ts";
import type { Rule } from "./rules.ts";

/** The projection of gradients and how often it is renewed, and the Adam that follows them. */
export interface GaloreOptions extends AdamOptions {
  /** Columns of the projection. */
  readonly rank: number;
  /** Steps for which a projection is used. Default 200. */
  readonly every?: number;
  /** What steps in the projection are multiplied by. Default 0.25. */
  readonly scale?: number;
}

/**
 * Adam on projected gradients, for dense matrices: of W, m x n with m <= n, the gradient G is taken in its r leading left singular vectors P,
 * as they were when the projection was last renewed, and Adam steps on P^T G, r x n, whose means are all that is remembered:
 *
 *     W - rate scale P N,   N Adam's direction for P^T G
 *
 * (from the right for m > n). The weight stays dense and of full rank: it is memory of the rule that is saved, 2 r n + r m numbers for 2 m n.
 * Means stay as they are when the projection changes, as in the published code. Matrices that are no larger than the rank, vectors and cores of
 * low-rank weights are stepped by Adam itself. Cost of a renewal: an SVD of G, O(m^2 n).
 * Throws a RangeError when rank or `every` is no positive integer, the scale is not positive, or an option is unknown. [zhao2024galore]
 */
export function galore(all: GaloreOptions): Rule {
  checkKeys("galore", all, { rank: true, every: true, scale: true, beta1: true, beta2: true, epsilon: true });
  const { rank, every = 200, scale = 0.25, ...options } = all;
  for (const [name, n] of Object.entries({ rank, every }))
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`galore: ${name} is ${n}, expected a positive integer`);
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY))
    throw new RangeError(`galore: scale is ${scale}, expected a positive number`);
  const plain = adam(options);
  const step = adamStep(options);
  const isProjected = (shape: readonly number[]): boolean => shape.length === 2 && Math.min(...shape) > rank;
  return {
    name: `projected Adam of rank ${rank}`,
    needsGalerkin: true,
    memory: (shape) =>
      isProjected(shape) ? 8 * rank * (2 * Math.max(...shape) + Math.min(...shape)) : plain.memory(shape),
    begin() {
      const inner = plain.begin();
      const projections = new Map<number, { readonly p: Tensor; readonly moments: Moments }>();
      return {
        solver: inner.solver,
        advance(passenger, x, gradient, rate) {
          if (!isProjected(x.shape)) return inner.advance(passenger, x, gradient, rate);
          const [m, n] = x.shape as [number, number];
          const isWide = m <= n;
          const known = projections.get(passenger);
          const count = known?.moments.count ?? 0;
          const p =
            known && count % every !== 0 ? known.p : leading(isWide ? gradient : permute(gradient, [1, 0]), rank);
          const small = isWide ? matmul(p, gradient, "T", "N") : matmul(gradient, p);
          const before = known?.moments ?? { m: tensor(small.shape), v: tensor(small.shape), count };
          const { x: change, ...moments } = step(tensor(small.shape), small, before, rate);
          projections.set(passenger, { p, moments });
          return combine([
            [1, x],
            [scale, isWide ? matmul(p, change) : matmul(change, p, "N", "T")],
          ]);
        },
      };
    },
  };
}

/** The leading left singular vectors. */
const leading = (g: Tensor, rank: number): Tensor => block(svd(g).u, [0, 0], [g.shape[0]!, rank]);
