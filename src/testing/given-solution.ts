import { combine } from "../linalg/contract.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import type { Dtype, Tensor } from "../linalg/tensor.ts";
import { norm } from "../ttn/arithmetic.ts";
import { ttn } from "../ttn/gauge.ts";
import type { Rhs } from "../ttn/rhs.ts";
import { prescribedRhs } from "../ttn/source-rhs.ts";
import { rootOf, type Tree } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";

/** A tensor that moves in a given way, as a network in any gauge. */
export interface Movement {
  readonly dtype: Dtype;
  /** A(t). */
  at(t: number): TTN;
  /** A'(t) as a sum of networks. */
  slope(t: number): readonly TTN[];
}

/** A network all of whose tensors move along straight lines; |A(0)| = 1. */
export function straightMovement(
  tree: Tree,
  sizes: readonly number[],
  rank: readonly number[],
  seed: number,
  dtype: Dtype,
): Movement {
  const random = seeded(seed);
  const draw = (): Tensor[] =>
    tree.nodes.map(({ mode, children }, id) =>
      randomTensor(random, [...(mode !== null ? [sizes[mode]!] : children.map((c) => rank[c]!)), rank[id]!], dtype),
    );
  const center = rootOf(tree);
  const raw = draw();
  const unit = 1 / norm(ttn(tree, raw));
  const start = raw.with(center, combine([[unit, raw[center]!]]));
  const velocity = draw();
  velocity[center] = combine([[unit, velocity[center]!]]);
  const tensors = (t: number): Tensor[] =>
    start.map((c, id) =>
      combine([
        [1, c],
        [t, velocity[id]!],
      ]),
    );
  return {
    dtype,
    at: (t) => ({ tree, tensors: tensors(t), center }),
    slope: (t) => tree.nodes.map((_, id) => ({ tree, tensors: tensors(t).with(id, velocity[id]!), center })),
  };
}

/** Y' = A'(t), whatever Y is. */
export const givenRhs = ({ dtype, at, slope }: Movement): Rhs => prescribedRhs(at, { dtype, derivative: slope });

/** The start of a movement, in canonical form. */
export const startOf = (movement: Movement): TTN => {
  const { tree, tensors } = movement.at(0);
  return ttn(tree, tensors);
};
