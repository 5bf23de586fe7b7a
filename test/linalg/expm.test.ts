import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../src/linalg/current.ts";
import { NonFiniteError } from "../../src/linalg/errors.ts";
import { expm } from "../../src/linalg/expm.ts";
import { identity, tensor, width } from "../../src/linalg/tensor.ts";
import table from "../data/expm.json" with { type: "json" };
import { eps, everywhere, minus, norm1, orthogonalityError, product, randomMatrix, scaleColumns } from "./zoo.ts";

describe.each(everywhere)("matrix exponential on $name, $dtype", ({ name, dtype }) => {
  const w = width(dtype);
  beforeAll(() => void useBackend(name));

  test.each(table.filter((c) => c.im === null || dtype === "complex128"))("$kind: agrees with 50 digits", (c) => {
    const a = tensor([c.n, c.n], dtype);
    const exact = tensor([c.n, c.n], dtype);
    for (let i = 0; i < c.re.length; i++) {
      a.data[w * i] = c.re[i]!;
      exact.data[w * i] = c.expRe[i]!;
      if (w === 2) {
        a.data[2 * i + 1] = c.im?.[i] ?? 0;
        exact.data[2 * i + 1] = c.expIm[i]!;
      }
    }
    const error = norm1(minus(expm(a), exact)) / norm1(exact);
    expect(error).toBeLessThanOrEqual(1e3 * eps * Math.max(1, norm1(a)));
  });

  test("a skew-Hermitian matrix has a unitary exponential", () => {
    for (const size of [0.01, 1, 10, 60]) {
      const b = randomMatrix(12, 12, dtype, 41);
      const adjoint = product(b, identity(12, dtype), true);
      const skew = tensor(
        [12, 12],
        dtype,
        b.data.map((x, i) => ((x - adjoint.data[i]!) / 12) * size),
      );
      expect(orthogonalityError(expm(skew)), `norm ${norm1(skew)}`).toBeLessThanOrEqual(
        1e2 * eps * Math.max(1, norm1(skew)),
      );
    }
  });

  test("exp(A) exp(-A) = 1, exp(0) = 1 exactly, and sizes 0 and 1 work", () => {
    const a = randomMatrix(20, 20, dtype, 42);
    const inverse = expm(scaleColumns(a, new Float64Array(20).fill(-1)));
    const error = norm1(minus(product(expm(a), inverse), identity(20, dtype)));
    expect(error).toBeLessThanOrEqual(1e3 * eps * norm1(expm(a)) * norm1(inverse));
    expect(expm(tensor([4, 4], dtype)).data).toEqual(identity(4, dtype).data);
    expect(expm(tensor([0, 0], dtype)).shape).toEqual([0, 0]);
    const x = tensor([1, 1], dtype);
    x.data[0] = -3;
    expect(Math.abs(expm(x).data[0]! / Math.exp(-3) - 1)).toBeLessThanOrEqual(10 * eps);
  });

  test("a matrix that is not square or not finite is refused", () => {
    expect(() => expm(tensor([2, 3], dtype))).toThrow(/2x3/);
    const bad = tensor([2, 2], dtype);
    bad.data[1] = Number.NaN;
    expect(() => expm(bad)).toThrow(NonFiniteError);
  });
});
