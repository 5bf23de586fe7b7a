import { besideProduct, combine, matmul, permute } from "../../linalg/contract.ts";
import { identity, reshape, sizeOf, type Tensor, tensor } from "../../linalg/tensor.ts";
import type { Frame } from "../../linalg/workspace.ts";
import { restrictSum } from "../../ttn/function-rhs.ts";
import { growthOf } from "../../ttn/growth.ts";
import { factorsOf } from "../../ttn/matrix-rhs.ts";
import { type NodeId, rootOf } from "../../ttn/tree.ts";
import { modeSizes, type TTN } from "../../ttn/ttn.ts";

/**
 * A gradient that is known by what frames make of it: P* dL/dW, the derivative by the tensor of one node. That is all an integrator
 * asks for, and it is small where dL/dW is not.
 */
export interface Covector {
  /** Seen from `node`, the centre of `test`, through everything else of `test`; one mode for each edge, a leaf's own size in front. */
  seen(test: TTN, node: NodeId): Tensor;
}

/** dL/dW of one block: a covector or a network over its tree, or several that stand for their sum. */
export type Gradient = TTN | Covector | readonly (TTN | Covector)[];

const isCovector = (g: TTN | Covector): g is Covector => typeof (g as Partial<Covector>).seen === "function";

/** P* g at a node. Networks are checked against the space of `test`. */
export function gradientSeen(g: Gradient, test: TTN, node: NodeId): Tensor {
  const seen = ([g].flat() as readonly (TTN | Covector)[]).map((part) =>
    isCovector(part)
      ? part.seen(test, node)
      : restrictSum(`gradient: dL/dW at node ${node}`, part, test, node, "float64"),
  );
  return seen.length === 1 ? seen[0]! : combine(seen.map((c) => [1, c]));
}

/** A gradient as a full tensor, of the mode sizes of `y`: seen through the frame of everything. For small weights, and to compare with. */
export function wholeGradient(g: Gradient, y: TTN): Tensor {
  const { nodes } = y.tree;
  const sizes = modeSizes(y);
  const tensors: Tensor[] = [];
  nodes.forEach(({ mode, children }, id) => {
    const inside = mode === null ? children.map((c) => tensors[c]!.shape.at(-1)!) : [sizes[mode]!];
    const all = sizeOf(inside);
    tensors[id] = id === rootOf(y.tree) ? tensor([...inside, 1]) : reshape(identity(all), [...inside, all]);
  });
  const frame = { tree: y.tree, tensors, center: rootOf(y.tree) };
  const order = leavesBelow(y.tree, rootOf(y.tree));
  const seen = reshape(
    gradientSeen(g, frame, frame.center),
    order.map((mode) => sizes[mode]!),
  );
  return permute(
    seen,
    sizes.map((_, mode) => order.indexOf(mode)),
  );
}

const leavesBelow = (tree: TTN["tree"], id: NodeId): number[] => {
  const { mode, children } = tree.nodes[id]!;
  return mode === null ? children.flatMap((c) => leavesBelow(tree, c)) : [mode];
};

/** A matrix with its products with bases, each made once and kept for as long as the basis lives. */
export interface Products {
  readonly matrix: Tensor;
  /** Where products are made; undefined: anywhere. */
  readonly memory: Frame | undefined;
  /** The matrix times a basis. */
  (basis: Tensor): Tensor;
}

/** Remembers the products of a matrix with bases, in `memory` if given; of a basis that has grown, only what is new is multiplied. */
export function products(matrix: Tensor, memory?: Frame): Products {
  const times = remembered((basis: Tensor): Tensor => {
    const growth = growthOf(basis);
    return growth && growth.old.shape[0] === basis.shape[0]
      ? besideProduct(times(growth.old), matrix, growth.fresh, memory)
      : matmul(matrix, basis, "N", "N", memory);
  });
  return Object.assign(times, { matrix, memory });
}

/** A function of tensors whose values are kept for as long as the tensors live. */
export function remembered(f: (of: Tensor) => Tensor): (of: Tensor) => Tensor {
  const known = new WeakMap<Tensor, Tensor>();
  return (of) => {
    const value = known.get(of) ?? f(of);
    known.set(of, value);
    return value;
  };
}

/**
 * G = D^T X for a matrix weight that was applied to the rows of X and has the derivatives D by what came out, a row a sample: G V, G^T U
 * and U^T G V as D^T (X V), X^T (D U) and (D U)^T (X V). No matrix of the weight's size is made, and what the nodes of a step share, and
 * share with the pass, is computed once. Cost O(samples (m + n) r) a node.
 */
export const outerProducts = (d: Products, x: Products): Covector => ({
  seen(test, node) {
    const { u, s, v } = factorsOf(test);
    const [row, column] = test.tree.leaves as [number, number];
    const { memory } = d;
    if (node === row) return matmul(d.matrix, matmul(x(v), s, "N", "T", memory), "T", "N", memory);
    if (node === column) return matmul(x.matrix, matmul(d(u), s, "N", "N", memory), "T", "N", memory);
    const core = matmul(d(u), x(v), "T", "N", memory);
    const ordered = row < column ? core : permute(core, [1, 0]);
    return reshape(ordered, [...ordered.shape, 1]);
  },
});
