import type { Task } from "../linalg/task.ts";
import type { LocalProblem, LocalSolution, LocalSolver } from "./local/problem.ts";

/** Solves sets of independent local problems. */
export interface Executor extends AsyncDisposable {
  readonly name: string;
  /** Of the numbers that solutions were computed with so far. Default "float64"; "compensated" are pairs of float32 numbers. */
  readonly precision?: "float64" | "float32" | "compensated";
  /** Solutions in the order of the problems, the same bits for any number of workers. */
  solveAll(
    problems: readonly LocalProblem[],
    solver: LocalSolver,
    signal?: AbortSignal,
  ): Promise<readonly LocalSolution[]>;
  /** Runs independent tasks; what they give in the order of the tasks. Without it they run in the calling thread. */
  runAll?(tasks: readonly Task[], signal?: AbortSignal): Promise<readonly unknown[]>;
  /** Called before a run: what cannot work is refused here, before any step. */
  start?(): Promise<void>;
}
