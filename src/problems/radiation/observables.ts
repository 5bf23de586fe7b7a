import { fromFunction, type Tensor, tensor } from "../../linalg/tensor.ts";
import { add, norm } from "../../ttn/arithmetic.ts";
import { contractModes, marginalSquare, slice } from "../../ttn/contract-modes.ts";
import type { Observable } from "../../ttn/problem.ts";
import { rootOf } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import type { CollocatedInput } from "./distributions.ts";

/** The unit vector that picks moment k of n. */
export const moment = (n: number, k = 0): Tensor => fromFunction([n], (i) => (i === k ? 1 : 0));

/**
 * What is observed of a state with modes (space, angle, inputs):
 * `E` and, where there are inputs, `Var`: mean and variance of a moment over the inputs, at every grid point;
 * `mass`: the sum of E over the grid times the size of a cell; `norm`: the Euclidean norm.
 * Cost of a contraction of the tree each.
 */
export function radiationObservables(
  moments: number,
  inputs: readonly CollocatedInput[],
  cell: number,
  k = 0,
): Readonly<Record<string, Observable>> {
  const weights = Object.fromEntries(inputs.map((input, i) => [2 + i, input.weights]));
  const means = Object.fromEntries(
    inputs.map(({ weights: w }, i) => [2 + i, tensor([w.length], "float64", w)] as const),
  );
  const picked = { 1: moment(moments, k) };
  const mean = (y: TTN): Float64Array => slice(y, 0, { ...picked, ...means }).data;
  /** Of the fluctuation Y - E, not as a difference of squares: it is never negative. */
  const variance = (y: TTN): Float64Array => {
    const field = contractModes(y, picked);
    return marginalSquare(add(field, constantInInputs(field, mean(y), -1)), 0, weights);
  };
  return {
    E: mean,
    ...(inputs.length > 0 ? { Var: variance } : {}),
    mass: (y) => cell * mean(y).reduce((sum, v) => sum + v, 0),
    norm: (y) => norm(y),
  };
}

/** factor E(x) as a network over the modes of `like`, the same at all nodes of the inputs; in no gauge. */
function constantInInputs(like: TTN, e: Float64Array, factor: number): TTN {
  const tensors = like.tree.nodes.map(({ mode, children, parent }, id) => {
    if (mode !== null) {
      const n = like.tensors[id]!.shape[0]!;
      return tensor([n, 1], "float64", mode === 0 ? e : new Float64Array(n).fill(1));
    }
    return tensor(Array<number>(children.length + 1).fill(1), "float64", Float64Array.of(parent === null ? factor : 1));
  });
  return { tree: like.tree, tensors, center: rootOf(like.tree) };
}
