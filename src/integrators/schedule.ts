import type { Executor } from "./executor.ts";
import type { LocalProblem, LocalSolution, LocalSolver } from "./local/problem.ts";

/** Independent local problems that a step cannot go on without, and what solves them. */
export interface Stage {
  readonly problems: readonly LocalProblem[];
  readonly solver: LocalSolver;
}

/**
 * A step as what it is, a schedule of local problems: a generator that yields sets of independent ones, is resumed with their solutions in
 * the same order, and returns what it came to. It neither solves nor waits: who drives it decides where and when.
 */
export type Schedule<T> = Generator<Stage, T, readonly LocalSolution[]>;

/** Drives a schedule on an executor. Rejects with what the schedule or the executor throws, or with the reason of the signal. */
export async function solved<T>(
  schedule: Schedule<T>,
  { executor, signal }: { readonly executor: Executor; readonly signal?: AbortSignal },
): Promise<T> {
  let next = schedule.next();
  while (!next.done) {
    const { problems, solver } = next.value;
    next = schedule.next(await executor.solveAll(problems, solver, signal));
  }
  return next.value;
}

/** Drives a schedule in this thread without ever waiting: for callers that are not asked to come back. The same bits as `solved`. */
export function solvedAtOnce<T>(schedule: Schedule<T>): T {
  let next = schedule.next();
  while (!next.done) {
    const { problems, solver } = next.value;
    next = schedule.next(problems.map((problem) => solver.solve(problem)));
  }
  return next.value;
}

/**
 * Several schedules side by side, stage by stage: none goes on before all that still run have said what they need. Then `enter` sees the
 * problems of the whole stage, a list for each schedule (empty for one that is through), and all of them are solved, in order. So
 * what is coupled by the right-hand side moves together. Returns what they came to, in their order.
 */
export function* sideBySide<T>(
  schedules: readonly Schedule<T>[],
  enter: (stage: readonly (readonly LocalProblem[])[]) => void,
): Schedule<readonly T[]> {
  const waiting = schedules.map((schedule) => schedule.next());
  while (waiting.some(({ done }) => !done)) {
    enter(waiting.map((w) => (w.done ? [] : w.value.problems)));
    const solutions: (readonly LocalSolution[])[] = [];
    for (const [k, w] of waiting.entries()) if (!w.done) solutions[k] = yield w.value;
    for (const [k, w] of waiting.entries()) if (!w.done) waiting[k] = schedules[k]!.next(solutions[k]!);
  }
  return waiting.map(({ value }) => value as T);
}
