import { inline } from "../executors/inline.ts";
import { mpi } from "../executors/mpi.ts";
import { workers } from "../executors/workers.ts";
import type { Executor } from "../integrators/executor.ts";
import { ConfigError } from "./settings.ts";

/** The executors of the setting `executor`, by the word before the colon; `count` is the number behind it. */
const executors: Readonly<Record<string, (count: number | undefined, inner: Executor | undefined) => Executor>> = {
  inline: () => inline(),
  workers: (count) => workers(count === undefined ? {} : { count }),
  mpi: (ranks, inner) => mpi({ ...(ranks === undefined ? {} : { ranks }), ...(inner ? { inner } : {}) }),
};

/**
 * The executor that a setting names: inline, workers (one for each core), workers:4, mpi, mpi:8 (refused unless there are 8 ranks), or mpi+workers:4,
 * ranks of four workers. Dispose it when it is no longer needed. Throws a ConfigError where it is not available.
 */
export function executorOf(setting: string): Executor {
  const [outer, inner] = setting.split("+");
  const [kind, count] = outer!.split(":");
  const make = executors[kind!];
  if (!make) throw new ConfigError(`executor is ${setting}, this version has ${Object.keys(executors).join(", ")}`);
  try {
    return make(count === undefined ? undefined : Number(count), inner === undefined ? undefined : executorOf(inner));
  } catch (error) {
    throw new ConfigError(`executor = ${setting}: ${(error as Error).message}`);
  }
}
