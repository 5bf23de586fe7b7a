import { gemmShape } from "./backend.ts";
import { modeGemm, place } from "./contract.ts";
import { backend } from "./current.ts";
import { axpy, scaleInto } from "./level1.ts";
import { isDense, isSparse, type Matrix, type MatrixFunction, partsOf, type SparseMatrix } from "./matrix.ts";
import { beside, matrixSum } from "./matrix-algebra.ts";
import { applyFunction } from "./matrix-product.ts";
import { sparseProduct } from "./sparse-product.ts";
import {
  asDtype,
  type Complex,
  commonDtype,
  complex,
  type Dtype,
  dtypeOf,
  type Scalar,
  shapeText,
  sizeOf,
  type Tensor,
  tensor,
  times,
} from "./tensor.ts";
import { type Frame, workspace } from "./workspace.ts";

/** One term of a Kronecker sum: `coefficient` times the product of a matrix on each mode; null is the identity. */
export interface KroneckerTerm {
  readonly coefficient: Scalar;
  readonly matrices: readonly (Matrix | null)[];
}

/** out := alpha A(x) + beta out. */
export type Application = (alpha: Complex, x: Tensor, beta: number, out: Tensor) => void;

/** The linear map X -> sum_k c_k X x_1 M_1k x_2 M_2k ... on tensors of one shape. */
export interface KroneckerSum {
  readonly shapeIn: readonly number[];
  readonly shapeOut: readonly number[];
  readonly dtype: Dtype;
  readonly terms: readonly KroneckerTerm[];
}

/**
 * Checks the sizes of all matrices against the shape of the argument. The shape of the result follows from the matrices
 * unless it is given.
 */
export function kroneckerSum(
  shapeIn: readonly number[],
  terms: readonly KroneckerTerm[],
  dtype: Dtype,
  shapeOut: readonly number[] = shapeIn.map((n, k) => terms.find((t) => t.matrices[k])?.matrices[k]?.shape[0] ?? n),
): KroneckerSum {
  for (const { matrices } of terms)
    matrices.forEach((m, mode) => {
      const want = `${shapeOut[mode]}x${shapeIn[mode]}`;
      const have = m ? shapeText(m.shape) : `${shapeIn[mode]}x${shapeIn[mode]}`;
      if (have !== want) throw new RangeError(`kroneckerSum: mode ${mode} has a matrix ${have}, expected ${want}`);
    });
  const needed = commonDtype(
    dtype,
    ...terms.flatMap((t) => [dtypeOf(t.coefficient), ...t.matrices.map((m) => m?.dtype ?? "float64")]),
  );
  return { shapeIn, shapeOut, dtype: needed, terms };
}

/** The map applied once, as a value. */
export function applyKroneckerSum(map: KroneckerSum, x: Tensor): Tensor {
  using frame = workspace().frame();
  const out = tensor(map.shapeOut, map.dtype);
  planKroneckerSum(map, frame)({ re: 1, im: 0 }, asDtype(x, map.dtype), 0, out);
  return out;
}

/**
 * Plans the map: which products are made, in which order, in which buffers of `frame`; then each application runs
 * without allocating.
 *
 * The terms are nested by mode: those with a matrix on mode 1 are grouped by the product of their other matrices, so
 * that each such product is formed once (and shared), and the matrices on mode 1 are added up beforehand, when they are
 * small. On the first mode all groups are one matrix product, [M_1 M_2 ...] [P_1 X; P_2 X; ...]. Terms without a matrix
 * on mode 1 are treated the same on mode 2, and so on. For a node of a nearest-neighbour Hamiltonian this makes 9 mode
 * products out of 10 terms, for k open channels 5 k + 3.
 *
 * Sparse matrices on the first mode are one sparse product, with the entries of all of them, of rows of the P_k X: at a leaf of
 * n x r numbers, terms A_k (x) E_k cost K products n x r x r, and 2 r flops for each non-zero entry.
 */
export function planKroneckerSum(map: KroneckerSum, frame: Frame): Application {
  const plan = new Plan(map, frame);
  let left = map.terms;
  for (let mode = 0; mode < map.shapeIn.length; mode++) {
    plan.addMode(
      mode,
      left.filter((t) => t.matrices[mode]),
    );
    left = left.filter((t) => !t.matrices[mode]);
  }
  plan.addMultiples(left);
  return plan.application();
}

const unit: Complex = { re: 1, im: 0 };
const none: Complex = { re: 0, im: 0 };

/** Terms that share their matrices behind the outer mode: (sum_k c_k M_k), times the shared product. */
interface Group<M extends Matrix = Matrix> {
  readonly inner: readonly (Matrix | null)[];
  readonly matrix: M;
}

/** to := alpha M from + beta to, on one mode. */
type Product = (alpha: Complex, from: Tensor, beta: number, to: Tensor) => void;

const isStored = (g: Group): g is Group<Tensor | SparseMatrix> => isDense(g.matrix) || isSparse(g.matrix);

/** A tensor of the plan, given the argument. */
type Value = (x: Tensor) => Tensor;

class Plan {
  readonly #map: KroneckerSum;
  readonly #frame: Frame;
  readonly #gemm = backend().gemm;
  readonly #steps: Application[] = [];
  readonly #ids = new Map<Matrix, number>();
  readonly #held = new Map<Tensor, Tensor>();
  readonly #values = new Map<string, Value>();
  /** The first product into the result applies beta, later ones add. */
  #written = false;

  constructor(map: KroneckerSum, frame: Frame) {
    this.#map = map;
    this.#frame = frame;
  }

  /** Adds all terms whose first matrix is on this mode. */
  addMode(mode: number, terms: readonly KroneckerTerm[]): void {
    const parts = new Map<string, { inner: Group["inner"]; terms: [Scalar, Matrix][] }>();
    for (const { coefficient, matrices } of terms) {
      const inner = matrices.with(mode, null);
      const key = this.#key(inner);
      const group = parts.get(key) ?? { inner, terms: [] };
      group.terms.push([coefficient, matrices[mode]!]);
      parts.set(key, group);
    }
    const groups = [...parts.values()].map((g): Group => ({ inner: g.inner, matrix: matrixSum(g.terms) }));
    // products of few matrices first: they are parts of those of more
    groups.sort((a, b) => count(a.inner) - count(b.inner));
    const stacked = groups.filter((g) => mode === 0 && count(g.inner) > 0 && isStored(g));
    const single = groups.filter((g) => !stacked.includes(g));
    for (const group of single) if (count(group.inner) === 0) this.#addOne(mode, group);
    // before the others form any of the stack's products elsewhere
    if (stacked.length > 0) this.#addStacked(stacked.filter(isStored));
    for (const group of single) if (count(group.inner) > 0) this.#addOne(mode, group);
  }

  /** Adds terms without any matrix: multiples of the argument. */
  addMultiples(terms: readonly KroneckerTerm[]): void {
    const c = terms.map((t) => complex(t.coefficient)).reduce((a, b) => ({ re: a.re + b.re, im: a.im + b.im }), none);
    const isNothing = c.re === 0 && c.im === 0;
    if (this.#written && isNothing) return;
    const first = !this.#written;
    this.#steps.push((alpha, x, beta, out) => {
      if (first && beta === 0) out.data.fill(0);
      else if (first && beta !== 1) scaleInto({ re: beta, im: 0 }, out, out);
      if (!isNothing) axpy(times(alpha, c), x, out);
    });
  }

  application(): Application {
    const steps = this.#steps;
    return (alpha, x, beta, out) => {
      for (const step of steps) step(alpha, x, beta, out);
    };
  }

  /** out += M x_mode P x, for one group. */
  #addOne(mode: number, { inner, matrix }: Group): void {
    const { shapeIn, shapeOut } = this.#map;
    const value = this.#value(inner);
    const product = this.#product(matrix, shapeOut.with(mode, shapeIn[mode]!), mode);
    const first = this.#claim();
    this.#steps.push((alpha, x, beta, out) => product(alpha, value(x), first ? beta : 1, out));
  }

  /**
   * out += [M_1 M_2 ...] [P_1 x; P_2 x; ...] on the first mode, for all groups at once: one product of the dense matrices, and one
   * of the sparse ones, which takes each row of the result with the entries of all of them.
   */
  #addStacked(groups: readonly Group<Tensor | SparseMatrix>[]): void {
    const { shapeIn, shapeOut, dtype } = this.#map;
    const [rows, ...rest] = shapeOut as [number, ...number[]];
    const k = shapeIn[0]!;
    const full = groups.flatMap((group) => (isDense(group.matrix) ? [{ group, matrix: group.matrix }] : []));
    const sparse = groups.flatMap((group) => (isSparse(group.matrix) ? [{ group, matrix: group.matrix }] : []));
    const places = [...full, ...sparse].map(({ group }) => group);
    const stack = this.#frame.take([groups.length * k, ...rest], dtype);
    const size = stack.data.length / groups.length;
    const part = (first: number, end: number): Tensor =>
      tensor([(end - first) * k, ...rest], dtype, stack.data.subarray(first * size, end * size));
    for (const group of groups) {
      const at = places.indexOf(group);
      this.#value(group.inner, part(at, at + 1));
    }
    if (full.length > 0) {
      const from = part(0, full.length);
      const side = tensor([rows, full.length * k], dtype);
      full.forEach(({ matrix }, i) => {
        place(asDtype(matrix, dtype), side, [0, i * k]);
      });
      const matrix = this.#hold(side);
      const g = gemmShape(dtype, "N", "N", rows, sizeOf(rest), full.length * k);
      const first = this.#claim();
      this.#steps.push((alpha, _x, beta, out) =>
        this.#gemm(g, alpha, matrix.data, from.data, first ? beta : 1, out.data),
      );
    }
    if (sparse.length > 0) {
      const from = part(full.length, groups.length);
      const side = beside(sparse.map(({ matrix }) => [1, matrix]));
      const first = this.#claim();
      this.#steps.push((alpha, _x, beta, out) => sparseProduct(side, 1, alpha, from, first ? beta : 1, out));
    }
  }

  /** The product of these matrices with the argument, last mode first; formed once an application, in `into` if given. */
  #value(matrices: readonly (Matrix | null)[], into?: Tensor): Value {
    const mode = matrices.findIndex((m) => m !== null);
    if (mode < 0) return (x) => x;
    const key = this.#key(matrices);
    const known = this.#values.get(key);
    if (known) return known;
    const { shapeIn, dtype } = this.#map;
    const source = this.#value(matrices.with(mode, null));
    const shape = shapeIn.map((n, k) => matrices[k]?.shape[0] ?? n);
    const out = into ?? this.#frame.take(shape, dtype);
    const product = this.#product(matrices[mode]!, shape.with(mode, shapeIn[mode]!), mode);
    this.#steps.push((_alpha, x) => product(unit, source(x), 0, out));
    const value: Value = () => out;
    this.#values.set(key, value);
    return value;
  }

  /** Plans the product of a matrix with tensors of this shape on one of its modes. */
  #product(m: Matrix, shape: readonly number[], mode: number): Product {
    const { stored, functions } = partsOf(m);
    const products = functions.map(([c, f]) => this.#functionProduct(c, f, shape, mode));
    if (stored) products.unshift(this.#storedProduct(stored, shape, mode));
    if (products.length === 1) return products[0]!;
    return (alpha, from, beta, to) => {
      for (let k = 0; k < products.length; k++) products[k]!(alpha, from, k === 0 ? beta : 1, to);
    };
  }

  #storedProduct(m: Tensor | SparseMatrix, shape: readonly number[], mode: number): Product {
    if (!isDense(m)) {
      const before = sizeOf(shape.slice(0, mode));
      return (alpha, from, beta, to) => sparseProduct(m, before, alpha, from, beta, to);
    }
    const matrix = this.#hold(m);
    const g = modeGemm(this.#map.dtype, shape, mode, m.shape[0]!);
    return g.left
      ? (alpha, from, beta, to) => this.#gemm(g, alpha, matrix.data, from.data, beta, to.data)
      : (alpha, from, beta, to) => this.#gemm(g, alpha, from.data, matrix.data, beta, to.data);
  }

  #functionProduct(c: Scalar, f: MatrixFunction, shape: readonly number[], mode: number): Product {
    const { dtype } = this.#map;
    const before = sizeOf(shape.slice(0, mode));
    const slice = [shape[mode]!, sizeOf(shape.slice(mode + 1))];
    const image = this.#frame.take(shape, dtype);
    const size = image.data.length / before;
    const part = (t: Tensor, b: number): Tensor => tensor(slice, dtype, t.data.subarray(b * size, (b + 1) * size));
    return (alpha, from, beta, to) => {
      for (let b = 0; b < before; b++) applyFunction(f, part(from, b), part(image, b));
      if (beta === 0) return scaleInto(times(alpha, c), image, to);
      if (beta !== 1) scaleInto({ re: beta, im: 0 }, to, to);
      axpy(times(alpha, c), image, to);
    };
  }

  /** The matrix where the backend reaches it without a copy. */
  #hold(m: Tensor): Tensor {
    const held = this.#held.get(m) ?? this.#frame.hold(m, this.#map.dtype);
    this.#held.set(m, held);
    return held;
  }

  #key(matrices: readonly (Matrix | null)[]): string {
    return matrices.map((m) => (m ? this.#id(m) : "-")).join(" ");
  }

  #id(m: Matrix): number {
    const id = this.#ids.get(m) ?? this.#ids.size;
    this.#ids.set(m, id);
    return id;
  }

  /** Whether the step that is being planned is the first to write the result. */
  #claim(): boolean {
    const first = !this.#written;
    this.#written = true;
    return first;
  }
}

const count = (matrices: readonly (Matrix | null)[]): number => matrices.filter((m) => m !== null).length;
