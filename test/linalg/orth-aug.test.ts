import { beforeAll, describe, expect, test } from "vitest";
import { pad } from "../../src/linalg/contract.ts";
import { useBackend } from "../../src/linalg/current.ts";
import { orthAug } from "../../src/linalg/factor.ts";
import { type Tensor, tensor } from "../../src/linalg/tensor.ts";
import {
  beside,
  eps,
  everywhere,
  minus,
  norm1,
  orthogonalityError,
  orthonormal,
  product,
  randomMatrix,
  scaleColumns,
} from "./zoo.ts";

/** Largest column of B that is left outside the range of [A, U]. */
function outside(a: Tensor, u: Tensor, b: Tensor): number {
  const all = beside(a, u);
  return norm1(minus(b, product(all, product(all, b, true))));
}

const plus = (a: Tensor, b: Tensor, factor: number): Tensor =>
  tensor(
    a.shape,
    a.dtype,
    a.data.map((x, i) => x + factor * b.data[i]!),
  );

describe.each(everywhere)("augmentation on $name, $dtype", ({ name, dtype }) => {
  beforeAll(() => void useBackend(name));

  const check = (a: Tensor, b: Tensor, rank: number | null) => {
    const before = a.data.slice();
    const u = orthAug(a, b);
    const [n, r] = a.shape as [number, number];
    const k = u.shape[1]!;
    const where = `${n}x${r} + ${b.shape[1]}: rank ${k}`;
    if (rank !== null) expect(k, where).toBe(rank);
    expect(a.data, "the old basis is untouched").toEqual(before);
    expect(orthogonalityError(beside(a, u)) / (Math.max(1, n) * eps), where).toBeLessThan(30);
    const threshold = 10 * Math.max(n, r + b.shape[1]!) * eps * Math.max(1, norm1(b));
    // norm1 of a matrix with p columns is at most sqrt(n) times its 2-norm.
    expect(outside(a, u, b), where).toBeLessThanOrEqual(threshold * Math.sqrt(n) * 2);
  };

  test("generic directions are all kept", () => {
    for (const [n, r, p] of [
      [1, 0, 1],
      [6, 2, 3],
      [40, 8, 8],
      [64, 32, 32],
      [300, 10, 20],
    ] as const)
      check(orthonormal(n, r, dtype, 1), randomMatrix(n, p, dtype, 2), p);
  });

  test("directions inside the range of the old basis add nothing, exactly or to 1e-15", () => {
    for (const [n, r, p] of [
      [6, 2, 3],
      [40, 8, 8],
      [300, 10, 20],
    ] as const) {
      const a = orthonormal(n, r, dtype, 3);
      const b = product(a, randomMatrix(r, p, dtype, 4));
      check(a, b, 0);
      // 1e-15 times a matrix of norm sqrt(n p) lies below the threshold of 10 n eps.
      check(a, plus(b, randomMatrix(n, p, dtype, 5), n < 40 ? 1e-16 : 1e-15), 0);
      check(a, a, 0);
    }
  });

  test("a part above the threshold is kept and orthogonal, however small it is next to the rest", () => {
    for (const small of [1e-4, 1e-8, 1e-11]) {
      const a = orthonormal(60, 6, dtype, 6);
      const b = plus(product(a, randomMatrix(6, 4, dtype, 7)), randomMatrix(60, 4, dtype, 8), small);
      check(a, b, 4);
    }
  });

  test("columns of very different size: those below the threshold go, the others stay", () => {
    const a = orthonormal(50, 5, dtype, 9);
    const b = scaleColumns(randomMatrix(50, 6, dtype, 10), [1, 1e-3, 1e-7, 1e-16, 1e-30, 0]);
    check(a, b, 3);
  });

  test("duplicated directions count once", () => {
    const half = randomMatrix(30, 3, dtype, 11);
    check(orthonormal(30, 4, dtype, 12), beside(half, half), 3);
  });

  test("the dimension of the space bounds the rank", () => {
    check(orthonormal(8, 6, dtype, 13), randomMatrix(8, 5, dtype, 14), 2);
    check(orthonormal(8, 8, dtype, 13), randomMatrix(8, 5, dtype, 14), 0);
    check(orthonormal(3, 0, dtype, 13), randomMatrix(3, 7, dtype, 14), 3);
  });

  test("empty bases, empty directions and zero directions", () => {
    check(orthonormal(5, 0, dtype, 15), randomMatrix(5, 0, dtype, 16), 0);
    check(orthonormal(5, 2, dtype, 15), randomMatrix(5, 0, dtype, 16), 0);
    check(orthonormal(5, 2, dtype, 15), tensor([5, 3], dtype), 0);
    expect(orthAug(tensor([0, 0], dtype), tensor([0, 2], dtype)).shape).toEqual([0, 0]);
  });

  test("large directions are no problem", () => {
    check(orthonormal(40, 4, dtype, 17), scaleColumns(randomMatrix(40, 3, dtype, 18), [1e150, 1e150, 1e150]), 3);
  });

  test("rows that the old basis lacks are zero", () => {
    const [a, b] = [orthonormal(12, 3, dtype, 1), randomMatrix(20, 4, dtype, 2)];
    const padded = pad(a, [20, 3]);
    const u = orthAug(a, b);
    expect(u.shape).toEqual([20, 4]);
    expect(orthogonalityError(beside(padded, u))).toBeLessThan(30 * 20 * eps);
    expect(outside(padded, u, b)).toBeLessThan(100 * eps * norm1(b));
  });

  test("directions below the noise are left out, those above are kept", () => {
    const a = orthonormal(20, 2, dtype, 3);
    const fresh = orthAug(a, randomMatrix(20, 2, dtype, 4));
    const b = scaleColumns(fresh, [1e-3, 1e-7]);
    expect(orthAug(a, b).shape[1]).toBe(2);
    expect(orthAug(a, b, 1e-5).shape[1]).toBe(1);
    expect(orthAug(a, b, 1e-2).shape[1]).toBe(0);
  });
});
