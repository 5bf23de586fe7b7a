import type { Executor } from "../integrators/executor.ts";
import type { LocalProblem, LocalSolution, LocalSolver } from "../integrators/local/problem.ts";

/** What one of several runs waits for. */
interface Waiting {
  readonly problems: readonly LocalProblem[];
  readonly solver: LocalSolver;
  readonly signal: AbortSignal | undefined;
  resolve(solutions: readonly LocalSolution[]): void;
  reject(reason: unknown): void;
}

/**
 * Runs several steps side by side, stage by stage: each is given an executor of its own, and none is answered before all that
 * still run have asked. Then `enter` sees the problems of the whole stage, a list for each run (empty where it has none or is
 * through), and all of them are solved on `executor`. So what is coupled by the right-hand side moves together.
 *
 * Results come in the order of the runs. The first run that throws, by number, decides what is thrown, after all have ended.
 */
export async function together<T>(
  count: number,
  executor: Executor,
  enter: (stage: readonly (readonly LocalProblem[])[]) => void,
  run: (index: number, executor: Executor) => Promise<T>,
): Promise<readonly T[]> {
  const waiting = new Map<number, Waiting>();
  let running = count;

  const release = async (): Promise<void> => {
    if (running === 0 || waiting.size < running) return;
    const stage = [...waiting].sort(([a], [b]) => a - b).map(([index, w]) => ({ index, ...w }));
    waiting.clear();
    try {
      const problems = Array.from({ length: count }, (): readonly LocalProblem[] => []);
      for (const w of stage) problems[w.index] = w.problems;
      enter(problems);
      const solutions: (readonly LocalSolution[])[] = [];
      for (const w of stage) solutions.push(await executor.solveAll(w.problems, w.solver, w.signal));
      stage.forEach((w, k) => {
        w.resolve(solutions[k]!);
      });
    } catch (error) {
      for (const w of stage) w.reject(error);
    }
  };

  const lane = (index: number): Executor => ({
    name: executor.name,
    solveAll: (problems, solver, signal) =>
      new Promise((resolve, reject) => {
        waiting.set(index, { problems, solver, signal, resolve, reject });
        void release();
      }),
    async [Symbol.asyncDispose]() {},
  });

  const ends = await Promise.allSettled(
    Array.from({ length: count }, (_, index) =>
      run(index, lane(index)).finally(() => {
        running--;
        void release();
      }),
    ),
  );
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}
