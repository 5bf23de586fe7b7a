import * as z from "zod";
import type { EvolveOptions } from "../integrators/evolve.ts";
import type { Integrator } from "../integrators/integrator.ts";
import { automatic } from "../integrators/local/automatic.ts";
import { dopri5 } from "../integrators/local/dopri5.ts";
import { euler } from "../integrators/local/euler.ts";
import { basisToleranceFor, exponential } from "../integrators/local/exponential.ts";
import type { LocalSolver } from "../integrators/local/problem.ts";
import { rk4 } from "../integrators/local/rk4.ts";
import { adaptiveMethods, methodNames, methods } from "../integrators/methods.ts";
import { parallelBug } from "../integrators/parallel-bug.ts";
import { backendNames } from "../linalg/current.ts";
import { nearest } from "../text/nearest.ts";
import { balanced, type Nested, star, type Tree, train, tree } from "../ttn/tree.ts";
import type { Truncation } from "../ttn/truncate.ts";

const positive = z.number().positive();
const positiveInteger = z.int().positive();
const nested: z.ZodType<Nested> = z.lazy(() => z.union([z.int().nonnegative(), z.array(nested)]));
/** A setting that follows from others unless it is given; results tell which, so that they can be run again. */
const automatically = <Z extends z.ZodType>(field: Z) => z.union([field, z.literal("auto")]).default("auto");
const accuracy = z.union([positive, z.literal("off")]).default("off");

/** More steps than any run has time for. */
const mostSteps = 1e8;

/** What `auto` stands for where a step size is used. */
const usual = { dt: 0.01, tolerance: 1e-8, maxRank: 64, solverTolerance: 1e-12 } as const;

/** What every run can be told: the method and its limits. Descriptions say what is expected; messages quote them. */
export const runSettings = {
  T: positive.default(1).describe("a final time, a positive number"),
  rtol: accuracy.describe(
    "relative error at the end, a positive number that chooses dt, tolerance and ranks, or off (then dt and tolerance count)",
  ),
  atol: accuracy.describe("absolute error at the end, used as rtol is, a positive number or off"),
  dt: automatically(positive).describe(
    "a time step, a positive number, or auto (0.01; chosen where rtol or atol is given)",
  ),
  tolerance: z
    .union([positive, z.enum(["off", "auto"])])
    .default("auto")
    .describe(
      "a truncation tolerance for each step, a positive number (absolute), off, or auto (1e-8; chosen with rtol or atol; off for methods that keep their ranks)",
    ),
  maxRank: automatically(positiveInteger).describe(
    "largest rank of an edge, a positive integer, or auto (64; no limit with rtol or atol)",
  ),
  minRank: positiveInteger.default(1).describe("smallest rank kept by truncation, a positive integer"),
  truncation: z.enum(["weighted", "paper"]).default("weighted").describe("how ranks are cut: weighted or paper"),
  tail: z
    .enum(["l2", "l1-keep-one"])
    .default("l2")
    .describe(
      "what of singular values is cut: l2, or l1-keep-one (one value more than a sum below the tolerance needs)",
    ),
  relative: z.boolean().default(false).describe("whether the tolerance is relative to the norm: true or false"),
  integrator: z
    .enum(methodNames)
    .default("predicted")
    .describe(`one of the methods ${methodNames.join(", ")}`),
  root: z
    .enum(["auto", "galerkin", "assembled"])
    .default("auto")
    .describe("root of integrator=parallel: galerkin, assembled (the paper's), or auto (galerkin)"),
  coupling: z
    .enum(["auto", "euler", "evolved"])
    .default("auto")
    .describe(
      "coupling blocks of integrator=parallel: euler (the paper's), evolved, or auto (evolved for a galerkin root, else euler)",
    ),
  firstStep: z
    .enum(["auto", "augmented", "parallel"])
    .default("auto")
    .describe("method of the first two steps of integrator=parallel: augmented, parallel, or auto (augmented)"),
  rejection: z.boolean().default(false).describe("whether steps with too small bases are repeated: true or false"),
  solver: z
    .enum(["auto", "krylov", "euler", "rk4", "dopri5"])
    .default("auto")
    .describe("local solver: auto (krylov for linear right-hand sides, else dopri5), krylov, euler, rk4 or dopri5"),
  substeps: automatically(positiveInteger).describe(
    "steps of euler and rk4 in a time step, a positive integer, or auto (1)",
  ),
  solverTolerance: automatically(positive).describe(
    "relative error of krylov and dopri5, a positive number, or auto (1e-12; with rtol or atol and solver=auto, chosen)",
  ),
  basisTolerance: automatically(positive).describe(
    "relative error of krylov where a basis is sought, a positive number, or auto (a tenth of tolerance)",
  ),
  tree: z
    .union([z.enum(["binary", "train", "star"]), nested])
    .default("binary")
    .describe("binary, train, star, or nested arrays of sites such as [[0,1],[2,[3,4]]]"),
  every: positiveInteger
    .default(1)
    .describe("steps between two observations, a positive integer; chosen steps are observed each"),
  backend: z
    .enum(["auto", ...backendNames])
    .default("auto")
    .describe(`auto, ${backendNames.join(", ")}`),
  executor: z
    .string()
    .regex(/^(inline|(mpi(:[1-9]\d*)?\+)?workers(:[1-9]\d*)?|mpi(:[1-9]\d*)?|gpu(:compensated)?)$/)
    .default("inline")
    .describe(
      "where local problems are solved: inline, workers (one a core), workers:N, mpi, mpi:N, mpi+workers:N (workers in each rank), gpu (float32) or gpu:compensated",
    ),
  seed: z.int().nonnegative().default(1).describe("seed of a random initial state, a non-negative integer"),
};

/** The setting `executor` of what has no local problems: the same word as elsewhere, and one value. */
export const inlineOnly = z
  .literal("inline")
  .default("inline")
  .describe("inline: there are no local problems in it that could be solved elsewhere");

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
  const near = typeof value === "string" ? nearest(value, wordsOf(field)) : undefined;
  throw new ConfigError(
    `${where}: ${name} is ${text(value)}, expected ${field?.description ?? issue.message}${near ? `; did you mean "${near}"?` : ""}`,
  );
}

/** The words that a field takes, if it takes just words. */
const wordsOf = (field: z.ZodType | undefined): readonly string[] =>
  field instanceof z.ZodDefault
    ? wordsOf(field.unwrap() as z.ZodType)
    : field instanceof z.ZodEnum
      ? field.options.map(String)
      : [];

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
  if (integrator !== "parallel") return methods[integrator];
  return parallelBug({
    ...(root === "auto" ? {} : { root }),
    ...(firstStep === "auto" ? {} : { firstStep }),
    ...(coupling === "auto" ? {} : { coupling }),
  });
}

/** Whether step sizes, tolerances and ranks follow from an accuracy. */
export const isChosen = ({ rtol, atol }: RunSettings): boolean => rtol !== "off" || atol !== "off";

/**
 * The options of `evolve` that these settings mean. Throws a ConfigError for settings that exclude each other: a step or
 * tolerance beside an accuracy, or a tolerance or an accuracy for a method that keeps its ranks; and for steps that never come to an end.
 */
export function evolveOptions(s: RunSettings): Omit<EvolveOptions, "executor"> {
  const integrator = integratorOf(s);
  checkTogether(s, integrator);
  const solver = solverOf(s);
  // methods that keep their ranks have nothing to cut; `maxRank` then is for the start
  const truncation: Omit<Truncation, "tolerance"> = integrator.promises.rankAdaptive
    ? {
        minRank: s.minRank,
        method: s.truncation,
        tail: s.tail,
        ...(s.maxRank === "auto" ? (isChosen(s) ? {} : { maxRank: usual.maxRank }) : { maxRank: s.maxRank }),
      }
    : {};
  const shared = { integrator, rejection: s.rejection, ...(solver ? { solver } : {}) };
  if (isChosen(s))
    return {
      ...shared,
      ...(s.rtol === "off" ? {} : { rtol: s.rtol }),
      ...(s.atol === "off" ? {} : { atol: s.atol }),
      truncation,
    };
  return {
    ...shared,
    h: stepOf(s),
    truncation: {
      ...truncation,
      tolerance: toleranceOf(s),
      ...(integrator.promises.rankAdaptive ? { relative: s.relative } : {}),
    },
  };
}

/** The step size of a run that is not told its accuracy. */
export const stepOf = ({ dt }: RunSettings): number => (dt === "auto" ? usual.dt : dt);

const toleranceOf = (s: RunSettings): number | "off" =>
  s.tolerance !== "auto" ? s.tolerance : methods[s.integrator].promises.rankAdaptive ? usual.tolerance : "off";

/** Settings that concern one choice of another setting only. */
const concerns = [
  { names: ["root", "coupling", "firstStep"], of: "integrator", values: ["parallel"] },
  { names: ["substeps"], of: "solver", values: ["euler", "rk4"] },
  { names: ["solverTolerance"], of: "solver", values: ["auto", "krylov", "dopri5"] },
  { names: ["basisTolerance"], of: "solver", values: ["auto", "krylov"] },
] as const;

/** How ranks are cut unless something else is said. */
const cutting = { minRank: 1, truncation: "weighted", relative: false } as const;

function checkTogether(s: RunSettings, { promises }: Integrator): void {
  for (const { names, of, values } of concerns) {
    const given = names.find((name) => s[name] !== "auto");
    if (given && !(values as readonly string[]).includes(s[of]))
      throw new ConfigError(
        `${given} = ${s[given]} was given with ${of} = ${s[of]}, but concerns ${of} = ${values.join(", ")} only`,
      );
  }
  const steps = s.T / stepOf(s);
  if (!isChosen(s) && steps > mostSteps)
    throw new ConfigError(
      `dt is ${stepOf(s)} with T = ${s.T}: ${steps.toPrecision(3)} steps, expected ${mostSteps.toExponential()} or fewer`,
    );
  const accuracy = s.rtol !== "off" ? `rtol = ${s.rtol}` : `atol = ${s.atol}`;
  if (isChosen(s)) {
    const other = (["dt", "tolerance"] as const).find((name) => s[name] !== "auto") ?? (s.relative ? "relative" : null);
    if (other)
      throw new ConfigError(
        `${other} = ${s[other]} and ${accuracy} were both given: ${accuracy} chooses step sizes and tolerances; give one or the other`,
      );
  }
  if (promises.rankAdaptive) return;
  const asked = isChosen(s) ? accuracy : typeof s.tolerance === "number" ? `tolerance = ${s.tolerance}` : null;
  if (asked)
    throw new ConfigError(
      `${asked} was given, but integrator=${s.integrator} keeps the ranks it starts with (initialRank); methods that adapt them: ${adaptiveMethods.join(", ")}`,
    );
  const cut = (["minRank", "truncation", "relative"] as const).find((name) => s[name] !== cutting[name]);
  if (cut)
    throw new ConfigError(
      `${cut} = ${s[cut]} was given, but integrator=${s.integrator} keeps the ranks it starts with and cuts nothing`,
    );
  if (s.rejection)
    throw new ConfigError(
      `rejection = true was given, but integrator=${s.integrator} keeps the ranks it starts with, so that no step can be repeated in wider bases`,
    );
}

/** The local solver; null leaves its tolerances to the accuracy asked for. */
function solverOf(s: RunSettings): LocalSolver | null {
  if (s.solver === "rk4" || s.solver === "euler")
    return { euler, rk4 }[s.solver]({ substeps: s.substeps === "auto" ? 1 : s.substeps });
  if (s.solver === "auto" && isChosen(s) && s.solverTolerance === "auto" && s.basisTolerance === "auto") return null;
  const tolerance = s.solverTolerance === "auto" ? usual.solverTolerance : s.solverTolerance;
  if (s.solver === "dopri5") return dopri5({ rtol: tolerance, atol: tolerance * 1e-2 });
  const cut = isChosen(s) ? "off" : toleranceOf(s);
  const basisTolerance = s.basisTolerance === "auto" ? basisToleranceFor(cut, tolerance) : s.basisTolerance;
  return s.solver === "auto" ? automatic({ tolerance, basisTolerance }) : exponential({ tolerance, basisTolerance });
}
