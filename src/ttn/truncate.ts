import { block, combine, matmul, matricize, modeProduct, permute, scaleColumns } from "../linalg/contract.ts";
import { singularValues, svd } from "../linalg/factor.ts";
import { conj } from "../linalg/level1.ts";
import { allDone, doneHere, type Work } from "../linalg/task.ts";
import { copy, identity, reshape, type Tensor, tensor, width } from "../linalg/tensor.ts";
import { type Frame, workspace } from "../linalg/workspace.ts";
import { checkKeys } from "../text/known-keys.ts";
import { norm } from "./arithmetic.ts";
import { checkConserved, type Functional, MomentKeeper } from "./conserved.ts";
import { branchTask, type CutBranch, Cutting, isIdle, keptRank, type Limit, type Tail, tailOf } from "./cut.ts";
import { asBasis, centers, moveCenter, orthonormalize } from "./gauge.ts";
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

export interface Truncated {
  readonly y: TTN;
  /** Norm of what was discarded: exact for "weighted"; for "paper" the root of the sum of squares of the cut tails. */
  readonly discarded: number;
}

/**
 * Cuts the rank of every edge. "weighted": error at most the tolerance unless `maxRank` cuts deeper, the squared tolerance
 * being split evenly over the edges (those of a root with two subtrees are one cut, which takes one share); the result is canonical. "paper": root to leaves, [ceruti2023rank, algorithm 7] with
 * a final orthonormalisation, which the published code leaves out. A rank never drops below 1.
 *
 * With `conserved`, the directions that the functionals see stay in every edge as they are, and only what is orthogonal to them is
 * cut: the bound on the error is the same, and so is what `discarded` means. (docs/conservation.md)
 * Cost O(sum over nodes of r^4). Throws a RangeError when tolerance or ranks make no sense, or a functional does not fit.
 */
export const truncate = (y: TTN, truncation: Truncation): Truncated => doneHere(truncating(y, truncation));

/** `truncate`, with both subtrees of a root that has two side by side; "paper" and what conserves functionals go edge by edge. */
export function* truncating(y: TTN, truncation: Truncation): Work<Truncated> {
  checkTruncation(truncation);
  checkRankLists(truncation, y.tree);
  if (truncation.conserved)
    checkConserved(y.tree, modeSizes(y), dtypeOfState(y), truncation.conserved, truncation.maxRank);
  const root = moveCenter(y, rootOf(y.tree));
  if (truncation.method === "paper") return unweighted(root, truncation);
  let result = yield* weighted(root, truncation);
  // a cut above a node can leave a child with more directions than its siblings and parent can tell apart
  const { conserved: _, tail: _tail, ...limits } = truncation; // nothing is lost by what follows, so that nothing has to be kept
  while (hasIdleDirections(result.y)) {
    const { y: fitted, discarded } = yield* weighted(result.y, { ...limits, tolerance: "off" });
    result = { y: fitted, discarded: Math.hypot(result.discarded, discarded) };
  }
  return result;
}

/** Whether some child's rank is more than the product of the other ranks around its parent. */
function hasIdleDirections({ tree, tensors }: TTN): boolean {
  for (const [id, { children }] of tree.nodes.entries()) if (anyIdle(tensors[id]!.shape, children.length)) return true;
  return false;
}

function anyIdle(shape: readonly number[], modes: number): boolean {
  for (let mode = 0; mode < modes; mode++) if (isIdle(shape, mode)) return true;
  return false;
}

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

/** The tolerance as a number; "off" is the level of round-off in a tensor of this norm. */
const toleranceOf = (tolerance: number | "off", size: number, relative: boolean): number =>
  tolerance === "off" ? 1e-15 * size : relative ? tolerance * size : tolerance;

/** The least and the largest rank of the edge above each node. */
const rankLimits = (
  { minRank = 1, maxRank = Number.POSITIVE_INFINITY }: Truncation,
  { nodes }: Tree,
): { readonly min: readonly number[]; readonly max: readonly number[] } => ({
  min: typeof minRank === "number" ? new Array<number>(nodes.length).fill(minRank) : minRank,
  max: typeof maxRank === "number" ? new Array<number>(nodes.length).fill(maxRank) : maxRank,
});

function* weighted(y: TTN, truncation: Truncation): Work<Truncated> {
  const { tolerance, relative = false, tail = "l2", conserved } = truncation;
  const { min, max } = rankLimits(truncation, y.tree);
  const size = norm(y);
  const share = Math.sqrt(Math.max(1, edgesOf(y.tree).length));
  const theta = toleranceOf(tolerance, size, relative) / share;
  const stays = tolerance === "off" ? withinLimits(y, max) : [];
  const limits: Limit[] = [];
  for (let id = 0; id <= rootOf(y.tree); id++)
    limits.push({ theta, tail, min: min[id]!, max: max[id]!, stays: !!stays[id] });
  const root = rootOf(y.tree);
  if (y.tree.nodes[root]!.children.length === 2 && !conserved)
    return yield* fromBothSides(y, limits, toleranceOf("off", size, false) / share);
  using frame = workspace().frame();
  const moments = conserved ? new MomentKeeper(y, conserved) : null;
  const cutting = new Cutting(y.tree, y.tensors, limits, moments);
  const core = cutting.children(root, y.tensors[root]!, moments?.atRoot() ?? [], frame);
  return { y: withTensors(y, [...cutting.made, [root, copy(core)]]), discarded: Math.sqrt(cutting.discarded) };
}

function withTensors(y: TTN, made: readonly (readonly [NodeId, Tensor])[]): TTN {
  const tensors = [...y.tensors];
  for (const [id, tensor] of made) tensors[id] = tensor;
  return { ...y, tensors };
}

/**
 * A root with two subtrees is a matrix C = A diag(s) B^T, and the edges above both are one. Its rank is chosen first; then the subtrees
 * are cut side by side, each under the weight of the singular values that stay, of which it loses no more than `roundOff`. With P and Q
 * the projections on both sides, Y_r the state of the first r = rank singular values and a_k the directions on the side of P,
 *
 *     |Y - PQ Y|^2 = |(1 - P) Y|^2 + |(1 - Q) Y|^2 - |(1 - P)(1 - Q) Y|^2
 *     |(1 - P) Y|^2 = |(1 - P) Y_r|^2 + sum_{k >= r} s_k^2 <a_k, (1 - P) a_k>
 *
 * where |(1 - P) Y_r| is what was discarded in that subtree. Wherever 1 - P = 1 - W* W is subject to cancellation it is multiplied by
 * something small, so that the sum is right to a percent down to the level of round-off.
 */
function* fromBothSides(y: TTN, limits: readonly Limit[], roundOff: number): Work<Truncated> {
  const root = rootOf(y.tree);
  const core = y.tensors[root]!;
  const tops = y.tree.nodes[root]!.children;
  const within = tops.every((id) => limits[id]!.stays);
  if (within && core.shape[0] === core.shape[1]) return { y, discarded: 0 };
  const { u, s, vh } = svd(reshape(core, core.shape.slice(0, 2)));
  const { theta, tail } = limits[tops[0]!]!;
  const least = Math.max(...tops.map((id) => limits[id]!.min));
  const most = Math.min(...tops.map((id) => limits[id]!.max));
  const rank = within ? s.length : keptRank(s, theta, least, most, tail); // within their limits only an idle direction goes
  const inside = limits.map((limit, id) =>
    tops.includes(id) ? { ...limit, theta: Math.min(limit.theta, roundOff) } : limit,
  );
  const sides = [u, permute(vh, [1, 0])].map((directions, i) => {
    const top = tops[i]!;
    if (limits[top]!.stays && core.shape[i] === rank) return { directions, task: null };
    const kept = block(directions, [0, 0], [core.shape[i]!, rank]);
    const weight = permute(scaleColumns(kept, s), [1, 0]);
    return { directions, task: branchTask({ tree: y.tree, top, weight, limits: inside }, y.tensors) };
  });
  const cut = [...(yield* allDone<CutBranch>(sides.flatMap(({ task }) => task ?? [])))];
  const branches = sides.map(({ task }) => (task ? cut.shift()! : null));
  const inBranches = branches.reduce((sum, branch) => sum + (branch?.discarded ?? 0), 0);
  const [p, q] = sides.map(({ directions }, i) => missedBy(branches[i]?.overlap, directions)) as [Tensor, Tensor];
  const isCut = inBranches > 0 || rank < s.length;
  const discarded = isCut ? Math.sqrt(Math.max(0, inBranches + besides(s, rank, p, q))) : 0;
  const between = branches.reduce((c, branch, i) => (branch ? modeProduct(c, i, branch.overlap) : c), core);
  const made = branches.flatMap((branch) => branch?.made ?? []);
  return { y: withTensors(y, [...made, [root, between]]), discarded };
}

/** What is discarded beside that in both subtrees, squared: the singular values behind `rank` on both sides, less what both have in common. */
function besides(s: Float64Array, rank: number, p: Tensor, q: Tensor): number {
  const [missedByP, missedByQ] = [diagonal(p), diagonal(q)];
  const common = diagonal(matmul(scaleColumns(p, s), q, "N", "T"));
  let sum = 0;
  for (let k = 0; k < s.length; k++) {
    if (k >= rank) sum += s[k]! ** 2 * (missedByP[k]! + missedByQ[k]!);
    sum -= s[k]! * common[k]!;
  }
  return sum;
}

/** What of these directions lies outside of the new basis: V* (1 - W* W) V with W the overlap; nothing where the basis is the old one. */
function missedBy(overlap: Tensor | undefined, directions: Tensor): Tensor {
  const count = directions.shape[1]!;
  if (!overlap) return tensor([count, count], directions.dtype);
  const seen = matmul(overlap, directions);
  return combine([
    [1, identity(count)],
    [-1, matmul(seen, seen, "C", "N")],
  ]);
}

/** The real parts of a matrix's diagonal. */
function diagonal({ shape, dtype, data }: Tensor): Float64Array {
  const real = new Float64Array(shape[0]!);
  for (let k = 0; k < real.length; k++) real[k] = data[width(dtype) * k * (shape[1]! + 1)]!;
  return real;
}

/** Whether every edge from a node down has no more than its largest rank, so that without a tolerance nothing is cut there. */
function withinLimits(y: TTN, max: readonly number[]): readonly boolean[] {
  const within: boolean[] = [];
  y.tree.nodes.forEach(({ children }, id) => {
    const { shape } = y.tensors[id]!;
    const fits = !anyIdle(shape, children.length);
    within[id] = shape.at(-1)! <= max[id]! && fits && children.every((child) => within[child]);
  });
  return within;
}

function unweighted(y: TTN, truncation: Truncation): Truncated {
  using frame = workspace().frame();
  const { min, max } = rankLimits(truncation, y.tree);
  const { tail } = truncation;
  const tensors = [...y.tensors];
  let discarded = 0;
  for (let id = rootOf(y.tree); id >= 0; id--) {
    const { children } = y.tree.nodes[id]!;
    const directions = directionsOf(tensors[id]!, children.length, frame); // all bases come from the tensor before any cut
    children.forEach((child, i) => {
      const { u, s } = directions[i]!;
      const theta = toleranceOf(truncation.tolerance, Math.sqrt(tailOf(s, 0)), truncation.relative ?? false);
      const rank = keptRank(s, theta, min[child]!, max[child]!, tail);
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
