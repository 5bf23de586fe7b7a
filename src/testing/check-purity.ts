import type { Integrator, StepResult } from "../integrators/integrator.ts";
import { exponential } from "../integrators/local/exponential.ts";
import { solvedAtOnce } from "../integrators/schedule.ts";
import type { Report } from "./broken-promise.ts";
import { contextOf, fingerprint, type RunOptions } from "./march.ts";
import type { CheckOptions } from "./search.ts";
import { drivenRhs, searchSteps } from "./single-steps.ts";

/**
 * A step leaves its input as it was, bit for bit, so that it can be rejected and repeated; and the same step gives the same bits,
 * whatever was computed in between. The measured number counts what differs: input, result, result after other steps.
 */
export function checkPurity(integrator: Integrator, options: CheckOptions & RunOptions = {}): Promise<Report> {
  const { solver = exponential() } = options;
  return searchSteps(
    integrator,
    "steps without traces",
    (step) => {
      const { y, t, h } = step;
      const context = contextOf(drivenRhs(step), solver, { tolerance: 1e-10 });
      const before = fingerprint(y);
      const first = outcome(solvedAtOnce(integrator.step(context, y, t, h)));
      const input = Number(fingerprint(y) !== before);
      const again = Number(outcome(solvedAtOnce(integrator.step(context, y, t, h))) !== first);
      solvedAtOnce(integrator.step(context, y, t, -h / 2));
      const later = Number(outcome(solvedAtOnce(integrator.step(context, y, t, h))) !== first);
      const numbers = { "input changed": input, "result differs": again, "result differs after another step": later };
      return { measured: input + again + later, demanded: 0, numbers };
    },
    options,
  );
}

const outcome = (result: StepResult): string => (result.ok ? fingerprint(result.y) : JSON.stringify(result));
