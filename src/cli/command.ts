import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { experiments } from "../../experiments/index.ts";
import { type Experiment, OutputError } from "../io/index.ts";
import { backendNames, useBackend } from "../linalg/current.ts";
import { version } from "../version.ts";
import { heardTerminal } from "./ranks.ts";
import { run } from "./run.ts";
import { find, hint, names, UsageError } from "./subject.ts";
import { sweep } from "./sweep.ts";
import type { Terminal } from "./terminal.ts";

const usage = `dlra ${version}: dynamical low-rank approximation with tree tensor networks

  dlra run <experiment or config.json> [--set key=value ...] [--out DIR] [--quick] [--force]
  dlra sweep <experiment or config.json> --over key=value,value ... [--over ...] [as run]
                              all points of a grid; points that are done are kept
  dlra bench scaling          measures how steps scale, beside the cost model; as run
  mpirun -n 4 npx dlra ...    on ranks of MPI, which share a run, or the points of a sweep
  dlra list [experiment]      experiments, or the parameters of one
  dlra info                   version, backends, SIMD features, cores

  --set key=value   a parameter; may be repeated        --quick   the experiment's quick form
  --out DIR         folder of the results               --force   overwrite results that are there
  --debug           show the stack of an error

Exit codes: 0 done, 2 wrong usage, 3 numerical failure, 4 files, 130 interrupted.`;

const options = {
  set: { type: "string", multiple: true },
  over: { type: "string", multiple: true },
  out: { type: "string" },
  quick: { type: "boolean" },
  force: { type: "boolean" },
  debug: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

const running = ["set", "out", "quick", "force"];

/** The options of each command, beside those of all. */
const commands: Readonly<Record<string, readonly string[]>> = {
  run: running,
  sweep: [...running, "over"],
  bench: running,
  list: [],
  info: [],
};

/** The `dlra` command: runs it with these arguments and returns its exit code. Never throws. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const heard = heardTerminal(terminal);
  return command([...args], heard).catch((error) => report(error, args.includes("--debug"), heard));
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
  checkOptions(command, values);
  if (command === "list") return say(subject === undefined ? listAll() : listOne(find(subject)));
  if (command === "info") return say(info());
  if (command === "bench") {
    if (subject !== "scaling") throw new UsageError(`bench: ${subject ?? "what"}? Known: scaling`);
    return run(subject, { ...values, out: values.out ?? join("results", "bench-scaling") }, terminal);
  }
  if (command === "sweep") return sweep(subject, values, terminal);
  return run(subject, values, terminal);
}

function read(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    const { message } = error as Error;
    const given = /'(?:-\w, )?(--?[^' =]+)/.exec(message)?.[1];
    if (!given) throw new UsageError(message);
    const name = given.replace(/^-+/, "");
    if (!Object.hasOwn(options, name))
      throw new UsageError(`unknown option ${given}${hint(name, Object.keys(options), "--")}`);
    const { type } = options[name as keyof typeof options];
    throw new UsageError(`option ${given} ${type === "string" ? "needs a value" : "takes no value"}`);
  }
}

/** Throws a UsageError for a command that is unknown, options that it does not take, and a folder without a name. */
function checkOptions(command: string, values: ReturnType<typeof read>["values"]): void {
  if (!Object.hasOwn(commands, command))
    throw new UsageError(`unknown command "${command}"${hint(command, Object.keys(commands))}`);
  const other = Object.keys(values).find((name) => name !== "debug" && !commands[command]!.includes(name));
  if (other !== undefined) {
    const takers = Object.keys(commands).filter((name) => commands[name]!.includes(other));
    throw new UsageError(`option --${other} is for dlra ${takers.join(", ")}, not for ${command}`);
  }
  if (values.out?.trim() === "")
    throw new UsageError(`--out is ${JSON.stringify(values.out)}, expected the name of a folder`);
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
function report(error: unknown, debug: boolean, { stderr, signal }: Terminal): number {
  const { name = "", message, stack } = error as Error;
  stderr.write(`dlra: ${debug ? stack : message}\n`);
  if (error instanceof UsageError) stderr.write("dlra --help shows how it is called.\n");
  if (signal.aborted && error === signal.reason) return 130;
  return error instanceof OutputError ? 4 : name === "ConvergenceError" || name === "NonFiniteError" ? 3 : 2;
}
