import { describe, expect, test } from "vitest";
import {
  balanced,
  type Dtype,
  moveCenter,
  norm,
  orthonormalize,
  randomState,
  seeded,
  star,
  type Tensor,
  type Tree,
  toDense,
  train,
  tree,
} from "../../src/index.ts";
import { rowwiseKronecker } from "../../src/linalg/contract.ts";
import { randomTensor } from "../../src/linalg/random.ts";
import { entry, fromFunction, times } from "../../src/linalg/tensor.ts";
import { hadamard } from "../../src/ttn/hadamard.ts";
import { eps, relative } from "./dense.ts";

const entrywise = (a: Tensor, b: Tensor): Tensor =>
  fromFunction(a.shape, (...index) => times(entry(a, ...index), entry(b, ...index)));

const trees: readonly (readonly [string, Tree, readonly number[]])[] = [
  ["two leaves", balanced(2), [7, 6]],
  ["a star", star(3), [5, 4, 6]],
  ["a balanced tree", balanced(5), [4, 5, 3, 6, 4]],
  ["a train", train(4), [5, 4, 4, 5]],
  ["leaves at all levels", tree([0, [2, [1, 3]]]), [9, 2, 3, 2]],
];

describe("the product entry by entry", () => {
  for (const dtype of ["float64", "complex128"] as const)
    for (const [name, shape, sizes] of trees)
      test.each([1, 2, 3])(`is that of the full tensors: ${name}, ${dtype}, rank %i`, (rank) => {
        const x = randomState(shape, sizes, rank, seeded(1), dtype);
        const y = randomState(shape, sizes, 2, seeded(2), "float64" satisfies Dtype);
        for (const center of [shape.nodes.length - 1, 0]) {
          const z = hadamard(moveCenter(x, center), moveCenter(y, 0));
          expect(relative(toDense(z), entrywise(toDense(x), toDense(y)))).toBeLessThan(100 * eps);
          expect(norm(orthonormalize(z))).toBeGreaterThan(0);
        }
      });

  test("has ranks that are products of ranks, or the number of entries below where that is less", () => {
    const shape = tree([0, [1, 2]]);
    const x = randomState(shape, [20, 3, 40], [2, 2, 2, 2, 1], seeded(1));
    const ranks = hadamard(x, x).tensors.map((t) => t.shape.at(-1));
    expect(ranks).toEqual([4, 3, 4, 4, 1]);
    const whole = randomState(shape, [20, 2, 3], 5, seeded(1));
    expect(hadamard(whole, whole).tensors.map((t) => t.shape.at(-1))).toEqual([20, 2, 3, 6, 1]);
  });

  test("of tensors over different modes is refused", () => {
    const x = randomState(balanced(2), [3, 4], 1, seeded(1));
    expect(() => hadamard(x, randomState(balanced(2), [3, 5], 1, seeded(1)))).toThrow(/mode sizes differ: 3x4 and 3x5/);
  });
});

test("row-wise Kronecker products are products of entries", () => {
  for (const dtype of ["float64", "complex128"] as const) {
    const a = randomTensor(seeded(1), [5, 3], dtype);
    const b = randomTensor(seeded(2), [5, 4]);
    const c = rowwiseKronecker(a, b);
    const expected = fromFunction([5, 12], (p, q) => times(entry(a, p!, Math.floor(q! / 4)), entry(b, p!, q! % 4)));
    expect(relative(c, expected)).toBeLessThan(4 * eps);
  }
  expect(() =>
    rowwiseKronecker(
      fromFunction([2, 1], () => 1),
      fromFunction([3, 1], () => 1),
    ),
  ).toThrow(/a has 2 rows, b 3/);
});
