import {
  type Complex,
  commonDtype,
  complex,
  type Dtype,
  dtypeOf,
  type Scalar,
  shapeText,
  type Tensor,
  width,
} from "./tensor.ts";

/**
 * A sparse matrix by compressed rows: row i has its values at `rowStart[i]` to `rowStart[i + 1]`, with ascending `columns`,
 * each at most once and none of them zero; complex values are interleaved. Diagonal and banded matrices are of this kind too.
 * A value: two of the same entries are the same arrays, number by number.
 */
export interface SparseMatrix {
  readonly kind: "sparse";
  readonly dtype: Dtype;
  readonly shape: readonly [rows: number, columns: number];
  readonly rowStart: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/** A square matrix that is known by what it does to columns; see `matrixFunction`. */
export interface MatrixFunction {
  readonly kind: "function";
  readonly dtype: Dtype;
  readonly shape: readonly [rows: number, columns: number];
  readonly hermitian: boolean;
  /** out := A x. */
  readonly apply: (x: Tensor, out: Tensor) => void;
  /** out := A* x. */
  readonly applyAdjoint?: (x: Tensor, out: Tensor) => void;
}

/** A linear combination that has functions in it: what is known by entries in one part, each function once. See `matrixSum`. */
export interface MatrixSum {
  readonly kind: "sum";
  readonly dtype: Dtype;
  readonly shape: readonly [rows: number, columns: number];
  readonly stored: Tensor | SparseMatrix | null;
  readonly functions: readonly (readonly [Scalar, MatrixFunction])[];
}

/** A matrix at a leaf: dense, sparse (so are diagonal, banded and scaled identity), a user's function, or a sum of such. */
export type Matrix = Tensor | SparseMatrix | MatrixFunction | MatrixSum;

/** Whether a matrix is stored in full. */
export const isDense = (m: Matrix): m is Tensor => !("kind" in m);

/** Whether a matrix is stored by its non-zero entries. */
export const isSparse = (m: Matrix): m is SparseMatrix => "kind" in m && m.kind === "sparse";

/** Whether a matrix is stored, in full or by its non-zero entries. */
export const isStored = (m: Matrix): m is Tensor | SparseMatrix => isDense(m) || isSparse(m);

/** What a matrix is made of: the part that is known by its entries, and functions with their coefficients. */
export function partsOf(m: Matrix): Pick<MatrixSum, "stored" | "functions"> {
  if (isDense(m) || m.kind === "sparse") return { stored: m, functions: [] };
  return m.kind === "function" ? { stored: null, functions: [[1, m]] } : m;
}

/** The numbers that a matrix stores: its entries, and the coefficients of functions. */
export function numbersOf(m: Matrix): Float64Array[] {
  const { stored, functions } = partsOf(m);
  return [
    ...(stored ? [isDense(stored) ? stored.data : stored.values] : []),
    ...functions.map(([c]) => Float64Array.of(complex(c).re, complex(c).im)),
  ];
}

/** Entries row by row, columns ascending, without zeros: `row(i, add)` adds those of row i. */
export function byRows(
  rows: number,
  columns: number,
  dtype: Dtype,
  row: (i: number, add: (column: number, re: number, im: number) => void) => void,
): SparseMatrix {
  const at: number[] = [];
  const values: number[] = [];
  const rowStart = new Int32Array(rows + 1);
  const isComplex = dtype === "complex128";
  const add = (column: number, re: number, im: number): void => {
    if (re === 0 && im === 0) return;
    at.push(column);
    values.push(re);
    if (isComplex) values.push(im);
  };
  for (let i = 0; i < rows; i++) {
    row(i, add);
    rowStart[i + 1] = at.length;
  }
  return {
    kind: "sparse",
    dtype,
    shape: [rows, columns],
    rowStart,
    columns: Int32Array.from(at),
    values: Float64Array.from(values),
  };
}

/** The diagonal matrix of these values. Stores n numbers. */
export const diagonal = (values: ArrayLike<Scalar>): SparseMatrix => banded(values.length, { 0: values });

/** value I of size n x n. An operator with such a factor is compressed as if the factor were not there. */
export function scaledIdentity(n: number, value: Scalar = 1): SparseMatrix {
  return banded(n, { 0: value });
}

/**
 * The n x n matrix with these diagonals, by their offset (column minus row): a number that all entries share, or its n - |offset|
 * entries from the top. `banded(n, { [-1]: 1, 0: -2, 1: 1 })` is the second difference. Stores the non-zero entries.
 * Throws a RangeError when an offset lies outside of the matrix or a diagonal has another length.
 */
export function banded(n: number, diagonals: Readonly<Record<number, Scalar | ArrayLike<Scalar>>>): SparseMatrix {
  checkSize("banded", [n, n]);
  const bands = Object.entries(diagonals)
    .map(([key, entries]) => ({ offset: Number(key), entries }))
    .sort((a, b) => a.offset - b.offset);
  let dtype: Dtype = "float64";
  for (const { offset, entries } of bands) {
    const length = n - Math.abs(offset);
    if (!Number.isInteger(offset) || length < 0 || (length === 0 && n > 0))
      throw new RangeError(`banded: a diagonal has offset ${offset}, expected a whole number within ${n - 1} of 0`);
    if (isScalar(entries)) dtype = commonDtype(dtype, dtypeOf(entries));
    else if (entries.length !== length)
      throw new RangeError(`banded: the diagonal at ${offset} has ${entries.length} values, expected ${length}`);
    else for (let k = 0; k < length; k++) dtype = commonDtype(dtype, dtypeOf(entries[k]!));
  }
  return byRows(n, n, dtype, (i, add) => {
    for (const { offset, entries } of bands) {
      const j = i + offset;
      if (j < 0 || j >= n) continue;
      const { re, im } = complex(isScalar(entries) ? entries : entries[Math.min(i, j)]!);
      add(j, re, im);
    }
  });
}

const isScalar = (x: Scalar | ArrayLike<Scalar>): x is Scalar => typeof x === "number" || "re" in x;

/**
 * The sparse matrix with these entries; entries at the same place add up. Cost O(entries log entries).
 * Throws a RangeError when an entry lies outside of the matrix.
 */
export function sparse(
  shape: readonly [rows: number, columns: number],
  entries: Iterable<readonly [row: number, column: number, value: Scalar]>,
): SparseMatrix {
  checkSize("sparse", shape);
  const [rows, columns] = shape;
  const lines: Map<number, Complex>[] = [];
  let dtype: Dtype = "float64";
  for (const [i, j, value] of entries) {
    if (!inside(i, rows) || !inside(j, columns))
      throw new RangeError(`sparse: an entry is at (${i}, ${j}), the matrix is ${shapeText(shape)}`);
    dtype = commonDtype(dtype, dtypeOf(value));
    lines[i] ??= new Map();
    const line = lines[i];
    const { re, im } = complex(value);
    const before = line.get(j);
    line.set(j, before ? { re: before.re + re, im: before.im + im } : { re, im });
  }
  return byRows(rows, columns, dtype, (i, add) => {
    for (const [j, { re, im }] of [...(lines[i] ?? [])].sort((a, b) => a[0] - b[0])) add(j, re, im);
  });
}

const inside = (i: number, n: number): boolean => Number.isInteger(i) && i >= 0 && i < n;

/** The non-zero entries of a dense matrix: those above `drop` in absolute value, default 0. */
export function sparseOf(dense: Tensor, drop = 0): SparseMatrix {
  if (dense.shape.length !== 2)
    throw new RangeError(`sparseOf: the tensor is ${shapeText(dense.shape)}, expected a matrix`);
  if (!(drop >= 0)) throw new RangeError(`sparseOf: drop is ${drop}, expected zero or more`);
  const [rows, columns] = dense.shape as [number, number];
  const w = width(dense.dtype);
  return byRows(rows, columns, dense.dtype, (i, add) => {
    for (let j = 0; j < columns; j++) {
      const p = w * (i * columns + j);
      const re = dense.data[p]!;
      const im = w === 2 ? dense.data[p + 1]! : 0;
      if (!(Math.hypot(re, im) <= drop)) add(j, re, im);
    }
  });
}

/** The Kronecker product: entry (i k + p, j l + q) is a[i, j] b[p, q] for b of k x l. Stores as many entries as both have, multiplied. */
export function kroneckerProduct(a: SparseMatrix, b: SparseMatrix): SparseMatrix {
  const [k, l] = b.shape;
  const [wa, wb] = [width(a.dtype), width(b.dtype)];
  return byRows(a.shape[0] * k, a.shape[1] * l, commonDtype(a.dtype, b.dtype), (row, add) => {
    const i = Math.floor(row / k);
    const p = row - i * k;
    for (let s = a.rowStart[i]!; s < a.rowStart[i + 1]!; s++) {
      const re = a.values[wa * s]!;
      const im = wa === 2 ? a.values[2 * s + 1]! : 0;
      for (let t = b.rowStart[p]!; t < b.rowStart[p + 1]!; t++) {
        const re1 = b.values[wb * t]!;
        const im1 = wb === 2 ? b.values[2 * t + 1]! : 0;
        add(a.columns[s]! * l + b.columns[t]!, re * re1 - im * im1, re * im1 + im * re1);
      }
    }
  });
}

/** What `matrixFunction` takes. */
export interface MatrixFunctionOptions {
  /** n of the n x n matrix A. */
  readonly size: number;
  /** "complex128" when A is complex. Default "float64". */
  readonly dtype?: Dtype;
  /** out := A x for x and out of n x (any number of) columns; `out` is overwritten, in full, and `x` left alone. */
  apply(x: Tensor, out: Tensor): void;
  /** Whether A is its own adjoint. Default false. */
  readonly hermitian?: boolean;
  /** out := A* x, for operators whose adjoint is asked for. Not needed when A is Hermitian. */
  applyAdjoint?(x: Tensor, out: Tensor): void;
}

/**
 * A matrix given by a function: a fast transform, an integral operator, a code of your own. A real one is only ever given
 * float64 tensors (a complex state comes as twice as many columns), a complex one only complex128 tensors. Nothing is known of
 * its entries: in an operator it is independent of every other matrix, and equal to itself alone.
 */
export function matrixFunction(options: MatrixFunctionOptions): MatrixFunction {
  const { size, dtype = "float64", hermitian = false } = options;
  checkSize("matrixFunction", [size, size]);
  if (typeof options.apply !== "function")
    throw new TypeError(`matrixFunction: apply is ${typeof options.apply}, expected a function`);
  const { apply, applyAdjoint = hermitian ? apply : undefined } = options;
  return {
    kind: "function",
    dtype,
    shape: [size, size],
    hermitian,
    apply: apply.bind(options),
    ...(applyAdjoint ? { applyAdjoint: applyAdjoint.bind(options) } : {}),
  };
}

function checkSize(who: string, shape: readonly number[]): void {
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new RangeError(`${who}: the size is ${shapeText(shape)}, expected whole numbers of zero or more`);
}
