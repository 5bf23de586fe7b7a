import type { Executor } from "../integrators/executor.ts";
import type { LocalProblem, LocalSolution, LocalSolver } from "../integrators/local/problem.ts";
import { flopsOfSolve } from "../integrators/local/transport.ts";
import { backend } from "../linalg/current.ts";
import type { Task } from "../linalg/task.ts";
import { sizeOf } from "../linalg/tensor.ts";
import { inline } from "./inline.ts";
import type { Communicator } from "./mpi/communicator.ts";
import { pack, unpack } from "./mpi/pack.ts";
import { world } from "./mpi/world.ts";
import { longestFirst } from "./schedule.ts";

/** Which ranks, what solves their shares, and when one counts as lost. */
export interface MpiOptions {
  /** How many ranks the run is meant for; refused where MPI granted another number. Default: as many as there are. */
  readonly ranks?: number;
  /** What solves the share of a rank, `workers()` for instance. Default `inline()`. Disposed with this executor. */
  readonly inner?: Executor;
  /** Seconds without word from another rank until it counts as lost. Default 120. */
  readonly deadline?: number;
  /** Tasks between the solves of fewer floating-point operations, all together, are done by every rank itself, in this thread. Default 2e6. */
  readonly smallest?: number;
  /** The ranks. Default: all those that MPI started. */
  readonly communicator?: Communicator;
  /** Told when ranks are lost and the first goes on alone. Default: a warning on the console. */
  readonly onNotice?: (notice: string) => void;
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
 * Cost: every rank receives all solutions, of the size of the state. An error on one rank is thrown on all. A rank that dies, or is silent
 * for longer than the deadline, is lost: the first rank, which holds the whole state, solves its problems again and goes on alone, with the same bits; on
 * the others a RanksLostError is thrown. Throws an Error where the process was not launched by MPI, RangeErrors for a rank count that was not
 * granted.
 */
export function mpi(options: MpiOptions = {}): MpiExecutor {
  const { ranks, inner = inline(), deadline = 120, smallest = 2e6, communicator = world(), onNotice } = options;
  if (ranks !== undefined && !(Number.isInteger(ranks) && ranks > 0))
    throw new RangeError(`mpi: ranks is ${ranks}, expected a positive integer`);
  if (!(deadline > 0)) throw new RangeError(`mpi: deadline is ${deadline}, expected a positive number of seconds`);
  if (!(smallest >= 0)) throw new RangeError(`mpi: smallest is ${smallest}, expected a number of operations`);
  const { rank, size } = communicator;
  if (ranks !== undefined && ranks !== size && communicator.isWhole)
    throw new RangeError(`mpi: ${ranks} ranks were asked for, MPI granted ${size}`);
  communicator.deadline = deadline;
  if (onNotice) communicator.onNotice = onNotice;
  let isDisposed = false;

  /** Has each rank do its share of some work, and gathers what came of it on all. A rank that is left alone does all of it. */
  const divided = async <W extends Located, T>(
    what: string,
    work: readonly W[],
    costs: readonly number[],
    check: number,
    doOwn: (own: readonly W[]) => Promise<readonly T[]>,
    results: ResultsOf<W, T>,
    signal?: AbortSignal,
  ): Promise<readonly T[]> => {
    if (isDisposed) throw new Error("mpi: the executor was disposed");
    if (work.length === 0) return [];
    const shares = longestFirst(costs, communicator.size);
    let done: readonly T[] = [];
    let error: unknown;
    try {
      done = await doOwn(shares[rank]!.map((k) => work[k]!));
    } catch (thrown) {
      error = thrown;
    }
    const aborted = signal?.aborted ?? false;
    const { bodies, aborted: anyAborted } = await communicator.exchange("solve", {
      body: pack(done.map((result, i) => results.packed(work[shares[rank]![i]!]!, result))),
      check,
      aborted,
      work(ranks) {
        const theirs = ranks.flatMap((k) => shares[k]!.map((i) => work[i]!));
        return `the ${what} of ${nodesOf(theirs.length > 0 ? theirs : work)}`;
      },
      ...(error !== undefined && !aborted ? { error } : {}),
    });
    signal?.throwIfAborted();
    if (anyAborted) throw new DOMException("interrupted on another rank", "AbortError");
    if (bodies.length < shares.length) return divided(what, work, costs, check, doOwn, results, signal);
    const all: T[] = [];
    shares.forEach((share, from) => {
      const messages = from === rank ? null : (unpack(bodies[from]!) as readonly unknown[]);
      share.forEach((k, i) => {
        all[k] = messages ? results.unpacked(work[k]!, messages[i]) : done[i]!;
      });
    });
    return all;
  };

  return {
    name: `mpi, ${size} ${size === 1 ? "rank" : "ranks"}${inner.name === "inline" ? "" : ` of ${inner.name}`}`,
    communicator,
    async start() {
      if (isDisposed) throw new Error("mpi: the executor was disposed");
      await communicator.agree("the backend", backend().description);
      await inner.start?.();
    },
    solveAll: (problems, solver, signal) =>
      divided(
        "solve",
        problems,
        costsOf(problems, solver),
        fingerprint(problems),
        (own) => inner.solveAll(own, solver, signal),
        { packed: (_, solution) => solution, unpacked: (_, message) => message as LocalSolution },
        signal,
      ),
    async runAll(tasks, signal) {
      const costs = tasks.map(({ flops }) => flops ?? smallest); // what nobody knows counts as worth a message
      const total = costs.reduce((a, b) => a + b, 0);
      // no rank is told of these, and so no signal may end them: it is noticed at what is divided next, by all ranks together
      if (total < smallest) return tasks.map((task) => task.run());
      const doOwn = async (own: readonly Task[]): Promise<readonly unknown[]> =>
        inner.runAll ? inner.runAll(own, signal) : own.map((task) => task.run());
      const results: ResultsOf<Task, unknown> = {
        packed: ({ resultPacking }, result) => (resultPacking ? resultPacking.pack(result) : result),
        unpacked: ({ resultPacking }, message) => (resultPacking ? resultPacking.unpack(message) : message),
      };
      return divided(tasks[0]!.kind, tasks, costs, total, doOwn, results, signal);
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await inner[Symbol.asyncDispose]();
    },
  };
}

/** Work that is about a node of a tree. */
interface Located {
  readonly node: number;
}

/** How results of such work go from rank to rank. */
interface ResultsOf<W, T> {
  packed(work: W, result: T): unknown;
  unpacked(work: W, message: unknown): T;
}

/** The nodes that work is about, in words. */
const nodesOf = (work: readonly Located[]): string => {
  const nodes = work.map(({ node }) => node).sort((a, b) => a - b);
  const named = nodes.slice(0, 10).join(", ");
  return nodes.length > 10
    ? `nodes ${named} and ${nodes.length - 10} more`
    : `node${nodes.length === 1 ? "" : "s"} ${named}`;
};

/** What problems cost compared with each other: their arithmetic, or, where nothing is known of a field, the sizes of their tensors. */
function costsOf(problems: readonly LocalProblem[], solver: LocalSolver): number[] {
  const flops = problems.map((problem) => flopsOfSolve(problem, solver));
  return flops.every((n) => n !== null) ? flops : problems.map(({ initial }) => sizeOf(initial.shape));
}

/** A number that tells whether ranks are about to solve the same: the sum over a start value, and how many there are. */
const fingerprint = (problems: readonly LocalProblem[]): number =>
  problems.length + (problems[0]?.initial.data.reduce((a, b) => a + b, 0) ?? 0);
