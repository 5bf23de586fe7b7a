import { axpy } from "../../linalg/level1.ts";
import { allFinite } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { type LocalSolver, startValue } from "./problem.ts";

/**
 * X(t1) = X(t0) + the integral of g over [t0, t1], exactly, for fields that do not depend on X and know their integral: those
 * of `prescribedRhs`, of `sourceRhs` with a constant source or a given integral, and their sums. Counts as one evaluation.
 * t1 < t0 runs backwards. Throws a TypeError, naming the node, for any other field.
 */
export const exactIncrement = (): LocalSolver => ({
  name: "exact increment",
  order: Number.POSITIVE_INFINITY,
  spec: { name: "exactIncrement", options: {} },
  times: ({ t0, t1 }) => [t0, t1],
  usualEvaluations: 1,
  solve(problem) {
    const { field, node, t0, t1 } = problem;
    if (!field.increment)
      throw new TypeError(
        `exactIncrement: the ${field.kind} local field at node ${node} does not know its integral over time; use rk4, dopri5 or, when it is linear, exponential`,
      );
    const x = startValue(problem);
    using frame = workspace().frame();
    const change = frame.take(x.shape, x.dtype);
    field.increment(t0, t1, change);
    axpy({ re: 1, im: 0 }, change, x);
    return { final: x, applications: 1, errorEstimate: 0, converged: allFinite(x) };
  },
});
