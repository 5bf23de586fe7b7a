import { combine } from "../linalg/contract.ts";
import { commonDtype, type Dtype, shapeText, type Tensor } from "../linalg/tensor.ts";
import { sameSpace } from "./arithmetic.ts";
import { checkReal, type FunctionOptions, localRhs } from "./local-rhs.ts";
import { restrict } from "./restrict.ts";
import type { Rhs } from "./rhs.ts";
import type { NodeId } from "./tree.ts";
import { dtypeOfState, modeSizes, type TTN, withTensor } from "./ttn.ts";

/** A network, or several that stand for their sum: each is seen through a frame on its own, nothing is added up before. */
export type Networks = TTN | readonly TTN[];

/**
 * Y' = f(t, Y) for a function of whole states, such as `(t, y) => scale(-inner(y, y).re, y)`.
 *
 * f is given Y with its centre at the node that is being solved: all other tensors are orthonormal towards it, the one there is
 * any. It returns a network over the same tree and mode sizes, of any ranks and in no particular gauge, or a list of them
 * for a sum. What it is given stays as it is, and may be part of what it returns.
 *
 * Cost of an evaluation: that of f, and one contraction of its value with the frame, O(sum over nodes of r^4); nothing where f
 * returns tensors of Y itself, as `scale` does. An operator in tree form is much cheaper as `linearRhs`, whose environments
 * last a whole local solve.
 *
 * A value that does not fit throws a RangeError or TypeError naming the node, what was returned and what was expected.
 * Numbers that are not finite pass: the local solver finds them.
 */
export const functionRhs = (f: (t: number, y: TTN) => Networks, options: FunctionOptions = {}): Rhs =>
  localRhs(
    (trial, node, test) => (t, x) =>
      restrictSum(
        `functionRhs: f(t, Y) at node ${node} and t = ${t}`,
        f(t, withTensor(trial, node, x)),
        test,
        node,
        dtypeOf(options, trial),
      ),
    options,
  );

const dtypeOf = ({ dtype = "float64" }: FunctionOptions, y: TTN): Dtype => commonDtype(dtype, dtypeOfState(y));

/** P(test)* of a sum of networks, each checked against the space of `test` and the scalar type. */
export function restrictSum(what: string, value: Networks, test: TTN, node: NodeId, dtype: Dtype): Tensor {
  const parts = [value].flat() as readonly TTN[];
  if (parts.length === 0) throw new RangeError(`${what} is an empty list, expected a tree tensor network or several`);
  const seen = parts.map((z) => {
    checkFits(what, z, test, dtype);
    return restrict(z, test, node);
  });
  return seen.length === 1 ? seen[0]! : combine(seen.map((c) => [1, c]));
}

/** Throws unless a network is one over the tree and mode sizes of another, whatever its ranks and gauge. */
export function checkFits(what: string, z: TTN, y: TTN, dtype: Dtype): void {
  if (!Array.isArray(z?.tensors) || !z.tree)
    throw new TypeError(
      `${what} is ${(z as unknown) instanceof Promise ? "a promise" : typeof z}, expected a tree tensor network`,
    );
  if (z.tree !== y.tree) sameSpace(what, z, y);
  if (z.tensors.length !== y.tree.nodes.length)
    throw new RangeError(`${what} has ${z.tensors.length} tensors, the tree ${y.tree.nodes.length} nodes`);
  const sizes = modeSizes(y);
  y.tree.nodes.forEach(({ children, mode, parent }, id) => {
    const { shape, dtype: own } = z.tensors[id]!;
    const inside = mode !== null ? [sizes[mode]!] : children.map((child) => z.tensors[child]!.shape.at(-1)!);
    const expected = [...inside, parent === null ? 1 : shape.at(-1)!];
    if (shapeText(shape) !== shapeText(expected))
      throw new RangeError(`${what} has a tensor ${shapeText(shape)} at node ${id}, expected ${shapeText(expected)}`);
    checkReal(`${what} has a tensor at node ${id} that`, own, dtype);
  });
}
