import { isDense, isSparse, type Matrix, numbersOf, partsOf } from "./matrix.ts";
import { adjointMatrix, matrixSum } from "./matrix-algebra.ts";
import { type Complex, commonDtype, complex, type Dtype, shapeText, width } from "./tensor.ts";

/** Whether two matrices are of the same form and equal, number by number; functions when they are the same function. */
export function equalMatrices(a: Matrix, b: Matrix): boolean {
  if (a === b) return true;
  if (a.dtype !== b.dtype || shapeText(a.shape) !== shapeText(b.shape)) return false;
  if (isDense(a) || isDense(b)) return isDense(a) && isDense(b) && same(a.data, b.data);
  if (isSparse(a) || isSparse(b))
    return (
      isSparse(a) &&
      isSparse(b) &&
      same(a.rowStart, b.rowStart) &&
      same(a.columns, b.columns) &&
      same(a.values, b.values)
    );
  const [x, y] = [partsOf(a), partsOf(b)];
  if (!x.stored !== !y.stored || (x.stored && y.stored && !equalMatrices(x.stored, y.stored))) return false;
  const coefficients = new Map(y.functions.map(([c, f]) => [f, complex(c)]));
  return (
    x.functions.length === y.functions.length &&
    x.functions.every(([c, f]) => {
      const [z, other] = [complex(c), coefficients.get(f)];
      return other !== undefined && z.re === other.re && z.im === other.im;
    })
  );
}

const same = (a: Float64Array | Int32Array, b: Float64Array | Int32Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** Whether a matrix is its own adjoint, exactly; a function, whether it says so. */
export function isHermitian(m: Matrix): boolean {
  const { functions } = partsOf(m);
  const known = functions.every(([, f]) => f.hermitian || f.applyAdjoint);
  return known && m.shape[0] === m.shape[1] && equalMatrices(m, adjointMatrix(m));
}

/** 1 when a matrix is its own adjoint, -1 when it is minus its adjoint, exactly; 0 otherwise, or when that is not known. */
export function symmetryOf(m: Matrix): 1 | -1 | 0 {
  if (isHermitian(m)) return 1;
  const { stored, functions } = partsOf(m);
  if (!stored || functions.length > 0 || m.shape[0] !== m.shape[1]) return 0;
  return equalMatrices(matrixSum([[-1, m]]), adjointMatrix(m)) ? -1 : 0;
}

/** Whether every number of a matrix is finite; what a function does is not known before it is applied. */
export const isFiniteMatrix = (m: Matrix): boolean => numbersOf(m).every((all) => all.every(Number.isFinite));

/** Whether a matrix has nothing but zeros. */
export const isZeroMatrix = (m: Matrix): boolean => numbersOf(m).every((all) => all.every((v) => v === 0));

/** The number c of a matrix c I, exactly; null for every other matrix. */
export function identityMultiple(m: Matrix): Complex | null {
  const [rows, columns] = m.shape as [number, number];
  if (rows !== columns || rows === 0 || (!isDense(m) && m.kind !== "sparse")) return null;
  const w = width(m.dtype);
  const values = isDense(m) ? m.data : m.values;
  const c: Complex = { re: values[0] ?? 0, im: w === 2 ? (values[1] ?? 0) : 0 };
  const isSame = (p: number): boolean => values[w * p] === c.re && (w === 1 || values[w * p + 1] === c.im);
  if (!isDense(m)) {
    if (m.columns.length !== rows) return null;
    for (let i = 0; i < rows; i++) if (m.rowStart[i] !== i || m.columns[i] !== i || !isSame(i)) return null;
    return c;
  }
  for (let p = 0; p < rows * rows; p++) {
    const isDiagonal = p % (rows + 1) === 0;
    if (isDiagonal ? !isSame(p) : values[w * p] !== 0 || (w === 2 && values[w * p + 1] !== 0)) return null;
  }
  return c;
}

/** The scalar type that holds all of these. */
export const dtypeOfMatrices = (matrices: readonly Matrix[]): Dtype =>
  commonDtype("float64", ...matrices.map((m) => m.dtype));
