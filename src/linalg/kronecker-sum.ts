import { gemmShape } from "./backend.ts";
import { combine, modeGemm, place } from "./contract.ts";
import { backend } from "./current.ts";
import { axpy, scaleInto } from "./level1.ts";
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
  readonly matrices: readonly (Tensor | null)[];
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
interface Group {
  readonly inner: readonly (Tensor | null)[];
  readonly parts: [Scalar, Tensor][];
}

/** A tensor of the plan, given the argument. */
type Value = (x: Tensor) => Tensor;

class Plan {
  readonly #map: KroneckerSum;
  readonly #frame: Frame;
  readonly #gemm = backend().gemm;
  readonly #steps: Application[] = [];
  readonly #ids = new Map<Tensor, number>();
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
    const groups = new Map<string, Group>();
    for (const { coefficient, matrices } of terms) {
      const inner = matrices.with(mode, null);
      const key = this.#key(inner);
      const group = groups.get(key) ?? { inner, parts: [] };
      group.parts.push([coefficient, matrices[mode]!]);
      groups.set(key, group);
    }
    // products of few matrices first: they are parts of those of more
    const sorted = [...groups.values()].sort((a, b) => count(a.inner) - count(b.inner));
    const stacked = mode === 0 ? sorted.filter((g) => count(g.inner) > 0) : [];
    for (const group of sorted) if (!stacked.includes(group)) this.#addOne(mode, group);
    if (stacked.length > 0) this.#addStacked(stacked);
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
  #addOne(mode: number, { inner, parts }: Group): void {
    const { shapeOut, dtype } = this.#map;
    const value = this.#value(inner);
    const matrix = this.#hold(added(parts));
    const g = modeGemm(dtype, shapeOut.with(mode, matrix.shape[1]!), mode, shapeOut[mode]!);
    const first = this.#claim();
    this.#steps.push((alpha, x, beta, out) => {
      const from = value(x).data;
      this.#gemm(g, alpha, g.left ? matrix.data : from, g.left ? from : matrix.data, first ? beta : 1, out.data);
    });
  }

  /** out += [M_1 M_2 ...] [P_1 x; P_2 x; ...] on the first mode, for all groups at once. */
  #addStacked(groups: readonly Group[]): void {
    const { shapeIn, shapeOut, dtype } = this.#map;
    const [rows, ...rest] = shapeOut as [number, ...number[]];
    const k = shapeIn[0]!;
    const all = this.#frame.take([groups.length * k, ...rest], dtype);
    const size = all.data.length / groups.length;
    const side = tensor([rows, groups.length * k], dtype);
    groups.forEach(({ inner, parts }, i) => {
      this.#value(inner, tensor([k, ...rest], dtype, all.data.subarray(i * size, (i + 1) * size)));
      place(asDtype(added(parts), dtype), side, [0, i * k]);
    });
    const matrix = this.#hold(side);
    const g = gemmShape(dtype, "N", "N", rows, sizeOf(rest), groups.length * k);
    const first = this.#claim();
    this.#steps.push((alpha, _x, beta, out) => this.#gemm(g, alpha, matrix.data, all.data, first ? beta : 1, out.data));
  }

  /** The product of these matrices with the argument, last mode first; formed once an application, in `into` if given. */
  #value(matrices: readonly (Tensor | null)[], into?: Tensor): Value {
    const mode = matrices.findIndex((m) => m !== null);
    if (mode < 0) return (x) => x;
    const key = this.#key(matrices);
    const known = this.#values.get(key);
    if (known) return known;
    const { shapeIn, dtype } = this.#map;
    const source = this.#value(matrices.with(mode, null));
    const matrix = this.#hold(matrices[mode]!);
    const shape = shapeIn.map((n, k) => matrices[k]?.shape[0] ?? n);
    const out = into ?? this.#frame.take(shape, dtype);
    const g = modeGemm(dtype, shape.with(mode, shapeIn[mode]!), mode, shape[mode]!);
    this.#steps.push((_alpha, x) => {
      const from = source(x).data;
      this.#gemm(g, unit, g.left ? matrix.data : from, g.left ? from : matrix.data, 0, out.data);
    });
    const value: Value = () => out;
    this.#values.set(key, value);
    return value;
  }

  /** The matrix where the backend reaches it without a copy. */
  #hold(m: Tensor): Tensor {
    const held = this.#held.get(m) ?? this.#frame.hold(m, this.#map.dtype);
    this.#held.set(m, held);
    return held;
  }

  #key(matrices: readonly (Tensor | null)[]): string {
    return matrices.map((m) => (m ? this.#id(m) : "-")).join(" ");
  }

  #id(m: Tensor): number {
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

const count = (matrices: readonly (Tensor | null)[]): number => matrices.filter((m) => m !== null).length;

const added = (parts: readonly [Scalar, Tensor][]): Tensor => {
  const [[c, m], ...more] = parts as [[Scalar, Tensor], ...[Scalar, Tensor][]];
  const isAlone = more.length === 0 && complex(c).re === 1 && complex(c).im === 0;
  return isAlone ? m : combine(parts);
};
