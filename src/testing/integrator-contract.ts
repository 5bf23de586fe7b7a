import type { Integrator } from "../integrators/integrator.ts";
import type { Report } from "./broken-promise.ts";
import { type ConservationOptions, checkConservation } from "./check-conservation.ts";
import { checkDescent, type DescentOptions } from "./check-descent.ts";
import { checkErrorBound, type ErrorBoundOptions } from "./check-error-bound.ts";
import { checkExactness, type ExactnessOptions } from "./check-exactness.ts";
import { checkMoments, type MomentsOptions } from "./check-moments.ts";
import { checkOrder, type OrderOptions } from "./check-order.ts";
import { checkPurity } from "./check-purity.ts";
import { checkRanks, type RanksOptions } from "./check-ranks.ts";
import { checkRobustness, type RobustnessOptions } from "./check-robustness.ts";
import { checkTimeWindow } from "./check-time-window.ts";
import { checkWork, type WorkOptions } from "./check-work.ts";
import type { ContractTest } from "./contract-test.ts";
import type { RunOptions } from "./march.ts";
import type { CheckOptions } from "./search.ts";

/** Options of `integratorContract`: a seed for all checks, and what each lets one choose. */
export interface IntegratorContractOptions {
  /** Seed of the random cases of all checks. Default 1. */
  readonly seed?: number;
  readonly order?: OrderOptions;
  readonly exactness?: ExactnessOptions;
  readonly robustness?: RobustnessOptions;
  readonly errorBound?: ErrorBoundOptions;
  readonly conservation?: ConservationOptions;
  readonly descent?: DescentOptions;
  readonly moments?: MomentsOptions;
  readonly ranks?: RanksOptions;
  readonly work?: WorkOptions;
  readonly timeWindow?: CheckOptions & RunOptions;
  readonly purity?: CheckOptions & RunOptions;
}

/**
 * Everything an integrator promises, and what all of them have to keep, as named tests for any test runner:
 *
 *     for (const { name, run } of integratorContract(myMethod())) test(name, run);
 */
export function integratorContract(
  integrator: Integrator,
  options: IntegratorContractOptions = {},
): readonly ContractTest[] {
  const { order, exact, conserves, descends, rankAdaptive, keepsMoments = false } = integrator.promises;
  const seed = options.seed === undefined ? {} : { seed: options.seed };
  const test = <O extends CheckOptions>(
    name: string,
    check: (integrator: Integrator, options: O) => Promise<Report>,
    own: O | undefined,
  ): ContractTest => ({
    name,
    run: async () => {
      await check(integrator, { ...seed, ...own } as O);
    },
  });
  return [
    test(`is of order ${order}`, checkOrder, options.order),
    test(
      exact
        ? "is exact for solutions of the tree's rank"
        : "errs at order two over ten steps for solutions of the tree's rank",
      checkExactness,
      options.exactness,
    ),
    test("bears small singular values", checkRobustness, options.robustness),
    test("keeps the robust error bound", checkErrorBound, options.errorBound),
    test(
      conserves === "nothing" ? "loses norm at order one in Schroedinger's equation" : "conserves norm and energy",
      checkConservation,
      options.conservation,
    ),
    ...(descends ? [test("descends in gradient flows", checkDescent, options.descent)] : []),
    ...(keepsMoments ? [test("follows the moment law of its scheme", checkMoments, options.moments)] : []),
    test(rankAdaptive ? "keeps ranks within their limits" : "keeps ranks as they are", checkRanks, options.ranks),
    test("reports its work truly", checkWork, options.work),
    test("evaluates inside the step only", checkTimeWindow, options.timeWindow),
    test("leaves no traces", checkPurity, options.purity),
  ];
}
