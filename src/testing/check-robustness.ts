import fc from "fast-check";
import type { Integrator } from "../integrators/integrator.ts";
import type { Report } from "./broken-promise.ts";
import { worstOf } from "./check-exactness.ts";
import { describeOde, lowRankOde, type OdeSpec, truncationFor } from "./low-rank-ode.ts";
import { type OdeOptions, odeSpecs } from "./low-rank-odes.ts";
import { errorOf, type RunOptions } from "./march.ts";
import { type CheckOptions, checkLength, search } from "./search.ts";

/** Options of `checkRobustness`. */
export interface RobustnessOptions extends CheckOptions, RunOptions {
  /** Smallest singular values, the first to compare the others with. Default [1e-1, 1e-4, 1e-8, 1e-16, 0]. */
  readonly smallest?: readonly number[];
  /** Step sizes to draw from. Default [0.1, 0.05, 0.02]. */
  readonly h?: readonly number[];
  /** How much larger the error may be. Default 3. */
  readonly factor?: number;
  /** Which low-rank ODEs are drawn. */
  readonly odes?: OdeOptions;
}

/** Errors below this are not compared. */
const roundOff = 1e-10;

/**
 * Small singular values do no harm: at the same step size, the error from a start with a smallest singular value of 1e-4, 1e-8,
 * 1e-16 or zero is at most three times that with 1e-1, and finite. The problems have a coupling that leaves the tangent space,
 * which is what makes the classical equations of the factors stiff. Errors are the largest of three problems that differ in
 * their numbers only: a single one may be small by chance.
 */
export function checkRobustness(integrator: Integrator, options: RobustnessOptions = {}): Promise<Report> {
  const { smallest = [1e-1, 1e-4, 1e-8, 1e-16, 0], h: hs = [0.1, 0.05, 0.02], factor = 3, solver } = options;
  checkLength("checkRobustness", "smallest", smallest, 2);
  const specs = odeSpecs({ minRank: 2, spare: 1, smallest: [smallest[0]!], couplings: [0.1, 1e-2], ...options.odes });
  return search<{ readonly spec: OdeSpec; readonly h: number }>(
    {
      promise: "robustness to small singular values",
      subject: integrator.name,
      cases: fc.record({ spec: specs, h: fc.constantFrom(...hs) }),
      numRuns: 5,
      describe: ({ spec, h }) => `${describeOde(spec)}, then ${smallest.slice(1).join(", ")}, h = ${h}`,
      async measure({ spec, h }) {
        const errors: number[] = [];
        for (const value of smallest) {
          const alike: number[] = [];
          for (const seed of [spec.seed, spec.seed + 1, spec.seed + 2]) {
            const ode = lowRankOde({ ...spec, smallest: value, seed });
            alike.push(await finiteOr(() => errorOf(ode, integrator, h, truncationFor(ode), solver)));
          }
          errors.push(worstOf(alike));
        }
        const reference = Math.max(errors[0]!, roundOff);
        const numbers = { "smallest singular value": smallest, error: errors };
        return { measured: worstOf(errors) / reference, demanded: factor, numbers };
      },
    },
    options,
  );
}

/** A run that breaks down has an infinite error. */
export async function finiteOr(run: () => Promise<number>): Promise<number> {
  try {
    const value = await run();
    return Number.isFinite(value) ? value : Number.POSITIVE_INFINITY;
  } catch (error) {
    if (error instanceof Error && breakdowns.includes(error.name)) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

const breakdowns: readonly string[] = ["EvolutionError", "NonFiniteError", "ConvergenceError"];
