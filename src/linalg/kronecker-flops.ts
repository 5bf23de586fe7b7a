import { type Factors, grouped, outerMode, ProductKeys } from "./kronecker-groups.ts";
import type { KroneckerSum } from "./kronecker-sum.ts";
import { isDense, isSparse, type Matrix, partsOf } from "./matrix.ts";
import { type Dtype, width } from "./tensor.ts";

/**
 * Floating-point operations of the products in one application of `planKroneckerSum`'s plan, without making the plan: the same groups
 * by shared factors and the same nesting. Exact for dense matrices (2 m n k a product, 8 m n k when complex); sparse ones count as
 * many as they have entries, functions as if they were diagonal.
 */
export function kroneckerFlops(map: KroneckerSum): number {
  const keys = new ProductKeys();
  const { modes } = grouped(map.terms, map.shapeIn.length, keys);
  const formed = new Set<string>();
  let flops = 0;
  for (let mode = 0; mode < modes.length; mode++)
    for (const { inner, outer } of modes[mode]!) {
      flops += each(map.dtype) * sizeBeside(map.shapeOut, mode) * entriesOfSum(outer);
      flops += productFlops(map, inner, keys, formed);
    }
  return flops;
}

/** Operations that form a product of matrices with the argument, last mode first, as far as its parts have not been formed before. */
function productFlops(map: KroneckerSum, matrices: Factors, keys: ProductKeys, formed: Set<string>): number {
  let flops = 0;
  let left = matrices;
  for (let mode = outerMode(left); mode >= 0; mode = outerMode(left)) {
    const key = keys.of(left);
    if (formed.has(key)) break;
    formed.add(key);
    let beside = 1;
    for (let k = 0; k < left.length; k++) if (k !== mode) beside *= left[k]?.shape[0] ?? map.shapeIn[k]!;
    flops += each(map.dtype) * beside * entriesOfSum([[1, left[mode]!]]);
    left = left.with(mode, null);
  }
  return flops;
}

/** Operations for one entry of a matrix and one number of the tensor. */
const each = (dtype: Dtype): number => (width(dtype) === 2 ? 8 : 2);

/** Numbers of a tensor of this shape for each index of a mode. */
function sizeBeside(shape: readonly number[], mode: number): number {
  let size = 1;
  for (let k = 0; k < shape.length; k++) if (k !== mode) size *= shape[k]!;
  return size;
}

/** Entries that a sum of matrices is multiplied with: all where one of them is dense. */
function entriesOfSum(terms: readonly (readonly [unknown, Matrix])[]): number {
  let dense = 0;
  let others = 0;
  let functions = 0;
  for (const [, m] of terms) {
    const { stored, functions: own } = partsOf(m);
    if (stored && isDense(stored)) dense = stored.shape[0]! * stored.shape[1]!;
    else if (stored && isSparse(stored)) others += stored.columns.length;
    functions += own.length * m.shape[0]!;
  }
  return (dense || others) + functions;
}
