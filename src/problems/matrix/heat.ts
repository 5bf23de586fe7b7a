import { matmul } from "../../linalg/contract.ts";
import { eigh } from "../../linalg/factor.ts";
import { axpy } from "../../linalg/level1.ts";
import { fromFunction, reshape, type Tensor, tensor } from "../../linalg/tensor.ts";
import { toDense } from "../../ttn/arithmetic.ts";
import { orthonormalize } from "../../ttn/gauge.ts";
import { linearRhs } from "../../ttn/operators/linear-rhs.ts";
import { productSum } from "../../ttn/operators/product-sum.ts";
import { sourceRhs } from "../../ttn/source-rhs.ts";
import { sumRhs } from "../../ttn/sum-rhs.ts";
import { balanced, rootOf, type Tree } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { stateNorm } from "../quantum/observables.ts";
import { allCounts, allNumbers } from "./checks.ts";
import { quadrature } from "./quadrature.ts";
import { withRoom } from "./room.ts";
import type { SolvedProblem } from "./solved.ts";
import { secondDifference } from "./stencils.ts";

export interface HeatOptions {
  /** One mode for each direction, two or more. Default `balanced(3)`. */
  readonly tree?: Tree;
  /** Grid points a direction. Default 8. */
  readonly n?: number;
  /** kappa. Default 1. */
  readonly diffusion?: number;
  /** Strength of the source. Default 1. */
  readonly strength?: number;
  /** Standard deviation w of the source and the start, in grid spacings. Default 1. */
  readonly width?: number;
  /** Where the source is at t = 0, in every direction, counted from the first point. Default (n - 1) / 4. */
  readonly from?: number;
  /** Its velocity along the diagonal. Default (n - 1) / 2. */
  readonly velocity?: number;
  /** Centre of the start, one number for each direction. Default: the middle. */
  readonly start?: readonly number[];
  /** Give the start the bases of the source, where it does not have them, with amplitude zero. Default true. */
  readonly room?: boolean;
  /** End of the span. Default 1. */
  readonly T?: number;
}

/**
 * Heat on a cube of n^d points, zero beyond its faces, with a Gaussian source that moves along the diagonal,
 *
 *     Y' = kappa sum_k D_k Y + s prod_k exp(-(i_k - c(t))^2 / 2 w^2),   c(t) = from + velocity t,
 *
 * D_k the second difference (1, -2, 1) in direction k: lengths are in grid spacings.
 * Y(0) is a Gaussian of the same width, of rank one, and so is the source at every time. The source leaves the tangent space
 * at Y(0): without `room` a BUG integrator sees little of it in its first step, an error of O(h) that is a few hundred times that of
 * all other steps. Observable `norm`. Affine, so for a solver such as `rk4` (stable for kappa d h < 0.6 a substep) or `dopri5`.
 * `exact(t)` is the full tensor by Duhamel's formula, the integral by Gauss quadrature to round-off. Throws a RangeError for
 * numbers that make no sense.
 */
export function heatWithSource(options: HeatOptions = {}): SolvedProblem {
  const { tree = balanced(3), n = 8, diffusion = 1, strength = 1, width = 1, room = true, T = 1 } = options;
  const { from = (n - 1) / 4, velocity = (n - 1) / 2 } = options;
  const d = tree.order;
  const { start = Array.from({ length: d }, () => (n - 1) / 2) } = options;
  allCounts("heatWithSource", { dimensions: d, n }, 2);
  allNumbers("heatWithSource", { diffusion, strength, from, velocity, T });
  if (!(width > 0 && width < Number.POSITIVE_INFINITY))
    throw new RangeError(`heatWithSource: width is ${width}, expected a positive number`);
  if (start.length !== d)
    throw new RangeError(`heatWithSource: start has ${start.length} numbers, the tree ${d} modes`);

  const bump = (centre: number): Tensor => fromFunction([n], (i) => Math.exp(-(((i! - centre) / width) ** 2) / 2));
  const laplace = secondDifference(n);
  const { values, vectors } = eigh(laplace);
  /** exp(kappa t D) v */
  const spread = (t: number, v: Tensor): Tensor => {
    const c = matmul(vectors, reshape(v, [n, 1]), "T");
    for (let k = 0; k < n; k++) c.data[k]! *= Math.exp(diffusion * t * values[k]!);
    return reshape(matmul(vectors, c), [n]);
  };
  const same = (v: Tensor, factor = 1): TTN =>
    rankOne(
      tree,
      Array.from({ length: d }, () => v),
      factor,
    );
  const source = (t: number): Tensor => bump(from + velocity * t);

  const terms = Array.from({ length: d }, (_, mode) => ({
    coefficient: diffusion,
    factors: [{ mode, operator: laplace }],
  }));
  const operator = productSum(
    tree,
    Array.from({ length: d }, () => n),
    terms,
  );
  const initial = orthonormalize(rankOne(tree, start.map(bump)));
  return {
    name: "heat with a moving source",
    rhs: sumRhs(
      linearRhs([{ operator }], { hermitian: true }),
      sourceRhs((t) => same(source(t), strength)),
    ),
    initial: room ? withRoom(initial, same(source(0), strength)) : initial,
    span: [0, T],
    observables: { norm: stateNorm },
    exact(t) {
      const out = toDense(
        rankOne(
          tree,
          start.map((centre) => spread(t, bump(centre))),
        ),
      );
      const rate = 4 * d * Math.abs(diffusion) + Math.abs(velocity) / width;
      for (const { t: s, w } of quadrature(0, t, Math.ceil((rate * Math.abs(t)) / 4) || 1))
        axpy({ re: w * strength, im: 0 }, toDense(same(spread(t - s, source(s)))), out);
      return out;
    },
  };
}

/** A product of vectors times a number, as a network in no gauge; any of them may vanish. */
function rankOne(tree: Tree, vectors: readonly Tensor[], factor = 1): TTN {
  const tensors = tree.nodes.map(({ mode, children, parent }) => {
    if (mode !== null) return reshape(vectors[mode]!, [vectors[mode]!.shape[0]!, 1]);
    return tensor(Array<number>(children.length + 1).fill(1), "float64", Float64Array.of(parent === null ? factor : 1));
  });
  return { tree, tensors, center: rootOf(tree) };
}
