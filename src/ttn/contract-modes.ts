import { modeProduct } from "../linalg/contract.ts";
import {
  allFinite,
  type Complex,
  commonDtype,
  copy,
  entry,
  reshape,
  shapeText,
  type Tensor,
  tensor,
  width,
} from "../linalg/tensor.ts";
import { stateAs, toDense } from "./arithmetic.ts";
import { moveCenter, orthonormalize } from "./gauge.ts";
import { dtypeOfState, modeSizes, type TTN } from "./ttn.ts";

/**
 * Contracts modes with vectors, without conjugation: sum_i v_i Y[.., i, ..] for each mode given, whose size becomes 1.
 * A moment, an integral over a mode, or a value at a point of it; the result is canonical, its ranks cut to what fits.
 * Complex when `y` or a vector is. Cost O(sum over nodes of r^4 + sum over the modes of n r).
 * Throws a RangeError for a mode that the tree has not, or a vector that is not of the mode's size or not finite.
 */
export const contractModes = (y: TTN, vectors: Readonly<Record<number, Tensor>>): TTN =>
  orthonormalize(contracted("contractModes", y, vectors));

/**
 * The weighted sum of |Y|^2 over all modes but one, for each index i of `mode`: sum over the others of
 * w |Y[.., i, ..]|^2, where w is the product of the weights given for the modes (1 for those that are left out; those
 * of `mode` itself just scale the result). The leaves' rows are scaled by sqrt(w) and the centre moved to the leaf of
 * `mode`, whose rows then have these norms: nothing cancels, and no value is negative. Cost O(sum over nodes of r^4).
 * Throws a RangeError for a mode that the tree has not, or weights that are not one for each index, finite and >= 0.
 */
export function marginalSquare(
  y: TTN,
  mode: number,
  weights: Readonly<Record<number, ArrayLike<number>>> = {},
): Float64Array {
  checkMode("marginalSquare", y, mode);
  const tensors = [...y.tensors];
  for (const [k, w] of entries(weights)) {
    checkMode("marginalSquare", y, k);
    const leaf = y.tree.leaves[k]!;
    checkWeights(k, w, y.tensors[leaf]!.shape[0]!);
    tensors[leaf] = scaleRows(y.tensors[leaf]!, Float64Array.from(w, Math.sqrt));
  }
  const leaf = y.tree.leaves[mode]!;
  const c = moveCenter(orthonormalize({ ...y, tensors }), leaf).tensors[leaf]!;
  const run = c.data.length / c.shape[0]!;
  return Float64Array.from({ length: c.shape[0]! }, (_, i) =>
    c.data.subarray(i * run, (i + 1) * run).reduce((sum, v) => sum + v * v, 0),
  );
}

/**
 * The vector over `mode` that is left when every other mode is contracted with the vector given for it, without
 * conjugation; modes of size 1 need none. Shape (size of `mode`). Cost O(sum over nodes of r^(m+1)) and of the leaves.
 * Throws a RangeError as `contractModes` does, for a vector given for `mode`, or for a larger mode left without one.
 */
export function slice(y: TTN, mode: number, vectors: Readonly<Record<number, Tensor>>): Tensor {
  checkMode("slice", y, mode);
  if (vectors[mode]) throw new RangeError(`slice: a vector was given for mode ${mode}, over which the result runs`);
  modeSizes(y).forEach((n, k) => {
    if (k !== mode && n > 1 && !vectors[k])
      throw new RangeError(
        `slice: mode ${k} has size ${n} and no vector, expected one for each mode but ${mode} unless its size is 1`,
      );
  });
  const rest = toDense(contracted("slice", y, vectors));
  return reshape(rest, [rest.shape[mode]!]);
}

/**
 * One entry Y[i_1, ..., i_d]. Cost O(sum over nodes of r^(m+1)).
 * Throws a RangeError when the index has not one number for each mode, or one is out of range.
 */
export function pointValue(y: TTN, index: readonly number[]): Complex {
  const sizes = modeSizes(y);
  if (index.length !== sizes.length)
    throw new RangeError(`pointValue: the index has ${index.length} numbers, the tensor ${sizes.length} modes`);
  const tensors = [...y.tensors];
  index.forEach((i, mode) => {
    if (!Number.isSafeInteger(i) || i < 0 || i >= sizes[mode]!)
      throw new RangeError(`pointValue: index ${i} of mode ${mode}, expected an integer from 0 to ${sizes[mode]! - 1}`);
    const leaf = y.tree.leaves[mode]!;
    tensors[leaf] = rowOf(y.tensors[leaf]!, i);
  });
  return entry(toDense({ ...y, tensors }), ...index.map(() => 0));
}

/** The network with the leaves of these modes contracted, in no gauge. */
function contracted(what: string, y: TTN, vectors: Readonly<Record<number, Tensor>>): TTN {
  const given = entries(vectors);
  const dtype = commonDtype(dtypeOfState(y), ...given.map(([, v]) => v.dtype));
  const tensors = [...stateAs(y, dtype).tensors];
  for (const [mode, v] of given) {
    checkMode(what, y, mode);
    const leaf = y.tree.leaves[mode]!;
    const n = tensors[leaf]!.shape[0]!;
    if (v.shape.length !== 1 || v.shape[0] !== n || !allFinite(v))
      throw new RangeError(
        `${what}: the vector of mode ${mode} is ${shapeText(v.shape)}, expected ${n} finite numbers`,
      );
    tensors[leaf] = modeProduct(tensors[leaf]!, 0, reshape(v, [1, n]));
  }
  return { ...y, tensors };
}

const entries = <T>(byMode: Readonly<Record<number, T>>): (readonly [number, T])[] =>
  Object.entries(byMode).map(([mode, value]) => [Number(mode), value]);

function checkMode(what: string, { tree }: TTN, mode: number): void {
  if (tree.leaves[mode] === undefined)
    throw new RangeError(`${what}: mode ${mode}, the tree has modes 0 to ${tree.order - 1}`);
}

function checkWeights(mode: number, w: ArrayLike<number>, n: number): void {
  if (w.length !== n) throw new RangeError(`marginalSquare: ${w.length} weights for mode ${mode}, which has size ${n}`);
  const bad = Array.from(w).findIndex((v) => !(v >= 0 && v < Number.POSITIVE_INFINITY));
  if (bad >= 0)
    throw new RangeError(`marginalSquare: weight ${bad} of mode ${mode} is ${w[bad]}, expected a finite number >= 0`);
}

function scaleRows(a: Tensor, s: ArrayLike<number>): Tensor {
  const out = copy(a);
  const run = a.data.length / a.shape[0]!;
  for (let p = 0; p < out.data.length; p++) out.data[p]! *= s[Math.floor(p / run)]!;
  return out;
}

function rowOf(a: Tensor, i: number): Tensor {
  const run = a.shape[1]! * width(a.dtype);
  return tensor([1, a.shape[1]!], a.dtype, a.data.subarray(i * run, (i + 1) * run));
}
