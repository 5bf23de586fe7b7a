import { block, concatLast, matmul, modeProduct, permute, scaleColumns } from "../linalg/contract.ts";
import { orthAug, svd } from "../linalg/factor.ts";
import { conj } from "../linalg/level1.ts";
import { type Task, type TaskKind, task } from "../linalg/task.ts";
import { type Dtype, identity, sizeOf, type Tensor, width } from "../linalg/tensor.ts";
import { type Frame, workspace } from "../linalg/workspace.ts";
import type { MomentKeeper, Outside } from "./conserved.ts";
import { asBasis, fromBasis, triangularOf } from "./gauge.ts";
import type { NodeId, Tree } from "./tree.ts";

/** Which part of a list of singular values may be discarded: one whose norm is at most a threshold, or whose sum is, less one value. */
export type Tail = "l2" | "l1-keep-one";

/** How far the edge above a node is cut. */
export interface Limit {
  readonly theta: number;
  readonly tail: Tail;
  readonly min: number;
  readonly max: number;
  /** Whether it stays as it is, with all edges below it, unless a cut elsewhere leaves it with idle directions. */
  readonly stays: boolean;
}

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

/** Sum of squares of the singular values behind the first `rank`. */
export const tailOf = (s: Float64Array, rank: number): number => s.subarray(rank).reduce((sum, v) => sum + v * v, 0);

/** Whether a mode has more directions than all others of the tensor can tell apart. */
export const isIdle = (shape: readonly number[], mode: number): boolean => shape[mode]! ** 2 > sizeOf(shape);

/**
 * Edges being cut from the leaves to some node. The centre is carried down as R-factors only; on the way back the amplitude of a node,
 * with its children already cut, is decomposed: its singular values are the Schmidt values of the current tensor on that edge. The
 * projections are nested, so the discarded parts are orthogonal to each other and their squares add up exactly.
 */
export class Cutting {
  /** Sum of squares of what was discarded. */
  discarded = 0;
  /** The new tensors of nodes above whom an edge was cut. */
  readonly made = new Map<NodeId, Tensor>();
  readonly #tree: Tree;
  readonly #tensors: readonly (Tensor | null)[];
  readonly #limits: readonly (Limit | null)[];
  readonly #moments: MomentKeeper | null;
  /** Overlap of the new basis with the old, of the edges that were cut. */
  readonly #overlap: (Tensor | undefined)[] = [];

  /** Tensors of at least all nodes below, orthonormal towards the root, and their limits. */
  constructor(
    tree: Tree,
    tensors: readonly (Tensor | null)[],
    limits: readonly (Limit | null)[],
    moments: MomentKeeper | null,
  ) {
    this.#tree = tree;
    this.#tensors = tensors;
    this.#limits = limits;
    this.#moments = moments;
  }

  /**
   * Cuts all edges below `id`, given the node's amplitude; returns the amplitude in the new bases of its children. `outside` is what
   * the functionals see of the state beyond the node.
   */
  children(id: NodeId, amplitude: Tensor, outside: Outside, frame: Frame): Tensor {
    let a = amplitude;
    for (const [i, child] of this.#tree.nodes[id]!.children.entries()) {
      if (!this.#isCut(child, a.shape, i)) continue;
      // a = (r^T across the edge) times an isometry that is not needed
      const beyond = this.#moments?.beyond(id, i, outside, () => this.#projected(id, frame)) ?? [];
      a = modeProduct(a, i, this.edge(child, triangularOf(a, i), beyond), frame);
    }
    return a;
  }

  /** Cuts the edge above `id` and all below, given the weight r of its old basis; returns the overlap of the new basis with the old. */
  edge(id: NodeId, r: Tensor, outside: Outside): Tensor {
    using frame = workspace().frame();
    const old = this.#tensors[id]!;
    const { theta, tail, min, max } = this.#limits[id]!;
    // decomposed whole even where nothing below was cut: an old basis that is only turned loses its orthonormality step by step
    const { u, s } = svd(asBasis(this.children(id, modeProduct(old, old.shape.length - 1, r, frame), outside, frame)));
    const present = this.#projected(id, frame);
    const before = asBasis(present);
    const kept = this.#moments?.directions(id, fromBasis(u, present.shape), matmul(u, before, "C", "N"), outside);
    const cut = kept ? cutBeside(kept, s, theta, min, max, tail) : cutAll(s, theta, min, max, tail);
    const basis = "columns" in cut ? matmul(u, cut.columns) : block(u, [0, 0], [u.shape[0]!, cut.rank]);
    this.discarded += cut.discarded;
    const tensor = fromBasis(basis, present.shape);
    this.made.set(id, tensor);
    this.#moments?.replace(id, tensor);
    const between = matmul(basis, before, "C", "N");
    this.#overlap[id] = between;
    return between;
  }

  /** Whether the edge to child `i` is cut, in a tensor of this shape at its parent. */
  #isCut(child: NodeId, shape: readonly number[], i: number): boolean {
    return !this.#limits[child]!.stays || isIdle(shape, i);
  }

  /** The old tensor of a node in the bases of its children as they are now. */
  #projected(id: NodeId, frame: Frame): Tensor {
    return this.#tree.nodes[id]!.children.reduce(
      (t, child, i) => (this.#overlap[child] ? modeProduct(t, i, this.#overlap[child], frame) : t),
      this.#tensors[id]!,
    );
  }
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

/** A subtree, and the weight of the basis at its top: r^T across the edge above it. Null for tensors and limits of other nodes. */
interface Branch {
  readonly tree: Tree;
  readonly top: NodeId;
  readonly tensors: readonly (Tensor | null)[];
  readonly weight: Tensor;
  readonly limits: readonly (Limit | null)[];
}

/** A subtree whose edges were cut, that above it too. */
export interface CutBranch {
  readonly made: readonly (readonly [NodeId, Tensor])[];
  /** Overlap of the new basis at its top with the old. */
  readonly overlap: Tensor;
  /** Sum of squares. */
  readonly discarded: number;
}

/** Cuts all edges of a subtree, and the one above it. */
export const branchCut: TaskKind<Branch, CutBranch> = {
  name: "truncation",
  run({ tree, top, tensors, weight, limits }) {
    const cutting = new Cutting(tree, tensors, limits, null);
    const overlap = cutting.edge(top, weight, []);
    return { made: [...cutting.made], overlap, discarded: cutting.discarded };
  },
};

/** Arithmetic of the cut above a node: products and a factorisation along each of its modes. */
export const cutFlops = (dtype: Dtype, shape: readonly number[]): number =>
  (width(dtype) === 2 ? 8 : 2) * sizeOf(shape) * shape.reduce((sum, n) => sum + n, 0);

/** `branchCut` as a task. */
export function branchTask(
  input: Omit<Branch, "tensors" | "limits"> & { readonly limits: readonly Limit[] },
  tensors: readonly Tensor[],
): Task {
  const { tree, top } = input;
  const own: (Tensor | null)[] = tensors.map(() => null);
  const below = [top];
  let flops = 0;
  for (let id = below.pop(); id !== undefined; id = below.pop()) {
    const t = tensors[id]!;
    own[id] = t;
    if (id === top || !input.limits[id]!.stays) flops += cutFlops(t.dtype, t.shape);
    below.push(...tree.nodes[id]!.children);
  }
  const limits = input.limits.map((limit, id) => (own[id] ? limit : null));
  return task(branchCut, { ...input, tensors: own, limits }, { node: top, flops });
}
