import { expect, test } from "vitest";
import { augmentedBug, type Integrator, midpointRule, parallelBug, rk4 } from "../../../src/index.ts";
import { slabReference, uncertainSlab } from "../../../src/problems/index.ts";
import { finalOf } from "../../integrators/support.ts";
import { relativeError } from "./plane-data.ts";

const problem = uncertainSlab({ nx: 101, moments: 30, nodesXi: 20, nodesEta: 20, T: 1 });
const reference = slabReference(problem, (xi, eta) => 5 + 4 * xi! + eta!);

/** Errors of E and Var at the end, and the mass. The rule of truncation is that of the published code. */
async function row(integrator: Integrator, tolerance: number) {
  const { observables } = await finalOf(problem, {
    integrator,
    h: problem.dt,
    solver: rk4(),
    truncation: { tolerance, relative: true, method: "paper", tail: "l1-keep-one" },
  });
  const { E, Var, mass } = observables as { E: Float64Array; Var: Float64Array; mass: number };
  return { E: relativeError(E, reference.E), Var: relativeError(Var, reference.Var), mass };
}

const parallel = (coupling: "euler" | "evolved"): Integrator =>
  parallelBug({ root: "assembled", coupling, firstStep: "parallel" });
/** Errors of E and Var, and the mass, of two tolerances; measured with another implementation. */
interface Row {
  readonly method: string;
  readonly integrator: Integrator;
  readonly E: readonly [number, number];
  readonly Var: readonly [number, number];
  readonly mass: readonly [number, number];
}

const euler: Row = {
  method: "parallel, Euler coupling",
  integrator: parallel("euler"),
  E: [5.0e-3, 2.8e-3],
  Var: [1.4e-2, 1.6e-2],
  mass: [1.0084, 1.0051],
};
const evolved: Row = {
  method: "parallel, evolved coupling",
  integrator: parallel("evolved"),
  E: [8.1e-3, 1.2e-2],
  Var: [1.3e-2, 1.9e-2],
  mass: [0.9948, 0.9906],
};
const galerkin: Row = {
  method: "Galerkin root",
  integrator: parallelBug({ firstStep: "parallel" }),
  E: [4.2e-4, 2.7e-5],
  Var: [5.5e-3, 1.5e-3],
  mass: [1.0015, 1.0017],
};
const cheap: Row = {
  method: "augmented, cheap inner bases",
  integrator: augmentedBug({ innerSolver: midpointRule() }),
  E: [1.7e-4, 7.1e-5],
  Var: [3.9e-4, 1.9e-4],
  mass: [1.0016, 1.0016],
};
const augmented: Row = {
  method: "augmented",
  integrator: augmentedBug(),
  E: [1.7e-4, 3.1e-5],
  Var: [3.2e-4, 8.1e-5],
  mass: [1.0018, 1.0017],
};

const tolerances = [1e-3, 1e-4] as const;

async function compared({ method, integrator, ...table }: Row, k: 0 | 1) {
  const found = await row(integrator, tolerances[k]);
  const ratio = { E: found.E / table.E[k], Var: found.Var / table.Var[k] };
  console.info(
    `  ${method}, ${tolerances[k]}: E ${found.E.toExponential(2)} (${table.E[k]}), ` +
      `Var ${found.Var.toExponential(2)} (${table.Var[k]}), mass ${found.mass.toFixed(4)} (${table.mass[k]})`,
  );
  return { ratio, massOff: Math.abs(found.mass - table.mass[k]) };
}

// Another implementation pads the start by other directions of amplitude zero. That hardly changes the errors that come from the
// coupling of the parallel methods, but those of the size of the tolerance by a factor of two, either way.
test.each([
  { row: euler, k: 0 as const, share: 0.2 },
  { row: euler, k: 1 as const, share: 0.2 },
  { row: evolved, k: 0 as const, share: 0.25 },
  { row: evolved, k: 1 as const, share: 0.2 },
  { row: galerkin, k: 1 as const, share: 0.2 },
])("$row.method: errors of the coupling are those of another implementation ($k)", async ({ row, k, share }) => {
  const { ratio, massOff } = await compared(row, k);
  for (const r of [ratio.E, ratio.Var]) expect(Math.abs(r - 1)).toBeLessThan(share);
  expect(massOff).toBeLessThan(2e-3);
});

test.each([
  { row: galerkin, k: 0 as const },
  { row: cheap, k: 0 as const },
  { row: cheap, k: 1 as const },
  { row: augmented, k: 0 as const },
  { row: augmented, k: 1 as const },
])(
  "$row.method: errors of truncation are no larger than a factor of two above another implementation's ($k)",
  async (given) => {
    const { ratio, massOff } = await compared(given.row, given.k);
    for (const r of [ratio.E, ratio.Var]) expect(r).toBeLessThan(2);
    expect(massOff).toBeLessThan(2e-4);
  },
);
