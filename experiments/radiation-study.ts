import * as z from "zod";
import {
  type EvolveOptions,
  type Functional,
  fromFunction,
  fromValues,
  modeSizes,
  modesBelow,
  norm,
  storage,
  type Tree,
  type Truncation,
  type TTN,
  useBackend,
} from "../src/index.ts";
import {
  evolveOptions,
  type Host,
  heatMap,
  integratorOf,
  lineChart,
  type NpyArray,
  type Outcome,
  type Panel,
  type RunRecord,
  type RunSettings,
  record,
  runSettings,
} from "../src/io/index.ts";
import type { RadiationProblem } from "../src/problems/index.ts";

const { T, rtol, atol, dt, seed, tree, ...shared } = runSettings;
const auto = z.literal("auto");

/** A parameter that the scale decides unless it is given. */
export const byScale = (field: z.ZodType<number>, what: string) =>
  z.union([field, auto]).default("auto").describe(`${what}, or auto (as the scale has it)`);

/** The values of parameters by scale: those that were given, and the sizes of the scale for the others. */
export function sizesOf<K extends string>(
  given: Readonly<Record<NoInfer<K>, number | "auto">>,
  scale: Readonly<Record<K, number>>,
): Readonly<Record<K, number>> {
  const keys = Object.keys(scale) as K[];
  return Object.fromEntries(keys.map((key) => [key, given[key] === "auto" ? scale[key] : given[key]])) as Record<
    K,
    number
  >;
}

/** How the inputs are distributed. */
export const distributionParameter = z
  .enum(["uniform", "normal"])
  .default("uniform")
  .describe("distribution of the inputs: uniform (-1 to 1) or normal");

/** Parameters that all studies of radiation share. */
export const radiationParameters = {
  scale: z.enum(["paper", "mid", "quick"]).default("paper").describe("sizes of the problem: paper, mid or quick"),
  ...shared,
  T: byScale(z.number().positive(), "a final time, a positive number"),
  cfl: byScale(z.number().positive(), "time step over grid spacing, a positive number within the stable range"),
  tolerance: z
    .union([z.number().positive(), z.enum(["off", "auto"])])
    .default("auto")
    .describe("a truncation tolerance for each step, a positive number, off, or auto (near the paper's)"),
  maxRank: runSettings.maxRank.describe("largest rank of an edge, a positive integer, or auto (the paper's)"),
  relative: z
    .union([z.boolean(), auto])
    .default("auto")
    .describe("whether the tolerance is relative to the norm: true, false, or auto (true where ranks adapt)"),
  minRank: z
    .union([z.int().positive(), auto])
    .default("auto")
    .describe("smallest rank kept by truncation, a positive integer, or auto (2 where ranks adapt)"),
  integrator: runSettings.integrator.unwrap().default("parallel").describe(runSettings.integrator.description!),
  tail: runSettings.tail.unwrap().default("l1-keep-one").describe(runSettings.tail.description!),
  conserve: z
    .boolean()
    .default(false)
    .describe("whether mass and E at every point follow the scheme's own law despite truncation: true or false"),
  rank: z
    .int()
    .positive()
    .default(10)
    .describe("rank of the start, of which one direction has amplitude, a positive integer"),
  reference: z
    .boolean()
    .default(false)
    .describe("whether to solve without low ranks, too, and compare E and Var: true or false"),
  compare: z
    .boolean()
    .default(false)
    .describe("whether to run a second method too, augmented or, beside augmented itself, parallel: true or false"),
};

type SharedParameters = z.infer<z.ZodObject<typeof radiationParameters>>;

/** Mean and variance of a field, on the points of a problem's grid. */
export interface Moments {
  readonly E: Float64Array;
  readonly Var: Float64Array;
}

/** What a study of radiation needs. */
export interface RadiationStudy {
  readonly problem: RadiationProblem;
  readonly parameters: SharedParameters;
  /** What `auto` means for the tolerance and the largest rank. */
  readonly usual: (integrator: RunSettings["integrator"]) => { readonly tolerance: number; readonly maxRank: number };
  /** E and Var without low ranks; null where they were not asked for. */
  readonly reference: ((progress: (share: number) => void) => Moments | Promise<Moments>) | null;
  /** The figures of E and Var: of the runs, then of the reference. */
  readonly figures: (fields: readonly NamedMoments[]) => Promise<Record<string, string>>;
  readonly host: Host;
}

export interface NamedMoments extends Moments {
  readonly name: string;
}

interface Run extends NamedMoments {
  readonly record: RunRecord;
  /** Most numbers that the state took. */
  readonly storage: number;
}

/**
 * Runs a radiation problem; with `compare` also by the other of the paper's two methods; with `reference` against a full solution.
 * Beside what every result has: `x` (and `y`), E and Var of the zeroth moment at the end, histories of mass and norm after every
 * observed step, names of the edges that ranks belong to, errors against the reference.
 */
export async function studyRadiation(study: RadiationStudy): Promise<Outcome> {
  const { problem, parameters: p, host } = study;
  const settings = settingsOf(study, p.integrator);
  optionsOf(study, settings);
  useBackend(p.backend);
  // first, so that what it refuses is refused before the runs, and an interruption of it takes no finished run along
  const full = await study.reference?.((share) => host.progress(share, "reference"));
  const main = await runWith(study, settings);
  const runs = [main];
  if (p.compare && main.record.status === "completed")
    runs.push(await runWith(study, settingsOf(study, p.integrator === "augmented" ? "parallel" : "augmented")));
  const reference = runs.every((r) => r.record.status === "completed") ? full : undefined;
  const other = runs[1];
  const errors = reference && Object.fromEntries(runs.map((run) => [run.name, distances(run, reference)]));
  const extra = {
    grid: { shape: gridShape(problem), dt: problem.dt },
    edges: edgeNames(problem),
    storage: main.storage,
    peakMemory: process.resourceUsage().maxRSS * 1024,
    largestNormGrowth: largestGrowth(main.record),
    massChange: massChange(main.record),
    ...(other ? { comparison: comparisonOf(other) } : {}),
    ...(errors ? { referenceErrors: errors } : {}),
  };
  const stopped = runs.find((r) => r.record.status !== "completed")?.record;
  const told =
    stopped && stopped !== main.record
      ? { ...main.record, status: stopped.status, message: `in the run beside it, ${stopped.message}` }
      : main.record;
  return {
    record: told,
    extra,
    arrays: arraysOf(study, main, other, reference),
    figures: {
      ...(await study.figures([...runs, ...(reference ? [{ name: "reference", ...reference }] : [])])),
      ...(await histories(problem, runs)),
    },
  };
}

/** The settings of a run, what they leave open filled in; for the method beside, those of the main method's own form are dropped. */
function settingsOf({ problem, parameters: p, usual }: RadiationStudy, integrator: RunSettings["integrator"]) {
  const own = usual(integrator);
  const or = <V>(value: V, usually: Exclude<V, "auto">) => (value === "auto" ? usually : (value as Exclude<V, "auto">));
  const cutting = (usually: Pick<RunSettings, "relative" | "minRank"> & { readonly tolerance: number | "off" }) => ({
    tolerance: or(p.tolerance, usually.tolerance),
    relative: or(p.relative, usually.relative),
    minRank: or(p.minRank, usually.minRank),
  });
  const settings: RunSettings = {
    ...p,
    integrator,
    rtol: "off",
    atol: "off",
    T: problem.span[1],
    dt: problem.dt,
    seed: 1,
    tree: "binary",
    maxRank: or(p.maxRank, own.maxRank),
    ...cutting({ tolerance: "off", relative: false, minRank: 1 }),
    ...(integrator === p.integrator ? {} : { root: "auto", coupling: "auto", firstStep: "auto" }),
  };
  if (!integratorOf(settings).promises.rankAdaptive) return settings;
  return {
    ...settings,
    ...cutting({ tolerance: own.tolerance, relative: true, minRank: Math.min(2, settings.maxRank as number) }),
  };
}

/** How to evolve with these settings; checks them. */
function optionsOf({ problem, parameters }: RadiationStudy, settings: RunSettings): Omit<EvolveOptions, "executor"> {
  const options = evolveOptions(settings);
  if (!parameters.conserve) return options;
  return { ...options, truncation: { ...options.truncation, conserved: conservedOf(problem) } as Truncation };
}

/** Mass, and the expected value of the zeroth moment at every point. */
function conservedOf({ initial, inputs }: RadiationProblem): readonly Functional[] {
  const [points, moments] = modeSizes(initial) as [number, number];
  const others = [
    fromFunction([moments], (k) => (k === 0 ? 1 : 0)),
    ...inputs.map(({ weights }) => fromValues([weights.length], weights)),
  ];
  return [{ vectors: [fromFunction([points], () => 1), ...others] }, { vectors: [null, ...others] }];
}

async function runWith(study: RadiationStudy, settings: RunSettings): Promise<Run> {
  const { problem, host } = study;
  const { E, Var, mass } = problem.observables as Record<"E" | "Var" | "mass", (y: TTN, t: number) => Float64Array>;
  const { name } = integratorOf(settings);
  let most = 0;
  const made = await record(
    { ...problem, observables: { mass, norm: (y) => norm(y) } },
    {
      ...optionsOf(study, settings),
      every: settings.every,
      signal: host.signal,
      executor: host.executor,
      onStep({ t, y, ranks }) {
        most = Math.max(most, storage(y));
        host.progress(t / problem.span[1], `${name}   t = ${t.toFixed(3)}   rank ${Math.max(...ranks)}`);
      },
    },
  );
  const end = made.times.at(-1) ?? 0;
  return { name, record: made, storage: most, E: E(made.state, end), Var: Var(made.state, end) };
}

/** Relative distances in the Euclidean norm. */
function distances(a: Moments, b: Moments): Record<"E" | "Var", number> {
  const distance = (x: Float64Array, y: Float64Array): number =>
    Math.hypot(...x.map((v, i) => v - y[i]!)) / Math.hypot(...y);
  return { E: distance(a.E, b.E), Var: distance(a.Var, b.Var) };
}

const historyOf = (r: RunRecord, name: "mass" | "norm"): number[] => r.observables[name] as number[];

/** How much the norm grew from one observation to the next, relative; zero if it never did. */
const largestGrowth = (r: RunRecord): number =>
  historyOf(r, "norm").reduce((worst, v, k, all) => (k === 0 ? worst : Math.max(worst, v / all[k - 1]! - 1)), 0);

/** The mass at the end relative to that at the start, minus one. */
function massChange(r: RunRecord): number {
  const mass = historyOf(r, "mass");
  return mass.at(-1)! / mass[0]! - 1;
}

const comparisonOf = ({ name, record: r, storage: numbers }: Run) => ({
  integrator: name,
  times: r.times,
  mass: r.observables["mass"],
  norm: r.observables["norm"],
  ranks: r.ranks,
  storage: numbers,
  largestNormGrowth: largestGrowth(r),
  massChange: massChange(r),
  seconds: r.seconds,
});

const gridShape = ({ grid }: RadiationProblem): number[] =>
  "y" in grid ? [grid.x.length, grid.y.length] : [grid.x.length];

function arraysOf({ problem }: RadiationStudy, main: Run, other: Run | undefined, reference: Moments | undefined) {
  const { grid, inputs } = problem;
  const vector = (data: Float64Array): NpyArray => ({ dtype: "float64", shape: [data.length], data });
  const field = (data: Float64Array): NpyArray => ({ dtype: "float64", shape: gridShape(problem), data });
  const pair = (of: Moments | undefined, suffix: string): Record<string, NpyArray> =>
    of ? { [`E${suffix}`]: field(of.E), [`Var${suffix}`]: field(of.Var) } : {};
  const edges = edgeNames(problem);
  return {
    ...Object.fromEntries(Object.entries(grid).map(([name, points]) => [name, vector(points)])),
    ...pair(main, ""),
    ...pair(other, "_comparison"),
    ...pair(reference, "_reference"),
    ...Object.fromEntries(
      inputs.flatMap(({ name, nodes, weights }) => [
        [`${name}_nodes`, vector(nodes)],
        [`${name}_weights`, vector(weights)],
      ]),
    ),
    edges: { dtype: "string", shape: [edges.length], data: edges } as const,
  };
}

/** The name of the edge above each node: of its leaf's mode, or of those below in parentheses; empty at the root. */
function edgeNames({
  tree: t,
  inputs,
}: {
  readonly tree: Tree;
  readonly inputs: RadiationProblem["inputs"];
}): string[] {
  const modes = ["space", "angle", ...inputs.map((input) => input.name)];
  return t.nodes.map(({ mode, parent }, id) => {
    if (mode !== null) return modes[mode]!;
    return parent === null
      ? ""
      : `(${modesBelow(t, id)
          .map((k) => modes[k]!)
          .join(", ")})`;
  });
}

/** Ranks of all edges, mass and norm over time. */
async function histories(problem: RadiationProblem, runs: readonly Run[]): Promise<Record<string, string>> {
  const time = { label: "time" };
  const edges = edgeNames(problem);
  const most = Math.max(...runs.flatMap((r) => r.record.ranks.flat()));
  const ranks = runs.map(
    ({ name, record: r }): Panel => ({
      ...(runs.length > 1 ? { title: name } : {}),
      x: time,
      y: { label: "rank" },
      series: edges.flatMap((edge, id) =>
        edge === "" ? [] : [{ name: edge, x: r.times, y: r.ranks.map((all) => all[id]!) }],
      ),
      // one scale for all panels
      guides: runs.length > 1 ? [{ kind: "horizontal", y: most, label: "largest of all" }] : [],
    }),
  );
  const history = (name: "mass" | "norm", label: string): Panel => ({
    x: time,
    y: { label },
    series: runs.map((run) => ({ name: run.name, x: run.record.times, y: historyOf(run.record, name) })),
  });
  return {
    "R3-ranks": await lineChart({ title: "Ranks", panels: ranks }),
    "R4-mass-norm": await lineChart({
      title: "Mass and norm",
      panels: [history("mass", "mass"), history("norm", "norm of the state")],
    }),
  };
}

/** E and Var as lines over a slab. */
export async function slabFigures(x: Float64Array, fields: readonly NamedMoments[]): Promise<Record<string, string>> {
  const chart = (title: string, label: string, pick: (m: Moments) => Float64Array): Promise<string> =>
    lineChart({
      title,
      x: { label: "x" },
      y: { label },
      series: fields.map((m) => ({ name: m.name, x, y: pick(m) })),
    });
  return {
    "R1-mean": await chart("Expected value at the end", "E[ρ]", (m) => m.E),
    "R2-variance": await chart("Variance at the end", "Var[ρ]", (m) => m.Var),
  };
}

/** E and Var as colors over a plane, without the points of the boundary, each with one scale for all runs. */
export async function planeFigures(
  grid: RadiationProblem["grid"],
  fields: readonly NamedMoments[],
): Promise<Record<string, string>> {
  if (!("y" in grid)) throw new RangeError("planeFigures: the grid is that of a slab");
  const [nx, ny] = [grid.x.length, grid.y.length];
  const [x, y] = [grid.x.slice(1, -1), grid.y.slice(1, -1)];
  const plotted = 4 * Math.PI * Math.SQRT2; // the paper's, for the variance not squared
  const interior = (of: Float64Array): Float64Array =>
    Float64Array.from({ length: (nx - 2) * (ny - 2) }, (_, p) => {
      const [i, j] = [Math.floor(p / (ny - 2)), p % (ny - 2)];
      return plotted * of[(i + 1) * ny + j + 1]!;
    });
  const map = (title: string, label: string, pick: (m: Moments) => Float64Array): Promise<string> =>
    heatMap({
      title,
      x: { label: "x" },
      y: { label: "y" },
      color: { label },
      panels: fields.map((m) => ({ title: m.name, x, y, values: interior(pick(m)) })),
    });
  return {
    "R1-mean": await map("Expected value at the end", "4π√2 E[ρ]", (m) => m.E),
    "R2-variance": await map("Variance at the end", "4π√2 Var[ρ]", (m) => m.Var),
  };
}
