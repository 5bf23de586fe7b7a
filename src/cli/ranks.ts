import type { Communicator } from "../executors/mpi/communicator.ts";
import { launch } from "../executors/mpi/library.ts";
import { world } from "../executors/mpi/world.ts";
import type { Terminal } from "./terminal.ts";

/** The terminal of this process: of several ranks, only the first is heard. */
export const heardTerminal = (terminal: Terminal): Terminal =>
  (launch()?.rank ?? 0) === 0
    ? terminal
    : { ...terminal, stdout: { write: () => true }, stderr: { write: () => true } };

/** Whether this process is one of several ranks of MPI. */
export const isRank = (): boolean => launch() !== null;

/**
 * Does something with all ranks of an MPI run, or, where there are none, with null. The ranks are left at the end, with the error that ended it on
 * this one, so that the others do not wait.
 */
export async function withRanks<T>(action: (ranks: Communicator | null) => Promise<T>): Promise<T> {
  if (!isRank()) return action(null);
  const ranks = world();
  try {
    const result = await action(ranks);
    await ranks.leave();
    return result;
  } catch (error) {
    await ranks.leave(error);
    throw error;
  }
}
