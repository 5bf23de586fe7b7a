import { concatLast, modeProduct, permute, scaled } from "../linalg/contract.ts";
import { conj, norm } from "../linalg/level1.ts";
import { identity, reshape, sizeOf, type Tensor, tensor } from "../linalg/tensor.ts";
import { type Functional, MomentKeeper, rangeOf } from "../ttn/conserved.ts";
import { asBasis, centers, childIndex, fromBasis } from "../ttn/gauge.ts";
import type { NodeId } from "../ttn/tree.ts";
import { dtypeOfState, type TTN } from "../ttn/ttn.ts";
import { augment, fieldAt, inBases } from "./augment.ts";
import type { StepContext } from "./integrator.ts";

/**
 * The directions that bases need so that a Galerkin step sees the conserved moments of F(t, Y) as they are, added while the
 * bases of a step are made, children before parents. With P the projection on the space of these bases, M(P F(t, Y)) = M(F(t, Y))
 * for every functional M, and P Y = Y. A node whose modes are all contracted gets the functional's vector; one with free
 * modes gets the moment of F(t, Y) seen there, one application. (docs/conservation.md)
 */
export class KeptMoments {
  readonly #context: StepContext;
  readonly #y: TTN;
  readonly #t: number;
  readonly #functionals: readonly Functional[];
  readonly #keeper: MomentKeeper;
  /** Nodes whose bases are still to be made. */
  readonly #open: Set<NodeId>;
  /** Evaluations of local fields so far. */
  applications = 0;

  constructor(
    context: StepContext,
    y: TTN,
    bases: readonly Tensor[],
    growing: ReadonlySet<NodeId>,
    t: number,
    functionals: readonly Functional[],
  ) {
    this.#context = context;
    this.#y = y;
    this.#t = t;
    this.#functionals = functionals;
    this.#keeper = new MomentKeeper({ ...y, tensors: bases }, functionals);
    this.#open = new Set(growing);
  }

  /** The new basis of a node with what the functionals need there; `bases` has those of its children. */
  complete(id: NodeId, basis: Tensor, bases: readonly Tensor[]): Tensor {
    const columns = this.#functionals.map((_, k) =>
      this.#keeper.isFree(k, id) ? this.#momentOfField(k, id, bases) : this.#keeper.vector(k, id),
    );
    const directions = columns.reduce(concatLast);
    const wide = augment(basis, fromBasis(directions, basis.shape), 0).basis;
    this.#keeper.replace(id, wide);
    this.#open.delete(id);
    return wide;
  }

  /** What functional `k` beyond a node leaves of F(t, Y), in the bases of the node's children; of norm one, unless it is zero. */
  #momentOfField(k: number, id: NodeId, bases: readonly Tensor[]): Tensor {
    const at = centers(this.#y)[id]!;
    const inside = inBases(this.#y, id, bases);
    const tensors = [...inside.tensors];
    const columns = this.#beyond(k, id, bases, tensors);
    tensors[id] = tensor(tensors[id]!.shape.with(-1, columns), dtypeOfState(this.#y));
    const moment = asBasis(fieldAt(this.#context, at, { ...inside, tensors }, this.#t));
    this.applications++;
    return scaled(1 / (norm(moment) || 1), moment);
  }

  /** Fills in the frame of functional `k` for all that lies beyond a node; returns how many columns it has. */
  #beyond(k: number, id: NodeId, bases: readonly Tensor[], into: Tensor[]): number {
    const { nodes } = this.#y.tree;
    const { parent } = nodes[id]!;
    if (parent === null) return 1;
    const siblings = nodes[parent]!.children.filter((child) => child !== id);
    const sizes = siblings.map((child) => this.#below(k, child, bases, into));
    const others = [...sizes, this.#beyond(k, parent, bases, into)];
    const all = sizeOf(others);
    const i = childIndex(this.#y.tree, id);
    const last = others.length;
    const order = Array.from({ length: last + 1 }, (_, mode) => (mode === i ? last : mode > i ? mode - 1 : mode));
    into[parent] = permute(reshape(identity(all, dtypeOfState(this.#y)), [...others, all]), order);
    return all;
  }

  /** The same for a subtree: the functional's vector, what it sees of a new basis, or all there is. */
  #below(k: number, id: NodeId, bases: readonly Tensor[], into: Tensor[]): number {
    const { children, mode } = this.#y.tree.nodes[id]!;
    const dtype = dtypeOfState(this.#y);
    const isFree = this.#keeper.isFree(k, id);
    if (isFree && !this.#open.has(id)) {
      const map = this.#keeper.inside(k, id);
      this.#copyBelow(id, bases, into);
      into[id] = map
        ? modeProduct(bases[id]!, bases[id]!.shape.length - 1, permute(rangeOf(permute(conj(map), [1, 0])), [1, 0]))
        : bases[id]!;
    } else if (mode !== null) into[id] = isFree ? identity(bases[id]!.shape[0]!, dtype) : this.#keeper.vector(k, id);
    else {
      const sizes = children.map((child) => this.#below(k, child, bases, into));
      into[id] = reshape(identity(sizeOf(sizes), dtype), [...sizes, sizeOf(sizes)]);
    }
    return into[id]!.shape.at(-1)!;
  }

  #copyBelow(id: NodeId, bases: readonly Tensor[], into: Tensor[]): void {
    for (const child of this.#y.tree.nodes[id]!.children) {
      into[child] = bases[child]!;
      this.#copyBelow(child, bases, into);
    }
  }
}

/** What the conserved functionals of a run need of the bases in a step from `y`; null without functionals. */
export const keptMoments = (
  context: StepContext,
  y: TTN,
  bases: readonly Tensor[],
  growing: ReadonlySet<NodeId>,
  t: number,
): KeptMoments | null => {
  const { conserved } = context.truncation;
  return conserved ? new KeptMoments(context, y, bases, growing, t, conserved) : null;
};
