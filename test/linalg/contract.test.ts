import { describe, expect, test } from "vitest";
import { openblasBackend } from "../../src/linalg/backends/openblas.ts";
import {
  besideProduct,
  block,
  combine,
  concatLast,
  gramAllBut,
  matmul,
  matricize,
  modeProduct,
  pad,
  permute,
  place,
  scaleColumns,
  scaled,
  tensorize,
} from "../../src/linalg/contract.ts";
import { backendNames, useBackend } from "../../src/linalg/current.ts";
import { conj } from "../../src/linalg/level1.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import {
  type Complex,
  type Dtype,
  entry,
  fromFunction,
  fromValues,
  type Tensor,
  tensor,
} from "../../src/linalg/tensor.ts";
import { workspace } from "../../src/linalg/workspace.ts";
import { naiveModeProduct, naivePermute, relative } from "../ttn/dense.ts";

const available = backendNames.filter((name) => name !== "openblas" || openblasBackend() !== null);
const dtypes: readonly Dtype[] = ["float64", "complex128"];
const everywhere = available.flatMap((name) => dtypes.map((dtype) => [name, dtype] as const));
const shapes = [
  [3],
  [1],
  [4, 3],
  [1, 5],
  [5, 1],
  [2, 3, 4],
  [4, 1, 3],
  [3, 2, 1],
  [2, 3, 2, 3],
  [1, 1, 1, 2],
  [2, 2, 2, 2, 3],
];
const bound = 1e-14;

const times = (a: Complex, b: Complex): Complex => ({ re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re });

/** All multi-indices of a shape. */
function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.length === 0) {
    yield [];
    return;
  }
  for (let i = 0; i < shape[0]!; i++) for (const rest of indices(shape.slice(1))) yield [i, ...rest];
}

describe.each(everywhere)("products with %s, %s", (name, dtype) => {
  const random = seeded(7);
  const at = <T>(work: () => T): T => {
    useBackend(name);
    try {
      return work();
    } finally {
      useBackend("auto");
    }
  };

  test("a mode product is its definition, for every mode of every shape and any number of rows", () => {
    for (const shape of shapes)
      for (let mode = 0; mode < shape.length; mode++)
        for (const rows of [1, 2, 5]) {
          const x = randomTensor(random, shape, dtype);
          const a = randomTensor(random, [rows, shape[mode]!], dtype);
          const y = at(() => modeProduct(x, mode, a));
          expect(y.shape).toEqual(shape.with(mode, rows));
          expect(relative(y, naiveModeProduct(x, mode, a))).toBeLessThanOrEqual(bound);
        }
  });

  test("the Gram matrix over all modes but one is its definition, conjugate-linear in the first tensor", () => {
    for (const shape of shapes)
      for (let mode = 0; mode < shape.length; mode++) {
        const x = randomTensor(random, shape, dtype);
        const y = randomTensor(random, shape.with(mode, shape[mode]! + 2), dtype);
        const expected = fromFunction([shape[mode]!, shape[mode]! + 2], (i, j) => {
          let sum: Complex = { re: 0, im: 0 };
          for (const index of indices(shape.with(mode, 1))) {
            const u = entry(x, ...index.with(mode, i));
            const z = times({ re: u.re, im: -u.im }, entry(y, ...index.with(mode, j)));
            sum = { re: sum.re + z.re, im: sum.im + z.im };
          }
          return sum;
        });
        expect(
          relative(
            at(() => gramAllBut(x, y, mode)),
            expected,
          ),
        ).toBeLessThanOrEqual(bound);
      }
  });

  test("matrix products take either operand as it is, transposed or conjugate-transposed", () => {
    for (const [m, k, n] of [
      [3, 4, 2],
      [1, 5, 1],
      [4, 1, 3],
      [2, 2, 2],
    ] as const)
      for (const opA of ["N", "T", "C"] as const)
        for (const opB of ["N", "T", "C"] as const) {
          const a = randomTensor(random, opA === "N" ? [m, k] : [k, m], dtype);
          const b = randomTensor(random, opB === "N" ? [k, n] : [n, k], dtype);
          const op = (t: Tensor, how: "N" | "T" | "C", i: number, j: number): Complex => {
            const z = how === "N" ? entry(t, i, j) : entry(t, j, i);
            return how === "C" ? { re: z.re, im: -z.im } : z;
          };
          const expected = fromFunction([m, n], (i, j) => {
            let sum: Complex = { re: 0, im: 0 };
            for (let l = 0; l < k; l++) {
              const z = times(op(a, opA, i, l), op(b, opB, l, j));
              sum = { re: sum.re + z.re, im: sum.im + z.im };
            }
            return sum;
          });
          expect(
            relative(
              at(() => matmul(a, b, opA, opB)),
              expected,
            ),
          ).toBeLessThanOrEqual(bound);
        }
  });

  test("a product over an empty mode is zero, one with no rows is empty", () => {
    const empty = at(() => matmul(tensor([2, 0], dtype), tensor([0, 3], dtype)));
    expect(empty.shape).toEqual([2, 3]);
    expect(empty.data.every((v) => v === 0)).toBe(true);
    expect(at(() => modeProduct(tensor([2, 3], dtype), 1, tensor([0, 3], dtype))).shape).toEqual([2, 0]);
  });
});

describe.each(dtypes)("rearrangements, %s", (dtype) => {
  const random = seeded(3);

  test("permuting modes is its definition for every order", () => {
    const orders = (n: number): number[][] =>
      n === 0 ? [[]] : orders(n - 1).flatMap((o) => Array.from({ length: n }, (_, k) => o.toSpliced(k, 0, n - 1)));
    for (const shape of shapes.filter((s) => s.length <= 4)) {
      const x = randomTensor(random, shape, dtype);
      for (const order of orders(shape.length)) {
        const y = permute(x, order);
        expect(y.shape).toEqual(order.map((k) => shape[k]!));
        expect(relative(y, naivePermute(x, order))).toBe(0);
      }
      expect(
        permute(
          x,
          shape.map((_, k) => k),
        ),
      ).toBe(x);
    }
  });

  test("matricising puts one mode last, the others in order; tensorising is its inverse, also with another size", () => {
    for (const shape of shapes)
      for (let mode = 0; mode < shape.length; mode++) {
        const x = randomTensor(random, shape, dtype);
        const m = matricize(x, mode);
        expect(m.shape).toEqual([shape.toSpliced(mode, 1).reduce((p, n) => p * n, 1), shape[mode]]);
        let row = 0;
        for (const index of indices(shape.toSpliced(mode, 1))) {
          for (let j = 0; j < shape[mode]!; j++)
            expect(entry(m, row, j)).toEqual(entry(x, ...index.toSpliced(mode, 0, j)));
          row++;
        }
        expect(tensorize(m, shape, mode)).toEqual(x);
        const fewer = block(m, [0, 0], [m.shape[0]!, 1]);
        expect(tensorize(fewer, shape, mode).shape).toEqual(shape.with(mode, 1));
      }
  });

  test("padding, placing and cutting blocks are inverse to each other", () => {
    for (const shape of shapes) {
      const x = randomTensor(random, shape, dtype);
      const larger = shape.map((n, k) => n + (k % 2) + 1);
      const padded = pad(x, larger);
      for (const index of indices(larger)) {
        const inside = index.every((i, k) => i < shape[k]!);
        expect(entry(padded, ...index)).toEqual(inside ? entry(x, ...index) : { re: 0, im: 0 });
      }
      const offset = shape.map((_, k) => (k % 2) + 1);
      const out = tensor(larger, dtype);
      place(x, out, offset);
      expect(block(out, offset, shape)).toEqual(x);
      expect(
        block(
          padded,
          shape.map(() => 0),
          shape,
        ),
      ).toEqual(x);
      expect(pad(x, shape)).toBe(x);
    }
    expect(block(tensor([2, 3], dtype), [0, 3], [2, 0]).shape).toEqual([2, 0]);
  });

  test("side by side along the last mode, also real beside complex", () => {
    const [a, b] = [randomTensor(random, [2, 3, 2], dtype), randomTensor(random, [2, 3, 4], "complex128")];
    const both = concatLast(a, b);
    expect(both.shape).toEqual([2, 3, 6]);
    expect(both.dtype).toBe("complex128");
    for (const index of indices([2, 3, 6])) {
      const k = index[2]!;
      expect(entry(both, ...index)).toEqual(k < 2 ? entry(a, ...index) : entry(b, ...index.with(2, k - 2)));
    }
  });

  test("a product beside a matrix is both side by side, also in scratch memory", () => {
    const [x, a, b] = [
      [4, 2],
      [4, 3],
      [3, 5],
    ].map((shape) => randomTensor(random, shape, dtype)) as [Tensor, Tensor, Tensor];
    using frame = workspace().frame();
    for (const room of [undefined, frame])
      expect(relative(besideProduct(x, a, b, room), concatLast(x, matmul(a, b, "N", "N", room)))).toBeLessThanOrEqual(
        bound,
      );
  });

  test("multiples, combinations and scaled columns are their definitions; inputs stay", () => {
    const [a, b] = [randomTensor(random, [3, 4], dtype), randomTensor(random, [3, 4], dtype)];
    const before = a.data.slice();
    const z = { re: 0.5, im: -2 };
    expect(
      relative(
        scaled(z, a),
        fromFunction([3, 4], (i, j) => times(z, entry(a, i, j))),
      ),
    ).toBeLessThanOrEqual(bound);
    const sum = combine([
      [z, a],
      [3, b],
    ]);
    const expected = fromFunction([3, 4], (i, j) => {
      const [u, v] = [times(z, entry(a, i, j)), entry(b, i, j)];
      return { re: u.re + 3 * v.re, im: u.im + 3 * v.im };
    });
    expect(relative(sum, expected)).toBeLessThanOrEqual(bound);
    const s = [1, 0, -2, 0.5];
    expect(
      relative(
        scaleColumns(a, s),
        fromFunction([3, 4], (i, j) => times({ re: s[j]!, im: 0 }, entry(a, i, j))),
      ),
    ).toBe(0);
    expect(a.data).toEqual(before);
    expect(conj(conj(a))).toEqual(a);
    expect(scaled(2, a).dtype).toBe(dtype);
  });
});

describe("misuse", () => {
  const t = (shape: number[], dtype: Dtype = "float64"): Tensor => tensor(shape, dtype);
  test.each<[string, () => unknown, ErrorConstructor, string]>([
    [
      "inner sizes",
      () => matmul(t([2, 3]), t([2, 3])),
      RangeError,
      "matmul: op(a) of 2x3 is 2x3, op(b) of 2x3 is 2x3: inner sizes differ",
    ],
    [
      "inner sizes of a transposed operand",
      () => matmul(t([2, 3]), t([2, 3]), "T", "C"),
      RangeError,
      "matmul: op(a) of 2x3 is 3x2, op(b) of 2x3 is 3x2: inner sizes differ",
    ],
    [
      "a tensor of order three",
      () => matmul(t([2, 3, 1]), t([3, 2])),
      RangeError,
      "matmul: op(a) of 2x3x1 is 2x3, op(b) of 3x2 is 3x2: inner sizes differ",
    ],
    [
      "a mode of another size",
      () => modeProduct(t([2, 3]), 1, t([4, 2])),
      RangeError,
      "modeProduct: mode 1 of 2x3 has size 3, the matrix is 4x2",
    ],
    [
      "a mode that does not exist",
      () => modeProduct(t([2, 3]), 2, t([4, 2])),
      RangeError,
      "modeProduct: mode 2 of 2x3 has size undefined, the matrix is 4x2",
    ],
    [
      "tensors that differ elsewhere",
      () => gramAllBut(t([2, 3]), t([3, 3]), 1),
      RangeError,
      "gramAllBut: the tensors are 2x3 and 3x3: they differ outside mode 1",
    ],
    ["no terms", () => combine([]), RangeError, "combine: no terms were given, expected one or more"],
    [
      "terms of other shapes",
      () =>
        combine([
          [1, t([2])],
          [1, t([3])],
        ]),
      RangeError,
      "combine: the tensors are 2 and 3: shapes differ",
    ],
    [
      "data of another length",
      () => tensor([2, 2], "complex128", new Float64Array(4)),
      RangeError,
      "tensor: shape [2, 2] of complex128 needs 8 numbers, the data has 4",
    ],
    ["a negative size", () => tensor([2, -1]), RangeError, "tensor: shape is [2, -1], expected non-negative integers"],
    [
      "values that do not fit",
      () => fromValues([2], [1]),
      RangeError,
      "tensor: shape [2] of float64 needs 2 numbers, the data has 1",
    ],
  ])("%s: both sides are named", (_, work, kind, message) => {
    expect(work).toThrow(new kind(message));
  });
});
