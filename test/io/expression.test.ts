import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExpression } from "../../src/io/expression.ts";
import { ConfigError } from "../../src/io/settings.ts";

const parsed = (text: number | string, variables: readonly string[] = ["x", "xi", "eta"]) =>
  parseExpression("scattering", text, variables);
const refused = (text: string) => expect(parsed(text)).rejects;

describe("an expression of a configuration", () => {
  it("is the function that JavaScript would write", async () => {
    const scattering = await parsed("5 + 4*xi + eta");
    expect(scattering.uses).toEqual(["xi", "eta"]);
    const initial = await parsed("exp(-x^2/(2*0.03^2))/sqrt(2*pi*0.03^2)");
    const box = await parsed("abs(x) < 0.5 ? 1/2 : 0");
    const names = await parsed("2 x + max(xi, eta) - xi mod 2 + e");
    fc.assert(
      fc.property(
        fc.double({ min: -2, max: 2, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (x, eta) => {
          const values = { x, xi: -0.25, eta };
          expect(scattering.at(values)).toBeCloseTo(4 + eta, 14);
          const expected = Math.exp(-(x ** 2) / (2 * 0.03 ** 2)) / Math.sqrt(2 * Math.PI * 0.03 ** 2);
          expect(initial.at(values)).toBeCloseTo(expected, 12);
          expect(box.at(values)).toBe(Math.abs(x) < 0.5 ? 0.5 : 0);
          expect(names.at(values)).toBeCloseTo(2 * x + Math.max(-0.25, eta) - 1.75 + Math.E, 13);
        },
      ),
    );
  });

  it("may be a number, for which nothing is loaded", async () => {
    const five = await parsed(5);
    expect([five.at({}), five.uses, five.text, five.terms().length]).toEqual([5, [], "5", 1]);
    await expect(parsed(Number.POSITIVE_INFINITY)).rejects.toThrow("scattering is Infinity, expected a finite number");
  });

  it("is split into a sum of products that has the same values", async () => {
    const value = fc.double({ min: -2, max: 2, noNaN: true });
    const leaf = fc.constantFrom("x", "xi", "eta", "2", "0.5", "sin(x)", "exp(xi - eta)", "(x + 1)^2");
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaf,
        fc.tuple(tie("tree"), fc.constantFrom("+", "-", "*"), tie("tree")).map(([a, op, b]) => `(${a} ${op} ${b})`),
        tie("tree").map((a) => `-${a}`),
        fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => `(x > 0.1 ? ${a} : ${b})`),
        tie("tree").map((a) => `(${a}) / (3 + x)`),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(tree, value, value, value, async (text, x, xi, eta) => {
        const values = { x, xi, eta };
        const e = await parsed(text);
        const products = e.terms().map((factors) => factors.reduce((p, f) => p * f.at(values), 1));
        const scale = products.reduce((sum, v) => sum + Math.abs(v), 1);
        expect(Math.abs(products.reduce((a, b) => a + b, 0) - e.at(values))).toBeLessThanOrEqual(1e-13 * scale);
      }),
      { numRuns: 100 },
    );
    const parts = (await parsed("5 + (4*xi - eta/2) * x")).terms();
    expect(parts.map((factors) => [...new Set(factors.flatMap((f) => f.uses))])).toEqual([
      [],
      ["xi", "x"],
      ["eta", "x"],
    ]);
  });

  it("names an unknown variable, its place, the nearest and all known ones", async () => {
    await refused("5 + 4*zeta").toThrow(
      new ConfigError(
        'scattering is "5 + 4*zeta": unknown variable "zeta" at character 7; did you mean "eta"? Known: x, xi, eta, pi, tau, e',
      ),
    );
    await refused("xi + foo(x)").toThrow(/unknown function "foo" at character 6[.;].*Known: abs, sign, sqrt/);
    await refused("x(1 + xi)").toThrow('"x(" at character 1 reads as a function; write x*(...)');
    await refused("exp").toThrow(/unknown variable "exp" at character 1/);
    await refused("xi2 + xi").toThrow(/unknown variable "xi2" at character 1/);
  });

  it("refuses what cannot be read or is no number", async () => {
    await refused("5 + * 3").toThrow('scattering is "5 + * 3": it cannot be read: Value expected (char 5)');
    await refused("").toThrow("expected an expression");
    for (const text of ["x = 3", "[1, 2]", "'a'", "f(x) = 2", "x; 2", "1:3", "x[1]", "x.y", "true"])
      await refused(text).toThrow(ConfigError);
    await refused("import('fs')").toThrow(/unknown function "import"/);
    await refused("3 cm").toThrow(/unknown variable "cm"/);
  });

  it("names the point where its value is not finite", async () => {
    const e = await parsed("1 / xi + x");
    expect(() => e.at({ x: 1, xi: 0, eta: 2 })).toThrow(
      new ConfigError('scattering is "1 / xi + x": 1 / xi + x is Infinity at xi = 0, x = 1, expected a finite number'),
    );
    const root = await parsed("sqrt(eta)");
    expect(() => root.at({ eta: -1 })).toThrow("is NaN at eta = -1, expected a finite number");
  });
});
