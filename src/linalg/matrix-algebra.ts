import { combine, permute } from "./contract.ts";
import { conj } from "./level1.ts";
import {
  byRows,
  isDense,
  type Matrix,
  type MatrixFunction,
  type MatrixSum,
  numbersOf,
  partsOf,
  type SparseMatrix,
} from "./matrix.ts";
import { exponentOfAll, scaleByPower } from "./scaling.ts";
import {
  type Complex,
  commonDtype,
  complex,
  dtypeOf,
  type Scalar,
  shapeText,
  type Tensor,
  tensor,
  times,
  width,
} from "./tensor.ts";
import type { Frame } from "./workspace.ts";

type Term<M> = readonly [Scalar, M];

/**
 * The linear combination sum_k c_k M_k of matrices of one shape. Sparse terms give a sparse matrix, a dense one among them
 * a dense one, in `frame` if given; functions are kept beside what is known by entries; a single term with coefficient 1 is its
 * own sum. Throws a RangeError without terms or when shapes differ.
 */
export function matrixSum(terms: readonly Term<Matrix>[], frame?: Frame): Matrix {
  const [first] = terms;
  if (!first) throw new RangeError("matrixSum: no terms were given, expected one or more");
  if (terms.length === 1 && isOne(first[0])) return first[1];
  const shape = first[1].shape as [number, number];
  const entries: Term<Tensor | SparseMatrix>[] = [];
  const functions = new Map<MatrixFunction, Complex>();
  for (const [c, m] of terms) {
    if (m.shape[0] !== shape[0] || m.shape[1] !== shape[1])
      throw new RangeError(`matrixSum: the matrices are ${shapeText(shape)} and ${shapeText(m.shape)}: shapes differ`);
    const parts = partsOf(m);
    if (parts.stored) entries.push([c, parts.stored]);
    for (const [factor, f] of parts.functions) {
      const { re, im } = times(c, factor);
      const before = functions.get(f) ?? { re: 0, im: 0 };
      functions.set(f, { re: before.re + re, im: before.im + im });
    }
  }
  return ofParts(
    shape,
    sumOfEntries(shape, entries, frame),
    [...functions].map(([f, c]) => [c, f]),
  );
}

/** A matrix in its simplest form: without functions that vanish, and no sum of a single thing. */
function ofParts(
  shape: readonly [number, number],
  stored: Tensor | SparseMatrix | null,
  terms: readonly Term<MatrixFunction>[],
): Matrix {
  const functions = terms.flatMap(([c, f]): Term<MatrixFunction>[] => {
    const { re, im } = complex(c);
    return re === 0 && im === 0 ? [] : [[im === 0 ? re : c, f]];
  });
  if (functions.length === 0) return stored ?? byRows(...shape, "float64", () => {});
  const [c, f] = functions[0]!;
  if (!stored && functions.length === 1 && isOne(c)) return f;
  const dtype = commonDtype(stored?.dtype ?? "float64", ...functions.flatMap(([z, g]) => [dtypeOf(z), g.dtype]));
  return { kind: "sum", dtype, shape, stored, functions } satisfies MatrixSum;
}

function sumOfEntries(
  shape: readonly [number, number],
  terms: readonly Term<Tensor | SparseMatrix>[],
  frame?: Frame,
): Tensor | SparseMatrix | null {
  const full: Term<Tensor>[] = [];
  const sparse: Term<SparseMatrix>[] = [];
  for (const [c, m] of terms)
    if (isDense(m)) full.push([c, m]);
    else sparse.push([c, m]);
  if (sparse.length === 0) return full.length === 0 ? null : combine(full, frame);
  const sum = sumOfSparse(shape, sparse);
  if (full.length === 0) return sum;
  const out = combine([...full, [1, tensor(shape, sum.dtype)]], frame);
  addEntries(sum, out);
  return out;
}

/** out += A for a dense matrix of a type that holds A. */
export function addEntries(a: SparseMatrix, out: Tensor): void {
  const [w, v] = [width(out.dtype), width(a.dtype)];
  for (let i = 0; i < a.shape[0]; i++)
    for (let s = a.rowStart[i]!; s < a.rowStart[i + 1]!; s++)
      for (let c = 0; c < v; c++) out.data[w * (i * a.shape[1] + a.columns[s]!) + c]! += a.values[v * s + c]!;
}

function sumOfSparse(shape: readonly [number, number], terms: readonly Term<SparseMatrix>[]): SparseMatrix {
  const dtype = commonDtype(...terms.flatMap(([c, m]) => [dtypeOf(c), m.dtype]));
  const factors = terms.map(([c, m]) => ({ ...complex(c), m, w: width(m.dtype) }));
  const sums = new Float64Array(2 * shape[1]);
  const seen = new Int32Array(shape[1]).fill(-1);
  return byRows(...shape, dtype, (i, add) => {
    const row: number[] = [];
    for (const { re, im, m, w } of factors)
      for (let s = m.rowStart[i]!; s < m.rowStart[i + 1]!; s++) {
        const j = m.columns[s]!;
        if (seen[j] !== i) {
          seen[j] = i;
          row.push(j);
          sums[2 * j] = 0;
          sums[2 * j + 1] = 0;
        }
        const x = m.values[w * s]!;
        const y = w === 2 ? m.values[2 * s + 1]! : 0;
        sums[2 * j]! += re * x - im * y;
        sums[2 * j + 1]! += re * y + im * x;
      }
    if (factors.length > 1) row.sort((a, b) => a - b);
    for (const j of row) add(j, sums[2 * j]!, sums[2 * j + 1]!);
  });
}

const isOne = (c: Scalar): boolean => complex(c).re === 1 && complex(c).im === 0;

/** [c_1 M_1, c_2 M_2, ...] of sparse matrices with the same number of rows. */
export function beside(terms: readonly Term<SparseMatrix>[]): SparseMatrix {
  const rows = terms[0]![1].shape[0];
  const columns = terms.reduce((n, [, m]) => n + m.shape[1], 0);
  const dtype = commonDtype(...terms.flatMap(([c, m]) => [dtypeOf(c), m.dtype]));
  const w = width(dtype);
  const count = terms.reduce((n, [, m]) => n + m.columns.length, 0);
  const out = {
    kind: "sparse" as const,
    dtype,
    shape: [rows, columns] as const,
    rowStart: new Int32Array(rows + 1),
    columns: new Int32Array(count),
    values: new Float64Array(w * count),
  };
  const factors = terms.map(([c, m]) => ({ ...complex(c), m, v: width(m.dtype) }));
  let at = 0;
  for (let i = 0; i < rows; i++) {
    let first = 0;
    for (const { re, im, m, v } of factors) {
      for (let s = m.rowStart[i]!; s < m.rowStart[i + 1]!; s++, at++) {
        const x = m.values[v * s]!;
        const y = v === 2 ? m.values[2 * s + 1]! : 0;
        out.columns[at] = first + m.columns[s]!;
        out.values[w * at] = re * x - im * y;
        if (w === 2) out.values[2 * at + 1] = re * y + im * x;
      }
      first += m.shape[1];
    }
    out.rowStart[i + 1] = at;
  }
  return out;
}

/**
 * The conjugate transpose; of a function, the one whose `apply` is `applyAdjoint`, and twice the adjoint is the function itself.
 * Throws a TypeError for a function without an adjoint.
 */
export function adjointMatrix(m: Matrix): Matrix {
  if (isDense(m)) return permute(conj(m), [1, 0]);
  if (m.kind === "sparse") return adjointOfSparse(m);
  if (m.kind === "function") return adjointOfFunction(m);
  return ofParts(
    [m.shape[1], m.shape[0]],
    m.stored && (adjointMatrix(m.stored) as Tensor | SparseMatrix),
    m.functions.map(([c, f]) => [{ re: complex(c).re, im: -complex(c).im }, adjointOfFunction(f)]),
  );
}

function adjointOfSparse({ shape, dtype, rowStart, columns, values }: SparseMatrix): SparseMatrix {
  const [n, m] = shape;
  const w = width(dtype);
  const starts = new Int32Array(m + 1);
  for (const j of columns) starts[j + 1]!++;
  for (let j = 0; j < m; j++) starts[j + 1]! += starts[j]!;
  const next = starts.slice();
  const out = { columns: new Int32Array(columns.length), values: new Float64Array(values.length) };
  for (let i = 0; i < n; i++)
    for (let s = rowStart[i]!; s < rowStart[i + 1]!; s++) {
      const at = next[columns[s]!]!++;
      out.columns[at] = i;
      out.values[w * at] = values[w * s]!;
      if (w === 2) out.values[2 * at + 1] = -values[2 * s + 1]!;
    }
  return { kind: "sparse", dtype, shape: [m, n], rowStart: starts, ...out };
}

const adjoints = new WeakMap<MatrixFunction, MatrixFunction>();

function adjointOfFunction(f: MatrixFunction): MatrixFunction {
  if (f.hermitian) return f;
  const known = adjoints.get(f);
  if (known) return known;
  if (!f.applyAdjoint)
    throw new TypeError(`adjointMatrix: the ${shapeText(f.shape)} matrix function has no applyAdjoint`);
  const adjoint: MatrixFunction = { ...f, apply: f.applyAdjoint, applyAdjoint: f.apply };
  adjoints.set(f, adjoint);
  adjoints.set(adjoint, f);
  return adjoint;
}

/**
 * M = 2^e letter with the letter's largest number (entry, or coefficient of a function) in [1, 2): matrices in any units come
 * to one scale, exactly. Throws a NonFiniteError naming `who`.
 */
export function splitPower(m: Matrix, who: string): { readonly e: number; readonly letter: Matrix } {
  const sizes = numbersOf(m).flatMap((all) => (all.every((v) => v === 0) ? [] : [exponentOfAll(all, who)]));
  const e = sizes.length === 0 ? 0 : Math.max(...sizes);
  return { e, letter: e === 0 ? m : timesPower(m, -e) };
}

function timesPower(m: Matrix, e: number): Matrix {
  const scaled = (values: Float64Array): Float64Array => {
    const out = new Float64Array(values.length);
    scaleByPower(values, e, out);
    return out;
  };
  if (isDense(m)) return tensor(m.shape, m.dtype, scaled(m.data));
  if (m.kind === "sparse") return { ...m, values: scaled(m.values) };
  const { stored, functions } = partsOf(m);
  return ofParts(
    m.shape,
    stored && (timesPower(stored, e) as Tensor | SparseMatrix),
    functions.map(([c, f]) => {
      const [re, im] = scaled(Float64Array.of(complex(c).re, complex(c).im)) as unknown as [number, number];
      return [{ re, im }, f];
    }),
  );
}
