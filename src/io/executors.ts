import { availableParallelism } from "node:os";
import { inline } from "../executors/inline.ts";
import { mpi } from "../executors/mpi.ts";
import { workers } from "../executors/workers.ts";
import { gpu } from "../gpu/executor.ts";
import type { Executor } from "../integrators/executor.ts";
import { ConfigError } from "./settings.ts";

/**
 * A number of workers that a process can be asked for: up to 256, or eight for each core where that is more, beyond which threads take more memory
 * than machines have and end the process. Throws a ConfigError that names both numbers.
 */
export function workerCount(count: number): number {
  const most = Math.max(256, 8 * availableParallelism());
  if (count > most) throw new ConfigError(`${count} workers, expected ${most} or fewer on this machine`);
  return count;
}

/** The executors of the setting `executor`, by the word before the colon, given what stands behind it. */
const executors: Readonly<Record<string, (option: string | undefined, inner: Executor | undefined) => Executor>> = {
  inline: () => inline(),
  workers: (count) => workers(count === undefined ? {} : { count: workerCount(Number(count)) }),
  mpi: (ranks, inner) => mpi({ ...(ranks === undefined ? {} : { ranks: Number(ranks) }), ...(inner ? { inner } : {}) }),
  gpu: (precision) => gpu(precision === undefined ? {} : { precision: precision as "compensated" }),
};

/**
 * The executor that a setting names: inline, workers (one for each core), workers:4, mpi, mpi:8 (refused unless there are 8 ranks), mpi+workers:4,
 * ranks of four workers, gpu (float32), or gpu:compensated. Dispose it when it is no longer needed. Throws a ConfigError where it is not available,
 * and for more workers than `workerCount` allows.
 */
export function executorOf(setting: string): Executor {
  const [outer, inner] = setting.split("+");
  const [kind, option] = outer!.split(":");
  const make = executors[kind!];
  if (!make) throw new ConfigError(`executor is ${setting}, this version has ${Object.keys(executors).join(", ")}`);
  try {
    return make(option, inner === undefined ? undefined : executorOf(inner));
  } catch (error) {
    throw new ConfigError(`executor = ${setting}: ${(error as Error).message}`);
  }
}
