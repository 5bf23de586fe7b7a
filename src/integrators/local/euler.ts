import { axpy } from "../../linalg/level1.ts";
import { allFinite } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { type LocalSolver, startValue } from "./problem.ts";

/**
 * The explicit Euler method, X + h g(t, X), in `substeps` equal steps (default 1). One evaluation a substep.
 * Stable for |1 + h g'| <= 1 a substep: not for rotations, but for upwind transport under its CFL bound, where it keeps the
 * norm from growing. No error estimate; not finite means not converged.
 * Throws a RangeError when `substeps` is not a positive integer.
 */
export function euler(options: { readonly substeps?: number } = {}): LocalSolver {
  checkKeys("euler", options, { substeps: true });
  const { substeps = 1 } = options;
  if (!Number.isSafeInteger(substeps) || substeps < 1)
    throw new RangeError(`euler: substeps is ${substeps}, expected a positive integer`);
  return {
    name: substeps === 1 ? "Euler" : `Euler x ${substeps}`,
    order: 1,
    spec: { name: "euler", options: { substeps } },
    times: ({ t0, t1 }) => Array.from({ length: substeps }, (_, step) => t0 + step * ((t1 - t0) / substeps)),
    usualEvaluations: substeps,
    solve(problem) {
      const y = startValue(problem);
      using frame = workspace().frame();
      const g = problem.field.plan(frame);
      const slope = frame.take(y.shape, y.dtype);
      const h = (problem.t1 - problem.t0) / substeps;
      for (let step = 0; step < substeps; step++) {
        g(problem.t0 + step * h, y, slope);
        axpy({ re: h, im: 0 }, slope, y);
      }
      return { final: y, applications: substeps, errorEstimate: 0, converged: allFinite(y) };
    },
  };
}
