import { expect, test } from "vitest";
import { qr, singularValues } from "../../src/linalg/factor.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import type { Dtype } from "../../src/linalg/tensor.ts";
import { inverseNorm } from "../../src/linalg/triangular-norm.ts";

test.each(["float64", "complex128"] as const)(
  "%s: the norm of the inverse is that of 1 / singular values",
  (dtype: Dtype) => {
    for (const n of [1, 2, 7, 30]) {
      const { r } = qr(randomTensor(seeded(n), [n + 2, n], dtype));
      const expected = Math.hypot(...singularValues(r).map((s) => 1 / s));
      expect(Math.abs(inverseNorm(dtype, n, r.data) - expected)).toBeLessThan(1e-10 * expected);
    }
  },
);

test("singular matrices have none", () => {
  expect(inverseNorm("float64", 2, Float64Array.of(1, 2, 0, 0)) < Number.POSITIVE_INFINITY).toBe(false);
});
