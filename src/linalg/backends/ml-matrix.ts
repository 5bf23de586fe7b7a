/*
 * Real factorisations by `ml-matrix` (the algorithms of JAMA), loaded at the first use so that other backends never pay
 * for it. Measured on the matrix zoo of the tests: QR, SVD and eigh all pass the thresholds; the SVD (Golub-Kahan) keeps
 * small values to eps sigma_1 only. Its iterations have no limit, so inputs must be finite.
 */

interface Matrix {
  to1DArray(): number[];
}

interface MlMatrix {
  readonly Matrix: { from1DArray(rows: number, columns: number, data: ArrayLike<number>): Matrix };
  readonly QrDecomposition: new (a: Matrix) => { orthogonalMatrix: Matrix; upperTriangularMatrix: Matrix };
  readonly SVD: new (
    a: Matrix,
    options: { autoTranspose: boolean },
  ) => { leftSingularVectors: Matrix; rightSingularVectors: Matrix; diagonal: number[] };
  readonly EVD: new (
    a: Matrix,
    options: { assumeSymmetric: boolean },
  ) => { eigenvectorMatrix: Matrix; realEigenvalues: number[] };
}

let loaded: MlMatrix | null = null;

/** Null where there is no Node to load it from: the caller's own loops serve there. */
export function mlMatrix(): MlMatrix | null {
  const require = globalThis.process?.getBuiltinModule?.("module")?.createRequire(import.meta.url);
  if (require) loaded ??= require("ml-matrix") as MlMatrix;
  return loaded;
}

/** Thin QR of a real matrix; a wide one by its first m columns, the rest of R being Q^T A. */
export function mlQr(
  ml: MlMatrix,
  m: number,
  n: number,
  a: Float64Array,
  q: Float64Array | null,
  r: Float64Array,
): void {
  const k = Math.min(m, n);
  const leading = new Float64Array(m * k);
  for (let i = 0; i < m; i++) leading.set(a.subarray(i * n, i * n + k), i * k);
  const f = new ml.QrDecomposition(ml.Matrix.from1DArray(m, k, leading));
  const basis = f.orthogonalMatrix.to1DArray();
  const upper = f.upperTriangularMatrix.to1DArray();
  q?.set(basis);
  for (let i = 0; i < k; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      if (j >= k) for (let l = 0; l < m; l++) sum += basis[l * k + i]! * a[l * n + j]!;
      r[i * n + j] = j < i ? 0 : j < k ? upper[i * k + j]! : sum;
    }
}

/** Thin SVD of a real matrix. */
export function mlSvd(
  ml: MlMatrix,
  m: number,
  n: number,
  a: Float64Array,
  u: Float64Array | null,
  s: Float64Array,
  vh: Float64Array | null,
): void {
  const f = new ml.SVD(ml.Matrix.from1DArray(m, n, a), { autoTranspose: true });
  const k = Math.min(m, n);
  for (let i = 0; i < k; i++) s[i] = f.diagonal[i]!;
  if (!u || !vh) return;
  u.set(f.leftSingularVectors.to1DArray());
  const v = f.rightSingularVectors.to1DArray();
  for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) vh[j * n + i] = v[i * k + j]!;
}

/** Eigenvalues and eigenvectors of the real symmetric matrix with this lower triangle. */
export function mlEigh(ml: MlMatrix, n: number, a: Float64Array, w: Float64Array, v: Float64Array): void {
  const full = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) full[i * n + j] = full[j * n + i] = a[i * n + j]!;
  const f = new ml.EVD(ml.Matrix.from1DArray(n, n, full), { assumeSymmetric: true });
  w.set(f.realEigenvalues);
  v.set(f.eigenvectorMatrix.to1DArray());
}
