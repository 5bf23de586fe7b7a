import { readFile } from "node:fs/promises";
import { experiments } from "../../experiments/index.ts";
import { ConfigError, type Experiment, OutputError, parseAssignment } from "../io/index.ts";
import { nearest } from "../text/nearest.ts";

/** An error in how the command was called. */
export class UsageError extends Error {}

/** What is run, and the parameters given for it: those of a configuration, then those of `--set`. */
export interface Subject {
  readonly experiment: Experiment;
  readonly given: Readonly<Record<string, unknown>>;
}

/** An experiment by its name, or by the file of a configuration or result; with `--quick` and `--set`. */
export async function subjectOf(
  command: string,
  subject: string | undefined,
  { quick = false, set = [] }: { readonly quick?: boolean; readonly set?: readonly string[] },
): Promise<Subject> {
  if (subject === undefined) throw new UsageError(`${command}: which experiment? Known: ${names().join(", ")}`);
  const assigned = set.map(parseAssignment);
  const keys = assigned.map(([key]) => key);
  const twice = keys.find((key, k) => keys.indexOf(key) < k);
  if (twice !== undefined) throw new ConfigError(`--set ${twice}: was given twice`);
  const { experiment, given } = subject.endsWith(".json")
    ? await readConfig(subject)
    : { experiment: find(subject), given: {} };
  return {
    experiment,
    given: { ...(quick ? experiment.quick : {}), ...given, ...Object.fromEntries(assigned) },
  };
}

/** A configuration, or the result of an earlier run: its experiment and parameters. */
async function readConfig(path: string): Promise<{ experiment: Experiment; given: object }> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    throw new OutputError(`${path}: cannot be read (${(error as Error).message})`);
  }
  let config: unknown;
  try {
    config = JSON.parse(content);
  } catch (error) {
    throw new ConfigError(`${path}: is no JSON (${(error as Error).message})`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw new ConfigError(`${path}: expected an object with "experiment" and "parameters"`);
  const { experiment, parameters = {}, ...more } = config as Record<string, unknown>;
  if (typeof experiment !== "string")
    throw new ConfigError(
      `${path}: experiment is ${JSON.stringify(experiment) ?? "missing"}, expected one of ${names().join(", ")}`,
    );
  const [other] = Object.keys(more);
  if (other !== undefined && !("stateHash" in more))
    throw new ConfigError(`${path}: unknown field "${other}"${known(other, ["experiment", "parameters"])}`);
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters))
    throw new ConfigError(`${path}: parameters is ${JSON.stringify(parameters)}, expected an object`);
  return { experiment: find(experiment), given: parameters };
}

export const names = (): string[] => experiments.map((e) => e.name);

export const hint = (given: string, known: readonly string[], lead = ""): string => {
  const near = nearest(given, known);
  return near ? `; did you mean "${lead}${near}"?` : "";
};

/** The nearest of the names that are known, and all of them. */
const known = (given: string, all: readonly string[]): string => `${hint(given, all) || "."} Known: ${all.join(", ")}`;

export function find(name: string): Experiment {
  const found = experiments.find((e) => e.name === name);
  if (!found) throw new UsageError(`unknown experiment "${name}"${known(name, names())}`);
  return found;
}
