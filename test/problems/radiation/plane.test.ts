import { describe, expect, test } from "vitest";
import {
  applyOperator,
  augmentedBug,
  entry,
  euler,
  type Integrator,
  norm,
  orthonormalize,
  type Problem,
  parallelBug,
  productSum,
  scale,
  type TTN,
  toDense,
  truncate,
} from "../../../src/index.ts";
import {
  lattice,
  latticeSquare,
  lineSource,
  type RadiationProblem,
  type UncertainPlaneOptions,
  uncertainPlane,
} from "../../../src/problems/index.ts";
import { add } from "../../../src/ttn/arithmetic.ts";
import { modeSizes } from "../../../src/ttn/ttn.ts";
import { finalOf, snapshots } from "../../integrators/support.ts";
import { planeOfReference, quadrant, relativeError } from "./plane-data.ts";

/** 20 x 20 points, degree 5, 8 x 8 nodes: the case of the reference. */
const small = { n: 20, degree: 5, nodesXi: 8, nodesEta: 8 };
const problem = uncertainPlane(small);
const reference = planeOfReference();

const fields = (p: RadiationProblem, y: TTN): { E: Float64Array; Var: Float64Array } => ({
  E: p.observables["E"]!(y, 0) as Float64Array,
  Var: p.observables["Var"]!(y, 0) as Float64Array,
});

function errors(p: RadiationProblem, y: TTN): { E: number; Var: number } {
  const { E, Var } = fields(p, y);
  return {
    E: relativeError(quadrant(E, 20), reference.E_quadrant.flat()),
    Var: relativeError(quadrant(Var, 20), reference.Var_quadrant.flat()),
  };
}

/** Euler steps without projection: only what is 1e-11 of the state is cut. */
function steps(p: RadiationProblem, count: number): TTN {
  const operator = productSum(p.tree, modeSizes(p.initial), p.terms);
  let y = truncate(p.initial, { tolerance: 1e-11, relative: true }).y;
  for (let k = 0; k < count; k++) {
    const next = orthonormalize(add(y, scale(p.dt, applyOperator(operator, y))));
    y = truncate(next, { tolerance: 1e-11, relative: true }).y;
  }
  return y;
}

describe("the line source with uncertain coefficients", () => {
  const exact = steps(problem, 12);

  test("is that of the full-rank reference", () => {
    expect(problem.steps).toBe(12);
    expect(problem.span[1]).toBeCloseTo(reference.parameters.tend, 14);
    const { E, Var } = errors(problem, exact);
    expect(E).toBeLessThan(1e-9);
    expect(Var).toBeLessThan(1e-9);
    const cell = (3 / 19) ** 2;
    expect(problem.observables["mass"]!(exact, 0)).toBeCloseTo(reference.integrals.sum_E_dx2, 10);
    expect(cell * fields(problem, exact).Var.reduce((a, b) => a + b, 0)).toBeCloseTo(
      reference.integrals.sum_Var_dx2,
      12,
    );
  });

  // Where the angular basis is whole, all of F(Y) lies in the bases of augmented BUG: its Euler step is that of the full equation.
  // Parallel BUG leaves out the blocks of two new directions; the more room the start has, the less that is: 1.4e-5 from rank 21, 2e-6
  // from 30, 6e-7 from 40, whatever the tolerance.
  test.each<[string, Integrator, number]>([
    ["augmented BUG", augmentedBug(), 1e-7],
    ["parallel BUG, assembled", parallelBug({ root: "assembled" }), 1e-5],
    ["parallel BUG", parallelBug(), 1e-2],
  ])("is followed by %s with a whole angular basis", async (_, integrator, demanded) => {
    const truncation = { tolerance: 1e-11, relative: true, minRank: 21 };
    const whole = uncertainPlane({ ...small, rank: 30 });
    const all = await snapshots(whole, { integrator, h: whole.dt, solver: euler(), truncation });
    const { E, Var } = errors(whole, all.at(-1)!.y);
    expect(E).toBeLessThan(demanded);
    expect(Var).toBeLessThan(demanded);
    const norms = all.map((s) => norm(s.y));
    expect(norms.every((v, k) => k === 0 || v <= norms[k - 1]! * (1 + 1e-12))).toBe(true);
  });

  test("ends at T, in steps that are no longer than the CFL number has them; unless it is given, with a full one", () => {
    const full = 1.5 / 19;
    expect(problem.dt).toBe(full);
    expect(uncertainPlane({ ...small, T: 12 * full })).toMatchObject({ steps: 12, dt: full, span: [0, 12 * full] });
    for (const [T, steps] of [
      [1, 13],
      [0.9, 12],
      [0.01, 1],
    ] as const) {
      const own = uncertainPlane({ ...small, T });
      expect(own.steps).toBe(steps);
      expect(own.dt).toBe(T / steps);
      expect(own.span[1]).toBeCloseTo(T, 15);
    }
    const published = uncertainPlane({ n: 100, degree: 1, nodesXi: 2, nodesEta: 2 });
    expect(published).toMatchObject({ steps: 66, dt: 0.5 * (3 / 99), span: [0, 66 * 0.5 * (3 / 99)] });
  });

  test("is even in x and y, and unchanged when they are swapped", () => {
    for (const field of Object.values(fields(problem, exact))) {
      const largest = field.reduce((a, b) => Math.max(a, b));
      const at = (i: number, j: number): number => field[i * 20 + j]!;
      for (let i = 0; i < 20; i++)
        for (let j = 0; j < 20; j++)
          for (const image of [at(19 - i, j), at(i, 19 - j), at(j, i)])
            expect(Math.abs(at(i, j) - image)).toBeLessThan(1e-9 * largest);
    }
  });

  test("decays in eta alone as absorption has it, when there is no scattering to be uncertain", () => {
    const p = uncertainPlane({ ...small, nodesXi: 1, sigmaXi: 0 });
    const one = (sigmaA: number): TTN =>
      steps(lineSource({ n: 20, degree: 5, cfl: 0.5, absorption: sigmaA }), problem.steps);
    const nodes = p.inputs[1]!.nodes;
    const full = toDense(steps(p, 12));
    for (const j of [0, 7]) {
      const alone = toDense(one(1 - nodes[j]!));
      for (const point of [0, 189, 210])
        expect(entry(full, point, 0, 0, j).re).toBeCloseTo(entry(alone, point, 0).re, 10);
    }
  });

  test("starts at the pulse over its floor, the same at all nodes", () => {
    const { grid, initial, observables } = uncertainPlane({ ...small, width: 0.3 });
    const E = observables["E"]!(initial, 0) as Float64Array;
    const at = (i: number, j: number): number =>
      Math.max(1e-4, Math.exp(-(grid.x[i]! ** 2 + grid.x[j]! ** 2) / 0.36) / (0.36 * Math.PI)) / (4 * Math.PI);
    for (let p = 0; p < 400; p++) expect(E[p]).toBeCloseTo(at(Math.floor(p / 20), p % 20), 14);
    expect(Math.max(...(observables["Var"]!(initial, 0) as Float64Array))).toBeLessThan(1e-25);
  });

  test.each<[UncertainPlaneOptions, string]>([
    [{ ...small, n: 2 }, "uncertainPlane: n is 2, expected an integer of at least 3"],
    [{ ...small, degree: 0 }, "uncertainPlane: degree is 0, expected an integer of at least 1"],
    [{ ...small, cfl: 0.75 }, "uncertainPlane: cfl is 0.75, expected a positive number of at most 0.5"],
    [{ ...small, sigmaXi: 1.5 }, "the scattering coefficient is -0."],
    [{ ...small, absorption: 0.5 }, "the absorption coefficient is -0."],
    [{ ...small, width: 0 }, "uncertainPlane: width is 0, expected a positive number"],
    [{ ...small, floor: -1 }, "uncertainPlane: floor is -1, expected zero or more"],
    [{ ...small, T: 0 }, "uncertainPlane: T is 0, expected a positive number"],
    [
      { ...small, n: 3, cfl: 0.68, scattering: 0, sigmaXi: 0, absorption: 0, sigmaEta: 0 },
      "T is 1, expected a time step, 1.02",
    ],
    [{ ...small, T: Number.NaN }, "uncertainPlane: T is NaN, expected a finite number"],
    [{ ...small, nodesXi: 0 }, '"xi" has 0 nodes, expected a positive integer'],
  ])("refuses %o", (options, message) => {
    expect(() => uncertainPlane(options)).toThrow(RangeError);
    expect(() => uncertainPlane(options)).toThrow(message);
  });
});

describe("line source and lattice as matrices", () => {
  test("the line source keeps its mass until it reaches the boundary", () => {
    const p = lineSource({ n: 30, degree: 3, rank: 1, cfl: 0.6, width: 0.1, floor: 0, T: 0.4 });
    expect(p.tree.order).toBe(2);
    const y = steps(p, p.steps);
    const mass = (state: TTN): number => p.observables["mass"]!(state, 0) as number;
    expect(mass(y)).toBeCloseTo(mass(p.initial), 10);
    expect(norm(y)).toBeLessThan(norm(p.initial));
  });

  test("the lattice has eleven absorbers, a source and a gap", () => {
    const rows = [6, 5, 4, 3, 2, 1, 0].map((row) =>
      [0, 1, 2, 3, 4, 5, 6].map((column) => latticeSquare(column, row)[0]).join(""),
    );
    expect(rows).toEqual(["bbbbbbb", "bababab", "bbababb", "babsbab", "bbababb", "babbbab", "bbbbbbb"]);
  });

  test("the lattice fills from its source, symmetric about x = 3.5, with absorbers dark", async () => {
    const p = lattice({ n: 70, degree: 3, T: 1.5 });
    const run = { integrator: augmentedBug(), h: p.dt, solver: euler(), truncation: { tolerance: 1e-6, minRank: 10 } };
    const { y } = await finalOf(p as Problem, run);
    const E = p.observables["E"]!(y, 0) as Float64Array;
    const at = (x: number, z: number): number => E[Math.round((x / 7) * 69) * 70 + Math.round((z / 7) * 69)]!;
    for (const z of [0.6, 1.4, 2.6, 3.4, 5.4]) expect(at(1.4, z)).toBeCloseTo(at(5.6, z), 4);
    expect(at(3.4, 3.4)).toBeGreaterThan(0.05);
    expect(at(3.4, 1.4)).toBeGreaterThan(2 * at(3.4, 5.4)); // the gap, and the absorber opposite
  });

  test("refuses nonsense", () => {
    expect(() => lattice({ n: 70, degree: 3, initial: 0 })).toThrow(
      "lattice: initial is 0, expected a positive number",
    );
    expect(() => lattice({ n: 70, degree: 3, cfl: 0.7 })).toThrow(
      "lattice: cfl is 0.7, expected a positive number of at most",
    );
    expect(() => lattice({ n: 70, degree: 3, absorption: -1 })).toThrow("the absorption coefficient is -1 at x = ");
    expect(() => lineSource({ n: 20, degree: 3, scattering: -1 })).toThrow("the scattering coefficient is -1");
  });
});
