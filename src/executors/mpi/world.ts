import { Communicator } from "./communicator.ts";
import { loadMpi } from "./library.ts";

let known: Communicator | undefined;

/**
 * All ranks that MPI started this process with; MPI itself is started at the first call. A process that ends in order leaves MPI by
 * itself; one that ends with another exit code does not, so that the launcher ends the others. Where ranks are lost, MPI cannot be left in order:
 * then the end of rank 0 ends the others by `MPI_Abort`, with its exit code.
 * Throws an Error where the process was not launched as one of several ranks, or koffi or the library is missing.
 */
export function world(): Communicator {
  if (known) return known;
  const transport = loadMpi();
  let finalized = false;
  const ranks = new Communicator({
    ...transport,
    finalize() {
      if (!finalized) transport.finalize();
      finalized = true;
    },
  });
  process.on("exit", (code) => {
    if (!ranks.isWhole) {
      if (ranks.rank === 0) transport.abort(code);
    } else if (code === 0 && !finalized) transport.finalize();
  });
  process.on("SIGUSR1", () => {}); // MPICH tells of dead ranks by it, and Node would wait for a debugger
  known = ranks;
  return known;
}
