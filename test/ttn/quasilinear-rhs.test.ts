import { describe, expect, test } from "vitest";
import {
  balanced,
  modeSizes,
  type ProductTerm,
  randomState,
  seeded,
  star,
  type Tensor,
  toDense,
} from "../../src/index.ts";
import { norm as frobenius } from "../../src/linalg/level1.ts";
import { diagonal } from "../../src/linalg/matrix.ts";
import { randomTensor } from "../../src/linalg/random.ts";
import { fromFunction, reshape } from "../../src/linalg/tensor.ts";
import { rhsContract } from "../../src/testing/rhs-contract.ts";
import { slice } from "../../src/ttn/contract-modes.ts";
import { applyProduct, quasilinearRhs } from "../../src/ttn/quasilinear-rhs.ts";
import { remembered } from "../../src/ttn/remembered.ts";
import type { TTN } from "../../src/ttn/ttn.ts";
import { denseImage, relative } from "./dense.ts";

describe("an operator that depends on the state", () => {
  for (const dtype of ["float64", "complex128"] as const)
    for (const shape of [balanced(2), star(3), balanced(4)]) {
      const sizes = [5, 4, 6, 3].slice(0, shape.order);
      const y = randomState(shape, sizes, 2, seeded(1), dtype);
      const fixed = randomTensor(seeded(2), [4, 4]);
      const ones = Object.fromEntries(sizes.slice(1).map((n, k) => [k + 1, fromFunction([n], () => 1)]));
      /** The sums over all modes but the first, squared, on the diagonal; and as they are. */
      const terms = (t: number, sums: Tensor): readonly ProductTerm[] => [
        {
          coefficient: 2 + t,
          factors: [
            { mode: 0, operator: diagonal(Array.from(squares(sums))) },
            { mode: 1, operator: fixed },
          ],
        },
        { coefficient: 1, factors: [{ mode: 1, operator: fixed }] },
        { coefficient: frobenius(sums), factors: [] },
      ];
      const rhs = quasilinearRhs((t, z) => terms(t, slice(z, 0, ones)));
      const dense = (t: number, full: Tensor): Tensor => {
        const rows = reshape(full, [5, full.data.length / 5 / (dtype === "complex128" ? 2 : 1)]);
        const sums = rowSums(rows);
        return denseImage(
          terms(t, sums).map((term) => ({
            ...term,
            factors: term.factors.map(({ mode, operator }) => ({
              mode,
              operator:
                mode === 0 ? fromFunction([5, 5], (i, j) => (i === j ? squares(sums)[i!]! : 0)) : (operator as Tensor),
            })),
          })),
          full,
        );
      };
      describe(`${modeSizes(y).join("x")}, ${dtype}`, () => {
        for (const { name, run } of rhsContract(rhs, y, { dense })) test(name, run);
      });
    }

  test("leaves tensors without a factor as they are, and remembers products", () => {
    const y = randomState(balanced(4), [3, 4, 5, 6], 2, seeded(1));
    const operator = randomTensor(seeded(2), [4, 4]);
    const image = () => applyProduct({ coefficient: 1, factors: [{ mode: 1, operator }] }, y);
    const leaf = y.tree.leaves[1]!;
    image().tensors.forEach((t, id) => {
      if (id !== leaf) expect(t).toBe(y.tensors[id]);
    });
    expect(image().tensors[leaf]).toBe(image().tensors[leaf]);
    const twice = applyProduct({ coefficient: -2, factors: [] }, y);
    expect(relative(toDense(twice), toDense(y))).toBeCloseTo(3, 12);
  });

  test("refuses modes that are not there and matrices of another size", () => {
    const y = randomState(balanced(2), [3, 4], 2, seeded(1));
    const apply = (mode: number, n: number) => (): TTN =>
      applyProduct({ coefficient: 1, factors: [{ mode, operator: fromFunction([n, n], () => 1) }] }, y);
    expect(apply(2, 3)).toThrow(/mode 2, the tree has modes 0 to 1/);
    expect(apply(0, 4)).toThrow(/the matrix is 4x4, the columns 3x2/);
  });
});

test("values are remembered by both arguments", () => {
  let calls = 0;
  const f = remembered((a: { x: number }, b: { x: number }) => {
    calls++;
    return a.x + b.x;
  });
  const [a, b] = [{ x: 1 }, { x: 2 }];
  expect([f(a, b), f(a, b), f(b, a), f({ x: 1 }, b)]).toEqual([3, 3, 3, 3]);
  expect(calls).toBe(3);
});

/** |s_i|^2 of real or complex sums. */
const squares = ({ shape, data }: Tensor): Float64Array => {
  const w = data.length / shape[0]!;
  return Float64Array.from({ length: shape[0]! }, (_, i) =>
    data.subarray(w * i, w * (i + 1)).reduce((sum, v) => sum + v * v, 0),
  );
};

const rowSums = (rows: Tensor): Tensor => {
  const [n, m] = rows.shape as [number, number];
  const w = rows.data.length / n / m;
  const data = new Float64Array(n * w);
  rows.data.forEach((v, p) => {
    data[w * Math.floor(p / (m * w)) + (p % w)]! += v;
  });
  return { dtype: rows.dtype, shape: [n], data };
};
