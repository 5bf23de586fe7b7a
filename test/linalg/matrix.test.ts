import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  banded,
  diagonal,
  kroneckerProduct,
  matrixFunction,
  type SparseMatrix,
  scaledIdentity,
  sparse,
  sparseOf,
} from "../../src/linalg/matrix.ts";
import { denseOf, multiply } from "../../src/linalg/matrix-product.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { type Complex, type Dtype, entry, fromFunction, fromValues, type Tensor } from "../../src/linalg/tensor.ts";
import { distance, kron, product, relative, runs } from "../ttn/dense.ts";

const values = (a: Tensor): number[] => [...a.data];

/** Random sparse matrices, by entries some of which share their place. */
const entriesOf = (rows: number, columns: number, dtype: Dtype) =>
  fc
    .array(
      fc.tuple(fc.nat(rows - 1), fc.nat(columns - 1), fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 })),
      { maxLength: 12 },
    )
    .map((list) =>
      list.map(([i, j, re, im]) => [i, j, dtype === "float64" ? re : { re, im }] as [number, number, number | Complex]),
    );

const dtypes = fc.constantFrom<Dtype>("float64", "complex128");

describe("structured matrices", () => {
  test("have the entries that their constructors say", () => {
    expect(values(denseOf(diagonal([1, 0, 3])))).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 3]);
    expect(values(denseOf(scaledIdentity(2, -4)))).toEqual([-4, 0, 0, -4]);
    expect(values(denseOf(scaledIdentity(2)))).toEqual([1, 0, 0, 1]);
    expect(values(denseOf(banded(3, { [-1]: 5, 0: [1, 2, 3], 2: [7] })))).toEqual([1, 0, 7, 5, 2, 0, 0, 5, 3]);
    expect(values(denseOf(diagonal([{ re: 0, im: 1 }, 2])))).toEqual([0, 1, 0, 0, 0, 0, 2, 0]);
    expect(banded(3, { 0: { re: 1, im: 0 } }).dtype).toBe("float64");
    expect(banded(4, {}).columns.length).toBe(0);
  });

  test("store no zeros, each place once and columns in order", () => {
    const m = sparse(
      [2, 3],
      [
        [1, 2, 5],
        [1, 0, 1],
        [0, 1, 2],
        [1, 2, -4],
        [0, 0, 1],
        [0, 0, -1],
      ],
    );
    expect([...m.rowStart]).toEqual([0, 1, 3]);
    expect([...m.columns]).toEqual([1, 0, 2]);
    expect([...m.values]).toEqual([2, 1, 1]);
    expect(diagonal([0, 1]).values.length).toBe(1);
    expect([...sparseOf(fromValues([2, 2], [1, 0.1, -0.1, 2]), 0.1).values]).toEqual([1, 2]);
  });

  test("multiply as their dense form does, real and complex", () => {
    const cases = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), dtypes, dtypes)
      .chain(([rows, columns, dtype, dtypeX]) =>
        fc.record({
          m: entriesOf(rows, columns, dtype).map((list) => sparse([rows, columns], list)),
          x: fc.tuple(fc.integer(), fc.nat(9)).map(([s, k]) => randomTensor(seeded(s), [columns, k], dtypeX)),
        }),
      );
    fc.assert(
      fc.property(cases, ({ m, x }) => {
        const dense = fromFunction(m.shape, (i, j) => read(m, i!, j!));
        expect(distance(denseOf(m), dense)).toBe(0);
        expect(distance(denseOf(sparseOf(dense)), dense)).toBe(0);
        const y = multiply(m, x);
        expect(y.dtype).toBe(m.dtype === "complex128" ? "complex128" : x.dtype);
        expect(relative(y, product(dense, x))).toBeLessThanOrEqual(1e-14);
      }),
      { numRuns: runs(200) },
    );
  });

  test("have Kronecker products, stored by their entries", () => {
    fc.assert(
      fc.property(dtypes, dtypes, fc.integer(), (da, db, seed) => {
        const random = seeded(seed);
        const a = sparseOf(randomTensor(random, [2, 3], da), 0.5);
        const b = sparseOf(randomTensor(random, [3, 2], db), 0.5);
        const c = kroneckerProduct(a, b);
        expect(c.columns.length).toBe(a.columns.length * b.columns.length);
        expect(relative(denseOf(c), kron(denseOf(a), denseOf(b)))).toBeLessThanOrEqual(1e-15);
      }),
      { numRuns: runs(50) },
    );
    const large = kroneckerProduct(scaledIdentity(100), banded(100, { [-1]: 1, 1: -1 }));
    expect(large.shape).toEqual([10000, 10000]);
    expect(large.columns.length).toBe(100 * 198);
  });

  test("given by a function are asked with columns of their own type", () => {
    const a = randomTensor(seeded(3), [4, 4]);
    const real = matrixFunction({
      size: 4,
      apply(x, out) {
        expect(x.dtype).toBe("float64");
        out.data.set(multiply(a, x).data);
      },
    });
    expect(distance(denseOf(real), a)).toBe(0);
    const x = randomTensor(seeded(4), [4, 3], "complex128");
    expect(relative(multiply(real, x), product(a, x))).toBeLessThanOrEqual(1e-15);
  });

  test("refuse what makes no sense, naming it", () => {
    expect(() => banded(3, { 3: 1 })).toThrow("banded: a diagonal has offset 3, expected a whole number within 2 of 0");
    expect(() => banded(3, { 1: [1, 2, 3] })).toThrow("banded: the diagonal at 1 has 3 values, expected 2");
    expect(() => sparse([2, 2], [[0, 2, 1]])).toThrow("sparse: an entry is at (0, 2), the matrix is 2x2");
    expect(() => sparse([2, -2], [])).toThrow("sparse: the size is 2x-2");
    expect(() => sparseOf(randomTensor(seeded(1), [2, 2, 2]))).toThrow("sparseOf: the tensor is 2x2x2");
    expect(() => multiply(diagonal([1, 2]), fromValues([3, 1], [1, 2, 3]))).toThrow(
      "multiply: the matrix is 2x2, the columns 3x1",
    );
    expect(() => matrixFunction({ size: 1.5, apply: () => {} })).toThrow("matrixFunction: the size is 1.5x1.5");
  });
});

function read(m: SparseMatrix, i: number, j: number): Complex {
  for (let s = m.rowStart[i]!; s < m.rowStart[i + 1]!; s++)
    if (m.columns[s] === j)
      return m.dtype === "float64" ? { re: m.values[s]!, im: 0 } : { re: m.values[2 * s]!, im: m.values[2 * s + 1]! };
  return { re: 0, im: 0 };
}

test("entries of dense forms are found where they belong", () => {
  expect(entry(denseOf(banded(2, { 1: { re: 1, im: 2 } })), 0, 1)).toEqual({ re: 1, im: 2 });
});
