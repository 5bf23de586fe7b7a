import { modeProduct, tensorize, matricize } from "../linalg/contract.ts";
import { qr } from "../linalg/factor.ts";
import { reshape, sizeOf, type Tensor } from "../linalg/tensor.ts";
import { checkTensors, type TTN } from "./ttn.ts";
import { type NodeId, rootOf, type Tree } from "./tree.ts";

/**
 * The network of these tensors in canonical form: every node but the root orthonormal, the centre at the root.
 * The tensors may be any that fit the tree; the represented tensor is unchanged. Throws as `checkTensors` does.
 * Cost O(sum over nodes of r^4).
 */
export function ttn(tree: Tree, tensors: readonly Tensor[]): TTN {
  checkTensors(tree, tensors);
  return orthonormalize({ tree, tensors, center: rootOf(tree) });
}

/** Orthonormalises every node but the root from the leaves up, whatever the gauge was; the centre is then the root. */
export function orthonormalize(y: TTN): TTN {
  const tensors = [...y.tensors];
  y.tree.nodes.forEach(({ parent }, id) => {
    if (parent === null) return;
    const { q, r } = qr(asBasis(tensors[id]!));
    tensors[id] = fromBasis(q, tensors[id]!.shape);
    tensors[parent] = modeProduct(tensors[parent]!, childIndex(y.tree, id), r);
  });
  return { tree: y.tree, tensors, center: rootOf(y.tree) };
}

/** The tensor of a node as its basis matrix: (product of child ranks) x (own rank). No copy. */
export const asBasis = (t: Tensor): Tensor => reshape(t, [sizeOf(t.shape.slice(0, -1)), t.shape.at(-1)!]);

/** The inverse of `asBasis`: child sizes from `shape`, the rank from the matrix. */
export const fromBasis = (matrix: Tensor, shape: readonly number[]): Tensor =>
  reshape(matrix, [...shape.slice(0, -1), matrix.shape[1]!]);

/** Which child of its parent a node is. */
export const childIndex = (tree: Tree, id: NodeId): number =>
  tree.nodes[tree.nodes[id]!.parent!]!.children.indexOf(id);

/** The mode of the tensor at `at` that leads to its neighbour `to`; a leaf has its physical mode in front of the parent's. */
export const modeTowards = (tree: Tree, at: NodeId, to: NodeId): number =>
  tree.nodes[at]!.parent === to ? Math.max(1, tree.nodes[at]!.children.length) : tree.nodes[at]!.children.indexOf(to);

/**
 * Moves the centre to a neighbour: Mat(C)^T = Q S^T over the edge between them, Q stays, S goes across.
 * The tensor is unchanged.
 */
export function shiftCenter(y: TTN, to: NodeId): TTN {
  const from = y.center;
  const mode = modeTowards(y.tree, from, to);
  const { q, r } = qr(matricize(y.tensors[from]!, mode));
  const tensors = [...y.tensors];
  tensors[from] = tensorize(q, y.tensors[from]!.shape, mode);
  tensors[to] = modeProduct(y.tensors[to]!, modeTowards(y.tree, to, from), r);
  return { tree: y.tree, tensors, center: to };
}

/** Moves the centre to any node, edge by edge. */
export function moveCenter(y: TTN, to: NodeId): TTN {
  const up = (id: NodeId): NodeId[] => {
    const path = [id];
    for (let p = y.tree.nodes[id]!.parent; p !== null; p = y.tree.nodes[p]!.parent) path.push(p);
    return path;
  };
  const rising = up(y.center);
  const falling = up(to);
  const meeting = rising.find((id) => falling.includes(id))!;
  const path = [...rising.slice(1, rising.indexOf(meeting) + 1), ...falling.slice(0, falling.indexOf(meeting)).reverse()];
  return path.reduce((state, id) => (id === state.center ? state : shiftCenter(state, id)), y);
}

const centered = new WeakMap<TTN, readonly TTN[]>();

/**
 * The same state with the centre at each node in turn, from one with the centre at the root. All of them share their
 * tensors: one orthonormal one for each direction of each edge. Remembered for as long as the state lives.
 */
export function centers(y: TTN): readonly TTN[] {
  const known = centered.get(y);
  if (known) return known;
  const root = moveCenter(y, rootOf(y.tree));
  const at: TTN[] = [];
  at[rootOf(y.tree)] = root;
  for (let id = rootOf(y.tree) - 1; id >= 0; id--) at[id] = shiftCenter(at[y.tree.nodes[id]!.parent!]!, id);
  centered.set(y, at);
  return at;
}
