import { axpy } from "../../linalg/level1.ts";
import { allFinite } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { type LocalSolver, startValue } from "./problem.ts";

/** Each stage: where it is evaluated, its weight in the result, and how far it carries the next stage. */
const stages = [
  { node: 0, weight: 1 / 6, next: 1 / 2 },
  { node: 1 / 2, weight: 1 / 3, next: 1 / 2 },
  { node: 1 / 2, weight: 1 / 3, next: 1 },
  { node: 1, weight: 1 / 6, next: 0 },
];

/**
 * The classical Runge-Kutta method of order 4 in `substeps` equal steps (default 1). Four evaluations a substep.
 * Stable for |h g'| < 2.8 a substep along the imaginary axis. No error estimate; not finite means not converged.
 */
export function rk4(options: { readonly substeps?: number } = {}): LocalSolver {
  checkKeys("rk4", options, { substeps: true });
  const { substeps = 1 } = options;
  if (!Number.isSafeInteger(substeps) || substeps < 1)
    throw new RangeError(`rk4: substeps is ${substeps}, expected a positive integer`);
  return {
    name: substeps === 1 ? "RK4" : `RK4 x ${substeps}`,
    order: 4,
    spec: { name: "rk4", options: { substeps } },
    times({ t0, t1 }) {
      const h = (t1 - t0) / substeps;
      const starts = Array.from({ length: substeps }, (_, step) => t0 + step * h);
      return starts.flatMap((t) => [0, 1 / 2, 1].map((node) => t + node * h));
    },
    usualEvaluations: 4 * substeps,
    solve(problem) {
      const y = startValue(problem);
      using frame = workspace().frame();
      const g = problem.field.plan(frame);
      const [x, stage, slope] = [0, 1, 2].map(() => frame.take(y.shape, y.dtype)) as [typeof y, typeof y, typeof y];
      const h = (problem.t1 - problem.t0) / substeps;
      for (let step = 0; step < substeps; step++) {
        const t = problem.t0 + step * h;
        x.data.set(y.data);
        stage.data.set(y.data);
        for (const { node, weight, next } of stages) {
          g(t + node * h, stage, slope);
          axpy({ re: weight * h, im: 0 }, slope, y);
          stage.data.set(x.data);
          axpy({ re: next * h, im: 0 }, slope, stage);
        }
      }
      return { final: y, applications: 4 * substeps, errorEstimate: 0, converged: allFinite(y) };
    },
  };
}
