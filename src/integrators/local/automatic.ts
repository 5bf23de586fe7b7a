import { dopri5 } from "./dopri5.ts";
import { exponential } from "./exponential.ts";
import type { LocalSolver } from "./problem.ts";

/**
 * The solver that suits a local field: the Krylov exponential for linear ones, Dormand and Prince's method for others, both to the
 * same relative tolerance; bases may be sought less accurately. [as `exponential` and `dopri5`]
 */
export function automatic({
  tolerance = 1e-12,
  basisTolerance = tolerance,
}: {
  readonly tolerance?: number;
  readonly basisTolerance?: number;
} = {}): LocalSolver {
  const linear = exponential({ tolerance, basisTolerance });
  const nonlinear = {
    basis: dopri5({ rtol: basisTolerance, atol: basisTolerance * 1e-2 }),
    state: dopri5({ rtol: tolerance, atol: tolerance * 1e-2 }),
  };
  return {
    name: "automatic",
    order: Number.POSITIVE_INFINITY,
    spec: { name: "automatic", options: { tolerance, basisTolerance } },
    times: (problem) => (problem.field.kind === "nonlinear" ? undefined : linear.times?.(problem)),
    solve: (problem) => (problem.field.kind === "nonlinear" ? nonlinear[problem.seeks] : linear).solve(problem),
  };
}
