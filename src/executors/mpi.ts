import type { Executor } from "../integrators/executor.ts";
import type { LocalProblem, LocalSolution, LocalSolver } from "../integrators/local/problem.ts";
import { flopsOfSolve } from "../integrators/local/transport.ts";
import { backend } from "../linalg/current.ts";
import { sizeOf } from "../linalg/tensor.ts";
import { inline } from "./inline.ts";
import type { Communicator } from "./mpi/communicator.ts";
import { packSolutions, unpackSolutions } from "./mpi/pack.ts";
import { world } from "./mpi/world.ts";
import { longestFirst } from "./schedule.ts";

export interface MpiOptions {
  /** How many ranks the run is meant for; refused where MPI granted another number. Default: as many as there are. */
  readonly ranks?: number;
  /** What solves the share of a rank, `workers()` for instance. Default `inline()`. Disposed with this executor. */
  readonly inner?: Executor;
  /** Seconds without word from another rank until it counts as lost. Default 600. */
  readonly patience?: number;
  /** The ranks. Default: all those that MPI started. */
  readonly communicator?: Communicator;
}

/** An executor on several ranks; each of them runs the same program with it. */
export interface MpiExecutor extends Executor {
  readonly communicator: Communicator;
}

/**
 * Divides local problems among the ranks of an MPI run: `mpirun -n 4 npx dlra run ...`, or a program of one's own. Every rank
 * runs the same program on the same state; of each set of problems it solves its share, the longest first, and the solutions of all
 * are gathered in one message, so that the result is the same, bit by bit, for any number of ranks.
 *
 * Cost: every rank receives all solutions, of the size of the state. An error on one rank is thrown on all. Throws an Error where the
 * process was not launched by MPI, RangeErrors for a rank count that was not granted, a RanksLostError for ranks that hang.
 */
export function mpi({ ranks, inner = inline(), patience = 600, communicator = world() }: MpiOptions = {}): MpiExecutor {
  if (ranks !== undefined && !(Number.isInteger(ranks) && ranks > 0))
    throw new RangeError(`mpi: ranks is ${ranks}, expected a positive integer`);
  if (!(patience > 0)) throw new RangeError(`mpi: patience is ${patience}, expected a positive number of seconds`);
  const { rank, size } = communicator;
  if (ranks !== undefined && ranks !== size)
    throw new RangeError(`mpi: ${ranks} ranks were asked for, MPI granted ${size}`);
  communicator.patience = patience;
  let isKnownToAgree = false;
  let isDisposed = false;
  return {
    name: `mpi, ${size} ${size === 1 ? "rank" : "ranks"}${inner.name === "inline" ? "" : ` of ${inner.name}`}`,
    communicator,
    async solveAll(problems, solver, signal) {
      if (isDisposed) throw new Error("mpi: the executor was disposed");
      if (!isKnownToAgree) await communicator.agree("the backend", backend().description);
      isKnownToAgree = true;
      const shares = longestFirst(costsOf(problems, solver), size);
      const own = shares[rank]!.map((k) => problems[k]!);
      let solved: readonly LocalSolution[] = [];
      let error: unknown;
      try {
        solved = await inner.solveAll(own, solver, signal);
      } catch (thrown) {
        error = thrown;
      }
      const aborted = signal?.aborted ?? false;
      const gathered = await communicator.exchange("solve", {
        body: packSolutions(solved),
        check: fingerprint(problems),
        aborted,
        ...(error !== undefined && !aborted ? { error } : {}),
      });
      signal?.throwIfAborted();
      if (gathered.aborted) throw new DOMException("interrupted on another rank", "AbortError");
      const solutions: LocalSolution[] = [];
      shares.forEach((share, from) => {
        const theirs =
          from === rank
            ? solved
            : unpackSolutions(
                share.map((k) => problems[k]!),
                gathered.bodies[from]!,
              );
        share.forEach((k, i) => {
          solutions[k] = theirs[i]!;
        });
      });
      return solutions;
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await inner[Symbol.asyncDispose]();
    },
  };
}

/** What problems cost compared with each other: their arithmetic, or, where nothing is known of a field, the sizes of their tensors. */
function costsOf(problems: readonly LocalProblem[], solver: LocalSolver): number[] {
  const flops = problems.map((problem) => flopsOfSolve(problem, solver));
  return flops.every((n) => n !== null) ? flops : problems.map(({ initial }) => sizeOf(initial.shape));
}

/** A number that tells whether ranks are about to solve the same: the sum over a start value, and how many there are. */
const fingerprint = (problems: readonly LocalProblem[]): number =>
  problems.length + (problems[0]?.initial.data.reduce((a, b) => a + b, 0) ?? 0);
