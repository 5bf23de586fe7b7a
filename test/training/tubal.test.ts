import { describe, expect, test } from "vitest";
import { fromFunction, reshape, type Tensor, tProduct, tTranspose, tubalSingularValues } from "../../src/index.ts";
import { singularValues } from "../../src/linalg/index.ts";
import { randomTubalProblem, tubalDescent, tubalProblem } from "../../src/training/index.ts";
import { combine, difference, matmul, permute, randomTensor, seeded } from "./tools.ts";
import { differences, runs } from "./tubal-reference.ts";

/** The block-circulant matrix (k m) x (k n) of the slices: block (p, q) is slice (p - q) mod k. */
function circulant(a: Tensor): Tensor {
  const [m, n, k] = a.shape as [number, number, number];
  const blocks = fromFunction([k, m, k, n], (p, i, q, j) => a.data[(i! * n + j!) * k + ((p! - q! + k) % k)]!);
  return reshape(blocks, [k * m, k * n]);
}

describe.each([1, 2, 3, 4, 5, 8])("the t-product with tubes of %i", (k) => {
  const random = seeded(k);
  const [a, b] = [randomTensor(random, [4, 3, k]), randomTensor(random, [3, 5, k])];

  test("is the product of block-circulant matrices", () => {
    expect(difference(circulant(tProduct(a, b)), matmul(circulant(a), circulant(b)))).toBeLessThan(1e-13);
  });

  test("transposes are those of block-circulant matrices", () => {
    expect(difference(circulant(tTranspose(a)), permute(circulant(a), [1, 0]))).toBe(0);
    expect(difference(tTranspose(tProduct(a, b)), tProduct(tTranspose(b), tTranspose(a)))).toBeLessThan(1e-13);
  });

  test("the first tubal singular value is the norm of the block-circulant matrix", () => {
    expect(tubalSingularValues(a)[0]).toBeCloseTo(singularValues(circulant(a))[0]!, 12);
  });
});

test("tensors that do not fit are refused", () => {
  const a = randomTensor(seeded(1), [2, 3, 4]);
  expect(() => tProduct(a, a)).toThrow("tProduct: the tensors are 2x3x4 and 2x3x4, expected m x l x k and l x n x k");
  expect(() => tProduct(a, randomTensor(seeded(1), [3, 3, 5]))).toThrow("2x3x4 and 3x3x5");
});

describe("gradient descent on a tubal factor", () => {
  const problem = randomTubalProblem({ n: 4, k: 3, rank: 2, measurements: 30 }, seeded(3));
  const start = randomTensor(seeded(4), [4, 3, 3]);
  const lossAt = (u: Tensor): number => {
    const product = tProduct(u, tTranspose(u));
    const predicted = matmul(problem.operators, reshape(product, [48, 1]));
    return difference(predicted, problem.values) ** 2 / 2;
  };

  test("a step goes along the gradient, as differences of the loss have it", () => {
    const rate = 1e-3;
    const [first, second] = [...tubalDescent(problem, { start, rate, steps: 1 })];
    const direction = randomTensor(seeded(5), start.shape);
    const moved = combine([
      [1 / rate, first!.factor],
      [-1 / rate, second!.factor],
    ]);
    const along = moved.data.reduce((sum, v, p) => sum + v * direction.data[p]!, 0);
    const eps = 1e-5;
    const shifted = (sign: number): Tensor =>
      combine([
        [1, start],
        [sign * eps, direction],
      ]);
    expect(along).toBeCloseTo((lossAt(shifted(1)) - lossAt(shifted(-1))) / (2 * eps), 6);
  });

  test("the truth is a fixed point", () => {
    const factor = randomTensor(seeded(6), [4, 2, 3]);
    const own = tubalProblem(factor, problem.operators);
    const exact = combine([[1 / Math.sqrt(tubalSingularValues(tProduct(factor, tTranspose(factor)))[0]!), factor]]);
    const [, next] = [...tubalDescent(own, { start: exact, rate: 0.1, steps: 1 })];
    expect(next!.testError).toBeLessThan(1e-14);
    expect(next!.trainingError).toBeLessThan(1e-14);
  });

  test.each([
    ["the start is 3x3x3, expected 4 x any x 3", { start: randomTensor(seeded(1), [3, 3, 3]), rate: 0.1, steps: 1 }],
    ["rate is 0, expected a positive number", { start, rate: 0, steps: 1 }],
    ["steps is 0.5, expected a non-negative integer", { start, rate: 0.1, steps: 0.5 }],
    ["a smaller rate may help", { start, rate: 1e9, steps: 20 }],
  ])("%s: refused", (message, options) => {
    expect(() => [...tubalDescent(problem, options)]).toThrow(message);
  });

  test.each(runs)("from scale $alpha, 200 steps are those of the independent implementation", (run) => {
    for (const difference of differences(run, 200)) expect(Math.abs(difference)).toBeLessThan(0.05);
  });
});
