import { type Complex, complex, entry, fromFunction, type Scalar, type Tensor, times } from "../../../linalg/tensor.ts";
import type { ProductTerm } from "../../../ttn/operators/product-sum.ts";
import { add, divide, isFiniteScalar, isZero, multiply, simplify } from "./scalar.ts";

/** Why a coefficient is not a finite number, and where in the text. */
export interface Fault {
  readonly at: number;
  readonly what: string;
}

/**
 * coefficient * (operator `ids[0]` on site `sites[0]`) * ...; sites ascend, none twice, identities are left out.
 * `fault` explains a coefficient that is not finite.
 */
export interface Term {
  readonly coefficient: Scalar;
  readonly sites: readonly number[];
  readonly ids: readonly number[];
  readonly fault: Fault | undefined;
}

/** scale * (the operator numbered `id`); id IDENTITY is the identity of any size, and a scale of 0 is no operator. */
export interface Scaled {
  readonly scale: Scalar;
  readonly id: number;
}

const IDENTITY = -1;

/**
 * The algebra of site operators up to a factor: operators that are multiples of each other (`Z` and `Sz`) share one
 * number and one matrix, so that X*Y and Z are recognised as the same term with different coefficients.
 */
export class OperatorAlgebra {
  private readonly matrices: Tensor[] = [];
  /** First entry of largest modulus of each of `matrices`. */
  private readonly pivots: Complex[] = [];
  private readonly ids = new Map<string, number>();
  private readonly products = new Map<number, Scaled>();
  private readonly interned = new Map<Tensor, Scaled>();
  private readonly named = new Map<string, Tensor>();

  /** `operators` are the matrices preferred as representatives of what products give. */
  constructor(operators: Readonly<Record<string, Tensor>>) {
    for (const matrix of Object.values(operators)) {
      const { key } = direction(matrix);
      if (!this.named.has(key)) this.named.set(key, matrix);
    }
  }

  /** The operator as a multiple of a numbered one, which it becomes itself when it is the first of its direction. */
  intern(matrix: Tensor): Scaled {
    const result = this.interned.get(matrix) ?? this.locate(matrix);
    this.interned.set(matrix, result);
    return result;
  }

  /** Product of two terms, operators of one site multiplied as matrices in this order; undefined when it is zero. */
  multiply(a: Term, b: Term): Term | undefined {
    let coefficient = multiply(a.coefficient, b.coefficient);
    const sites: number[] = [];
    const ids: number[] = [];
    let i = 0;
    let j = 0;
    while (i < a.sites.length || j < b.sites.length) {
      const p = a.sites[i] ?? Infinity;
      const q = b.sites[j] ?? Infinity;
      let id: number;
      if (p < q) id = a.ids[i++]!;
      else if (q < p) id = b.ids[j++]!;
      else {
        const product = this.product(a.ids[i++]!, b.ids[j++]!);
        if (isZero(product.scale)) return undefined;
        coefficient = multiply(coefficient, product.scale);
        id = product.id;
      }
      if (id === IDENTITY) continue;
      sites.push(Math.min(p, q));
      ids.push(id);
    }
    return { coefficient, sites, ids, fault: a.fault ?? b.fault };
  }

  /** The terms with equal ones added and zero ones dropped, in the order of first appearance. */
  merge(terms: readonly Term[]): Term[] {
    const merged = new Map<string, Term>();
    for (const term of terms) {
      const key = `${term.sites}:${term.ids}`;
      const before = merged.get(key);
      merged.set(
        key,
        before
          ? { ...before, coefficient: add(before.coefficient, term.coefficient), fault: before.fault ?? term.fault }
          : term,
      );
    }
    return [...merged.values()].filter((term) => !isZero(term.coefficient));
  }

  /** The term with its matrices. */
  productTerm({ coefficient, sites, ids }: Term): ProductTerm {
    return { coefficient, factors: sites.map((mode, k) => ({ mode, operator: this.matrices[ids[k]!]! })) };
  }

  private locate(matrix: Tensor): Scaled {
    const { key, pivot } = direction(matrix);
    if (simplify(pivot) === 0) return { scale: 0, id: IDENTITY };
    if (key === direction(unit(matrix.shape[0]!)).key) return { scale: simplify(pivot), id: IDENTITY };
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.matrices.push(matrix) - 1;
      this.pivots.push(pivot);
      this.ids.set(key, id);
    }
    return { scale: divide(simplify(pivot), simplify(this.pivots[id]!)), id };
  }

  private product(a: number, b: number): Scaled {
    const key = a * 2 ** 24 + b;
    let result = this.products.get(key);
    if (!result) {
      const matrix = matrixProduct(this.matrices[a]!, this.matrices[b]!);
      const { key: way, pivot } = direction(matrix);
      const known = this.ids.has(way) || isZero(simplify(pivot)) ? undefined : this.named.get(way);
      // a named matrix of the same direction reads better than the product: X*Y is im*Z
      if (known) this.intern(known);
      result = this.intern(matrix);
      this.products.set(key, result);
    }
    return result;
  }
}

/** A term without operators. */
export const scalarTerm = (coefficient: Scalar, fault: Fault | undefined): Term => ({
  coefficient,
  sites: [],
  ids: [],
  fault: isFiniteScalar(coefficient) ? undefined : fault,
});

/** The term of one operator on one site; undefined for the zero operator. */
export function siteTerm({ scale, id }: Scaled, site: number): Term | undefined {
  if (isZero(scale)) return undefined;
  return id === IDENTITY
    ? scalarTerm(scale, undefined)
    : { coefficient: scale, sites: [site], ids: [id], fault: undefined };
}

/** The terms times a number; none when it is zero. */
export const scaleTerms = (terms: readonly Term[], by: Scalar, fault: Fault | undefined): readonly Term[] => {
  if (isZero(by)) return [];
  const own = isFiniteScalar(by) ? undefined : fault;
  return terms.map((t) => ({ ...t, coefficient: multiply(t.coefficient, by), fault: t.fault ?? own }));
};

/** The matrix divided by its first entry of largest modulus, as text, and that entry. */
function direction(matrix: Tensor): { readonly key: string; readonly pivot: Complex } {
  const [n = 0, m = 0] = matrix.shape;
  const entries = Array.from({ length: n * m }, (_, p) => entry(matrix, Math.floor(p / m), p % m));
  let pivot: Complex = { re: 0, im: 0 };
  for (const z of entries) if (Math.hypot(z.re, z.im) > Math.hypot(pivot.re, pivot.im)) pivot = z;
  const ratios = entries.map((z) => complex(divide(z, simplify(pivot))));
  // adding 0 turns -0 into 0
  return { key: `${n}x${m} ${ratios.map((z) => `${z.re + 0},${z.im + 0}`).join(" ")}`, pivot };
}

const unit = (n: number): Tensor => fromFunction([n, n], (i, j) => (i === j ? 1 : 0));

function matrixProduct(a: Tensor, b: Tensor): Tensor {
  const n = a.shape[0]!;
  return fromFunction([n, n], (i, j) => {
    let sum: Scalar = 0;
    for (let k = 0; k < n; k++) sum = add(sum, simplify(times(entry(a, i!, k), entry(b, k, j!))));
    return sum;
  });
}
