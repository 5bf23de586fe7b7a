import type { KroneckerTerm } from "./kronecker-sum.ts";
import type { Matrix } from "./matrix.ts";
import type { Scalar } from "./tensor.ts";

/** A product of matrices on different modes; null is the identity. */
export type Factors = KroneckerTerm["matrices"];

/** Terms whose outermost matrix is on one mode and that share the others: (sum_k c_k M_k) on that mode, times the shared product. */
export interface Group {
  readonly inner: Factors;
  readonly outer: readonly (readonly [Scalar, Matrix])[];
}

/**
 * The terms nested by mode: for each mode the groups of those whose first matrix is there; `rest` are those without a matrix.
 */
export function grouped(
  terms: readonly KroneckerTerm[],
  order: number,
  keys: ProductKeys,
): { readonly modes: readonly (readonly Group[])[]; readonly rest: readonly KroneckerTerm[] } {
  const found: Map<string, { inner: Factors; outer: [Scalar, Matrix][] }>[] = [];
  for (let mode = 0; mode < order; mode++) found.push(new Map());
  const rest: KroneckerTerm[] = [];
  for (const term of terms) {
    const mode = outerMode(term.matrices);
    if (mode < 0) {
      rest.push(term);
      continue;
    }
    const groups = found[mode]!;
    const key = keys.of(term.matrices, mode);
    let group = groups.get(key);
    if (!group) {
      group = { inner: term.matrices.with(mode, null), outer: [] };
      groups.set(key, group);
    }
    group.outer.push([term.coefficient, term.matrices[mode]!]);
  }
  return { modes: found.map((groups) => [...groups.values()]), rest };
}

/** The first mode that has a matrix; -1 where none has. */
export function outerMode(matrices: Factors): number {
  for (let mode = 0; mode < matrices.length; mode++) if (matrices[mode]) return mode;
  return -1;
}

/** How many matrices there are. */
export function countOf(matrices: Factors): number {
  let count = 0;
  for (const m of matrices) if (m) count++;
  return count;
}

/** Keys of products: the same for the same matrices on the same modes. */
export class ProductKeys {
  readonly #ids = new Map<Matrix, number>();

  /** The key of the product without the matrix on the mode `left`, if that is given. */
  of(matrices: Factors, left = -1): string {
    let key = "";
    for (let mode = 0; mode < matrices.length; mode++) {
      const m = matrices[mode];
      key += m && mode !== left ? `${this.#id(m)} ` : "- ";
    }
    return key;
  }

  #id(m: Matrix): number {
    const known = this.#ids.get(m);
    if (known !== undefined) return known;
    this.#ids.set(m, this.#ids.size);
    return this.#ids.size - 1;
  }
}
