import { block, concatLast, matmul, modeProduct, permute, scaled } from "../linalg/contract.ts";
import { singularValues, svd, triangular } from "../linalg/factor.ts";
import { conj, dot, norm as size } from "../linalg/level1.ts";
import {
  allFinite,
  asDtype,
  type Complex,
  type Dtype,
  fromFunction,
  reshape,
  shapeText,
  sizeOf,
  type Tensor,
  times,
} from "../linalg/tensor.ts";
import { norm } from "./arithmetic.ts";
import { asBasis, triangularOf } from "./gauge.ts";
import { edgesOf, modesBelow, type NodeId, rootOf, type Tree } from "./tree.ts";
import { dtypeOfState, largestRanks, type TTN } from "./ttn.ts";

/**
 * A linear functional in product form: sum_i v_1[i_1] v_2[i_2] ... Y[i_1, i_2, ...], nothing conjugated, one vector for each mode.
 *
 * A null leaves its mode free: then it is a moment, a tensor over the free modes (a density at every point, say), and all
 * of its entries count. Where the modes are free on one side of an edge only, keeping it takes one direction there; where they are
 * free on both sides, as many as its own rank on that edge, which may be all there are; and a step then sees the right-hand side through a
 * frame with a column for every index of the free modes beyond a node, so that these should be few.
 */
export interface Functional {
  readonly vectors: readonly (Tensor | null)[];
}

/** For each functional what it sees of a state beyond an edge: (rank of the edge) x (any number). Null where nobody needs it. */
export type Outside = readonly (Tensor | null)[];

/** Which modes are free below a node, and elsewhere. */
interface Freedom {
  readonly inside: boolean;
  readonly outside: boolean;
}

const freedoms = (tree: Tree, { vectors }: Functional): readonly Freedom[] => {
  const free = vectors.filter((v) => v === null).length;
  return tree.nodes.map((_, id) => {
    const inside = modesBelow(tree, id).filter((mode) => vectors[mode] === null).length;
    return { inside: inside > 0, outside: free > inside };
  });
};

/** The vector of a functional as a matrix of one row, of norm 1. */
const unitRow = (v: Tensor | null, dtype: Dtype): Tensor | null =>
  v && asDtype(reshape(scaled(1 / size(v), v), [1, v.shape[0]!]), dtype);

const transpose = (a: Tensor): Tensor => permute(a, [1, 0]);

/**
 * Which directions of an edge the functionals need, while edges are cut from the leaves up. With L_in and L_out a
 * functional's parts below and beyond an edge, M(Y) = L_in Mat(Y) L_out^T stays the same under a projection P of the edge when P holds the range of
 * L_in* or that of Mat(Y) L_out^T: the smaller of both is taken. Both are carried as maps of few rows.
 */
export class MomentKeeper {
  readonly #y: TTN;
  readonly #rows: readonly (readonly (Tensor | null)[])[];
  readonly #free: readonly (readonly Freedom[])[];
  /** L_in in the basis of each node as it is now, up to an isometry; null is one. */
  readonly #inside: (Tensor | null)[][];

  constructor(y: TTN, functionals: readonly Functional[]) {
    this.#y = y;
    this.#rows = functionals.map(({ vectors }) => vectors.map((v) => unitRow(v, dtypeOfState(y))));
    this.#free = functionals.map((f) => freedoms(y.tree, f));
    this.#inside = functionals.map(() => []);
    for (const id of edgesOf(y.tree)) this.replace(id, y.tensors[id]!);
  }

  /** The tensor of a node is now this one. */
  replace(id: NodeId, tensor: Tensor): void {
    this.#inside.forEach((maps, k) => {
      const map = this.#seen(k, id, tensor);
      maps[id] = map && map.shape[0]! > map.shape[1]! ? triangular(map) : map;
    });
  }

  /** L_in of functional `k` on the columns of a tensor of node `id`; null for an isometry. */
  #seen(k: number, id: NodeId, tensor: Tensor): Tensor | null {
    const { children, mode } = this.#y.tree.nodes[id]!;
    const maps = mode === null ? children.map((c) => this.#inside[k]![c]!) : [this.#rows[k]![mode]!];
    if (maps.every((m) => m === null)) return null;
    return asBasis(maps.reduce<Tensor>((t, m, i) => (m ? modeProduct(t, i, m) : t), tensor));
  }

  /** L_in of functional `k` in the basis of a node, up to an isometry; null is one. */
  inside(k: number, id: NodeId): Tensor | null {
    return this.#inside[k]![id]!;
  }

  /** Whether functional `k` leaves modes free below a node. */
  isFree(k: number, id: NodeId): boolean {
    return this.#free[k]![id]!.inside;
  }

  /** The vector (one column) of functional `k` below a node, where no mode is free: L_in* in the bases of the node's children. */
  vector(k: number, id: NodeId): Tensor {
    const { children, mode } = this.#y.tree.nodes[id]!;
    const maps = mode === null ? children.map((c) => this.#inside[k]![c]!) : [this.#rows[k]![mode]!];
    const row = maps.reduce<Tensor>(
      (all, m) => {
        const product = matmul(transpose(all), m!);
        return reshape(product, [1, sizeOf(product.shape)]);
      },
      fromFunction([1, 1], () => 1),
    );
    return transpose(conj(row));
  }

  /** Beyond the root there is nothing but the unit of measure. */
  atRoot(): Outside {
    const unit = 1 / (norm(this.#y) || 1);
    return this.#rows.map(() => fromFunction([1, 1], () => unit));
  }

  /** What lies beyond child `i` of a node, from what lies beyond the node and its tensor in the present bases of its children. */
  beyond(id: NodeId, i: number, outside: Outside, tensor: () => Tensor): Outside {
    const { children } = this.#y.tree.nodes[id]!;
    return outside.map((above, k) => {
      if (!above || !this.#free[k]![children[i]!]!.inside) return null;
      const own = tensor();
      const around = children.reduce((t, child, j) => {
        const map = j === i ? null : this.#inside[k]![child]!;
        return map ? modeProduct(t, j, map) : t;
      }, own);
      return transpose(triangularOf(modeProduct(around, children.length, transpose(above)), i));
    });
  }

  /**
   * An orthonormal basis of what has to stay on the edge above `id`, in coordinates of the columns of `u`, a tensor of the node;
   * null if nothing has to. `along` are the coordinates of the old basis.
   */
  directions(id: NodeId, u: Tensor, along: Tensor, outside: Outside): Tensor | null {
    const needed = this.#rows.map((_, k) => {
      const free = this.#free[k]![id]!;
      const map = this.#seen(k, id, u);
      const below = map && rangeOf(transpose(conj(map)));
      if (below && !free.inside) return below;
      const beyond = rangeOf(matmul(along, outside[k]!));
      return below && free.outside && below.shape[1]! < beyond.shape[1]! ? below : beyond;
    });
    const all = rangeOf(needed.reduce(concatLast));
    return all.shape[1] === 0 ? null : all;
  }
}

/** An orthonormal basis of the range, up to round-off of numbers of size one. */
export function rangeOf(a: Tensor): Tensor {
  if (a.shape[1] === 0) return a;
  const { u, s } = svd(a);
  const roundOff = 10 * Math.max(...a.shape) * Number.EPSILON;
  return block(u, [0, 0], [u.shape[0]!, s.filter((v) => v > roundOff).length]);
}

/**
 * Checks that functionals fit states of this tree, mode sizes and scalar type, and that the rank limit has room for them on every edge.
 * Throws a RangeError or TypeError that names both sides.
 */
export function checkConserved(
  tree: Tree,
  sizes: readonly number[],
  dtype: Dtype,
  functionals: readonly Functional[],
  maxRank: number | readonly number[] = Number.POSITIVE_INFINITY,
): void {
  if (!(functionals.length > 0))
    throw new RangeError("conserved: no functional was given, expected a list of one or more");
  functionals.forEach(({ vectors }, k) => {
    if (vectors?.length !== tree.order)
      throw new RangeError(`conserved: functional ${k} has ${vectors?.length} vectors for ${tree.order} modes`);
    if (vectors.every((v) => v === null))
      throw new RangeError(`conserved: functional ${k} leaves every mode free; truncate to "off" instead`);
    vectors.forEach((v, mode) => {
      if (v === null) return;
      const what = `conserved: the vector of functional ${k} for mode ${mode}`;
      if (shapeText(v.shape) !== `${sizes[mode]}`)
        throw new RangeError(`${what} is ${shapeText(v.shape)}, expected ${sizes[mode]} numbers`);
      if (!allFinite(v) || size(v) === 0) throw new RangeError(`${what} is zero or not finite`);
      if (v.dtype === "complex128" && dtype === "float64")
        throw new TypeError(`${what} is complex128, the state is float64; make the state complex first`);
    });
  });
  checkRoom(tree, sizes, functionals, maxRank);
}

function checkRoom(
  tree: Tree,
  sizes: readonly number[],
  functionals: readonly Functional[],
  maxRank: number | readonly number[],
): void {
  const largest = largestRanks(tree, sizes);
  const free = functionals.map((f) => freedoms(tree, f));
  for (const id of edgesOf(tree)) {
    const limit = typeof maxRank === "number" ? maxRank : maxRank[id]!;
    if (limit >= largest[id]!) continue;
    const mixed = functionals.findIndex((_, k) => free[k]![id]!.inside && free[k]![id]!.outside);
    if (mixed >= 0)
      throw new RangeError(
        `conserved: functional ${mixed} leaves modes free on both sides of the edge above node ${id} and may need ` +
          `rank ${largest[id]} there, maxRank is ${limit}`,
      );
    const below = modesBelow(tree, id);
    const beyond = modesBelow(tree, rootOf(tree)).filter((mode) => !below.includes(mode));
    const held = (isFree: boolean) => functionals.filter((_, k) => free[k]![id]!.inside === isFree);
    const needed = Math.min(largest[id]!, independent(held(false), below) + independent(held(true), beyond));
    if (needed > limit)
      throw new RangeError(
        `conserved: the functionals need rank ${needed} on the edge above node ${id}, maxRank is ${limit}`,
      );
  }
}

/** How many of the functionals are linearly independent on these modes. */
function independent(functionals: readonly Functional[], modes: readonly number[]): number {
  const n = functionals.length;
  if (n === 0) return 0;
  const gram = fromFunction([n, n], (a, b) =>
    modes.reduce<Complex>(
      (product, mode) => {
        const [v, w] = [a!, b!].map((k) => asDtype(functionals[k]!.vectors[mode]!, "complex128")) as [Tensor, Tensor];
        return times(product, times(1 / (size(v) * size(w)), dot(v, w)));
      },
      { re: 1, im: 0 },
    ),
  );
  return singularValues(gram).filter((s) => s > 1e-12).length;
}
