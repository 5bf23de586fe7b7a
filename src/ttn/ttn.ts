import { allFinite, type Dtype, shapeText, sizeOf, type Tensor } from "../linalg/tensor.ts";
import { edgesOf, type NodeId, rootOf, type Tree } from "./tree.ts";

/**
 * A tree tensor network. The tensor of an inner node has modes (child 1, ..., child m, parent), that of a leaf
 * (physical, parent); the root's parent mode has size 1. `center` is the orthogonality centre: the tensor of every
 * other node is an isometry towards it. Between steps it is the root. A TTN is a value: functions return new ones,
 * which share the tensors that did not change.
 */
export interface TTN {
  readonly tree: Tree;
  readonly tensors: readonly Tensor[];
  readonly center: NodeId;
}

/** Scalar type of the state. */
export const dtypeOfState = (y: TTN): Dtype => y.tensors[0]!.dtype;

/** Size of every mode of the full tensor. */
export const modeSizes = (y: TTN): readonly number[] => y.tree.leaves.map((leaf) => y.tensors[leaf]!.shape[0]!);

/** Rank of the edge above each node (bond dimension); 1 at the root. */
export const ranks = (y: TTN): readonly number[] => y.tensors.map((t) => t.shape.at(-1)!);

/** Numbers stored, of the type of the state. */
export const storage = (y: TTN): number => y.tensors.reduce((sum, t) => sum + sizeOf(t.shape), 0);

/** The same network with another tensor at one node. */
export const withTensor = (y: TTN, id: NodeId, t: Tensor): TTN => ({ ...y, tensors: y.tensors.with(id, t) });

/**
 * Checks that these tensors fit the tree: one for each node, of one scalar type, finite, with as many modes as the node
 * has edges, ranks that agree across every edge, and 1 at the root. Throws a RangeError or TypeError naming the node.
 */
export function checkTensors(tree: Tree, tensors: readonly Tensor[]): void {
  if (tensors.length !== tree.nodes.length)
    throw new RangeError(`ttn: ${tensors.length} tensors for a tree of ${tree.nodes.length} nodes`);
  tree.nodes.forEach(({ children, mode, parent }, id) => {
    const t = tensors[id]!;
    const place = mode !== null ? `node ${id} (leaf of mode ${mode})` : `node ${id}`;
    const modes = mode !== null ? 2 : children.length + 1;
    if (t.shape.length !== modes)
      throw new RangeError(`ttn: the tensor of ${place} is ${shapeText(t.shape)}, expected ${modes} modes`);
    if (t.dtype !== tensors[0]!.dtype)
      throw new TypeError(`ttn: the tensor of ${place} is ${t.dtype}, that of node 0 is ${tensors[0]!.dtype}`);
    if (t.shape.includes(0))
      throw new RangeError(`ttn: the tensor of ${place} is ${shapeText(t.shape)}: a size is zero`);
    if (!allFinite(t)) throw new RangeError(`ttn: the tensor of ${place} has entries that are not finite`);
    children.forEach((child, i) => {
      const rank = tensors[child]!.shape.at(-1)!;
      if (t.shape[i] !== rank)
        throw new RangeError(
          `ttn: the tensor of ${place} is ${shapeText(t.shape)}, its child ${i} (node ${child}) has rank ${rank}, not ${t.shape[i]}`,
        );
    });
    if (parent === null && t.shape.at(-1) !== 1)
      throw new RangeError(`ttn: the tensor of the root is ${shapeText(t.shape)}, expected a last mode of size 1`);
  });
}

/**
 * Largest rank that a tensor of these mode sizes can have on each edge: the number of entries on the smaller side.
 * Grows past the largest safe integer as a floating-point number, which compares as it should.
 */
export function largestRanks(tree: Tree, sizes: readonly number[]): readonly number[] {
  if (sizes.length !== tree.order)
    throw new RangeError(`the tree has ${tree.order} leaves, ${sizes.length} mode sizes were given`);
  sizes.forEach((n, mode) => {
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`mode ${mode} has size ${n}, expected a positive integer`);
  });
  const below = tree.nodes.map(() => 1);
  tree.nodes.forEach(({ mode, children }, id) => {
    below[id] = mode !== null ? sizes[mode]! : children.reduce((p, c) => p * below[c]!, 1);
  });
  // sizes outside, top down, as products: quotients of huge numbers would not be exact
  const outside = tree.nodes.map(() => 1);
  for (let id = rootOf(tree); id >= 0; id--) {
    const { children } = tree.nodes[id]!;
    children.forEach((child, i) => {
      outside[child] = children.reduce((p, c, j) => (j === i ? p : p * below[c]!), outside[id]!);
    });
  }
  return tree.nodes.map((_, id) => Math.min(below[id]!, outside[id]!));
}

/**
 * Spreads ranks over the tree: one number for all edges, cut to what a tensor of these sizes can have; or one for each
 * node, checked. Throws a RangeError naming an edge whose rank no tensor of that shape can have.
 */
export function spreadRanks(tree: Tree, sizes: readonly number[], rank: number | readonly number[]): readonly number[] {
  const largest = largestRanks(tree, sizes);
  if (typeof rank === "number") {
    checkRank("rank", rank);
    return largest.map((r) => Math.min(r, rank));
  }
  if (rank.length !== tree.nodes.length)
    throw new RangeError(`${rank.length} ranks for a tree of ${tree.nodes.length} nodes, expected one for each node`);
  for (const id of [...edgesOf(tree), rootOf(tree)]) {
    checkRank(`rank of node ${id}`, rank[id]!);
    if (rank[id]! > largest[id]!)
      throw new RangeError(
        `node ${id} has rank ${rank[id]}, no tensor of sizes ${shapeText(sizes)} has more than ${largest[id]} there`,
      );
    const { children, mode } = tree.nodes[id]!;
    if (mode !== null) continue;
    const around = [...children.map((c) => rank[c]!), rank[id]!];
    around.forEach((r, i) => {
      const others = around.reduce((p, q, j) => (j === i ? p : p * q), 1);
      if (r > others)
        throw new RangeError(
          `node ${id} joins ranks ${around.join(", ")} (children, then parent): ${r} is more than the product of the others, ${others}`,
        );
    });
  }
  return rank;
}

function checkRank(what: string, rank: number): void {
  if (!Number.isSafeInteger(rank) || rank < 1) throw new RangeError(`${what} is ${rank}, expected a positive integer`);
}
