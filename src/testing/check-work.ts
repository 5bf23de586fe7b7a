import type { Integrator } from "../integrators/integrator.ts";
import { rk4 } from "../integrators/local/rk4.ts";
import type { TTN } from "../ttn/ttn.ts";
import { counting } from "./after-evaluations.ts";
import type { Report } from "./broken-promise.ts";
import { type LowRankOde, truncationFor } from "./low-rank-ode.ts";
import { lowRankOdes, type OdeOptions } from "./low-rank-odes.ts";
import { march, type RunOptions } from "./march.ts";
import { type CheckOptions, search } from "./search.ts";

/** Options of `checkWork`. */
export interface WorkOptions extends CheckOptions, RunOptions {
  /** Evaluations of local fields that a step from this state should take with the solver (default RK4: four a solve). */
  readonly formula?: (y: TTN, ode: LowRankOde) => number;
  /** Which low-rank ODEs are drawn. */
  readonly odes?: OdeOptions;
}

/**
 * Work: the evaluations of local fields that an integrator reports are those that were made, counted in the right-hand side; and
 * those of the formula, if one is given. The measured number is the largest difference in a step.
 */
export function checkWork(integrator: Integrator, options: WorkOptions = {}): Promise<Report> {
  const { solver = rk4(), formula } = options;
  return search<LowRankOde>(
    {
      promise: "true reports of work",
      subject: integrator.name,
      cases: lowRankOdes({ ...options.odes }),
      numRuns: 10,
      describe: ({ text }) => text,
      async measure(ode) {
        const { rhs, count } = counting(ode.problem.rhs);
        const problem = { ...ode.problem, rhs, observables: { evaluations: count } };
        const all = await march(problem, { integrator, h: 0.1, truncation: truncationFor(ode), solver });
        const reported = all.slice(1).map((s) => s.applications);
        const counts = all.map((s) => s.observables!["evaluations"] as number);
        const counted = counts.slice(1).map((n, k) => n - counts[k]!);
        const expected = formula ? all.slice(0, -1).map(({ y }) => formula(y, ode)) : reported;
        const differences = counted.flatMap((n, k) => [Math.abs(n - reported[k]!), Math.abs(n - expected[k]!)]);
        const numbers = { reported, counted, ...(formula ? { formula: expected } : {}) };
        return { measured: Math.max(...differences), demanded: 0, numbers };
      },
    },
    options,
  );
}
