import { inline } from "../executors/inline.ts";
import { mpi } from "../executors/mpi.ts";
import { workers } from "../executors/workers.ts";
import type { Executor } from "../integrators/executor.ts";
import { ConfigError } from "./settings.ts";

/** The executors of the setting `executor`, by the word before the colon; `count` is the number behind it. */
const executors: Readonly<Record<string, (count?: number) => Executor>> = {
  inline: () => inline(),
  workers: (count) => workers(count === undefined ? {} : { count }),
  mpi: () => mpi(),
};

/**
 * The executor that a setting names: inline, workers (one for each core), workers:4, mpi. Dispose it when it is no longer needed. Throws a
 * ConfigError where it is not available.
 */
export function executorOf(setting: string): Executor {
  const [kind, count] = setting.split(":");
  const make = executors[kind!];
  if (!make) throw new ConfigError(`executor is ${setting}, this version has ${Object.keys(executors).join(", ")}`);
  try {
    return make(count === undefined ? undefined : Number(count));
  } catch (error) {
    throw new ConfigError(`executor = ${setting}: ${(error as Error).message}`);
  }
}
