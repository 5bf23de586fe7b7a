import { backend } from "./current.ts";
import { gemmShape } from "./backend.ts";
import { combine, modeGemm, place } from "./contract.ts";
import { axpy, scaleInto } from "./level1.ts";
import {
  asDtype,
  type Complex,
  commonDtype,
  complex,
  dtypeOf,
  type Dtype,
  identity,
  type Scalar,
  shapeText,
  sizeOf,
  type Tensor,
  tensor,
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
  shapeOut: readonly number[] = shapeIn.map((n, k) => terms.find((t) => t.matrices[k])?.matrices[k]!.shape[0] ?? n),
): KroneckerSum {
  for (const { matrices } of terms)
    matrices.forEach((m, mode) => {
      const want = `${shapeOut[mode]}x${shapeIn[mode]}`;
      const have = m ? shapeText(m.shape) : `${shapeIn[mode]}x${shapeIn[mode]}`;
      if (have !== want) throw new RangeError(`kroneckerSum: mode ${mode} has a matrix ${have}, expected ${want}`);
    });
  const needed = commonDtype(dtype, ...terms.flatMap((t) => [dtypeOf(t.coefficient), ...t.matrices.map((m) => m?.dtype ?? "float64")]));
  return { shapeIn, shapeOut, dtype: needed, terms };
}

/** The map applied once, as a value. */
export function applyKroneckerSum(map: KroneckerSum, x: Tensor): Tensor {
  using frame = workspace().frame();
  const out = tensor(map.shapeOut, map.dtype);
  planKroneckerSum(map, frame)({ re: 1, im: 0 }, asDtype(x, map.dtype), 0, out);
  return out;
}

/** A group of terms that share their matrices behind the outer mode: sum_k c_k M_k, times the shared product. */
interface Group {
  readonly inner: readonly (Tensor | null)[];
  readonly outer: Tensor;
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
  const { shapeOut, dtype } = map;
  const gemm = backend().gemm;
  const order = map.shapeIn.length;
  const none = Array.from({ length: order }, () => null);
  const steps: ((alpha: Complex, x: Tensor, beta: number, out: Tensor) => void)[] = [];
  const values = new Map<string, (x: Tensor) => Tensor>();
  const ids = new Map<Tensor, number>();
  const resident = new Map<Tensor, Tensor>();
  const keyOf = (matrices: readonly (Tensor | null)[]): string =>
    matrices.map((m) => (m ? (ids.get(m) ?? (ids.set(m, ids.size), ids.size - 1)) : "-")).join(" ");

  /** The matrix where the backend reaches it without a copy. */
  const near = (m: Tensor): Tensor => {
    let found = resident.get(m);
    if (!found) {
      found = frame.hold(m, dtype);
      resident.set(m, found);
    }
    return found;
  };

  /** The product of these matrices with x, last mode first; formed once an application. */
  const valueOf = (matrices: readonly (Tensor | null)[], into?: Tensor): ((x: Tensor) => Tensor) => {
    const first = matrices.findIndex((m) => m !== null);
    if (first < 0) return (x) => x;
    const key = keyOf(matrices);
    const known = values.get(key);
    if (known && !into) return known;
    const source = known ?? valueOf(matrices.with(first, null));
    if (known && into) {
      steps.push((_a, x) => into.data.set(known(x).data));
      return () => into;
    }
    const shape = map.shapeIn.map((n, k) => matrices[k]?.shape[0] ?? n);
    const out = into ?? frame.take(shape, dtype);
    const matrix = near(matrices[first]!);
    const g = modeGemm(dtype, shape.with(first, map.shapeIn[first]!), first, shape[first]!);
    steps.push((_alpha, x) => {
      const from = source(x).data;
      gemm(g, unit, g.left ? matrix.data : from, g.left ? from : matrix.data, 0, out.data);
    });
    const value = (): Tensor => out;
    values.set(key, value);
    return value;
  };

  let written = false; // the first product into `out` applies beta, later ones add
  const accumulate = (mode: number, groups: readonly Group[]): void => {
    const stacked = groups.filter((g) => mode === 0 && g.inner.some((m) => m !== null));
    for (const group of groups.filter((g) => !stacked.includes(g))) {
      const value = valueOf(group.inner);
      const matrix = near(group.outer);
      const g = modeGemm(dtype, shapeOut.with(mode, matrix.shape[1]!), mode, shapeOut[mode]!);
      const first = !written;
      written = true;
      steps.push((alpha, x, beta, out) => {
        const from = value(x).data;
        gemm(g, alpha, g.left ? matrix.data : from, g.left ? from : matrix.data, first ? beta : 1, out.data);
      });
    }
    if (stacked.length === 0) return;
    const rows = shapeOut[0]!;
    const k = map.shapeIn[0]!;
    const rest = shapeOut.slice(1);
    const all = frame.take([stacked.length * k, ...rest], dtype);
    const size = all.data.length / stacked.length;
    stacked.forEach((group, i) => {
      const part = tensor([k, ...rest], dtype, all.data.subarray(i * size, (i + 1) * size));
      valueOf(group.inner, part);
    });
    const side = tensor([rows, stacked.length * k], dtype);
    stacked.forEach((group, i) => place(asDtype(group.outer, dtype), side, [0, i * k]));
    const matrix = near(side);
    const g = gemmShape(dtype, "N", "N", rows, sizeOf(rest), stacked.length * k);
    const first = !written;
    written = true;
    steps.push((alpha, _x, beta, out) => gemm(g, alpha, matrix.data, all.data, first ? beta : 1, out.data));
  };

  let left = map.terms;
  for (let mode = 0; mode < order; mode++) {
    const here = left.filter((t) => t.matrices[mode]);
    left = left.filter((t) => !t.matrices[mode]);
    const groups = new Map<string, { inner: (Tensor | null)[]; parts: [Scalar, Tensor][] }>();
    for (const t of here) {
      const inner = t.matrices.with(mode, null);
      const key = keyOf(inner);
      const group = groups.get(key) ?? { inner, parts: [] };
      group.parts.push([t.coefficient, t.matrices[mode]!]);
      groups.set(key, group);
    }
    accumulate(mode, [...groups.values()].map(({ inner, parts }) => ({ inner, outer: added(parts) })));
  }
  const scalar = left.reduce<Complex>(
    (sum, t) => ({ re: sum.re + complex(t.coefficient).re, im: sum.im + complex(t.coefficient).im }),
    { re: 0, im: 0 },
  );
  if (scalar.re !== 0 || scalar.im !== 0) {
    if (!written && order > 0) {
      accumulate(0, [{ inner: none, outer: combine([[scalar, identity(shapeOut[0]!)]]) }]);
    } else
      steps.push((alpha, x, _beta, out) =>
        axpy({ re: alpha.re * scalar.re - alpha.im * scalar.im, im: alpha.re * scalar.im + alpha.im * scalar.re }, x, out),
      );
  }
  if (!written && steps.length === 0)
    return (_alpha, _x, beta, out) => (beta === 0 ? void out.data.fill(0) : scaleInto({ re: beta, im: 0 }, out, out));
  return (alpha, x, beta, out) => {
    for (const step of steps) step(alpha, x, beta, out);
  };
}

const unit: Complex = { re: 1, im: 0 };

const added = (parts: readonly [Scalar, Tensor][]): Tensor => {
  const [first] = parts;
  const alone = parts.length === 1 && complex(first![0]).re === 1 && complex(first![0]).im === 0;
  return alone ? first![1] : combine(parts);
};
