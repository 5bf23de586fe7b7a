import { describe, expect, test } from "vitest";
import { gaussHermite, gaussLegendre, type QuadratureRule } from "../../src/problems/quadrature.ts";
import { eps } from "../ttn/dense.ts";

const mean = ({ nodes, weights }: QuadratureRule, f: (x: number) => number): number =>
  nodes.reduce((sum, x, k) => sum + weights[k]! * f(x), 0);

describe("Gauss quadrature", () => {
  test.each([1, 2, 3, 6, 7, 20])("%i Legendre nodes integrate polynomials up to twice their number exactly", (n) => {
    const rule = gaussLegendre(n);
    for (let p = 0; p < 2 * n; p++)
      expect(Math.abs(mean(rule, (x) => x ** p) - (p % 2 === 0 ? 1 / (p + 1) : 0))).toBeLessThan(4 * eps);
  });

  test.each([1, 2, 3, 6, 7])("%i Hermite nodes integrate polynomials up to twice their number exactly", (n) => {
    const rule = gaussHermite(n);
    let moment = 1; // (p - 1)!! for even p
    for (let p = 0; p < 2 * n; p++) {
      if (p % 2 === 0 && p > 0) moment *= p - 1;
      expect(Math.abs(mean(rule, (x) => x ** p) - (p % 2 === 0 ? moment : 0))).toBeLessThan(32 * eps * moment * n);
    }
  });

  test("700 Hermite nodes still give the kurtosis of a normal distribution, more are refused", () => {
    expect(mean(gaussHermite(700), (x) => x ** 4)).toBeCloseTo(3, 12);
    expect(() => gaussHermite(701)).toThrow("gaussHermite: 701 nodes, expected at most 700");
  });

  test("nodes have the published values", () => {
    const { nodes, weights } = gaussLegendre(5);
    // Abramowitz and Stegun, table 25.4
    const table = [-0.906179845938664, -0.538469310105683, 0, 0.538469310105683, 0.906179845938664];
    table.forEach((x, k) => {
      expect(nodes[k]).toBeCloseTo(x, 14);
    });
    expect(2 * weights[2]!).toBeCloseTo(0.568888888888889, 14);
    expect(gaussLegendre(100).nodes[99]).toBeCloseTo(0.9997137267734412, 15);
    const hermite = gaussHermite(3);
    expect(hermite.nodes[2]).toBeCloseTo(Math.sqrt(3), 15);
    expect(hermite.weights[1]).toBeCloseTo(2 / 3, 15);
  });

  test.each([20, 100, 501])(
    "%i nodes are zeros to round-off, ascend, are symmetric, and their weights sum to one",
    (n) => {
      const rules = n > 100 ? [gaussLegendre(n)] : [gaussLegendre(n), gaussHermite(n)];
      for (const { nodes, weights } of rules) {
        expect(nodes.every((x, k) => k === 0 || x > nodes[k - 1]!)).toBe(true);
        expect(nodes.every((x, k) => x === -nodes[n - 1 - k]! || x === 0)).toBe(true);
        expect(Math.abs(weights.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(n * eps);
      }
      // P_n(x) by its three-term recurrence, divided by its slope: the distance to the zero
      for (const x of rules[0]!.nodes) {
        let [before, value] = [1, x];
        for (let k = 1; k < n; k++) [before, value] = [value, ((2 * k + 1) * x * value - k * before) / (k + 1)];
        const slope = (n * (before - x * value)) / (1 - x * x);
        expect(Math.abs(value / slope)).toBeLessThan(1e-15);
      }
    },
  );
});
