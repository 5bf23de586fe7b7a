import * as z from "zod";
import { fromDense, ranks, type Tensor, tensor, tree, useBackend } from "../src/index.ts";
import { ConfigError, experiment, inlineOnly, type NpyArray, type RunRecord, runSettings } from "../src/io/index.ts";
import {
  manyInputSlab,
  planeReferenceSteps,
  type RadiationProblem,
  type Reference,
  type ReferenceOptions,
  slabReferenceSteps,
  uncertainPlane,
  uncertainSlab,
} from "../src/problems/index.ts";
import { withPauses } from "./pauses.ts";
import { byScale, planeFigures, slabFigures } from "./radiation-study.ts";

const count = (least: number) => z.int().min(least);
const number = z.number();

const parameters = z.object({
  problem: z
    .enum(["slab", "slab6", "plane"])
    .default("slab")
    .describe("slab (two uncertain inputs), slab6 (six of them) or plane (line source with two)"),
  scale: z.enum(["paper", "mid", "quick"]).default("paper").describe("sizes of the problem: paper, mid or quick"),
  nx: byScale(count(3), "grid points of a slab, an integer from 3"),
  moments: byScale(count(2), "Legendre moments of a slab, an integer from 2"),
  n: byScale(count(3), "grid points of a plane in each direction, an integer from 3"),
  degree: byScale(count(1), "degree of the spherical harmonics of a plane, a positive integer"),
  nodesXi: byScale(count(1), "quadrature nodes of xi, a positive integer"),
  nodesEta: byScale(count(1), "quadrature nodes of eta, a positive integer"),
  nodes: byScale(count(1), "quadrature nodes of each of the six inputs of slab6, a positive integer"),
  T: byScale(number.positive(), "final time, a positive number"),
  cfl: byScale(number.positive(), "time step over grid spacing, a positive number within the stable range"),
  steps: byScale(count(1), "time steps of the solution, a positive integer"),
  width: byScale(number.positive(), "width of the pulse at the start, a positive number"),
  sigma0: byScale(number, "scattering of a slab where all inputs are zero, a number"),
  sigmaXi: byScale(number, "amplitude of xi in the scattering, a number"),
  sigmaEta: byScale(number, "amplitude of eta, a number"),
  amplitude: byScale(number, "share of the published amplitudes in slab6, a number"),
  points: byScale(count(1), "Chebyshev points over the scattering coefficient, a positive integer"),
  backend: runSettings.backend,
  executor: inlineOnly,
});

type Parameters = z.infer<typeof parameters>;
type Name = Exclude<keyof Parameters, "problem" | "scale" | "backend" | "executor">;

/** What the scales stand for; the names beside are those that can be given besides. */
const known = {
  slab: {
    names: ["cfl", "steps", "points", "sigma0", "sigmaXi", "sigmaEta"],
    paper: { nx: 201, moments: 100, nodesXi: 100, nodesEta: 100, T: 2, width: 0.03 },
    mid: { nx: 101, moments: 40, nodesXi: 20, nodesEta: 20, T: 1, width: 0.06 },
    quick: { nx: 41, moments: 8, nodesXi: 6, nodesEta: 6, T: 0.5, width: 0.15 },
  },
  slab6: {
    names: ["cfl", "steps", "points", "sigma0", "amplitude"],
    paper: { nx: 51, moments: 16, nodes: 8, T: 1, width: 0.15 },
    mid: { nx: 51, moments: 16, nodes: 6, T: 0.5, width: 0.15 },
    quick: { nx: 31, moments: 8, nodes: 3, T: 0.25, width: 0.2 },
  },
  plane: {
    names: ["T", "cfl", "steps", "points", "sigmaXi", "sigmaEta"], // T: the last full step up to 1 unless it is given
    paper: { n: 100, degree: 31, nodesXi: 100, nodesEta: 100, width: 0.03 },
    mid: { n: 50, degree: 11, nodesXi: 16, nodesEta: 16, width: 0.03 },
    quick: { n: 20, degree: 5, nodesXi: 8, nodesEta: 8, width: 0.03 },
  },
} as const satisfies Record<string, { readonly names: readonly Name[] } & Record<string, unknown>>;

/** Mean and variance of the uncertain slab and plane without low ranks, to compare other runs with. */
export const radiationReference = experiment({
  name: "radiation-reference",
  summary:
    "full-rank mean and variance of the uncertain slab and plane, by interpolation over the scattering coefficient",
  parameters,
  quick: { scale: "quick" },
  async run(p, host) {
    const { problem, solve } = prepared(p);
    useBackend(p.backend);
    const begin = performance.now();
    const options: ReferenceOptions = {
      ...(p.steps === "auto" ? {} : { steps: p.steps }),
      ...(p.points === "auto" ? {} : { points: p.points }),
    };
    const reference = await withPauses(solve(options), {
      signal: host.signal,
      progress: (share) => host.progress(share, problem.name),
    });
    const record = recordOf(problem, reference, (performance.now() - begin) / 1000);
    return {
      record,
      extra: {
        steps: reference.steps,
        points: [...reference.points],
        ...Object.fromEntries(Object.entries(problem.grid).map(([name, points]) => [name, [...points]])),
        maxE: Math.max(...reference.E),
        maxVar: Math.max(...reference.Var),
      },
      arrays: arraysOf(problem, reference),
      figures: await ("y" in problem.grid
        ? planeFigures(problem.grid, [{ name: "reference", ...reference }])
        : slabFigures(problem.grid.x, [{ name: "reference", ...reference }])),
    };
  },
});

/** The problem of these parameters, and its full solution. */
function prepared(p: Parameters): {
  problem: RadiationProblem;
  solve: (options: ReferenceOptions) => Generator<number, Reference>;
} {
  const { names, ...scales } = known[p.problem];
  const size = scales[p.scale];
  const allowed: readonly string[] = [...names, ...Object.keys(size)];
  const values: Partial<Record<Name, number>> = { ...size };
  for (const [name, value] of Object.entries(p) as [Name, number | string][]) {
    if (typeof value !== "number") continue;
    if (!allowed.includes(name))
      throw new ConfigError(
        `radiation-reference: ${name} = ${value} was given with problem = ${p.problem}, which takes ${allowed.join(", ")}`,
      );
    values[name] = value;
  }
  const { sigmaXi, sigmaEta, sigma0 = 5, amplitude = 0.5 } = values;
  if (p.problem === "plane") {
    const [a, b] = [sigmaXi ?? 1, sigmaEta ?? 1];
    const problem = uncertainPlane(values);
    return {
      problem,
      solve: (options) =>
        planeReferenceSteps(problem, { scattering: (xi) => 1 - a * xi, absorption: (eta) => 1 - b * eta }, options),
    };
  }
  if (p.problem === "slab") {
    const [a, b] = [sigmaXi ?? 4, sigmaEta ?? 1];
    const problem = uncertainSlab(values);
    return {
      problem,
      solve: (options) => slabReferenceSteps(problem, (xi = 0, eta = 0) => sigma0 + a * xi + b * eta, options),
    };
  }
  const problem = manyInputSlab(values);
  const sigma = (...inputs: number[]): number =>
    inputs.reduce((sum, x, k) => sum + amplitude * (k % 2 === 0 ? 4 : 1) * x ** (1 + (k >> 1)), sigma0);
  return { problem, solve: (options) => slabReferenceSteps(problem, sigma, options) };
}

/** One observation, at the end; the state is the matrix of the zeroth moment, grid points x Chebyshev points. */
function recordOf(problem: RadiationProblem, { E, fields }: Reference, seconds: number): RunRecord {
  const full: Tensor = tensor([E.length, fields.length]);
  fields.forEach((field, k) => {
    for (let i = 0; i < field.length; i++) full.data[i * fields.length + k] = field[i]!;
  });
  const state = fromDense(tree([0, 1]), full);
  return {
    status: "completed",
    times: [problem.span[1]],
    observables: {},
    ranks: [ranks(state)],
    discarded: [0],
    errors: { modelling: [0], integration: [null], solver: [0], truncation: [0] },
    rejected: [0],
    applications: [0],
    stepSeconds: [seconds],
    seconds,
    state,
  };
}

/** The grid, and E and Var as fields over it. */
function arraysOf({ grid }: RadiationProblem, { E, Var }: Reference): Record<string, NpyArray> {
  const shape = Object.values(grid).map((points) => points.length);
  const axes = Object.entries(grid).map(([name, data]): [string, NpyArray] => [
    name,
    { dtype: "float64", shape: [data.length], data },
  ]);
  return {
    ...Object.fromEntries(axes),
    E: { dtype: "float64", shape, data: E },
    Var: { dtype: "float64", shape, data: Var },
  };
}
