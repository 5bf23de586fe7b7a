import * as z from "zod";
import { augmentedBug } from "../integrators/augmented-bug.ts";
import type { EvolveOptions } from "../integrators/evolve.ts";
import type { Integrator } from "../integrators/integrator.ts";
import { dopri5 } from "../integrators/local/dopri5.ts";
import { basisToleranceFor, exponential } from "../integrators/local/exponential.ts";
import type { LocalSolver } from "../integrators/local/problem.ts";
import { rk4 } from "../integrators/local/rk4.ts";
import { parallelBug } from "../integrators/parallel-bug.ts";
import { backendNames } from "../linalg/current.ts";
import { nearest } from "../text/nearest.ts";
import { balanced, type Nested, star, type Tree, train, tree } from "../ttn/tree.ts";

const positive = z.number().positive();
const positiveInteger = z.int().positive();
const nested: z.ZodType<Nested> = z.lazy(() => z.union([z.int().nonnegative(), z.array(nested)]));

/** What every run can be told: the method and its limits. Descriptions say what is expected; messages quote them. */
export const runSettings = {
  T: positive.default(1).describe("a final time, a positive number"),
  dt: positive.default(0.01).describe("a time step, a positive number"),
  tolerance: z
    .union([positive, z.literal("off")])
    .default(1e-8)
    .describe("a truncation tolerance for each step, a positive number (absolute), or off"),
  maxRank: positiveInteger.default(64).describe("largest rank of an edge, a positive integer"),
  minRank: positiveInteger.default(1).describe("smallest rank kept by truncation, a positive integer"),
  truncation: z.enum(["weighted", "paper"]).default("weighted").describe("how ranks are cut: weighted or paper"),
  relative: z.boolean().default(false).describe("whether the tolerance is relative to the norm: true or false"),
  integrator: z.enum(["parallel", "augmented"]).default("parallel").describe("parallel or augmented (BUG)"),
  root: z
    .enum(["galerkin", "assembled"])
    .default("galerkin")
    .describe("root of parallel BUG: galerkin or assembled (the paper's)"),
  coupling: z
    .enum(["auto", "euler", "evolved"])
    .default("auto")
    .describe(
      "coupling blocks of parallel BUG: euler (the paper's), evolved, or auto (evolved for a galerkin root, else euler)",
    ),
  firstStep: z
    .enum(["augmented", "parallel"])
    .default("augmented")
    .describe("method of the first two steps of parallel BUG: augmented or parallel"),
  rejection: z.boolean().default(false).describe("whether steps with too small bases are repeated: true or false"),
  solver: z.enum(["krylov", "rk4", "dopri5"]).default("krylov").describe("local solver: krylov, rk4 or dopri5"),
  substeps: positiveInteger.default(1).describe("steps of rk4 in a time step, a positive integer"),
  solverTolerance: positive.default(1e-12).describe("relative error of krylov and dopri5, a positive number"),
  basisTolerance: z
    .union([positive, z.literal("auto")])
    .default("auto")
    .describe("relative error of krylov where a basis is sought, a positive number, or auto (a tenth of tolerance)"),
  tree: z
    .union([z.enum(["binary", "train", "star"]), nested])
    .default("binary")
    .describe("binary, train, star, or nested arrays of sites such as [[0,1],[2,[3,4]]]"),
  every: positiveInteger.default(1).describe("steps between two observations, a positive integer"),
  backend: z
    .enum(["auto", ...backendNames])
    .default("auto")
    .describe(`auto, ${backendNames.join(", ")}`),
  seed: z.int().nonnegative().default(1).describe("seed of a random initial state, a non-negative integer"),
};

export type RunSettings = z.infer<z.ZodObject<typeof runSettings>>;

/** Something is wrong with what a user configured: the message says what was given, what was expected, and where. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Checks parameters against a schema and fills in defaults. Throws a ConfigError that names the parameter, its value and
 * what was expected; for an unknown name, the nearest known one.
 */
export function parseParameters<S extends z.ZodRawShape>(
  where: string,
  schema: z.ZodObject<S>,
  given: unknown,
): z.infer<z.ZodObject<S>> {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new ConfigError(`${where}: the parameters are ${text(given)}, expected an object of names and values`);
  const known = Object.keys(schema.shape);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new ConfigError(
      `${where}: unknown parameter "${name}"${near ? `; did you mean "${near}"?` : "."} Known: ${known.join(", ")}`,
    );
  }
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const [name] = issue.path as [string];
  const field = schema.shape[name] as z.ZodType | undefined;
  const value = (given as Record<string, unknown>)[name];
  throw new ConfigError(`${where}: ${name} is ${text(value)}, expected ${field?.description ?? issue.message}`);
}

const text = (value: unknown): string => {
  if (value === undefined) return "missing";
  return (typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value))).slice(0, 80);
};

/** A `key=value` of the command line: JSON where it reads as such, infinities by name, else text. */
export function parseAssignment(assignment: string): [string, unknown] {
  const at = assignment.indexOf("=");
  if (at < 1) throw new ConfigError(`--set ${assignment}: expected key=value`);
  const [key, value] = [assignment.slice(0, at).trim(), assignment.slice(at + 1).trim()];
  try {
    return [key, JSON.parse(value)];
  } catch {
    return [key, value];
  }
}

/** The tree of a setting, for d sites. Throws a ConfigError when its modes are not 0 to d - 1. */
export function treeOf(setting: RunSettings["tree"], d: number): Tree {
  if (setting === "binary") return balanced(d);
  if (setting === "train") return train(d);
  if (setting === "star") return star(d);
  try {
    const built = tree(setting);
    if (built.order === d) return built;
    throw new RangeError(`it has ${built.order} leaves, but d is ${d}`);
  } catch (error) {
    throw new ConfigError(`tree: ${(error as Error).message.replace(/^tree: /, "")}`);
  }
}

/** The method of these settings. */
export function integratorOf({ integrator, root, coupling, firstStep }: RunSettings): Integrator {
  if (integrator === "augmented") return augmentedBug();
  return parallelBug({ root, firstStep, ...(coupling === "auto" ? {} : { coupling }) });
}

function solverOf({ solver, substeps, solverTolerance, basisTolerance, tolerance }: RunSettings): LocalSolver {
  if (solver === "rk4") return rk4({ substeps });
  if (solver === "dopri5") return dopri5({ rtol: solverTolerance, atol: solverTolerance * 1e-2 });
  return exponential({
    tolerance: solverTolerance,
    basisTolerance: basisTolerance === "auto" ? basisToleranceFor(tolerance, solverTolerance) : basisTolerance,
  });
}

/** The options of `evolve` that these settings mean. */
export const evolveOptions = (s: RunSettings): Omit<EvolveOptions, "executor"> => ({
  integrator: integratorOf(s),
  h: s.dt,
  solver: solverOf(s),
  truncation: {
    tolerance: s.tolerance,
    maxRank: s.maxRank,
    minRank: s.minRank,
    method: s.truncation,
    relative: s.relative,
  },
  rejection: s.rejection,
});
