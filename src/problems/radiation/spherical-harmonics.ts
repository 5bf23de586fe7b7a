import { matmul, permute, scaleColumns } from "../../linalg/contract.ts";
import { svd } from "../../linalg/factor.ts";
import { type SparseMatrix, sparse } from "../../linalg/matrix.ts";
import { fromFunction, type Tensor } from "../../linalg/tensor.ts";

/** Degree and order of a real spherical harmonic that is even in Omega_y: Y_lk ~ P_l^k(Omega_z) cos(k phi), 0 <= k <= l. */
export interface Harmonic {
  readonly l: number;
  readonly k: number;
}

/** The moment equations of a flow in the (x, z) plane. */
export interface HarmonicFlux {
  /** Row l (l + 1) / 2 + k of every matrix; the first is the constant. */
  readonly harmonics: readonly Harmonic[];
  /** Multiplication by Omega_x, projected. */
  readonly x: SparseMatrix;
  /** Multiplication by Omega_z, projected; z is the polar axis. */
  readonly z: SparseMatrix;
  /** |A_x| = (A_x^2)^(1/2). */
  readonly absX: SparseMatrix;
  /** |A_z| = (A_z^2)^(1/2). */
  readonly absZ: SparseMatrix;
}

/**
 * The flux matrices of the P_N equations in a plane, in orthonormal real spherical harmonics up to degree N, without the sign
 * (-1)^k of Condon and Shortley. With c = 1/2, or 1/sqrt(2) for the pair of orders 0 and 1,
 *
 *     A_z[(l,k), (l+1,k)]   =    sqrt( ((l+1)^2 - k^2) / ((2l+1)(2l+3)) ),
 *     A_x[(l,k), (l+1,k+1)] =  c sqrt( (l+k+1)(l+k+2) / ((2l+1)(2l+3)) ),
 *     A_x[(l,k), (l+1,k-1)] = -c sqrt( (l-k+1)(l-k+2) / ((2l+1)(2l+3)) ),
 *
 * both symmetric. Harmonics odd in Omega_y are left out, exactly, where nothing depends on y: (N+1)(N+2)/2 of (N+1)^2 remain.
 * A flux matrix turns even degrees into odd ones, so that |A| comes from singular values of its blocks between them: block by block of
 * the harmonics that it connects, O(N^6) for the largest. All eigenvalues are below 1 in absolute value, and
 * |A_x| + |A_z| <= sqrt(2), since A_x^2 + A_z^2 <= 1.
 * Throws a RangeError when the degree is not a positive integer.
 */
export function harmonicFlux(degree: number): HarmonicFlux {
  if (!Number.isSafeInteger(degree) || degree < 1)
    throw new RangeError(`harmonicFlux: degree is ${degree}, expected an integer of at least 1`);
  const harmonics = Array.from({ length: degree + 1 }, (_, l) =>
    Array.from({ length: l + 1 }, (_k, k): Harmonic => ({ l, k })),
  ).flat();
  const at = (l: number, k: number): number => (l * (l + 1)) / 2 + k;
  const x: Entry[] = [];
  const z: Entry[] = [];
  for (const { l, k } of harmonics) {
    if (l === degree) continue;
    const scale = 1 / ((2 * l + 1) * (2 * l + 3));
    const c = (k1: number, k2: number): number => (k1 === 0 || k2 === 0 ? Math.SQRT1_2 : 0.5);
    z.push([at(l, k), at(l + 1, k), Math.sqrt(((l + 1) ** 2 - k * k) * scale)]);
    x.push([at(l, k), at(l + 1, k + 1), c(k, k + 1) * Math.sqrt((l + k + 1) * (l + k + 2) * scale)]);
    if (k > 0) x.push([at(l, k), at(l + 1, k - 1), -c(k, k - 1) * Math.sqrt((l - k + 1) * (l - k + 2) * scale)]);
  }
  const size = harmonics.length;
  const isEven = harmonics.map(({ l }) => l % 2 === 0);
  return {
    harmonics,
    x: sparse([size, size], x.flatMap(bothSides)),
    z: sparse([size, size], z.flatMap(bothSides)),
    absX: absolute(size, x, isEven),
    absZ: absolute(size, z, isEven),
  };
}

type Entry = readonly [row: number, column: number, value: number];

const bothSides = ([i, j, value]: Entry): Entry[] => [
  [i, j, value],
  [j, i, value],
];

/**
 * |A| of a symmetric matrix, given by the entries on one side of its diagonal, that connects even indices with odd ones only.
 * The block of a connected set is (0 B; B^T 0); with B = U S V^T, |A| is (U S U^T 0; 0 V S V^T) there.
 */
function absolute(size: number, entries: readonly Entry[], isEven: readonly boolean[]): SparseMatrix {
  const value = new Map(entries.flatMap(bothSides).map(([i, j, v]) => [i * size + j, v]));
  const blocks = connected(size, entries).flatMap((members) => {
    const rows = members.filter((i) => isEven[i]);
    const columns = members.filter((i) => !isEven[i]);
    const { u, s, vh } = svd(
      fromFunction([rows.length, columns.length], (i, j) => value.get(rows[i!]! * size + columns[j!]!) ?? 0),
    );
    return [square(rows, u, s), square(columns, permute(vh, [1, 0]), s)].flat();
  });
  return sparse([size, size], blocks);
}

/** The entries of W diag(s) W^T at these indices, the same number on both sides of the diagonal. */
function square(indices: readonly number[], w: Tensor, s: Float64Array): Entry[] {
  const { data } = matmul(scaleColumns(w, s), w, "N", "T");
  const n = indices.length;
  return indices.flatMap((i, p) => indices.map((j, q): Entry => [i, j, data[Math.max(p, q) * n + Math.min(p, q)]!]));
}

/** The sets of indices that entries connect, each in ascending order. */
function connected(size: number, entries: readonly Entry[]): number[][] {
  const parent = Array.from({ length: size }, (_, i) => i);
  const top = (i: number): number => (parent[i] === i ? i : top(parent[i]!));
  for (const [i, j] of entries) parent[top(i)] = top(j);
  const sets = parent.map((): number[] => []);
  for (let i = 0; i < size; i++) sets[top(i)]!.push(i);
  return sets.filter((members) => members.length > 0);
}
