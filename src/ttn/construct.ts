import { block, concatLast, matricize, permute, scaleColumns, scaled, tensorize } from "../linalg/contract.ts";
import { svd } from "../linalg/factor.ts";
import { norm as frobenius } from "../linalg/level1.ts";
import { orthAug } from "../linalg/orth-aug.ts";
import { type Random, randomTensor } from "../linalg/random.ts";
import {
  allFinite,
  asDtype,
  commonDtype,
  type Dtype,
  reshape,
  shapeText,
  type Tensor,
  tensor,
  width,
} from "../linalg/tensor.ts";
import { norm, scale } from "./arithmetic.ts";
import { keptRank } from "./cut.ts";
import { ttn } from "./gauge.ts";
import { edgesOf, modesBelow, type NodeId, rootOf, type Tree } from "./tree.ts";
import { largestRanks, spreadRanks, type TTN } from "./ttn.ts";

/**
 * The product state v_1 (x) v_2 (x) ... with one vector for each mode. With `rank` larger than 1, every edge is padded with
 * directions of amplitude zero, orthonormal and otherwise arbitrary (fixed), up to that rank or what the tree admits:
 * the same tensor, with room for an integrator of fixed rank.
 * Throws a RangeError when the number of vectors is not that of the modes, or one is zero or not finite.
 */
export function productState(tree: Tree, vectors: readonly Tensor[], rank = 1): TTN {
  if (vectors.length !== tree.order)
    throw new RangeError(`productState: ${vectors.length} vectors for a tree of ${tree.order} modes`);
  vectors.forEach((v, mode) => {
    if (v.shape.length !== 1 || !allFinite(v) || frobenius(v) === 0)
      throw new RangeError(
        `productState: the vector of mode ${mode} is ${shapeText(v.shape)}, expected one finite vector, not zero`,
      );
  });
  const dtype = commonDtype(...vectors.map((v) => v.dtype));
  const wanted = spreadRanks(
    tree,
    vectors.map((v) => v.shape[0]!),
    rank,
  );
  const tensors = tree.nodes.map(({ mode, children, parent }, id) => {
    if (mode !== null) {
      const v = asDtype(vectors[mode]!, dtype);
      return padBasis(reshape(v, [v.shape[0]!, 1]), parent === null ? 1 : wanted[id]!);
    }
    const sizes = children.map((c) => wanted[c]!);
    const corner = tensor([...sizes, 1], dtype);
    corner.data[0] = 1;
    const rows = corner.data.length / width(dtype);
    return reshape(padBasis(reshape(corner, [rows, 1]), parent === null ? 1 : wanted[id]!), [...sizes, wanted[id]!]);
  });
  return ttn(tree, tensors);
}

/** Completes a non-zero column to `rank` columns by unit vectors, the most independent first, orthonormalised. */
function padBasis(column: Tensor, rank: number): Tensor {
  const n = column.shape[0]!;
  const w = width(column.dtype);
  let basis = scaled(1 / frobenius(column), column);
  let padded = column;
  while (padded.shape[1]! < rank) {
    // squared distance of each unit vector to the span: 1 - |row of the basis|^2
    const distance = new Float64Array(n).fill(1);
    const run = basis.data.length / n;
    for (let p = 0; p < basis.data.length; p++) distance[Math.floor(p / run)]! -= basis.data[p]! ** 2;
    const farthest = distance.reduce((a, b) => Math.max(a, b));
    const best = distance.findIndex((v) => v > farthest - 1e-9);
    const unit = tensor([n, 1], column.dtype);
    unit.data[w * best] = 1;
    const next = orthAug(basis, unit);
    basis = concatLast(basis, next);
    padded = concatLast(padded, next);
  }
  return padded;
}

/** A random state of norm 1 with independent normal entries: one rank for all edges (cut to what fits) or one for each node. */
export function randomState(
  tree: Tree,
  sizes: readonly number[],
  rank: number | readonly number[],
  random: Random,
  dtype: Dtype = "float64",
): TTN {
  const r = spreadRanks(tree, sizes, rank);
  const tensors = tree.nodes.map(({ mode, children }, id) =>
    randomTensor(random, mode !== null ? [sizes[mode]!, r[id]!] : [...children.map((c) => r[c]!), r[id]!], dtype),
  );
  const y = ttn(tree, tensors);
  return scale(1 / norm(y), y);
}

/** Singular values below this share of the norm are noise: a backend's decomposition alone was seen to make 20 eps. */
const roundOff = 32 * Number.EPSILON;

/**
 * The tree tensor network of a full tensor, by singular value decompositions from the leaves up; what is discarded has
 * at most norm `tolerance` or, if that is more, round-off: 32 eps |T| an edge. Cost O(|T| max n) and a few copies of T.
 * Throws a RangeError when the order does not fit the tree or an entry is not finite. [grasedyck2010hierarchical]
 */
export function fromDense(tree: Tree, full: Tensor, tolerance = 0): TTN {
  if (full.shape.length !== tree.order)
    throw new RangeError(`fromDense: the tensor is ${shapeText(full.shape)}, the tree has ${tree.order} leaves`);
  if (!allFinite(full)) throw new RangeError("fromDense: the tensor has entries that are not finite");
  if (!(tolerance >= 0)) throw new RangeError(`fromDense: tolerance is ${tolerance}, expected zero or more`);
  largestRanks(tree, full.shape);
  const edges = Math.max(1, edgesOf(tree).length);
  const cut = Math.max(tolerance / Math.sqrt(edges), roundOff * frobenius(full));
  const tensors: Tensor[] = [];
  // the tensor in the bases found so far: one mode for each node whose parent is still to come, in tree order
  let open: NodeId[] = modesBelow(tree, rootOf(tree)).map((mode) => tree.leaves[mode]!);
  let rest = permute(full, modesBelow(tree, rootOf(tree)));
  tree.nodes.forEach(({ children, parent }, id) => {
    if (children.length > 0) {
      const at = open.indexOf(children[0]!);
      const merged = rest.shape.slice(at, at + children.length).reduce((p, n) => p * n, 1);
      rest = reshape(rest, rest.shape.toSpliced(at, children.length, merged));
      open = open.toSpliced(at, children.length, id);
    }
    const at = open.indexOf(id);
    const sizes = children.length > 0 ? children.map((c) => tensors[c]!.shape.at(-1)!) : [rest.shape[at]!];
    if (parent === null) {
      tensors[id] = reshape(rest, [...sizes, 1]);
      return;
    }
    const { u, s, vh } = svd(matricize(rest, at));
    const rank = keptRank(s, cut);
    const basis = permute(block(vh, [0, 0], [rank, vh.shape[1]!]), [1, 0]);
    tensors[id] = reshape(basis, [...sizes, rank]);
    const amplitudes = scaleColumns(block(u, [0, 0], [u.shape[0]!, rank]), s);
    rest = tensorize(amplitudes, rest.shape, at);
  });
  return { tree, tensors, center: rootOf(tree) };
}
