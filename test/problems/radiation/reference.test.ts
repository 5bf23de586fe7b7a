import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  manyInputSlab,
  plane,
  planeReference,
  planeReferenceSteps,
  type RadiationProblem,
  slabReference,
  slabReferenceSteps,
  uncertainPlane,
  uncertainSlab,
} from "../../../src/problems/index.ts";
import { planeOfReference, quadrant, relativeError } from "./plane-data.ts";

const slabData = JSON.parse(readFileSync(new URL("../../data/radiation_1d_small.json", import.meta.url), "utf8")) as {
  readonly E: readonly number[];
  readonly Var: readonly number[];
};

const small = { nx: 41, moments: 8, nodesXi: 6, nodesEta: 6, T: 0.5, width: 0.15 };
const sigma = (xi: number, eta: number): number => 5 + 4 * xi + eta;

describe("the full-rank reference of a slab", () => {
  test("is that of moments by an independent program", () => {
    const { E, Var, points, fields } = slabReference(uncertainSlab(small), sigma);
    expect(relativeError(E, slabData.E)).toBeLessThan(1e-13);
    expect(relativeError(Var, slabData.Var)).toBeLessThan(1e-13);
    expect(points).toHaveLength(24);
    expect(fields).toHaveLength(24);
  });

  test("is the deterministic solution where one node is all there is", () => {
    const problem = uncertainSlab({ ...small, nodesXi: 1, nodesEta: 1 });
    const { E, Var, points, fields } = slabReference(problem, sigma);
    expect(Array.from(points)).toEqual([5]);
    expect(E).toEqual(fields[0]);
    expect(Math.max(...Var)).toBe(0);
  });

  test("takes any number of inputs: brute force over all nodes of six", () => {
    const problem = manyInputSlab({ nx: 21, moments: 6, nodes: 2, T: 0.2, cfl: 0.05 });
    const of = (...v: number[]): number =>
      5 + 0.5 * v.reduce((sum, x, i) => sum + (i % 2 === 0 ? 4 : 1) * x ** (1 + Math.floor(i / 2)), 0);
    const { E, Var } = slabReference(problem, of);
    const single = (s: number): Float64Array => slabReference(problem, () => s, { points: 1 }).E;
    const all = Array.from({ length: 64 }, (_, p) =>
      single(of(...problem.inputs.map(({ nodes }, i) => nodes[(p >> i) % 2]!))),
    );
    const mean = E.map((_, i) => all.reduce((sum, f) => sum + f[i]! / 64, 0));
    const variance = E.map((_, i) => all.reduce((sum, f) => sum + (f[i]! - mean[i]!) ** 2 / 64, 0));
    expect(relativeError(E, mean)).toBeLessThan(1e-12);
    expect(relativeError(Var, variance)).toBeLessThan(1e-10);
  });

  test("is refused where it would be wrong or endless", () => {
    const problem = uncertainSlab(small);
    expect(() => slabReference(problem, (xi) => 0.5 + xi)).toThrow("the scattering coefficient is from -0.43");
    expect(() => slabReference(problem, sigma, { absorption: -1 })).toThrow("absorption is -1, expected zero or more");
    expect(() => slabReference(problem, () => Number.NaN)).toThrow("the scattering coefficient is from NaN to NaN");
    expect(() => slabReference(uncertainPlane({ n: 6, degree: 1, nodesXi: 2, nodesEta: 2, cfl: 0.3 }), sigma)).toThrow(
      "slabReference: uncertainPlane is a problem in the plane, expected a slab",
    );
    const many = {
      ...problem,
      inputs: Array(5)
        .fill(problem.inputs[0])
        .flatMap((i) => [i, i]),
    } as RadiationProblem;
    expect(() => slabReference(many, () => 1)).toThrow("60466176 nodes in all, expected at most 10000000");
    expect(() => slabReference(problem, sigma, { steps: 0 })).toThrow("steps is 0, expected an integer of at least 1");
  });
});

const quickPlane = { n: 20, degree: 5, nodesXi: 8, nodesEta: 8 };
const coefficients = { scattering: (xi: number) => 1 - xi, absorption: (eta: number) => 1 - eta };

describe("the full-rank reference of a plane", () => {
  test("is that of an independent program", () => {
    const { E, Var } = planeReference(uncertainPlane(quickPlane), coefficients, { points: 13 });
    const reference = planeOfReference();
    expect(relativeError(quadrant(E, 20), reference.E_quadrant.flat())).toBeLessThan(1e-13);
    expect(relativeError(quadrant(Var, 20), reference.Var_quadrant.flat())).toBeLessThan(1e-13);
  });

  test("is the mean over single solutions, also on a grid with a line of symmetry", () => {
    const problem = uncertainPlane({ n: 9, degree: 3, nodesXi: 3, nodesEta: 2, width: 0.2, cfl: 0.4 });
    const [xi, eta] = problem.inputs;
    const { E, Var } = planeReference(problem, coefficients);
    const single = (a: number, b: number): Float64Array =>
      planeReference(problem, { scattering: () => 1 - a, absorption: () => 1 - b }).E;
    const all = Array.from(xi!.nodes, (a, i) =>
      Array.from(eta!.nodes, (b, j) => ({ w: xi!.weights[i]! * eta!.weights[j]!, f: single(a, b) })),
    ).flat();
    const mean = E.map((_, p) => all.reduce((sum, { w, f }) => sum + w * f[p]!, 0));
    const variance = E.map((_, p) => all.reduce((sum, { w, f }) => sum + w * (f[p]! - mean[p]!) ** 2, 0));
    expect(relativeError(E, mean)).toBeLessThan(1e-13);
    expect(relativeError(Var, variance)).toBeLessThan(1e-12);
  });

  test("takes as many Euler steps as stability needs, where a problem is for another scheme", () => {
    const options = { interval: [-1, 1], n: 9, degree: 1, initial: 1, rank: 1, T: 0.9 } as const;
    const inputs = ["xi", "eta"].map((name) => ({ name, distribution: "uniform", nodes: 2 }) as const);
    const problem = plane({ name: "plane", ...options, inputs, scattering: 1, cfl: 0.9, scheme: "rk4" });
    expect(problem.steps).toBe(4);
    const zero = { scattering: () => 1, absorption: () => 0 };
    // T = 4 dt = 0.9 in steps of at most 0.25 / (sqrt(2) + 0.125)
    expect(planeReference(problem, zero).steps).toBe(6);
  });

  test("goes step by step, and is stopped between steps", () => {
    const problem = uncertainPlane({ n: 8, degree: 1, nodesXi: 2, nodesEta: 2, cfl: 0.4 });
    const shares = [...planeReferenceSteps(problem, coefficients, { points: 2 })];
    expect(shares).toEqual(
      Array.from({ length: 2 * problem.steps }, (_, k) => expect.closeTo((k + 1) / shares.length)),
    );
    expect([...slabReferenceSteps(uncertainSlab(small), (xi = 0) => 5 + xi, { steps: 50, points: 2 })]).toHaveLength(
      100,
    );
    const stop = new AbortController();
    const told: number[] = [];
    const progress = (share: number) => {
      told.push(share);
      if (told.length === 3) stop.abort(new Error("enough"));
    };
    expect(() => planeReference(problem, coefficients, { signal: stop.signal, progress })).toThrow("enough");
    expect(told).toHaveLength(3);
  });

  test("is refused for what it does not solve", () => {
    const problem = uncertainPlane({ n: 8, degree: 1, nodesXi: 2, nodesEta: 2, cfl: 0.4 });
    expect(() => planeReference(uncertainSlab(small), coefficients)).toThrow("has 2 inputs in a slab, expected two");
    expect(() => planeReference(problem, { ...coefficients, absorption: () => -1 })).toThrow(
      "absorption is -1 at a node",
    );
    expect(() => planeReference(problem, coefficients, { steps: 1 })).toThrow(
      /planeReference: steps is 1, expected \d+ or more: with fewer, euler is not stable/,
    );
    const skew = Float64Array.from({ length: 64 }, (_, p) => p);
    const tilted = { ...problem, observables: { E: () => skew } };
    expect(() => planeReference(tilted, coefficients)).toThrow("the start is not even in x and y");
  });
});
