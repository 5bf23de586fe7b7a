import { block, concatLast, matmul, matricize, modeProduct, permute, scaleColumns } from "../linalg/contract.ts";
import { orthAug, singularValues, svd } from "../linalg/factor.ts";
import { conj } from "../linalg/level1.ts";
import { copy, identity, reshape, sizeOf, type Tensor } from "../linalg/tensor.ts";
import { type Frame, workspace } from "../linalg/workspace.ts";
import { checkKeys } from "../text/known-keys.ts";
import { norm } from "./arithmetic.ts";
import { checkConserved, type Functional, MomentKeeper, type Outside } from "./conserved.ts";
import { asBasis, centers, fromBasis, moveCenter, orthonormalize, triangularOf } from "./gauge.ts";
import { edgesOf, type NodeId, rootOf, type Tree } from "./tree.ts";
import { dtypeOfState, modeSizes, type TTN } from "./ttn.ts";

/** How far ranks are cut. */
export interface Truncation {
  /**
   * Norm of what may be discarded: of the whole tensor with "weighted", of each singular value tail with "paper".
   * Positive; "off" leaves the cutting to `maxRank`: an edge within its limit stays as it is.
   */
  readonly tolerance: number | "off";
  /** Multiply the tolerance by the norm (of the tensor; with "paper", of each matricised node tensor). Default false. */
  readonly relative?: boolean;
  /** Largest rank, for all edges or for each node. Wins over the tolerance. Default: no limit. */
  readonly maxRank?: number | readonly number[];
  /** Smallest rank kept where there are that many singular values, for all edges or for each node. Default 1. */
  readonly minRank?: number | readonly number[];
  /** "weighted" (default): by the true Schmidt values of every edge; "paper": by the singular values of the node tensors. */
  readonly method?: "weighted" | "paper";
  /**
   * What may be discarded of singular values: "l2" (default), a tail whose norm is at most the tolerance; "l1-keep-one", a tail
   * whose sum is, and one value more is kept than that needs. The latter is the rule of the published code for uncertain
   * radiation: new directions, which start at O(h^2), are not cut again before they have grown, so that a given tolerance leads to
   * larger ranks. BUG methods then augment by all directions, however small.
   */
  readonly tail?: Tail;
  /**
   * Linear functionals whose values truncation leaves as they are, to round-off: mass, momentum, a density at every point. Each costs
   * every edge at most one more rank, unless it leaves modes free on both sides (`Functional`). With "weighted" only.
   * Default: none.
   */
  readonly conserved?: readonly Functional[];
}

type Tail = "l2" | "l1-keep-one";

export interface Truncated {
  readonly y: TTN;
  /** Norm of what was discarded: exact for "weighted"; for "paper" the root of the sum of squares of the cut tails. */
  readonly discarded: number;
}

/**
 * Cuts the rank of every edge. "weighted": error at most the tolerance unless `maxRank` cuts deeper, the tolerance
 * being split evenly over the edges; the result is canonical. "paper": root to leaves, [ceruti2023rank, algorithm 7] with
 * a final orthonormalisation, which the published code leaves out. A rank never drops below 1.
 *
 * With `conserved`, the directions that the functionals see stay in every edge as they are, and only what is orthogonal to them is
 * cut: the bound on the error is the same, and so is what `discarded` means. (docs/conservation.md)
 * Cost O(sum over nodes of r^4). Throws a RangeError when tolerance or ranks make no sense, or a functional does not fit.
 */
export function truncate(y: TTN, truncation: Truncation): Truncated {
  checkTruncation(truncation);
  checkRankLists(truncation, y.tree);
  if (truncation.conserved)
    checkConserved(y.tree, modeSizes(y), dtypeOfState(y), truncation.conserved, truncation.maxRank);
  const root = moveCenter(y, rootOf(y.tree));
  if (truncation.method === "paper") return unweighted(root, truncation);
  let result = weighted(root, truncation);
  // a cut above a node can leave a child with more directions than its siblings and parent can tell apart
  const { conserved: _, tail: _tail, ...limits } = truncation; // nothing is lost by what follows, so that nothing has to be kept
  while (hasIdleDirections(result.y)) {
    const { y: fitted, discarded } = weighted(result.y, { ...limits, tolerance: "off" });
    result = { y: fitted, discarded: Math.hypot(result.discarded, discarded) };
  }
  return result;
}

/** Whether some child's rank is more than the product of the other ranks around its parent. */
const hasIdleDirections = (y: TTN): boolean =>
  y.tree.nodes.some(({ children }, id) => {
    const { shape } = y.tensors[id]!;
    return children.some((_, i) => shape[i]! > sizeOf(shape.toSpliced(i, 1)));
  });

/** Throws a RangeError when the tolerance is not positive, or a rank limit is no positive integer. */
export function checkTruncation(truncation: Truncation): void {
  const { tolerance, maxRank = Number.POSITIVE_INFINITY, minRank = 1, method = "weighted", tail = "l2" } = truncation;
  checkKeys("truncation", truncation, truncationKeys);
  if (method !== "weighted" && method !== "paper")
    throw new RangeError(`truncation: method is ${JSON.stringify(method)}, expected "weighted" or "paper"`);
  if (tail !== "l2" && tail !== "l1-keep-one")
    throw new RangeError(`truncation: tail is ${JSON.stringify(tail)}, expected "l2" or "l1-keep-one"`);
  if (tolerance !== "off" && !(tolerance > 0 && tolerance < Number.POSITIVE_INFINITY))
    throw new RangeError(`truncation: tolerance is ${tolerance}, expected a positive number, or "off"`);
  const each = Object.entries({ minRank, maxRank }).flatMap(([name, limit]) => [limit].flat().map((r) => [name, r]));
  for (const [name, rank] of each as [string, number][])
    if (!(rank >= 1) || (rank !== Number.POSITIVE_INFINITY && !Number.isInteger(rank)))
      throw new RangeError(`truncation: ${name} is ${rank}, expected a positive integer`);
  if (truncation.conserved && method === "paper")
    throw new RangeError('truncation: conserved functionals need method "weighted", it is "paper"');
  if (typeof maxRank === "number" && typeof minRank === "number" && minRank > maxRank)
    throw new RangeError(`truncation: minRank ${minRank} is more than maxRank ${maxRank}`);
}

/** Throws a RangeError when limits are given for another number of nodes than the tree has. */
export function checkRankLists({ minRank, maxRank }: Truncation, { nodes }: Tree): void {
  for (const [name, limit] of Object.entries({ minRank, maxRank }))
    if (typeof limit === "object" && limit.length !== nodes.length)
      throw new RangeError(`truncation: ${name} has ${limit.length} entries, the tree has ${nodes.length} nodes`);
}

const truncationKeys = {
  tolerance: true,
  relative: true,
  maxRank: true,
  minRank: true,
  method: true,
  tail: true,
  conserved: true,
} as const;

/** Smallest rank whose tail (sum_{k >= rank} s_k^2)^(1/2) is at most theta; at least `min`, at most `max` and the length. */
export const keptRank = (
  s: Float64Array,
  theta: number,
  min = 1,
  max = Number.POSITIVE_INFINITY,
  tail: Tail = "l2",
): number => Math.min(Math.max(rankAbove(s, theta, tail), min, 1), Math.max(max, 1), s.length);

function rankAbove(s: Float64Array, theta: number, tail: Tail): number {
  const isNorm = tail === "l2";
  let sum = 0;
  let rank = s.length;
  while (rank > 0) {
    sum += isNorm ? s[rank - 1]! * s[rank - 1]! : s[rank - 1]!;
    if ((isNorm ? Math.sqrt(sum) : sum) > theta) break;
    rank--;
  }
  return isNorm ? rank : rank + 1;
}

const tailOf = (s: Float64Array, rank: number): number => s.subarray(rank).reduce((sum, v) => sum + v * v, 0);

/** The tolerance as a number; "off" is the level of round-off in a tensor of this norm. */
const toleranceOf = (tolerance: number | "off", size: number, relative: boolean): number =>
  tolerance === "off" ? 1e-15 * size : relative ? tolerance * size : tolerance;

const limitsOf = ({ minRank = 1, maxRank = Number.POSITIVE_INFINITY, tail = "l2" }: Truncation) => ({
  tail,
  min: (id: NodeId): number => (typeof minRank === "number" ? minRank : minRank[id]!),
  max: (id: NodeId): number => (typeof maxRank === "number" ? maxRank : maxRank[id]!),
});

/**
 * Leaves to root. The centre is carried down as R-factors only; on the way back the amplitude of a node, with its
 * children already cut, is decomposed: its singular values are the Schmidt values of the current tensor on that edge. The
 * projections are nested, so the discarded parts are orthogonal to each other and their squares add up exactly.
 */
function weighted(y: TTN, truncation: Truncation): Truncated {
  const edges = Math.max(1, edgesOf(y.tree).length);
  const theta = toleranceOf(truncation.tolerance, norm(y), truncation.relative ?? false) / Math.sqrt(edges);
  const { min, max, tail } = limitsOf(truncation);
  const tensors = [...y.tensors];
  const stays = truncation.tolerance === "off" ? withinLimits(y, max) : [];
  /** Overlap of the new basis with the old, of the edges that were cut. */
  const overlap: (Tensor | undefined)[] = [];
  const moments = truncation.conserved ? new MomentKeeper(y, truncation.conserved) : null;
  let discarded = 0;

  /** The old tensor of a node in the bases of its children as they are now. */
  const projected = (id: NodeId, frame: Frame): Tensor =>
    y.tree.nodes[id]!.children.reduce(
      (t, child, i) => (overlap[child] ? modeProduct(t, i, overlap[child], frame) : t),
      y.tensors[id]!,
    );

  /**
   * Cuts all edges below `id`, given the node's amplitude; returns the amplitude in the new bases of its children. `outside` is what
   * the functionals see of the state beyond the node.
   */
  const cutChildren = (id: NodeId, amplitude: Tensor, outside: Outside, frame: Frame): Tensor =>
    y.tree.nodes[id]!.children.reduce((a, child, i) => {
      if (stays[child] && a.shape[i]! <= sizeOf(a.shape.toSpliced(i, 1))) return a;
      // a = (r^T across the edge) times an isometry that is not needed
      const beyond = moments?.beyond(id, i, outside, () => projected(id, frame)) ?? [];
      return modeProduct(a, i, cutEdge(child, triangularOf(a, i), beyond), frame);
    }, amplitude);

  /** Cuts the edge above `id`; returns the overlap of the new basis with the old. */
  const cutEdge = (id: NodeId, r: Tensor, outside: Outside): Tensor => {
    using frame = workspace().frame();
    const old = y.tensors[id]!;
    const amplitude = cutChildren(id, modeProduct(old, old.shape.length - 1, r, frame), outside, frame);
    const { u, s } = svd(asBasis(amplitude));
    const before = asBasis(projected(id, frame));
    const kept = moments?.directions(id, fromBasis(u, amplitude.shape), matmul(u, before, "C", "N"), outside);
    const cut = kept ? cutBeside(kept, s, theta, min(id), max(id), tail) : cutAll(s, theta, min(id), max(id), tail);
    discarded += cut.discarded;
    const basis = "columns" in cut ? matmul(u, cut.columns) : block(u, [0, 0], [u.shape[0]!, cut.rank]);
    tensors[id] = fromBasis(basis, amplitude.shape);
    moments?.replace(id, tensors[id]);
    const between = matmul(basis, before, "C", "N");
    overlap[id] = between;
    return between;
  };
  const root = rootOf(y.tree);
  using frame = workspace().frame();
  tensors[root] = copy(cutChildren(root, y.tensors[root]!, moments?.atRoot() ?? [], frame));
  return { y: { tree: y.tree, tensors, center: root }, discarded: Math.sqrt(discarded) };
}

/** The leading singular directions up to the tolerance; `discarded` is the sum of squares of the others. */
function cutAll(s: Float64Array, theta: number, min: number, max: number, tail: Tail) {
  const rank = keptRank(s, theta, min, max, tail);
  return { rank, discarded: tailOf(s, rank) };
}

/**
 * The same where some directions (columns, orthonormal, in coordinates of the singular vectors) are to be kept whatever they weigh:
 * these, and the leading singular directions of what is orthogonal to them. No more of the latter than `cutAll` would keep.
 */
function cutBeside(kept: Tensor, s: Float64Array, theta: number, min: number, max: number, tail: Tail) {
  const [size, count] = kept.shape as [number, number];
  const others = orthAug(kept, identity(size, kept.dtype));
  if (others.shape[1] === 0) return { columns: kept, discarded: 0 };
  const { u, s: rest } = svd(scaleRows(others, s));
  const rank = Math.min(Math.max(rankAbove(rest, theta, tail), min - count), max - count, rest.length);
  const leading = matmul(others, block(u, [0, 0], [u.shape[0]!, rank]));
  return { columns: concatLast(kept, leading), discarded: tailOf(rest, rank) };
}

/** A* diag(s) for a matrix A. */
const scaleRows = (a: Tensor, s: Float64Array): Tensor => scaleColumns(permute(conj(a), [1, 0]), s);

/** Whether every edge from a node down has no more than its largest rank, so that without a tolerance nothing is cut there. */
function withinLimits(y: TTN, max: (id: NodeId) => number): readonly boolean[] {
  const within: boolean[] = [];
  y.tree.nodes.forEach(({ children }, id) => {
    const { shape } = y.tensors[id]!;
    const fits = children.every((_, i) => shape[i]! <= sizeOf(shape.toSpliced(i, 1)));
    within[id] = shape.at(-1)! <= max(id) && fits && children.every((child) => within[child]);
  });
  return within;
}

function unweighted(y: TTN, truncation: Truncation): Truncated {
  using frame = workspace().frame();
  const { min, max, tail } = limitsOf(truncation);
  const tensors = [...y.tensors];
  let discarded = 0;
  for (let id = rootOf(y.tree); id >= 0; id--) {
    const { children } = y.tree.nodes[id]!;
    const directions = directionsOf(tensors[id]!, children.length, frame); // all bases come from the tensor before any cut
    children.forEach((child, i) => {
      const { u, s } = directions[i]!;
      const theta = toleranceOf(truncation.tolerance, Math.sqrt(tailOf(s, 0)), truncation.relative ?? false);
      const rank = keptRank(s, theta, min(child), max(child), tail);
      discarded += tailOf(s, rank);
      const p = permute(block(u, [0, 0], [u.shape[0]!, rank], frame), [1, 0], frame);
      tensors[id] = modeProduct(tensors[id]!, i, conj(p));
      const below = tensors[child]!;
      tensors[child] = modeProduct(below, below.shape.length - 1, p);
    });
  }
  // leaves, isometries times isometries, stay orthonormal; inner nodes, whose children were cut, do not
  const isFlat = y.tree.nodes.every(({ mode, parent }) => mode !== null || parent === null);
  const end = { ...y, tensors };
  return { y: isFlat ? end : orthonormalize(end), discarded: Math.sqrt(discarded) };
}

/** For each of its first modes the left singular vectors and values of Mat_mode(C); one decomposition serves both modes of a matrix. */
function directionsOf(
  c: Tensor,
  modes: number,
  frame: Frame,
): readonly { readonly u: Tensor; readonly s: Float64Array }[] {
  if (modes === 2 && c.shape.length === 3 && c.shape[2] === 1) {
    const { u, s, vh } = svd(reshape(c, c.shape.slice(0, 2)));
    return [
      { u, s },
      { u: permute(vh, [1, 0], frame), s },
    ];
  }
  return Array.from({ length: modes }, (_, i) => svd(matricizeRows(c, i)));
}

/** Mat_mode(C): (mode) x (all others). */
const matricizeRows = (c: Tensor, mode: number): Tensor => permute(matricize(c, mode), [1, 0]);

/** Schmidt values of the edge above `node`: the singular values of the tensor split in the subtree and the rest, decreasing. */
export const schmidtValues = (y: TTN, node: NodeId): Float64Array => {
  if (!(node >= 0 && node < rootOf(y.tree)))
    throw new RangeError(`schmidtValues: node ${node} has no edge to a parent, expected 0 to ${rootOf(y.tree) - 1}`);
  return singularValues(asBasis(centers(y)[node]!.tensors[node]!));
};

/** Von Neumann entropy -sum p log p (natural logarithm) of the edge above `node`, p the squared Schmidt values over their sum. */
export function entropy(y: TTN, node: NodeId): number {
  const p = schmidtValues(y, node).map((s) => s * s);
  const total = p.reduce((a, b) => a + b, 0);
  return p.reduce((sum, q) => (q > 0 ? sum - (q / total) * Math.log(q / total) : sum), 0);
}
