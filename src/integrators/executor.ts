import type { LocalProblem, LocalSolution, LocalSolver } from "./local/problem.ts";

/** Solves sets of independent local problems. */
export interface Executor extends AsyncDisposable {
  readonly name: string;
  /** Solutions in the order of the problems, the same bits for any number of workers. */
  solveAll(
    problems: readonly LocalProblem[],
    solver: LocalSolver,
    signal?: AbortSignal,
  ): Promise<readonly LocalSolution[]>;
}
