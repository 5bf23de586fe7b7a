import type { KroneckerSum, KroneckerTerm } from "./kronecker-sum.ts";
import { isDense, isSparse, type Matrix, partsOf } from "./matrix.ts";
import { type Dtype, sizeOf, width } from "./tensor.ts";

/**
 * Floating-point operations of the products in one application of `planKroneckerSum`'s plan, without making the plan: the same groups
 * by shared factors and the same nesting. Exact for dense matrices (2 m n k a product, 8 m n k when complex); sparse ones count as
 * many as they have entries, functions as if they were diagonal.
 */
export function kroneckerFlops({ shapeIn, shapeOut, terms, dtype }: KroneckerSum): number {
  const ids = new Map<Matrix, number>();
  const idOf = (m: Matrix): number => {
    const id = ids.get(m) ?? ids.size;
    ids.set(m, id);
    return id;
  };
  const keyOf = (matrices: KroneckerTerm["matrices"]): string => matrices.map((m) => (m ? idOf(m) : "-")).join(" ");
  const formed = new Set<string>();
  /** The products with every matrix but those before `mode`, last mode first, each formed once. */
  const valueFlops = (matrices: KroneckerTerm["matrices"]): number => {
    const mode = matrices.findIndex((m) => m !== null);
    if (mode < 0) return 0;
    const key = keyOf(matrices);
    if (formed.has(key)) return 0;
    formed.add(key);
    const shape = shapeIn.map((n, k) => matrices[k]?.shape[0] ?? n);
    return productFlops([matrices[mode]!], shape, mode, dtype) + valueFlops(matrices.with(mode, null));
  };
  let flops = 0;
  let left = terms;
  for (let mode = 0; mode < shapeIn.length; mode++) {
    const groups = new Map<string, { inner: KroneckerTerm["matrices"]; matrices: Matrix[] }>();
    for (const { matrices } of left) {
      const own = matrices[mode];
      if (!own) continue;
      const inner = matrices.with(mode, null);
      const group = groups.get(keyOf(inner)) ?? { inner, matrices: [] };
      group.matrices.push(own);
      groups.set(keyOf(inner), group);
    }
    for (const { inner, matrices } of groups.values())
      flops += productFlops(matrices, shapeOut, mode, dtype) + valueFlops(inner);
    left = left.filter((t) => !t.matrices[mode]);
  }
  return flops;
}

/** The product of the sum of some matrices, on one mode of a tensor; `shape` is that of the result. */
function productFlops(matrices: readonly Matrix[], shape: readonly number[], mode: number, dtype: Dtype): number {
  const each = width(dtype) === 2 ? 8 : 2;
  const others = sizeOf(shape.with(mode, 1));
  const stored = matrices.flatMap((m) => partsOf(m).stored ?? []);
  const dense = stored.find(isDense);
  const entries = dense
    ? sizeOf(dense.shape)
    : stored.reduce((sum, m) => sum + (isSparse(m) ? m.columns.length : 0), 0);
  const functions = matrices.reduce((sum, m) => sum + partsOf(m).functions.length * m.shape[0]!, 0);
  return each * others * (entries + functions);
}
