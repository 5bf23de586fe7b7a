import { matmul, matricize, rowDots, rowwiseKronecker } from "../linalg/contract.ts";
import { conj } from "../linalg/level1.ts";
import { reshape, shapeText, sizeOf, type Tensor, tensor } from "../linalg/tensor.ts";
import { modeTowards } from "./gauge.ts";
import { rememberedAmong } from "./remembered.ts";
import { shapeSeen } from "./restrict.ts";
import type { NodeId } from "./tree.ts";
import { modeSizes, type TTN } from "./ttn.ts";

/**
 * A tensor in CP format, the sum over s of v_1s (x) v_2s (x) ...: for each mode a matrix, terms x mode size, whose rows are the v_ks.
 * The gradient of a loss by a weight that is applied to product tensors is one, with a term for each sample.
 */
export interface CP {
  readonly factors: readonly Tensor[];
}

/**
 * P(test)* Z, as `restrict` of a network. Every term is seen through the frame on its own: no network of as many ranks as there are terms
 * is made. Cost O(terms (sum over nodes of r^(m+1))), m children; what lies behind an edge is remembered while the tensors live, so that
 * the nodes of a state share it. Throws a RangeError when the factors do not fit the state.
 */
export function restrictCP({ factors }: CP, test: TTN, node: NodeId): Tensor {
  checkFactors("restrictCP", factors, test);
  const around = termsAround(factors.map(conjugated), test, node);
  return conj(reshape(matmul(kronecker(around.slice(0, -1)), around.at(-1)!, "T", "N"), shapeSeen(test, node)));
}

/** For each term of Z, the sum of all its entries times those of Y, without conjugation: (terms) numbers. Cost as for `restrictCP`. */
export function contractCP({ factors }: CP, y: TTN): Tensor {
  checkFactors("contractCP", factors, y);
  const around = termsAround(factors, y, y.center);
  const c = y.tensors[y.center]!;
  const last = c.shape.at(-1)!;
  const matrix = reshape(c, [sizeOf(c.shape) / last, last]);
  return rowDots(matmul(kronecker(around.slice(0, -1)), matrix), around.at(-1)!);
}

/**
 * For each term the vector over one mode that is left when Y is contracted with the vectors of all others, without conjugation:
 * terms x (size of `mode`), `slice` for many vectors at once. The factor of `mode` is not read. Cost as for `restrictCP`.
 */
export function slices(y: TTN, mode: number, factors: readonly Tensor[]): Tensor {
  checkFactors("slices", factors, y);
  const leaf = y.tree.leaves[mode]!;
  return matmul(termsAround(factors, y, leaf).at(-1)!, y.tensors[leaf]!, "N", "T");
}

/**
 * What each mode of the tensor at `node` meets of every term: the terms behind that edge contracted with the bases there, terms x rank;
 * at a leaf its own factor, and ones above the root.
 */
function termsAround(factors: readonly Tensor[], y: TTN, node: NodeId): readonly Tensor[] {
  const { nodes } = y.tree;
  const ones = onesFor(factors.at(-1)!);
  const around = (at: NodeId, ahead: NodeId | null): readonly Tensor[] => {
    const { children, parent, mode } = nodes[at]!;
    const inside = mode === null ? children.map((c) => (c === ahead ? ones : behind(c, at))) : [factors[mode]!];
    return [...inside, parent === null || parent === ahead ? ones : behind(parent, at)];
  };
  const behind = (at: NodeId, to: NodeId): Tensor =>
    contractedTerms(y.tensors[at]!, modeTowards(y.tree, at, to), around(at, to));
  return around(node, null);
}

/** Throws a RangeError unless there is a matrix for each mode of `y`, all of as many rows, with a column for each index. */
function checkFactors(what: string, factors: readonly Tensor[], y: TTN): void {
  const sizes = modeSizes(y);
  if (factors.length !== sizes.length)
    throw new RangeError(`${what}: there are ${factors.length} factors, the tree has ${sizes.length} modes`);
  const terms = factors[0]!.shape[0];
  factors.forEach(({ shape }, mode) => {
    if (shape.length !== 2 || shape[0] !== terms || shape[1] !== sizes[mode])
      throw new RangeError(
        `${what}: the factor of mode ${mode} is ${shapeText(shape)}, expected ${terms}x${sizes[mode]}, terms x mode size`,
      );
  });
}

const conjugates = new WeakMap<Tensor, Tensor>();

function conjugated(factor: Tensor): Tensor {
  const found = conjugates.get(factor) ?? conj(factor);
  conjugates.set(factor, found);
  return found;
}

/** The terms at all modes of a tensor but one contracted with it: terms x (size of that mode). */
function contractedTerms(c: Tensor, open: number, around: readonly Tensor[]): Tensor {
  const others = around.toSpliced(open, 1);
  return contracted(c, others[0]!, open, others);
}

const contracted = rememberedAmong((c: Tensor, _first: Tensor, open: number, others: readonly Tensor[]) =>
  matmul(kronecker(others), matricize(c, open)),
);

const kronecker = (around: readonly Tensor[]): Tensor => around.reduce((a, b) => rowwiseKronecker(a, b));

const unit = new WeakMap<Tensor, Tensor>();

/** A column of ones, one a term, the same for as long as a factor lives. */
function onesFor(factor: Tensor): Tensor {
  const found =
    unit.get(factor) ?? tensor([factor.shape[0]!, 1], "float64", new Float64Array(factor.shape[0]!).fill(1));
  unit.set(factor, found);
  return found;
}
