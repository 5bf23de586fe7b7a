import type { LocalSolver } from "../integrators/local/problem.ts";
import { startValue } from "../integrators/local/problem.ts";
import { combine } from "../linalg/contract.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { type Dtype, type Tensor, tensor } from "../linalg/tensor.ts";
import { norm } from "../ttn/arithmetic.ts";
import { ttn } from "../ttn/gauge.ts";
import type { LocalField, Rhs } from "../ttn/rhs.ts";
import { rootOf, type Tree } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";
import { restrict } from "./restrict.ts";

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

/** Y' = A'(t), whatever Y is. Local fields know their integral. */
export const givenRhs = ({ dtype, at, slope }: Movement): Rhs => ({
  dtype,
  check() {},
  bind(trial, node, test = trial): LocalField {
    const shapeOut = restrict(test, node, at(0)).shape;
    const sum = (terms: readonly (readonly [number, TTN])[], out: Tensor): void =>
      out.data.set(combine(terms.map(([c, y]) => [c, restrict(test, node, y)] as const)).data);
    return {
      kind: "nonlinear",
      autonomous: false,
      dtype,
      shapeOut,
      increment: (t0, t1, out) =>
        sum(
          [
            [1, at(t1)],
            [-1, at(t0)],
          ],
          out,
        ),
      plan: () => (t, _x, out) =>
        sum(
          slope(t).map((y) => [1, y] as const),
          out,
        ),
    };
  },
});

/** Solves fields whose integral is known, exactly. */
export const byIncrement: LocalSolver = {
  name: "increment",
  order: Number.POSITIVE_INFINITY,
  solve(problem) {
    const { field, t0, t1 } = problem;
    if (!field.increment) throw new TypeError("byIncrement: the integral of the local field is not known");
    const final = startValue(problem);
    const moved = tensor(final.shape, field.dtype);
    field.increment(t0, t1, moved);
    for (let i = 0; i < moved.data.length; i++) final.data[i]! += moved.data[i]!;
    return { final, applications: 1, errorEstimate: 0, converged: true };
  },
};

/** The start of a movement, in canonical form. */
export const startOf = (movement: Movement): TTN => {
  const { tree, tensors } = movement.at(0);
  return ttn(tree, tensors);
};
