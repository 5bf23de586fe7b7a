import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { experiments } from "../../experiments/index.ts";
import {
  ConfigError,
  type Experiment,
  executorOf,
  type Outcome,
  OutputError,
  parseAssignment,
  parseParameters,
  prepareFolder,
  resultFiles,
  writeFiles,
} from "../io/index.ts";
import { backendNames, useBackend } from "../linalg/current.ts";
import { nearest } from "../text/nearest.ts";
import { version } from "../version.ts";
import { progressBar } from "./progress.ts";
import { summaryTable } from "./table.ts";

const usage = `dlra ${version}: dynamical low-rank approximation with tree tensor networks

  dlra run <experiment or config.json> [--set key=value ...] [--out DIR] [--quick] [--force]
  dlra list [experiment]      experiments, or the parameters of one
  dlra info                   version, backends, SIMD features, cores

  --set key=value   a parameter; may be repeated        --quick   the experiment's quick form
  --out DIR         folder of the results               --force   overwrite results that are there
  --debug           show the stack of an error

Exit codes: 0 done, 2 wrong usage, 3 numerical failure, 4 files, 130 interrupted.`;

/** An error in how the command was called. */
class UsageError extends Error {}

const options = {
  set: { type: "string", multiple: true },
  out: { type: "string" },
  quick: { type: "boolean" },
  force: { type: "boolean" },
  debug: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

/** Where a command writes, and what interrupts it. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  /** Ends a run early; what was computed is written. */
  readonly signal: AbortSignal;
}

/** The `dlra` command: runs it with these arguments and returns its exit code. Never throws. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  return command([...args], terminal).catch((error) => report(error, args.includes("--debug"), terminal));
}

async function command(args: string[], terminal: Terminal): Promise<number> {
  const say = (text: string): number => {
    terminal.stdout.write(`${text}\n`);
    return 0;
  };
  const { values, positionals } = read(args);
  const [command, subject, ...rest] = positionals;
  if (values.version) return say(version);
  if (values.help || command === undefined) return say(usage);
  if (rest.length > 0) throw new UsageError(`unexpected argument "${rest[0]}"`);
  if (command === "list") return say(subject === undefined ? listAll() : listOne(find(subject)));
  if (command === "info") return say(info());
  if (command !== "run") throw new UsageError(`unknown command "${command}"${hint(command, ["run", "list", "info"])}`);
  if (subject === undefined)
    throw new UsageError(`run: which experiment? Known: ${experiments.map((e) => e.name).join(", ")}`);
  return run(subject, values, terminal);
}

function read(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    const unknown = /'(--?[^' =]+)/.exec((error as Error).message)?.[1];
    throw new UsageError(
      unknown
        ? `unknown option ${unknown}${hint(unknown.replace(/^-+/, ""), Object.keys(options), "--")}`
        : (error as Error).message,
    );
  }
}

async function run(
  subject: string,
  flags: { set?: string[]; out?: string; quick?: boolean; force?: boolean },
  { stdout, stderr, signal }: Terminal,
): Promise<number> {
  const { experiment, given } = subject.endsWith(".json")
    ? await readConfig(subject)
    : { experiment: find(subject), given: {} };
  const parameters = parseParameters(experiment.name, experiment.parameters, {
    ...(flags.quick ? experiment.quick : {}),
    ...given,
    ...Object.fromEntries((flags.set ?? []).map(parseAssignment)),
  });
  useBackend(parameters["backend"] as "auto");
  const folder = flags.out ?? join("results", flags.quick ? `${experiment.name}-quick` : experiment.name);
  await prepareFolder(folder, flags.force ?? false);

  await using executor = executorOf((parameters["executor"] as string | undefined) ?? "inline");
  const bar = progressBar(stderr);
  let outcome: Outcome;
  try {
    outcome = await experiment.run(parameters, { signal, executor, progress: bar.show });
  } finally {
    bar.clear();
  }
  const { record, figures, extra, arrays } = outcome;
  const files = {
    ...resultFiles(experiment.name, parameters, record, extra, arrays),
    ...Object.fromEntries(Object.entries(figures).map(([name, svg]) => [`${name}.svg`, svg])),
  };
  await writeFiles(folder, files);
  stdout.write(`${summaryTable(experiment.name, record, extra)}\n`);
  stdout.write(`\nwritten to ${folder}: ${Object.keys(files).join(", ")}\n`);
  if (record.status === "completed") return 0;
  stderr.write(`dlra: ${record.message}; what was computed until then is in ${folder}\n`);
  return record.status === "interrupted" ? 130 : 3;
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
    throw new ConfigError(
      `${path}: unknown field "${other}"${hint(other, ["experiment", "parameters"])} Known: experiment, parameters`,
    );
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters))
    throw new ConfigError(`${path}: parameters is ${JSON.stringify(parameters)}, expected an object`);
  return { experiment: find(experiment), given: parameters };
}

const names = (): string[] => experiments.map((e) => e.name);

const hint = (given: string, known: readonly string[], lead = ""): string => {
  const near = nearest(given, known);
  return near ? `; did you mean "${lead}${near}"?` : "";
};

function find(name: string): Experiment {
  const found = experiments.find((e) => e.name === name);
  if (!found) throw new UsageError(`unknown experiment "${name}"${hint(name, names())} Known: ${names().join(", ")}`);
  return found;
}

function listAll(): string {
  const longest = Math.max(...names().map((name) => name.length));
  return experiments.map((e) => `${e.name.padEnd(longest)}  ${e.summary}`).join("\n");
}

function listOne({ name, summary, parameters }: Experiment): string {
  const defaults = parameters.parse({}) as Record<string, unknown>;
  const shown = (v: unknown): string =>
    v === Number.POSITIVE_INFINITY ? "inf" : typeof v === "string" ? v : JSON.stringify(v);
  const rows = Object.entries(parameters.shape).map(
    ([key, field]) =>
      `  ${key.padEnd(16)} ${shown(defaults[key]).padEnd(12)} ${(field as { description?: string }).description ?? ""}`,
  );
  return [
    `${name}: ${summary}`,
    "",
    `  ${"parameter".padEnd(16)} ${"default".padEnd(12)} what is expected`,
    ...rows,
  ].join("\n");
}

function info(): string {
  const chosen = useBackend("auto");
  const lines = backendNames.map((name) => {
    try {
      return `  ${name === chosen.name ? "*" : " "} ${name.padEnd(10)} ${useBackend(name).description}`;
    } catch (error) {
      return `    ${name.padEnd(10)} ${(error as Error).message.replace(/^backend \w+: /, "")}`;
    }
  });
  useBackend(chosen);
  const cores = availableParallelism();
  return [`dlra ${version}, Node ${process.versions.node}, ${cores} cores`, "backends (* is used):", ...lines].join(
    "\n",
  );
}

/** Misuse is told in one line; where it comes from matters to nobody but with --debug. */
function report(error: unknown, debug: boolean, { stderr }: Terminal): number {
  const { name = "", message, stack } = error as Error;
  stderr.write(`dlra: ${debug ? stack : message}\n`);
  if (error instanceof UsageError) stderr.write("dlra --help shows how it is called.\n");
  return error instanceof OutputError ? 4 : name === "ConvergenceError" || name === "NonFiniteError" ? 3 : 2;
}
