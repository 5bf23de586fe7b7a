import { describe, expect, test } from "vitest";
import { matmul, scaleColumns } from "../../../src/linalg/contract.ts";
import { eigh } from "../../../src/linalg/factor.ts";
import { denseOf } from "../../../src/linalg/matrix-product.ts";
import { absLegendreFlux, legendreFlux } from "../../../src/problems/index.ts";
import { gaussLegendre } from "../../../src/problems/quadrature.ts";
import { distance } from "../../ttn/dense.ts";
import { legendreMoments } from "./legendre-moments.ts";

describe("Legendre flux matrix", () => {
  test("is multiplication by mu in Legendre polynomials of norm one", () => {
    const n = 7;
    const a = denseOf(legendreFlux(n));
    const rule = gaussLegendre(20);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const mean = rule.nodes.reduce((sum, mu, q) => {
          const p = legendreMoments(n, mu);
          return sum + 2 * rule.weights[q]! * mu * p[i]! * p[j]!;
        }, 0);
        expect(a.data[i * n + j]).toBeCloseTo(mean, 14);
      }
  });

  test.each([2, 9, 60])("has the absolute value of its eigenvalue problem, %i moments", (n) => {
    const { values, vectors } = eigh(denseOf(legendreFlux(n)));
    const abs = matmul(scaleColumns(vectors, values.map(Math.abs)), vectors, "N", "T");
    expect(distance(denseOf(absLegendreFlux(n)), abs)).toBeLessThan(1e-13);
  });
});
