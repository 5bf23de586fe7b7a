import { axpy } from "../../linalg/level1.ts";
import { allFinite } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { type LocalSolver, startValue } from "./problem.ts";

/**
 * The explicit midpoint rule X + h g(t0 + h/2, X + h/2 g(t0, X)): order 2, two evaluations; for a linear autonomous field
 * the Taylor polynomial X + h g(X) + h^2/2 g(g(X)). Enough where only directions are sought. No error estimate; not finite
 * means not converged.
 */
export function midpointRule(): LocalSolver {
  return {
    name: "midpoint rule",
    order: 2,
    spec: { name: "midpointRule", options: {} },
    times: ({ t0, t1 }) => [t0, t0 + (t1 - t0) / 2],
    usualEvaluations: 2,
    solve(problem) {
      const y = startValue(problem);
      using frame = workspace().frame();
      const g = problem.field.plan(frame);
      const half = frame.hold(y);
      const slope = frame.take(y.shape, y.dtype);
      const h = problem.t1 - problem.t0;
      g(problem.t0, y, slope);
      axpy({ re: h / 2, im: 0 }, slope, half);
      g(problem.t0 + h / 2, half, slope);
      axpy({ re: h, im: 0 }, slope, y);
      return { final: y, applications: 2, errorEstimate: 0, converged: allFinite(y) };
    },
  };
}
