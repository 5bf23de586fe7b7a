import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { qr } from "../../src/linalg/factor.ts";
import { norm } from "../../src/linalg/level1.ts";
import { banded, diagonal, isSparse, type Matrix, matrixFunction, scaledIdentity } from "../../src/linalg/matrix.ts";
import { adjointMatrix, beside, matrixSum, splitPower } from "../../src/linalg/matrix-algebra.ts";
import {
  equalMatrices,
  identityMultiple,
  isFiniteMatrix,
  isHermitian,
  isZeroMatrix,
  symmetryOf,
} from "../../src/linalg/matrix-checks.ts";
import { denseOf, multiply } from "../../src/linalg/matrix-product.ts";
import { matrixSpace } from "../../src/linalg/matrix-space.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { type Complex, type Dtype, identity, type Scalar, type Tensor, tensor } from "../../src/linalg/tensor.ts";
import { addTo, distance, runs } from "../ttn/dense.ts";
import { adjointOf, byFunction, forms, randomMatrix } from "./structured.ts";

/** A few square matrices of one size and of any forms and types, with coefficients. */
const combinations = fc
  .record({
    n: fc.integer({ min: 1, max: 5 }),
    parts: fc.array(
      fc.record({
        form: fc.constantFrom(...forms),
        dtype: fc.constantFrom<Dtype>("float64", "complex128"),
        c: fc.constantFrom<Scalar>(1, -2, 0, { re: 0.5, im: -1 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    seed: fc.integer(),
  })
  .map(({ n, parts, seed }) => {
    const random = seeded(seed);
    return { n, terms: parts.map(({ form, dtype, c }) => [c, randomMatrix(random, [n, n], dtype, form)] as const) };
  });

const naiveSum = (n: number, terms: readonly (readonly [Scalar, Matrix])[]): Tensor => {
  const out = tensor([n, n], "complex128");
  for (const [c, m] of terms) addTo(out, c, denseOf(m));
  return out;
};

const size = (terms: readonly (readonly [Scalar, Matrix])[]): number =>
  terms.reduce((s, [, m]) => s + 2 * norm(denseOf(m)), 0);

describe("sums and adjoints of matrices of any form", () => {
  test("are those of their dense forms; sparse stays sparse", () => {
    fc.assert(
      fc.property(combinations, ({ n, terms }) => {
        const sum = matrixSum(terms);
        expect(distance(denseOf(sum), naiveSum(n, terms))).toBeLessThanOrEqual(1e-15 * size(terms));
        if (terms.every(([, m]) => isSparse(m))) expect(isSparse(sum)).toBe(true);
        const adjoint = adjointMatrix(sum);
        expect(distance(denseOf(adjoint), adjointOf(denseOf(sum)))).toBeLessThanOrEqual(1e-15 * size(terms));
        expect(equalMatrices(adjointMatrix(adjoint), sum)).toBe(true);
      }),
      { numRuns: runs(200) },
    );
  });

  test("functions that cancel are gone, and a sum of nothing but one thing is that thing", () => {
    const f = byFunction(randomTensor(seeded(1), [3, 3]));
    expect(matrixSum([[1, f]])).toBe(f);
    const nothing = matrixSum([
      [1, f],
      [-1, f],
    ]);
    expect(isSparse(nothing) && nothing.columns.length).toBe(0);
    expect(matrixSum([[2, matrixSum([[0.5, f]])]])).toBe(f);
  });

  test("sparse matrices side by side are their dense forms side by side", () => {
    const [a, b] = [banded(3, { 0: 1, 1: 2 }), banded(3, { [-1]: { re: 0, im: 1 } })];
    const x = randomTensor(seeded(2), [6, 2], "complex128");
    const y = multiply(
      beside([
        [-1, a],
        [{ re: 0, im: 2 }, b],
      ]),
      x,
    );
    const expected = tensor([3, 2], "complex128");
    addTo(expected, -1, multiply(a, { ...x, shape: [3, 2], data: x.data.slice(0, 12) }));
    addTo(expected, { re: 0, im: 2 }, multiply(b, { ...x, shape: [3, 2], data: x.data.slice(12) }));
    expect(distance(y, expected)).toBeLessThanOrEqual(1e-15 * norm(x) * 10);
  });

  test("what cannot be summed or turned is refused", () => {
    expect(() => matrixSum([])).toThrow("matrixSum: no terms were given");
    expect(() =>
      matrixSum([
        [1, diagonal([1])],
        [1, diagonal([1, 2])],
      ]),
    ).toThrow("matrixSum: the matrices are 1x1 and 2x2: shapes differ");
    const f = matrixFunction({ size: 2, apply: () => {} });
    expect(() => adjointMatrix(f)).toThrow("adjointMatrix: the 2x2 matrix function has no applyAdjoint");
    expect(isHermitian(f)).toBe(false);
  });
});

describe("what is known of a matrix without its dense form", () => {
  test("symmetry, exactly", () => {
    expect(symmetryOf(banded(5, { [-1]: 1, 0: -2, 1: 1 }))).toBe(1);
    expect(symmetryOf(banded(5, { [-1]: -1, 1: 1 }))).toBe(-1);
    expect(symmetryOf(banded(5, { 0: 1, 1: 1 }))).toBe(0);
    expect(symmetryOf(banded(5, { [-1]: { re: 0, im: 1 }, 1: { re: 0, im: -1 } }))).toBe(1);
    expect(symmetryOf(scaledIdentity(3, { re: 0, im: 2 }))).toBe(-1);
    expect(symmetryOf(denseOf(banded(5, { [-1]: -1, 1: 1 })))).toBe(-1);
    const h = byFunction(identity(3), true);
    expect(
      isHermitian(h) &&
        isHermitian(
          matrixSum([
            [2, h],
            [1, diagonal([1, 2, 3])],
          ]),
        ),
    ).toBe(true);
    expect(isHermitian(matrixSum([[{ re: 0, im: 1 }, h]]))).toBe(false);
    expect(isHermitian(byFunction(identity(3)))).toBe(false);
  });

  test("multiples of the identity, zeros and what is not finite", () => {
    for (const form of [scaledIdentity(3, -2), denseOf(scaledIdentity(3, -2))])
      expect(identityMultiple(form)).toEqual({ re: -2, im: 0 });
    expect(identityMultiple(scaledIdentity(2, { re: 1, im: 3 }))).toEqual({ re: 1, im: 3 });
    for (const other of [
      diagonal([1, 1, 2]),
      diagonal([1, 0, 1]),
      banded(3, { 1: 1 }),
      randomTensor(seeded(1), [2, 2]),
    ])
      expect(identityMultiple(other)).toBe(null);
    expect(isZeroMatrix(scaledIdentity(4, 0)) && isZeroMatrix(tensor([2, 2]))).toBe(true);
    expect(isZeroMatrix(diagonal([0, 1]))).toBe(false);
    expect(isFiniteMatrix(diagonal([1, Number.NaN]))).toBe(false);
    expect(isFiniteMatrix(banded(3, { 1: Number.POSITIVE_INFINITY }))).toBe(false);
  });

  test("the power of two that brings the largest number to [1, 2), exactly", () => {
    fc.assert(
      fc.property(combinations, fc.integer({ min: -300, max: 300 }), ({ terms }, power) => {
        const m = matrixSum(terms.map(([, a]) => [2 ** power, a]));
        const { e, letter } = splitPower(m, "here");
        expect(equalMatrices(matrixSum([[2 ** e, letter]]), m)).toBe(true);
        const again = splitPower(letter, "here");
        expect(again.e).toBe(0);
      }),
      { numRuns: runs(100) },
    );
    expect(() => splitPower(diagonal([1, Number.NaN]), "here")).toThrow("here: the input has entries that are NaN");
  });
});

describe("coordinates of matrices", () => {
  test("have the inner products of Frobenius, and give the matrices back", () => {
    fc.assert(
      fc.property(combinations, ({ n, terms }) => {
        const all = terms.map(([, m]) => m);
        const space = matrixSpace(all);
        const back = space.matrices(space.coordinates(all));
        all.forEach((m, k) => {
          expect(distance(denseOf(back[k]!), denseOf(m))).toBe(0);
        });
        const known = all.filter((m) => !("kind" in m) || m.kind === "sparse");
        if (known.length < all.length) return;
        expect(space.size).toBeLessThanOrEqual(n * n);
        const columns = space.coordinates(all);
        expect(Math.abs(norm(columns) - Math.hypot(...all.map((m) => norm(denseOf(m)))))).toBeLessThanOrEqual(
          1e-13 * norm(columns),
        );
      }),
      { numRuns: runs(100) },
    );
  });

  test("are as many as there are places with entries, so that large sparse matrices are short vectors", () => {
    const n = 20000;
    const space = matrixSpace([banded(n, { [-1]: 1, 1: -1 }), banded(n, { 0: 1, 1: 3 })]);
    expect(space.size).toBe(n + 2 * (n - 1));
    const { r } = qr(space.coordinates([banded(n, { [-1]: 2, 1: -2 }), banded(n, { [-1]: 1, 1: -1 })]));
    expect(Math.abs(r.data[3]!)).toBeLessThan(1e-12 * Math.abs(r.data[0]!));
  });

  test("make a function independent of everything but itself", () => {
    const f = byFunction(identity(2));
    const columns = matrixSpace([
      f,
      identity(2),
      matrixSum([
        [3, f],
        [1, diagonal([1, 2])],
      ]),
    ]);
    expect(columns.size).toBe(5);
    const vectors = columns.coordinates([f, matrixSum([[3, f]])]);
    const z = (k: number): Complex => ({ re: vectors.data[2 * 4 + k]!, im: 0 });
    expect([z(0).re, z(1).re]).toEqual([1, 3]);
  });
});
