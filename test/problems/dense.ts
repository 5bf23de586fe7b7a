import { denseOf as entriesOf } from "../../src/linalg/matrix-product.ts";
import type { Scalar, Tensor } from "../../src/linalg/tensor.ts";
import type { ProductTerm } from "../../src/ttn/operators/product-sum.ts";

/** A dense complex matrix as rows of (re, im) pairs: the slow, obvious oracle of these tests. */
export type Dense = readonly (readonly (readonly [number, number])[])[];

type Z = readonly [number, number];
const mul = (a: Z, b: Z): Z => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
const plus = (a: Z, b: Z): Z => [a[0] + b[0], a[1] + b[1]];

export const real = (rows: readonly (readonly number[])[]): Dense => rows.map((row) => row.map((x): Z => [x, 0]));
export const eye = (n: number): Dense =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j): Z => [i === j ? 1 : 0, 0]));
export const sum = (a: Dense, b: Dense): Dense => a.map((row, i) => row.map((z, j) => plus(z, b[i]![j]!)));
export const scaled = (a: Dense, s: Scalar): Dense => {
  const z: Z = typeof s === "number" ? [s, 0] : [s.re, s.im];
  return a.map((row) => row.map((x) => mul(x, z)));
};
export const matmul = (a: Dense, b: Dense): Dense =>
  a.map((row) => b[0]!.map((_, j) => row.reduce<Z>((s, z, k) => plus(s, mul(z, b[k]![j]!)), [0, 0])));
export const kron = (a: Dense, b: Dense): Dense =>
  a.flatMap((rowA) => b.map((rowB) => rowA.flatMap((x) => rowB.map((y) => mul(x, y)))));
export const distance = (a: Dense, b: Dense): number =>
  Math.max(...a.flatMap((row, i) => row.map((z, j) => Math.hypot(z[0] - b[i]![j]![0], z[1] - b[i]![j]![1]))));
export const norm = (a: Dense): number => Math.max(...a.flat().map(([x, y]) => Math.hypot(x, y)));

/** The Pauli matrices and friends, typed in here once more. */
export const oracle: Readonly<Record<string, Dense>> = {
  I: eye(2),
  X: real([
    [0, 1],
    [1, 0],
  ]),
  Y: [
    [
      [0, 0],
      [0, -1],
    ],
    [
      [0, 1],
      [0, 0],
    ],
  ],
  Z: real([
    [1, 0],
    [0, -1],
  ]),
  n: real([
    [1, 0],
    [0, 0],
  ]),
  Sx: real([
    [0, 0.5],
    [0.5, 0],
  ]),
  Sy: [
    [
      [0, 0],
      [0, -0.5],
    ],
    [
      [0, 0.5],
      [0, 0],
    ],
  ],
  Sz: real([
    [0.5, 0],
    [0, -0.5],
  ]),
  Sp: real([
    [0, 1],
    [0, 0],
  ]),
  Sm: real([
    [0, 0],
    [1, 0],
  ]),
};

/** Operator `a` on `site` of a chain of d spins; site 0 is the leftmost Kronecker factor. */
export const at = (site: number, d: number, a: Dense): Dense =>
  Array.from({ length: d }, (_, k) => (k === site ? a : eye(2))).reduce(kron);

export const fromTensor = (t: Tensor): Dense => {
  const [n, m] = t.shape as [number, number];
  const w = t.dtype === "complex128" ? 2 : 1;
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: m }, (_, j): Z => [t.data[w * (i * m + j)]!, w === 2 ? t.data[w * (i * m + j) + 1]! : 0]),
  );
};

/** The matrix of a list of product terms, by Kronecker products. */
export const denseOf = (terms: readonly ProductTerm[], d: number): Dense =>
  terms
    .map(({ coefficient, factors }) =>
      scaled(
        Array.from({ length: d }, (_, k) => {
          const factor = factors.find((f) => f.mode === k);
          return factor ? fromTensor(entriesOf(factor.operator)) : eye(2);
        }).reduce(kron),
        coefficient,
      ),
    )
    .reduce(sum, scaled(eye(2 ** d), 0));
