import fc from "fast-check";
import type { Integrator } from "../integrators/integrator.ts";
import { figure, type Report } from "./broken-promise.ts";
import { finiteOr } from "./check-robustness.ts";
import { type LowRankOde, truncationFor } from "./low-rank-ode.ts";
import { lowRankOdes, type OdeOptions } from "./low-rank-odes.ts";
import { errorOf, type RunOptions } from "./march.ts";
import { type CheckOptions, search } from "./search.ts";

/** Factors of the four terms of the error bound. */
export interface ErrorConstants {
  /** Of the error of the start. */
  readonly c0: number;
  /** Of the distance from the tangent space. */
  readonly c1: number;
  /** Of the power of the step size. */
  readonly c2: number;
  /** Of the sum of the tolerances. */
  readonly c3: number;
}

/** Options of `checkErrorBound`. */
export interface ErrorBoundOptions extends CheckOptions, RunOptions {
  /** p. Default: the promised order. */
  readonly order?: number;
  /** Step sizes to draw from. Default [0.1, 0.05, 0.01]. */
  readonly h?: readonly number[];
  /** Truncation tolerances to draw from, beside "off", for methods that follow one. Default [1e-4, 1e-8]. */
  readonly tolerances?: readonly number[];
  /** Which low-rank ODEs are drawn. */
  readonly odes?: OdeOptions;
  /** The constants for a problem. Default: `errorConstants`. */
  readonly constants?: (ode: LowRankOde, h: number, order: number) => ErrorConstants;
}

/**
 * What the error bound allows, from L, B and T alone. With g = exp(l T) and l the one-sided Lipschitz constant: c0 = c3 = g, since an
 * error made on the way grows by no more; c1 = (3 exp(L h) + 4) T g, with the factor of the local error bound
 * [ceruti2022unconventional, lemma 2; kieri2016discretized]; c2 = B L^p / (p + 1)! T g, as for Taylor's method of order p on the
 * full tensor (p = 1: Euler). No singular value occurs.
 */
export function errorConstants(ode: LowRankOde, h: number, order: number): ErrorConstants {
  const { lipschitz: L, bound: B, oneSided } = ode;
  const { T } = ode.spec;
  const growth = Math.exp(oneSided * T);
  let taylor = B * T;
  for (let k = 1; k <= order; k++) taylor *= L / (k + 1);
  return { c0: growth, c1: (3 * Math.exp(L * h) + 4) * T * growth, c2: taylor * growth, c3: growth };
}

/**
 * The robust error bound: |Y_n - A(t_n)| <= c0 delta + c1 eps + c2 h^p + c3 n theta, with constants that do not depend on singular
 * values, for random low-rank ODEs with any singular values, starts off by delta and truncation tolerances theta.
 */
export function checkErrorBound(integrator: Integrator, options: ErrorBoundOptions = {}): Promise<Report> {
  const { order = integrator.promises.order, h: hs = [0.1, 0.05, 0.01], tolerances = [1e-4, 1e-8] } = options;
  const { constants = errorConstants, solver } = options;
  const cuts = integrator.promises.rankAdaptive ? tolerances : [];
  const cases = fc.record({
    ode: lowRankOdes({ smallest: [0.5, 0.1, 1e-4, 1e-16, 0], deltas: [0, 1e-3], ...options.odes }),
    h: fc.constantFrom(...hs),
    theta: fc.constantFrom(0, ...cuts),
  });
  return search(
    {
      promise: `the robust error bound of order ${order}`,
      subject: integrator.name,
      cases,
      numRuns: 40,
      describe: ({ ode, h, theta }) => `${ode.text}, h = ${h}, tolerance ${theta > 0 ? figure(theta) : "off"}`,
      async measure({ ode, h, theta }) {
        const truncation = { ...truncationFor(ode), ...(theta > 0 ? { tolerance: theta } : {}) };
        const error = await finiteOr(() => errorOf(ode, integrator, h, truncation, solver));
        const { c0, c1, c2, c3 } = constants(ode, h, order);
        const { delta, eps, lipschitz, bound, spec } = ode;
        const steps = Math.ceil(spec.T / h - 1e-9);
        const terms = [c0 * delta, c1 * eps, c2 * h ** order, c3 * steps * theta];
        const demanded = terms.reduce((a, b) => a + b, 1e-10);
        const numbers = { L: lipschitz, B: bound, delta, eps, "c0 delta, c1 eps, c2 h^p, c3 n theta": terms };
        return { measured: error, demanded, numbers };
      },
    },
    options,
  );
}
