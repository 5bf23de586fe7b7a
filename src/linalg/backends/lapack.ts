import { type Backend, gemmShape } from "../backend.ts";
import type { Dtype } from "../tensor.ts";
import { width } from "../tensor.ts";
import type { Foreign, Native } from "./openblas-library.ts";

/**
 * The factorisations of LAPACK on row-major matrices. A row-major A is a column-major A^T, whose SVD with the roles of U and
 * V exchanged is what is asked for, without conjugation.
 */
export function lapack(
  native: Native,
  gemm: Backend["gemm"],
): Pick<Backend, "qr" | "triangularOfTranspose" | "svd" | "eigh"> {
  // Fortran takes everything by address: integers and characters live in fixed cells.
  const cells = new Int32Array(32);
  const cellsAt = native.address(cells);
  const alphabet = "SNUV";
  for (let i = 0; i < alphabet.length; i++) cells[24 + i] = alphabet.charCodeAt(i);
  const letter = (c: "S" | "N" | "U" | "V") => cellsAt + 4 * (24 + alphabet.indexOf(c));
  const cell = (index: number, value: number) => {
    cells[index] = value;
    return cellsAt + 4 * index;
  };
  const info = cellsAt + 4 * 31;
  const ok = (): boolean => {
    if (cells[31]! < 0) throw new Error(`LAPACK refused argument ${-cells[31]!}`);
    return cells[31] === 0;
  };

  // LAPACK never sees a caller's matrix: OpenBLAS's zgemv reads one entry too many of its vector, which is a whole leading dimension
  // further where that is a row, and fatal where a mapping ends. All that LAPACK works on lies in scratch memory with a margin.
  let input: Float64Array = new Float64Array(0);
  let left: Float64Array = new Float64Array(0);
  let right: Float64Array = new Float64Array(0);
  let work: Float64Array = new Float64Array(2);
  let real: Float64Array = new Float64Array(2);
  let integers = new Int32Array(2);
  /** Room for numbers of matrices with at most so many rows or columns. */
  const scratch = (x: Float64Array, length: number, longest: number): Float64Array => {
    const margin = 2 * longest + 64;
    return x.length >= length + margin ? x : new Float64Array(length + margin);
  };
  const keep = (a: Float64Array, length: number, longest: number): Float64Array => {
    input = scratch(input, length, longest);
    input.set(a.length === length ? a : a.subarray(0, length));
    return input;
  };

  const pointers = (count: number) => new Array<string>(count).fill("void *");
  const routine = (name: string, count: number, characters = 0): Foreign =>
    native.func(name, "void", [...pointers(count), ...new Array<string>(characters).fill("size_t")]);
  const table = {
    float64: {
      geqrf: routine("dgeqrf_", 8),
      ungqr: routine("dorgqr_", 9),
      gesdd: routine("dgesdd_", 14, 1),
      gesvd: routine("dgesvd_", 14, 2),
      heevd: routine("dsyevd_", 11, 2),
    },
    complex128: {
      geqrf: routine("zgeqrf_", 8),
      ungqr: routine("zungqr_", 9),
      gesdd: routine("zgesdd_", 15, 1),
      gesvd: routine("zgesvd_", 15, 2),
      heevd: routine("zheevd_", 13, 2),
    },
  } satisfies Record<Dtype, Record<string, Foreign>>;

  const geqrt = routine("dgeqrt_", 9);

  /** Asks the routine for its workspace (lwork = -1), then runs it. */
  const withWork = (dtype: Dtype, longest: number, call: (work: Float64Array, lwork: number) => void): boolean => {
    call(work, cell(20, -1));
    ok();
    const wanted = Math.max(1, work[0]!);
    work = scratch(work, wanted * width(dtype), longest);
    call(work, cell(20, wanted));
    return ok();
  };

  /**
   * LAPACK is fast down the columns of a tall matrix, not along the rows of a wide one, so this one is transposed on the
   * way in and out.
   */
  const qr: Backend["qr"] = (dtype, m, n, a, q, r) => {
    const w = width(dtype);
    const k = Math.min(m, n);
    input = scratch(input, w * m * n, m);
    const x = input;
    transpose(w, m, n, a, x);
    if (q && dtype === "float64" && m >= 4 * n) return recursiveQr(m, n, x, q, r);
    factorise(dtype, m, n, x, r);
    if (!q || k === 0) return;
    const { ungqr } = table[dtype];
    const tau = real;
    withWork(dtype, m, (space, lwork) =>
      ungqr(cell(0, m), cell(1, k), cell(3, k), x, cell(2, m), tau, space, lwork, info),
    );
    transpose(w, k, m, x, q);
  };

  /**
   * QR of a tall real matrix, which is overwritten, by recursion down to single columns: Q = [1; 0] - V T V1^T with V the reflectors, V1
   * their top rows and T upper triangular. All of it are products, in two thirds of the time; small, square or complex
   * matrices gain nothing. [elmroth2000applying]
   */
  const recursiveQr = (m: number, n: number, x: Float64Array, q: Float64Array, r: Float64Array): void => {
    if (n === 0) return;
    left = scratch(left, n * n, n);
    right = scratch(right, n * n, n);
    work = scratch(work, n * n, n);
    const [t, bridge] = [left, right];
    geqrt(cell(0, m), cell(1, n), cell(2, n), x, cell(3, m), t, cell(4, n), work, info);
    ok();
    readTriangle(1, m, n, x, r);
    for (let j = 0; j < n; j++) {
      x.fill(0, j * m, j * m + j);
      x[j * m + j] = 1;
      t.fill(0, j * n + j + 1, (j + 1) * n);
    }
    // row by row, x is V^T and t is T^T
    gemm({ ...gemmShape("float64", "T", "N", n, n, n), lda: m }, one, x, t, 0, bridge);
    gemm(gemmShape("float64", "T", "T", m, n, n), minusOne, x, bridge, 0, q);
    for (let j = 0; j < n; j++) q[j * n + j]! += 1;
  };

  const triangularOfTranspose: NonNullable<Backend["triangularOfTranspose"]> = (dtype, m, n, a, r) =>
    factorise(dtype, m, n, keep(a, width(dtype) * m * n, m), r);

  /** QR of a column-major matrix in place: R is read off, the factors of Q's reflections stay in `real`. */
  const factorise = (dtype: Dtype, m: number, n: number, x: Float64Array, r: Float64Array): void => {
    const k = Math.min(m, n);
    if (k === 0) return;
    const { geqrf } = table[dtype];
    real = scratch(real, 2 * k, 1);
    const tau = real;
    withWork(dtype, m, (space, lwork) => geqrf(cell(0, m), cell(1, n), x, cell(2, m), tau, space, lwork, info));
    readTriangle(width(dtype), m, n, x, r);
  };

  /** Tall matrices by their QR factorisation first: LAPACK would do the same, but along rows, at half the speed. */
  const svd: Backend["svd"] = (dtype, m, n, a, u, s, vh) => {
    const w = width(dtype);
    const k = Math.min(m, n);
    if (k === 0) return true;
    if (m >= 2 * n && u) {
      const [basis, triangle, turn] = [w * m * n, w * n * n, w * n * n].map((length) => new Float64Array(length));
      qr(dtype, m, n, a, basis!, triangle!);
      if (!svd(dtype, n, n, triangle!, turn!, s, vh)) return false;
      gemm(gemmShape(dtype, "N", "N", m, n, n), one, basis!, turn!, 0, u);
      return true;
    }
    const { gesdd, gesvd } = table[dtype];
    const job = letter(u && vh ? "S" : "N");
    const longest = Math.max(m, n);
    left = scratch(left, u ? w * m * k : 1, longest);
    right = scratch(right, vh ? w * k * n : 1, longest);
    integers = integers.length >= 8 * k ? integers : new Int32Array(8 * k + 64);
    real = scratch(real, k * Math.max(5 * k + 7, 2 * longest + 2 * k + 1), 1);
    const rwork = dtype === "complex128" ? [real] : [];
    const x = keep(a, w * m * n, longest);
    // The matrix that LAPACK sees is A^T = U' S V'^H: its U' is the memory of vh, its V'^H that of u.
    const sizes = () => [cell(0, n), cell(1, m), x, cell(2, n), s, right, cell(3, n), left, cell(4, k)];
    const done = withWork(dtype, longest, (space, lwork) =>
      gesdd(job, ...sizes(), space, lwork, ...rwork, integers, info, 1),
    );
    // Divide and conquer fails on rare matrices that the plain QR iteration still takes.
    if (!done) {
      keep(a, w * m * n, longest);
      if (!withWork(dtype, longest, (space, lwork) => gesvd(job, job, ...sizes(), space, lwork, ...rwork, info, 1, 1)))
        return false;
    }
    u?.set(left.subarray(0, w * m * k));
    vh?.set(right.subarray(0, w * k * n));
    return true;
  };

  const eigh: Backend["eigh"] = (dtype, n, a, values, v) => {
    if (n === 0) return true;
    const w = width(dtype);
    const x = keep(a, w * n * n, n);
    real = scratch(real, 1 + 5 * n + 2 * n * n, n);
    integers = integers.length >= 3 + 5 * n ? integers : new Int32Array(3 + 5 * n + 64);
    const { heevd } = table[dtype];
    // The row-major lower triangle is LAPACK's upper one, of the conjugate of A.
    const done = withWork(dtype, n, (space, lwork) => {
      // A query in one of the sizes is a query in all.
      const [lr, li] = cells[20] === -1 ? [-1, -1] : [real.length, integers.length];
      const rest = dtype === "complex128" ? [real, cell(4, lr!)] : [];
      heevd(
        letter("V"),
        letter("U"),
        cell(0, n),
        x,
        cell(1, n),
        values,
        space,
        lwork,
        ...rest,
        integers,
        cell(5, li!),
        info,
        1,
        1,
      );
    });
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        v[w * (i * n + j)] = x[w * (j * n + i)]!;
        if (w === 2) v[2 * (i * n + j) + 1] = -x[2 * (j * n + i) + 1]!;
      }
    return done;
  };

  return { qr, triangularOfTranspose, svd, eigh };
}

/** The upper triangle of a column-major m x n matrix, row by row. */
function readTriangle(w: number, m: number, n: number, x: Float64Array, r: Float64Array): void {
  const k = Math.min(m, n);
  r.fill(0, 0, w * k * n);
  for (let i = 0; i < k; i++)
    for (let j = i; j < n; j++) for (let c = 0; c < w; c++) r[w * (i * n + j) + c] = x[w * (j * m + i) + c]!;
}

/** The transpose of a rows x columns matrix, in tiles that stay in the cache. */
function transpose(w: number, rows: number, columns: number, from: Float64Array, to: Float64Array): void {
  const tile = 16;
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(rows, top + tile);
    for (let j = 0; j < columns; j++) {
      let q = w * (j * rows + top);
      if (w === 1) for (let i = top, p = top * columns + j; i < bottom; i++, p += columns) to[q++] = from[p]!;
      else
        for (let i = top, p = 2 * (top * columns + j); i < bottom; i++, p += 2 * columns) {
          to[q++] = from[p]!;
          to[q++] = from[p + 1]!;
        }
    }
  }
}

const one = { re: 1, im: 0 };
const minusOne = { re: -1, im: 0 };
