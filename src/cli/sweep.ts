import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Communicator } from "../executors/mpi/communicator.ts";
import {
  ConfigError,
  type Experiment,
  OutputError,
  parseAssignment,
  parseParameters,
  pointResult,
  prepareFolder,
  rowOf,
  type SweepPoint,
  type SweepRow,
  sweepFiles,
  sweepPoints,
  sweepTable,
  writeFiles,
} from "../io/index.ts";
import { progressBar } from "./progress.ts";
import { withRanks } from "./ranks.ts";
import { type RunFlags, runInto } from "./run.ts";
import { subjectOf, UsageError } from "./subject.ts";
import { aligned, numberText } from "./table.ts";
import type { Terminal } from "./terminal.ts";

interface Planned extends SweepPoint {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly folder: string;
}

/**
 * `dlra sweep`: an experiment at all points of a grid, each with a folder of its own, and one table of them all. A point that fails does
 * not stop the others; points whose results are there already are kept. Of several ranks each takes the next point that is left,
 * unless the points themselves are divided among the ranks (executor=mpi).
 */
export async function sweep(
  name: string | undefined,
  flags: RunFlags & { readonly over?: string[] },
  terminal: Terminal,
): Promise<number> {
  const { experiment, given } = await subjectOf("sweep", name, flags);
  const points = planned(experiment, given, flags);
  const together = sharesPoints(points);
  const folder = folderOf(experiment, flags);
  const { stdout, stderr } = terminal;
  const bar = progressBar(stderr);
  return withRanks(async (ranks) => {
    if (ranks && !together) ranks.deadline = Number.POSITIVE_INFINITY; // points differ in length
    const once = (task: () => Promise<void>): Promise<void> => (ranks ? ranks.first(task) : task());
    await once(() => prepareFolder(folder, true));
    const left = flags.force ? points : await unfinished(experiment.name, points);
    await ranks?.agree("what is left of the sweep", left.map((p) => p.name).join(" ")); // before anyone changes that
    const signal = (together ? ranks?.signal(terminal.signal) : null) ?? terminal.signal;
    const failures: Record<string, string> = {};
    let done = points.length - left.length;
    const next = ranks && !together ? await claims(ranks, folder, left) : left;
    for await (const { name: label, folder: own, parameters } of next) {
      if (signal.aborted) break;
      try {
        await runInto(own, experiment, parameters, {
          force: true,
          ranks: together ? ranks : null,
          signal,
          progress: (share, what) => bar.show((done + share) / points.length, `${label}   ${what}`),
        });
      } catch (error) {
        if (signal.aborted || (error as Error).name === "RanksLostError") throw error;
        failures[label] = (error as Error).message;
      }
      done++;
    }
    bar.clear();
    for (const text of (await ranks?.texts(JSON.stringify(failures))) ?? []) Object.assign(failures, JSON.parse(text));
    const rows = await Promise.all(points.map((point) => rowAt(point, failures[point.name])));
    await once(async () => {
      await writeFiles(folder, sweepFiles(rows));
      for (const k of left.keys()) await rm(claimPath(folder, k), { force: true });
    });
    stdout.write(`${aligned(sweepTable(rows, (v) => (Number.isInteger(v) ? `${v}` : numberText(v)))).join("\n")}\n`);
    const kept = points.length - left.length;
    stdout.write(
      `\nwritten to ${folder}: sweep.csv, sweep.npz, a folder for each point${kept ? ` (${kept} kept)` : ""}\n`,
    );
    if (signal.aborted) return 130;
    return rows.every(({ status }) => status === "completed") ? 0 : 3;
  });
}

const folderOf = ({ name }: Experiment, { out, quick }: RunFlags): string =>
  out ?? join("results", `${name}${quick ? "-quick" : ""}-sweep`);

/** All points with their parameters, checked before any work. */
function planned(
  experiment: Experiment,
  given: Readonly<Record<string, unknown>>,
  flags: RunFlags & { readonly over?: string[] },
): Planned[] {
  if (!flags.over?.length) throw new UsageError("sweep: over what? Expected --over key=value,value,...");
  const folder = folderOf(experiment, flags);
  const points = sweepPoints(flags.over);
  const set = (flags.set ?? []).map((text) => parseAssignment(text)[0]);
  const twice = Object.keys(points[0]!.values).find((key) => set.includes(key));
  if (twice) throw new ConfigError(`${twice} was given both by --over and by --set`);
  return points.map((point) => ({
    ...point,
    folder: join(folder, point.name),
    parameters: parseParameters(experiment.name, experiment.parameters, { ...given, ...point.values }),
  }));
}

/** Whether all ranks share each point, which is so at all points or at none: a rank alone at one would wait for the others. */
function sharesPoints(points: readonly Planned[]): boolean {
  const [first, ...others] = points.map(({ parameters }) => `${parameters["executor"]}`);
  const isShared = (executor: string): boolean => executor.startsWith("mpi");
  const other = others.find((executor) => isShared(executor) !== isShared(first!));
  if (other !== undefined)
    throw new ConfigError(`--over executor: ${first} and ${other} cannot stand in one sweep, mpi goes with mpi alone`);
  return isShared(first!);
}

/** The points without a complete result. Throws an OutputError where a folder holds one of another experiment or of other parameters. */
async function unfinished(experiment: string, points: readonly Planned[]): Promise<Planned[]> {
  const left: Planned[] = [];
  for (const point of points) {
    const result = await pointResult(point.folder);
    if (result && result["experiment"] !== experiment)
      throw new OutputError(
        `${point.folder}: holds a result of ${result["experiment"]}, not ${experiment}; use --force to overwrite, or another --out`,
      );
    const there = (result?.["parameters"] ?? {}) as Record<string, unknown>;
    const asText = (value: unknown): string => JSON.stringify(value === Number.POSITIVE_INFINITY ? "inf" : value);
    const other = Object.entries(point.parameters).find(([key, value]) => asText(there[key]) !== asText(value));
    if (result && other)
      throw new OutputError(
        `${point.folder}: holds a result for ${other[0]} = ${asText(there[other[0]])}, not ${asText(other[1])}; ` +
          "use --force to overwrite, or another --out",
      );
    if (result?.["status"] !== "completed") left.push(point);
  }
  return left;
}

const claimPath = (folder: string, k: number): string => join(folder, `.claim-${k}`);

/** The points that this rank gets, one after the other: each time the next that no other rank has claimed, by making a file. */
async function claims(ranks: Communicator, folder: string, left: readonly Planned[]): Promise<AsyncGenerator<Planned>> {
  await ranks.first(async () => {
    for (const k of left.keys()) await rm(claimPath(folder, k), { force: true }); // of a sweep that was broken off
  });
  return (async function* () {
    for (const [k, point] of left.entries()) {
      const claimed = await open(claimPath(folder, k), "wx").then(
        async (file) => {
          await file.close();
          return true;
        },
        (error: NodeJS.ErrnoException) => {
          if (error.code === "EEXIST") return false;
          throw new OutputError(`${folder}: cannot be written on rank ${ranks.rank} (${error.message})`);
        },
      );
      if (claimed) yield point;
    }
  })();
}

async function rowAt(point: Planned, failure: string | undefined): Promise<SweepRow> {
  if (failure !== undefined) return { point, status: "failed", message: failure, numbers: {} };
  const result = await pointResult(point.folder);
  return result ? rowOf(point, result) : { point, status: "not run", message: "", numbers: {} };
}
