import type { Integrator } from "../integrators/integrator.ts";
import { rk4 } from "../integrators/local/rk4.ts";
import { solvedAtOnce } from "../integrators/schedule.ts";
import { afterEvaluations } from "./after-evaluations.ts";
import type { Report } from "./broken-promise.ts";
import { contextOf, type RunOptions } from "./march.ts";
import type { CheckOptions } from "./search.ts";
import { drivenRhs, searchSteps } from "./single-steps.ts";

/**
 * A right-hand side that depends on time is evaluated only inside [t, t + h], or [t + h, t] for steps back in time. The measured
 * number is the largest distance of an evaluation from there. The default solver is RK4, which goes to both ends.
 */
export function checkTimeWindow(integrator: Integrator, options: CheckOptions & RunOptions = {}): Promise<Report> {
  const { solver = rk4() } = options;
  return searchSteps(
    integrator,
    "evaluations inside the step only",
    (step) => {
      const { y, t, h } = step;
      const [low, high] = [Math.min(t, t + h), Math.max(t, t + h)];
      const times: number[] = [];
      const rhs = afterEvaluations(drivenRhs(step), (evaluation) => times.push(evaluation.t));
      solvedAtOnce(integrator.step(contextOf(rhs, solver, { tolerance: 1e-10 }), y, t, h));
      const outside = times.reduce((worst, s) => Math.max(worst, low - s, s - high), 0);
      const [earliest, latest] = [
        times.reduce((a, b) => Math.min(a, b), high),
        times.reduce((a, b) => Math.max(a, b), low),
      ];
      return { measured: outside, demanded: 1e-14 * Math.max(1, Math.abs(t)), numbers: { earliest, latest } };
    },
    options,
  );
}
