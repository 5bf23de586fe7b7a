import type { Executor } from "../integrators/executor.ts";
import { flopsOfSolve, problemData } from "../integrators/local/transport.ts";
import { type Task, task } from "../linalg/task.ts";
import { createInlineWorker, usualCount } from "./create-worker.ts";
import { pause } from "./pause.ts";
import { Pool } from "./pool.ts";
import { worthHandingOver } from "./schedule.ts";
import { solve } from "./task-kinds.ts";
import type { WorkerLike } from "./worker-port.ts";

/** Floating-point operations of work that is not worth a message to a thread. */
export const usualSmallest = 2e7;

/** How many workers, how they are made, what they are given, and when one counts as dead. */
export interface WorkersOptions {
  /** Worker threads. Default: one for each core; where threads cannot share memory, one. */
  readonly count?: number;
  /** Makes a worker, for hosts that want the script as a file: `() => new Worker(new URL("dlra/worker", import.meta.url), { type: "module" })`. */
  readonly createWorker?: () => WorkerLike;
  /**
   * Work of fewer floating-point operations is done in this thread, and so is a whole set whose larger pieces together come to less than three times as
   * many, or a piece that is alone in its set and takes less than fifty times as many. Default `usualSmallest`, about a millisecond.
   */
  readonly smallest?: number;
  /** Seconds after which a worker that does not answer is taken for dead. Default 120. */
  readonly deadline?: number;
  /** Told, once each, what a user may want to know. Default: a warning on the console. */
  readonly onNotice?: (notice: string) => void;
}

/**
 * Solves local problems on worker threads, in Node and in browsers: the longest first, each on the worker with the least to do, while one more waits
 * there, and short ones in this thread. The same bits as `inline()`, for any number of workers. Tensors lie in memory that threads share and are not copied; in
 * pages that are not cross-origin isolated they are copied both ways.
 *
 *     await using executor = workers({ count: 4 });
 *     for await (const { t } of evolve(problem, { h: 0.01, executor })) ...
 *
 * What is made of a function of this thread (a right-hand side of a closure, a solver of your own) is solved in this thread, with
 * one notice; `moduleRhs` makes right-hand sides that can travel. What a worker cannot do for another reason is done in this thread as well,
 * with a notice that names it. A worker that dies, or does not answer within the deadline,
 * is replaced, and its work done again; three deaths at the same problem are a WorkerError that names the node. Throws a RangeError
 * for a count that is no positive integer; a script that cannot be loaded is a WorkerError before the first step.
 */
export function workers(options: WorkersOptions = {}): Executor {
  const { count = usualCount(), createWorker = createInlineWorker, smallest = usualSmallest, deadline = 120 } = options;
  const { onNotice = (notice) => console.warn(notice) } = options;
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`workers: count is ${count}, expected a positive integer`);
  if (!(smallest >= 0)) throw new RangeError(`workers: smallest is ${smallest}, expected a number of operations`);
  if (!(deadline > 0)) throw new RangeError(`workers: deadline is ${deadline}, expected a positive number of seconds`);
  const told = new Set<string>();
  const tell = (kind: string, notice: string): void => {
    if (told.has(kind)) return;
    told.add(kind);
    onNotice(`workers: ${notice}`);
  };
  /** Sets of local problems so far, and the size of the largest. */
  let [stages, most] = [0, 0];
  const pool = new Pool(createWorker, count, deadline, (notice) => tell("refused", notice));

  /** The longest first, on workers, and the short ones meanwhile here. */
  const runTasks = async (tasks: readonly Task[], signal?: AbortSignal) => {
    signal?.throwIfAborted();
    pool.throwIfDisposed();
    const sizes: number[] = [];
    // what cannot be sent counts as smaller than anything
    for (const { message, flops } of tasks) sizes.push(message === null ? -1 : (flops ?? Number.POSITIVE_INFINITY));
    const away = worthHandingOver(sizes, smallest);
    away.sort((a, b) => (sizes[a] === sizes[b] ? a - b : sizes[b]! - sizes[a]!));
    const here: number[] = [];
    for (let k = 0; k < tasks.length; k++) if (!away.includes(k)) here.push(k);
    const results: unknown[] = [];
    const beside = async (): Promise<void> => {
      let last = performance.now();
      for (const k of here) {
        signal?.throwIfAborted();
        results[k] = tasks[k]!.run();
        if (performance.now() - last < 1) continue;
        await pause();
        last = performance.now();
      }
    };
    if (away.length === 0) await beside();
    else {
      const done = await pool.run(tasks, away, beside, signal);
      for (const k of away) results[k] = done[k];
    }
    return results;
  };

  return {
    name: count === 1 ? "1 worker" : `${count} workers`,
    start: () => pool.start(),
    async solveAll(problems, solver, signal) {
      const reasons: (string | null)[] = [];
      const tasks = problems.map((problem, k): Task => {
        const flops = flopsOfSolve(problem, solver);
        const data = (flops ?? Number.POSITIVE_INFINITY) < smallest ? null : problemData(problem, solver);
        reasons[k] = typeof data === "string" ? data : null;
        const run = () => solver.solve(problem);
        if (data === null || typeof data === "string")
          return { kind: "solve", message: null, node: problem.node, flops, run };
        return { ...task(solve, { problem: data, solver: solver.spec! }, { node: problem.node, flops }), run };
      });
      const reason = reasons.find((r) => r !== null);
      if (reason) tell("closure", `local problems are solved in this thread: ${reason}`);
      most = Math.max(most, problems.length);
      if (++stages === 20 && most < count)
        tell("idle", `${count} workers for at most ${most} local problems: ${count - most} have nothing to do`);
      return (await runTasks(tasks, signal)) as Awaited<ReturnType<Executor["solveAll"]>>;
    },
    runAll: (tasks, signal) => runTasks(tasks, signal),
    [Symbol.asyncDispose]: () => pool.dispose(),
  };
}
