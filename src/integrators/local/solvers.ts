import { automatic } from "./automatic.ts";
import { dopri5 } from "./dopri5.ts";
import { euler } from "./euler.ts";
import { exponential } from "./exponential.ts";
import { exactIncrement } from "./increment.ts";
import { krylov } from "./krylov.ts";
import { midpointRule } from "./midpoint-rule.ts";
import type { LocalSolver, SolverSpec } from "./problem.ts";
import { rk4 } from "./rk4.ts";

/** The solvers that can be made elsewhere of a name and options. */
const solvers: Readonly<Record<string, (options: never) => LocalSolver>> = {
  automatic,
  dopri5,
  euler,
  exactIncrement,
  exponential,
  krylov: ({ dimension }: { readonly dimension: number }) => krylov(dimension),
  midpointRule,
  rk4,
};

/** The solver of a specification. Throws a RangeError for a name that is not known. */
export function solverFrom({ name, options }: SolverSpec): LocalSolver {
  const make = solvers[name];
  if (!make) throw new RangeError(`local solver: "${name}" is unknown; known: ${Object.keys(solvers).join(", ")}`);
  return make(options as never);
}
