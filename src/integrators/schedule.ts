import type { SideWork } from "../linalg/task.ts";
import type { Executor } from "./executor.ts";
import type { LocalProblem, LocalSolution, LocalSolver } from "./local/problem.ts";

/** Independent local problems that a step cannot go on without, and what solves them. */
export interface Stage {
  readonly problems: readonly LocalProblem[];
  readonly solver: LocalSolver;
}

/**
 * A step as what it is, a schedule of local problems: a generator that yields sets of independent ones, is resumed with their solutions in
 * the same order, and returns what it came to. It neither solves nor waits: who drives it decides where and when. Between, it may yield
 * independent tasks (environments, new bases), and is resumed with what they gave.
 */
export type Schedule<T> = Generator<Stage | SideWork, T, readonly unknown[]>;

/**
 * Drives a schedule on an executor; `seen` is told of all local problems and their solutions. Rejects with what the schedule or the executor
 * throws, or with the reason of the signal.
 */
export async function solved<T>(
  schedule: Schedule<T>,
  { executor, signal, seen }: { readonly executor: Executor; readonly signal?: AbortSignal; readonly seen?: Seen },
): Promise<T> {
  try {
    let next = schedule.next();
    while (!next.done) {
      const stage = next.value;
      if ("problems" in stage) {
        const solutions = await executor.solveAll(stage.problems, stage.solver, signal);
        seen?.(stage.problems, solutions);
        next = schedule.next(solutions);
      } else next = schedule.next((await executor.runAll?.(stage.tasks, signal)) ?? hereAll(stage));
    }
    return next.value;
  } finally {
    abandon(schedule);
  }
}

type Seen = (problems: readonly LocalProblem[], solutions: readonly LocalSolution[]) => void;

/** Ends a schedule that is not gone on with, so that it gives back what it holds; one that is through stays as it is. */
const abandon = (schedule: Schedule<unknown>): void => void schedule.return(undefined);

const hereAll = ({ tasks }: SideWork): readonly unknown[] => tasks.map((t) => t.run());

/** Drives a schedule in this thread without ever waiting: for callers that are not asked to come back. The same bits as `solved`. */
export function solvedAtOnce<T>(schedule: Schedule<T>): T {
  try {
    let next = schedule.next();
    while (!next.done) {
      const stage = next.value;
      next = schedule.next(
        "problems" in stage ? stage.problems.map((problem) => stage.solver.solve(problem)) : hereAll(stage),
      );
    }
    return next.value;
  } finally {
    abandon(schedule);
  }
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
  try {
    const waiting: IteratorResult<Stage, T>[] = [];
    for (const [k, schedule] of schedules.entries()) waiting[k] = yield* untilStage(schedule, schedule.next());
    while (waiting.some(({ done }) => !done)) {
      enter(waiting.map((w) => (w.done ? [] : w.value.problems)));
      const solutions: (readonly unknown[])[] = [];
      for (const [k, w] of waiting.entries()) if (!w.done) solutions[k] = yield w.value;
      for (const [k, w] of waiting.entries())
        if (!w.done) waiting[k] = yield* untilStage(schedules[k]!, schedules[k]!.next(solutions[k]!));
    }
    return waiting.map(({ value }) => value as T);
  } finally {
    schedules.forEach(abandon);
  }
}

/** Has a schedule's tasks done until it needs local problems solved, or is through. */
function* untilStage<T>(
  schedule: Schedule<T>,
  first: IteratorResult<Stage | SideWork, T>,
): Generator<SideWork, IteratorResult<Stage, T>, readonly unknown[]> {
  let next = first;
  while (!next.done && "tasks" in next.value) next = schedule.next(yield next.value);
  return next as IteratorResult<Stage, T>;
}
