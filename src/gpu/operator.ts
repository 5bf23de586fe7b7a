import { type Factors, grouped, outerMode, ProductKeys } from "../linalg/kronecker-groups.ts";
import type { KroneckerTerm } from "../linalg/kronecker-sum.ts";
import { isStored, type Matrix, scaledIdentity } from "../linalg/matrix.ts";
import { matrixSum } from "../linalg/matrix-algebra.ts";
import { denseOf } from "../linalg/matrix-product.ts";
import { asDtype, type Complex, sizeOf, times } from "../linalg/tensor.ts";
import type { Coefficient, LocalFieldData } from "../ttn/rhs.ts";
import type { Heap } from "./heap.ts";
import type { Job, Operand } from "./table.ts";

/** Sparse matrices are stored in full on the device; larger ones would take its memory. */
const largest = 2048;

/** The terms of a linear local field whose coefficients are weighed by `weigh`; null when it has no such form, or none for the device. */
export function termsOf(data: LocalFieldData, weigh: (c: Coefficient) => Complex): KroneckerTerm[] | null {
  if (data.form === "module") return null;
  const found: KroneckerTerm[] = [];
  for (const part of data.parts) {
    if ("form" in part) {
      const terms = termsOf(part, weigh);
      if (!terms) return null;
      found.push(...terms);
    } else {
      const factor = weigh(part.coefficient);
      for (const { coefficient, matrices } of part.sum.terms) {
        if (!matrices.every((m) => m === null || (isStored(m) && m.shape[0]! <= largest))) return null;
        found.push({ coefficient: times(factor, coefficient), matrices });
      }
    }
  }
  return found;
}

/** The argument times some matrices: one more than `source`, on `mode`. */
interface Value {
  readonly matrix: Matrix;
  readonly mode: number;
  /** Null is the argument itself. */
  readonly source: Value | null;
  /** How many matrices; its dispatch. */
  readonly level: number;
}

/** All terms whose first matrix is on this mode: out (+)= sum of matrix x_mode source. */
interface Write {
  readonly mode: number;
  readonly segments: readonly { readonly matrix: Matrix; readonly source: Value | null }[];
}

/**
 * A sum of Kronecker products as products of matrices in few stages. Terms are grouped as in `planKroneckerSum`: by their outer mode,
 * and then by the product of their other matrices with the argument, which is formed once, last mode first. Stage l forms the products
 * of l matrices; terms whose outer mode is the l-th from the last are added to the result in stage l, one batch of products for
 * all of them. So there are as many stages as modes, and stages of different operators are made together.
 * Multiples of the argument count as matrices on the last mode.
 */
export class DeviceOperator {
  readonly shape: readonly number[];
  readonly #values: Value[] = [];
  readonly #writes: Write[] = [];

  constructor(shape: readonly number[], terms: readonly KroneckerTerm[]) {
    this.shape = shape;
    const last = shape.length - 1;
    const identity: Matrix = scaledIdentity(shape[last]!);
    const whole = terms.map(({ coefficient, matrices }) => ({
      coefficient,
      matrices: matrices.every((m) => m === null) ? matrices.map((m, k) => (k === last ? identity : m)) : matrices,
    }));
    const keys = new ProductKeys();
    const known = new Map<string, Value>();
    const formed = (matrices: Factors): Value | null => {
      const mode = outerMode(matrices);
      if (mode < 0) return null;
      const key = keys.of(matrices);
      const old = known.get(key);
      if (old) return old;
      const source = formed(matrices.with(mode, null));
      const value = { matrix: matrices[mode]!, mode, source, level: (source?.level ?? 0) + 1 };
      known.set(key, value);
      this.#values.push(value);
      return value;
    };
    const { modes } = grouped(whole, shape.length, keys);
    for (let mode = last; mode >= 0; mode--) {
      const segments = modes[mode]!.map((g) => ({ matrix: matrixSum(g.outer), source: formed(g.inner) }));
      if (segments.length > 0) this.#writes.push({ mode, segments });
    }
    if (this.#writes.length === 0) this.#writes.push({ mode: last, segments: [] });
  }

  /** Numbers of scratch that an application needs. */
  get scratch(): number {
    return this.#values.length * sizeOf(this.shape);
  }

  get stages(): number {
    return this.shape.length;
  }

  /** The matrices that make products, and those that make the result of them; multiples of the latter make a multiple of the operator. */
  get matrices(): { readonly inner: readonly Matrix[]; readonly outer: readonly Matrix[] } {
    return {
      inner: this.#values.map((v) => v.matrix),
      outer: this.#writes.flatMap((w) => w.segments.map((s) => s.matrix)),
    };
  }

  /** The jobs of each stage: out := A x, for matrices placed there, with scratch from `at` on. */
  jobs(places: { readonly inner: Places; readonly outer: Places }, at: number, x: Operand, out: Operand): Job[][] {
    const size = sizeOf(this.shape);
    const values = new Map(this.#values.map((v, k): [Value | null, Operand] => [v, { at: at + k * size }]));
    values.set(null, x);
    const stages: Job[][] = Array.from({ length: this.stages }, () => []);
    for (const value of this.#values)
      stages[value.level - 1]!.push(
        this.#job(
          value.mode,
          [{ matrix: places.inner(value.matrix), from: values.get(value.source)! }],
          values.get(value)!,
        ),
      );
    this.#writes.forEach(({ mode, segments }, k) => {
      const found = segments.map((s) => ({ matrix: places.outer(s.matrix), from: values.get(s.source)! }));
      stages[this.shape.length - 1 - mode]!.push({ ...this.#job(mode, found, out), accumulate: k > 0 });
    });
    return stages;
  }

  /** The sum of products of matrices with tensors on one mode, as products of matrices that read tensors where they lie. */
  #job(mode: number, parts: readonly { matrix: number; from: Operand }[], out: Operand): Job {
    const before = sizeOf(this.shape.slice(0, mode));
    const n = this.shape[mode]!;
    const after = sizeOf(this.shape.slice(mode + 1));
    if (after === 1)
      return {
        m: before,
        n,
        k: n,
        count: 1,
        segments: parts.map(({ matrix, from }) => ({ a: from, b: { at: matrix } })),
        a: { row: n, column: 1, batch: 0 },
        b: { row: 1, column: n, batch: 0 },
        c: { ...out, batch: 0 },
      };
    return {
      m: n,
      n: after,
      k: n,
      count: before,
      segments: parts.map(({ matrix, from }) => ({ a: { at: matrix }, b: from })),
      a: { row: n, column: 1, batch: 0 },
      b: { row: after, column: 1, batch: n * after },
      c: { ...out, batch: n * after },
    };
  }
}

/** Where matrices are on the device. */
export type Places = (m: Matrix) => number;

/** Uploads matrices times `factor`, each once and in full. */
export function placeMatrices(heap: Heap, matrices: Iterable<Matrix>, factor = 1): Places {
  const places = new Map<Matrix, number>();
  for (const m of matrices)
    if (!places.has(m)) places.set(m, heap.add(asDtype(denseOf(m), heap.kind.dtype).data, factor));
  return (m) => places.get(m)!;
}
