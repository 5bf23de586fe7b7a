import type { KroneckerTerm } from "./kronecker-sum.ts";
import type { Matrix } from "./matrix.ts";
import { complex } from "./tensor.ts";

/**
 * Lists of terms as numbers, beside the matrices that they name. What is sent to another thread is copied record by record: hundreds of terms
 * take longer than the tensors that go with them.
 */
export interface PackedTerms {
  /** Each matrix once. */
  readonly matrices: readonly Matrix[];
  /** Real and imaginary part for each term of all lists. */
  readonly coefficients: Float64Array;
  /** For each term and mode the number of its matrix, counted from one; zero is the identity. */
  readonly places: Int32Array;
  /** Modes of a term. */
  readonly order: number;
  /** Terms of each list. */
  readonly counts: readonly number[];
}

/** Packs lists of terms that all have as many modes. */
export function packTerms(lists: readonly (readonly KroneckerTerm[])[]): PackedTerms {
  const numbers = new Map<Matrix, number>();
  const counts: number[] = [];
  let [count, order] = [0, 0];
  for (const terms of lists) {
    counts.push(terms.length);
    count += terms.length;
    order = terms[0]?.matrices.length ?? order;
  }
  const coefficients = new Float64Array(2 * count);
  const places = new Int32Array(order * count);
  let at = 0;
  for (const terms of lists)
    for (const { coefficient, matrices } of terms) {
      const { re, im } = complex(coefficient);
      coefficients[2 * at] = re;
      coefficients[2 * at + 1] = im;
      for (let mode = 0; mode < order; mode++) {
        const m = matrices[mode];
        if (!m) continue;
        if (!numbers.has(m)) numbers.set(m, numbers.size + 1);
        places[order * at + mode] = numbers.get(m)!;
      }
      at++;
    }
  return { matrices: [...numbers.keys()], coefficients, places, order, counts };
}

/** The terms that were packed; what is real has an imaginary part of zero. */
export function unpackTerms({ matrices, coefficients, places, order, counts }: PackedTerms): KroneckerTerm[][] {
  const lists: KroneckerTerm[][] = [];
  let at = 0;
  for (const count of counts) {
    const terms: KroneckerTerm[] = [];
    for (let k = 0; k < count; k++, at++) {
      const own: (Matrix | null)[] = [];
      for (let mode = 0; mode < order; mode++) own.push(matrices[places[order * at + mode]! - 1] ?? null);
      terms.push({ coefficient: { re: coefficients[2 * at]!, im: coefficients[2 * at + 1]! }, matrices: own });
    }
    lists.push(terms);
  }
  return lists;
}
