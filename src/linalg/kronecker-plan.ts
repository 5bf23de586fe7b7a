import { type Backend, type Gemm, gemmShape } from "./backend.ts";
import { modeGemm, place } from "./contract.ts";
import { backend } from "./current.ts";
import { countOf, type Factors, type Group, grouped, outerMode, ProductKeys } from "./kronecker-groups.ts";
import { type KroneckerSum, type KroneckerTerm, sumOfCoefficients } from "./kronecker-sum.ts";
import { axpy, scaleInto } from "./level1.ts";
import { isDense, isStored, type Matrix, type MatrixFunction, partsOf, type SparseMatrix } from "./matrix.ts";
import { beside, matrixSum } from "./matrix-algebra.ts";
import { applyFunction } from "./matrix-product.ts";
import { sparseProduct } from "./sparse-product.ts";
import { asDtype, type Complex, type Scalar, sizeOf, type Tensor, tensor, times, width } from "./tensor.ts";
import { type Frame, workspace } from "./workspace.ts";

/** out := alpha A(x) + beta out. */
type Application = (alpha: Complex, x: Tensor, beta: number, out: Tensor) => void;

/** The map applied once, as a value. */
export function applyKroneckerSum(map: KroneckerSum, x: Tensor): Tensor {
  using frame = workspace().frame();
  const out = tensor(map.shapeOut, map.dtype);
  planKroneckerSum(map, frame)(unit, asDtype(x, map.dtype), 0, out);
  return out;
}

/**
 * Plans the map: which products are made, in which order, in which buffers of `frame`; then each application runs
 * without allocating. The plan reads matrices where they are, so that they have to stay as they are for as long as it is used.
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
  const { modes, rest } = grouped(map.terms, map.shapeIn.length, plan.keys);
  for (let mode = 0; mode < modes.length; mode++) plan.addMode(mode, modes[mode]!);
  plan.addMultiples(rest);
  const { steps } = plan;
  const { gemm } = backend();
  return (alpha, x, beta, out) => {
    for (const { product, from, to, isFirst } of steps)
      if (to) apply(gemm, product, unit, from ?? x, 0, to);
      else apply(gemm, product, alpha, from ?? x, isFirst ? beta : 1, out);
  };
}

/** One product of a plan. */
interface Step {
  readonly product: Product;
  /** A buffer; null is the argument. */
  readonly from: Tensor | null;
  /** A buffer; null is the result, to which the product is added unless it is the first there. */
  readonly to: Tensor | null;
  readonly isFirst: boolean;
}

/** A linear map on tensors of a known shape, most of them a matrix on one mode. Plain data: what is applied thousands of times is one function. */
type Product =
  | { readonly kind: "dense"; readonly shape: Gemm; readonly isLeft: boolean; readonly matrix: Tensor }
  | { readonly kind: "sparse"; readonly matrix: SparseMatrix; readonly before: number }
  | {
      readonly kind: "function";
      readonly factor: Scalar;
      readonly f: MatrixFunction;
      readonly before: number;
      readonly slice: readonly number[];
      readonly image: Tensor;
    }
  | { readonly kind: "multiple"; readonly factor: Complex }
  | { readonly kind: "sum"; readonly parts: readonly Product[] };

/** to := alpha (product) from + beta to. */
function apply(gemm: Backend["gemm"], product: Product, alpha: Complex, from: Tensor, beta: number, to: Tensor): void {
  switch (product.kind) {
    case "dense": {
      const { shape, isLeft, matrix } = product;
      if (isLeft) gemm(shape, alpha, matrix.data, from.data, beta, to.data);
      else gemm(shape, alpha, from.data, matrix.data, beta, to.data);
      return;
    }
    case "sparse":
      sparseProduct(product.matrix, product.before, alpha, from, beta, to);
      return;
    case "function": {
      const { factor, f, before, slice, image } = product;
      for (let b = 0; b < before; b++) applyFunction(f, part(from, b, slice), part(image, b, slice));
      combineInto(times(alpha, factor), image, beta, to);
      return;
    }
    case "multiple":
      if (!isZero(product.factor)) combineInto(times(alpha, product.factor), from, beta, to);
      else if (beta === 0) to.data.fill(0);
      else if (beta !== 1) scaleInto({ re: beta, im: 0 }, to, to);
      return;
    case "sum":
      for (let k = 0; k < product.parts.length; k++)
        apply(gemm, product.parts[k]!, alpha, from, k === 0 ? beta : 1, to);
  }
}

/** Slice `index` of a tensor that is made of slices of this shape. */
function part(t: Tensor, index: number, slice: readonly number[]): Tensor {
  const length = sizeOf(slice) * width(t.dtype);
  return tensor(slice, t.dtype, t.data.subarray(index * length, (index + 1) * length));
}

/** to := alpha from + beta to; with beta = 0 `to` is not read. */
function combineInto(alpha: Complex, from: Tensor, beta: number, to: Tensor): void {
  if (beta === 0) {
    scaleInto(alpha, from, to);
    return;
  }
  if (beta !== 1) scaleInto({ re: beta, im: 0 }, to, to);
  axpy(alpha, from, to);
}

const isZero = ({ re, im }: Complex): boolean => re === 0 && im === 0;
const unit: Complex = { re: 1, im: 0 };

/** A group whose matrices on the outer mode have been added up. */
interface Summed<M extends Matrix = Matrix> {
  readonly inner: Factors;
  readonly matrix: M;
}

const isOfEntries = (g: Summed): g is Summed<Tensor | SparseMatrix> => isStored(g.matrix);

class Plan {
  readonly steps: Step[] = [];
  readonly keys = new ProductKeys();
  readonly #map: KroneckerSum;
  readonly #frame: Frame;
  readonly #held = new Map<Tensor, Tensor>();
  readonly #values = new Map<string, Tensor>();
  /** The first product into the result applies beta, later ones add. */
  #written = false;

  constructor(map: KroneckerSum, frame: Frame) {
    this.#map = map;
    this.#frame = frame;
  }

  /** Adds all terms whose first matrix is on this mode. */
  addMode(mode: number, terms: readonly Group[]): void {
    const groups: Summed[] = [];
    for (const { inner, outer } of terms) groups.push({ inner, matrix: matrixSum(outer, this.#frame) });
    // products of few matrices first: they are parts of those of more
    groups.sort(byCount);
    const stacked: Summed<Tensor | SparseMatrix>[] = [];
    const single: Summed[] = [];
    for (const group of groups)
      if (mode === 0 && countOf(group.inner) > 0 && isOfEntries(group)) stacked.push(group);
      else single.push(group);
    for (const group of single) if (countOf(group.inner) === 0) this.#addOne(mode, group);
    // before the others form any of the stack's products elsewhere
    if (stacked.length > 0) this.#addStacked(stacked);
    for (const group of single) if (countOf(group.inner) > 0) this.#addOne(mode, group);
  }

  /** Adds terms without any matrix: multiples of the argument. */
  addMultiples(terms: readonly KroneckerTerm[]): void {
    const factor = sumOfCoefficients(terms);
    if (!this.#written || !isZero(factor)) this.#add({ kind: "multiple", factor }, null);
  }

  /** out += M x_mode P x, for one group. */
  #addOne(mode: number, { inner, matrix }: Summed): void {
    const { shapeIn, shapeOut } = this.#map;
    const value = this.#value(inner);
    this.#add(this.#product(matrix, shapeOut.with(mode, shapeIn[mode]!), mode), value);
  }

  /** out += product of `from`; null is the argument. */
  #add(product: Product, from: Tensor | null): void {
    this.steps.push({ product, from, to: null, isFirst: !this.#written });
    this.#written = true;
  }

  /**
   * out += [M_1 M_2 ...] [P_1 x; P_2 x; ...] on the first mode, for all groups at once: one product of the dense matrices, and one
   * of the sparse ones, which takes each row of the result with the entries of all of them.
   */
  #addStacked(groups: readonly Summed<Tensor | SparseMatrix>[]): void {
    const { shapeIn, shapeOut, dtype } = this.#map;
    const [rows, ...rest] = shapeOut as [number, ...number[]];
    const k = shapeIn[0]!;
    const dense: Tensor[] = [];
    const sparse: SparseMatrix[] = [];
    for (const { matrix } of groups)
      if (isDense(matrix)) dense.push(matrix);
      else sparse.push(matrix);
    const stack = this.#frame.take([groups.length * k, ...rest], dtype);
    const size = stack.data.length / groups.length;
    const between = (first: number, end: number): Tensor =>
      tensor([(end - first) * k, ...rest], dtype, stack.data.subarray(first * size, end * size));
    let [nextDense, nextSparse] = [0, dense.length];
    for (const { inner, matrix } of groups) {
      const at = isDense(matrix) ? nextDense++ : nextSparse++;
      this.#value(inner, between(at, at + 1));
    }
    if (dense.length > 0) {
      const side = this.#frame.take([rows, dense.length * k], dtype);
      for (let i = 0; i < dense.length; i++) place(asDtype(dense[i]!, dtype), side, [0, i * k]);
      const shape = gemmShape(dtype, "N", "N", rows, sizeOf(rest), dense.length * k);
      this.#add({ kind: "dense", shape, isLeft: true, matrix: side }, between(0, dense.length));
    }
    if (sparse.length > 0) {
      const matrix = beside(sparse.map((m) => [1, m]));
      this.#add({ kind: "sparse", matrix, before: 1 }, between(dense.length, groups.length));
    }
  }

  /**
   * Where the product of these matrices with the argument will be, last mode first; formed once an application, in `into` if given.
   * Null, the argument itself, where there are none.
   */
  #value(matrices: Factors, into?: Tensor): Tensor | null {
    const mode = outerMode(matrices);
    if (mode < 0) return null;
    const key = this.keys.of(matrices);
    const known = this.#values.get(key);
    if (known) return known;
    const { shapeIn, dtype } = this.#map;
    const from = this.#value(matrices.with(mode, null));
    const shape: number[] = [];
    for (let k = 0; k < shapeIn.length; k++) shape.push(matrices[k]?.shape[0] ?? shapeIn[k]!);
    const to = into ?? this.#frame.take(shape, dtype);
    const product = this.#product(matrices[mode]!, shape.with(mode, shapeIn[mode]!), mode);
    this.steps.push({ product, from, to, isFirst: true });
    this.#values.set(key, to);
    return to;
  }

  /** Plans the product of a matrix with tensors of this shape on one of its modes. */
  #product(m: Matrix, shape: readonly number[], mode: number): Product {
    const { stored, functions } = partsOf(m);
    const parts: Product[] = stored ? [this.#storedProduct(stored, shape, mode)] : [];
    for (const [factor, f] of functions)
      parts.push({
        kind: "function",
        factor,
        f,
        before: sizeOf(shape.slice(0, mode)),
        slice: [shape[mode]!, sizeOf(shape.slice(mode + 1))],
        image: this.#frame.take(shape, this.#map.dtype),
      });
    return parts.length === 1 ? parts[0]! : { kind: "sum", parts };
  }

  #storedProduct(m: Tensor | SparseMatrix, shape: readonly number[], mode: number): Product {
    if (!isDense(m)) return { kind: "sparse", matrix: m, before: sizeOf(shape.slice(0, mode)) };
    const { left, ...gemm } = modeGemm(this.#map.dtype, shape, mode, m.shape[0]!);
    return { kind: "dense", shape: gemm, isLeft: left, matrix: this.#within(m) };
  }

  /** The matrix where the backend reaches it without a copy. */
  #within(m: Tensor): Tensor {
    const held = this.#held.get(m) ?? this.#frame.within(m, this.#map.dtype);
    this.#held.set(m, held);
    return held;
  }
}

/** Groups with fewer shared matrices first. */
const byCount = (a: Pick<Group, "inner">, b: Pick<Group, "inner">): number => countOf(a.inner) - countOf(b.inner);
