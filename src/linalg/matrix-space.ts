import { byRows, isDense, isSparse, type Matrix, type MatrixFunction, partsOf, type SparseMatrix } from "./matrix.ts";
import { matrixSum } from "./matrix-algebra.ts";
import { dtypeOfMatrices } from "./matrix-checks.ts";
import { type Complex, complex, type Dtype, type Tensor, tensor, width } from "./tensor.ts";

/**
 * Matrices of one shape as vectors: their entries wherever one of them has any, so that inner products are those of
 * Frobenius, and one number for each user's function, which is thus independent of everything but itself.
 */
export interface MatrixSpace {
  readonly dtype: Dtype;
  /** Numbers of a vector. */
  readonly size: number;
  /** The vectors of matrices, as columns; of those that the space was made for, or of others with entries at the same places. */
  coordinates(matrices: readonly Matrix[]): Tensor;
  /** The matrix of each column. */
  matrices(columns: Tensor): Matrix[];
}

/** The smallest such space that holds these matrices. Its vectors have rows x columns numbers only when one of them is dense. */
export function matrixSpace(spanning: readonly Matrix[]): MatrixSpace {
  const [rows, columns] = spanning[0]!.shape as [number, number];
  const dtype = dtypeOfMatrices(spanning);
  const stored = spanning.flatMap((m) => partsOf(m).stored ?? []);
  const pattern = stored.some(isDense) ? null : union(rows, columns, stored.filter(isSparse));
  const entries = pattern ? pattern.columns.length : rows * columns;
  const functions = [...new Set(spanning.flatMap((m) => partsOf(m).functions.map(([, f]) => f)))];
  const placeOf = new Map<MatrixFunction, number>(functions.map((f, k) => [f, entries + k]));
  const size = entries + functions.length;
  const w = width(dtype);

  const coordinates = (matrices: readonly Matrix[]): Tensor => {
    const out = tensor([size, matrices.length], dtype);
    const put = (p: number, k: number, re: number, im: number): void => {
      out.data[w * (p * matrices.length + k)] = re;
      if (w === 2) out.data[2 * (p * matrices.length + k) + 1] = im;
    };
    matrices.forEach((m, k) => {
      const parts = partsOf(m);
      if (parts.stored) eachEntry(parts.stored, pattern, (p, re, im) => put(p, k, re, im));
      for (const [c, f] of parts.functions) put(placeOf.get(f)!, k, complex(c).re, complex(c).im);
    });
    return out;
  };

  const matrixOf = ({ data, shape }: Tensor, k: number): Matrix => {
    const at = (p: number): Complex => {
      const q = w * (p * shape[1]! + k);
      return { re: data[q]!, im: w === 2 ? data[q + 1]! : 0 };
    };
    const known = pattern
      ? byRows(rows, columns, dtype, (i, add) => {
          for (let s = pattern.rowStart[i]!; s < pattern.rowStart[i + 1]!; s++)
            add(pattern.columns[s]!, at(s).re, at(s).im);
        })
      : tensor([rows, columns], dtype);
    if (isDense(known))
      for (let p = 0; p < entries; p++)
        for (let c = 0; c < w; c++) known.data[w * p + c] = data[w * (p * shape[1]! + k) + c]!;
    if (functions.length === 0) return known;
    return matrixSum([
      ...(entries > 0 ? [[1, known] as const] : []),
      ...functions.map((f) => [at(placeOf.get(f)!), f] as const),
    ]);
  };

  return {
    dtype,
    size,
    coordinates,
    matrices: (vectors) => Array.from({ length: vectors.shape[1]! }, (_, k) => matrixOf(vectors, k)),
  };
}

type Pattern = Pick<SparseMatrix, "rowStart" | "columns">;

/** The places at which any of these matrices has an entry. */
function union(rows: number, columns: number, matrices: readonly SparseMatrix[]): Pattern {
  if (matrices.length === 1) return matrices[0]!;
  return byRows(rows, columns, "float64", (i, add) => {
    const all = new Set<number>();
    for (const m of matrices) for (let s = m.rowStart[i]!; s < m.rowStart[i + 1]!; s++) all.add(m.columns[s]!);
    for (const j of [...all].sort((a, b) => a - b)) add(j, 1, 0);
  });
}

/** Every entry with its place in the pattern; without one, all places count, row by row. */
function eachEntry(
  m: Tensor | SparseMatrix,
  pattern: Pattern | null,
  visit: (place: number, re: number, im: number) => void,
): void {
  const w = width(m.dtype);
  if (isDense(m)) {
    for (let p = 0; w * p < m.data.length; p++) visit(p, m.data[w * p]!, w === 2 ? m.data[2 * p + 1]! : 0);
    return;
  }
  const [rows, columns] = m.shape;
  for (let i = 0; i < rows; i++) {
    let place = pattern ? pattern.rowStart[i]! : 0;
    for (let s = m.rowStart[i]!; s < m.rowStart[i + 1]!; s++) {
      const j = m.columns[s]!;
      if (pattern) while (pattern.columns[place]! !== j) place++;
      else place = i * columns + j;
      visit(place, m.values[w * s]!, w === 2 ? m.values[2 * s + 1]! : 0);
    }
  }
}
