import type { Executor } from "../integrators/executor.ts";
import { pause } from "./pause.ts";

/**
 * Solves one problem after the other in this thread. About every 30 ms it lets other events of the thread happen, so that
 * an abort signal, a progress bar or a page stay alive.
 */
export function inline(): Executor {
  let last = performance.now();
  return {
    name: "inline",
    async solveAll(problems, solver, signal) {
      const solutions = [];
      for (const problem of problems) {
        signal?.throwIfAborted();
        solutions.push(solver.solve(problem));
        if (performance.now() - last < 30) continue;
        await pause();
        last = performance.now();
      }
      signal?.throwIfAborted();
      return solutions;
    },
    async [Symbol.asyncDispose]() {},
  };
}
