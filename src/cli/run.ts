import { join } from "node:path";
import type { Communicator } from "../executors/mpi/communicator.ts";
import { launch } from "../executors/mpi/library.ts";
import {
  type Experiment,
  executorOf,
  type Outcome,
  parseParameters,
  prepareFolder,
  removeOlder,
  resultFiles,
  writeFiles,
} from "../io/index.ts";
import { useBackend } from "../linalg/current.ts";
import { progressBar } from "./progress.ts";
import { withRanks } from "./ranks.ts";
import { type Subject, subjectOf, UsageError } from "./subject.ts";
import { aligned, summaryTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export interface RunFlags {
  readonly set?: string[];
  readonly out?: string;
  readonly quick?: boolean;
  readonly force?: boolean;
}

/** `dlra run`: an experiment with these parameters, its results in a folder; on all ranks where there are several. */
export async function run(name: string | undefined, flags: RunFlags, terminal: Terminal): Promise<number> {
  const { experiment, given } = await subjectOf("run", name, flags);
  const parameters = parseParameters(experiment.name, experiment.parameters, onRanks(given));
  const folder = flags.out ?? join("results", flags.quick ? `${experiment.name}-quick` : experiment.name);
  const { stdout, stderr } = terminal;
  const bar = progressBar(stderr);
  return withRanks(async (ranks) => {
    const { outcome, files } = await runInto(folder, experiment, parameters, {
      force: flags.force ?? false,
      ranks,
      signal: ranks?.signal(terminal.signal) ?? terminal.signal,
      progress: bar.show,
      made({ record, extra }) {
        bar.clear();
        const table = extra?.["table"] as string[][] | undefined;
        stdout.write(`${table ? aligned(table).join("\n") : summaryTable(experiment.name, record, extra)}\n`);
      },
    }).finally(() => bar.clear());
    const { record } = outcome;
    stdout.write(`\nwritten to ${folder}: ${files.join(", ")}\n`);
    if (record.status === "completed") return 0;
    stderr.write(`dlra: ${record.message}; what was computed until then is in ${folder}\n`);
    return record.status === "interrupted" ? 130 : 3;
  });
}

/** With several ranks, they share each run unless another executor is asked for, which is refused: all would do the same. */
function onRanks(given: Subject["given"]): Subject["given"] {
  const launched = launch();
  if (!launched || launched.ranks === 1) return given;
  const count = `one of ${launched.ranks ?? "several"} ranks (${launched.by})`;
  const executor = given["executor"] ?? "mpi";
  if (!`${executor}`.startsWith("mpi"))
    throw new UsageError(`executor = ${executor}, but this process is ${count}, which would all do the same; use mpi`);
  return { ...given, executor };
}

/** How a run is done and watched. */
export interface RunOptions {
  readonly force: boolean;
  /** The ranks that share the run; null where this process does it alone. */
  readonly ranks: Communicator | null;
  readonly signal: AbortSignal;
  progress(share: number, what: string): void;
  /** Told what was made before it is written, which may fail. */
  made?(outcome: Outcome): void;
}

/** Runs an experiment and writes its results to a folder, by the first of several ranks; returns the names of the files. */
export async function runInto(
  folder: string,
  experiment: Experiment,
  parameters: Readonly<Record<string, unknown>>,
  { force, ranks, signal, progress, made }: RunOptions,
): Promise<{ readonly outcome: Outcome; readonly files: readonly string[] }> {
  const once = (task: () => Promise<void>): Promise<void> => (ranks ? ranks.first(task) : task());
  useBackend(parameters["backend"] as "auto");
  await once(() => prepareFolder(folder, force));
  await using executor = executorOf((parameters["executor"] as string | undefined) ?? "inline");
  const outcome = await experiment.run(parameters, { signal, executor, progress });
  made?.(outcome);
  const { record, figures, extra, arrays } = outcome;
  const files = {
    ...resultFiles(experiment.name, parameters, record, extra, arrays),
    ...Object.fromEntries(Object.entries(figures).map(([name, svg]) => [`${name}.svg`, svg])),
  };
  await once(async () => {
    await writeFiles(folder, files);
    if (force) await removeOlder(folder, Object.keys(files));
  });
  return { outcome, files: Object.keys(files) };
}
