import { expAction } from "../../linalg/krylov.ts";
import { allFinite } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { isTrivial, type LocalSolver, startValue } from "./problem.ts";

/**
 * The exponential of a linear local field in one Krylov space of a given dimension, whatever the error: for bases, where three
 * or four vectors hold the directions of a moderate step. A field that depends on time is frozen at the middle of the step.
 * As many evaluations as the dimension. No error estimate. Throws a TypeError for nonlinear fields. [saad1992analysis]
 */
export function krylov(dimension: number): LocalSolver {
  if (!Number.isSafeInteger(dimension) || dimension < 1)
    throw new RangeError(`krylov: the dimension is ${dimension}, expected a positive integer`);
  const options = {
    tolerance: Number.POSITIVE_INFINITY,
    minDimension: dimension,
    maxDimension: dimension,
    maxApplications: dimension,
  };
  return {
    name: `Krylov space of dimension ${dimension}`,
    order: 2,
    spec: { name: "krylov", options: { dimension } },
    times: ({ t0, t1 }) => [(t0 + t1) / 2],
    usualEvaluations: dimension,
    solve(problem) {
      const { field, t0, t1 } = problem;
      if (field.kind === "nonlinear")
        throw new TypeError("krylov: the right-hand side is nonlinear; use midpointRule, rk4 or dopri5");
      const x = startValue(problem);
      if (isTrivial(problem)) return { final: x, applications: 0, errorEstimate: 0, converged: true };
      using frame = workspace().frame();
      const g = field.plan(frame);
      const hermitianUpTo = field.kind === "linear-hermitian" ? field.phase : undefined;
      const operator = { apply: (v: typeof x, out: typeof x) => g((t0 + t1) / 2, v, out), hermitianUpTo };
      const { applications } = expAction(operator, t1 - t0, x, options);
      return { final: x, applications, errorEstimate: 0, converged: allFinite(x) };
    },
  };
}
