import { augmentedBug } from "./augmented-bug.ts";
import { fixedRankBug } from "./fixed-rank-bug.ts";
import type { Integrator } from "./integrator.ts";
import { midpointRule } from "./local/midpoint-rule.ts";
import { midpointBug } from "./midpoint-bug.ts";
import { parallelBug } from "./parallel-bug.ts";
import { predictedBug } from "./predicted-bug.ts";
import { projectorSplitting } from "./projector-splitting.ts";
import { secondOrderParallelBug } from "./second-order-parallel-bug.ts";

/**
 * Every method by a short name, in the form that suits most problems: what `integrator=` of the command line takes, and what
 * experiments compare. A new one is one line here; the first is the default.
 *
 *     for await (const { t } of evolve(problem, { integrator: methods.augmented, h: 0.01 })) ...
 */
export const methods = {
  predicted: predictedBug(),
  parallel: parallelBug(),
  "parallel-assembled": parallelBug({ root: "assembled", firstStep: "parallel" }),
  augmented: augmentedBug(),
  "augmented-cheap": augmentedBug({ innerSolver: midpointRule() }),
  "second-order-4r": secondOrderParallelBug(),
  "second-order-3r": secondOrderParallelBug({ variant: "3r" }),
  midpoint: midpointBug(),
  "fixed-rank": fixedRankBug(),
  lie: projectorSplitting(),
  strang: projectorSplitting({ splitting: "strang" }),
  corrected: projectorSplitting({ backward: "corrected" }),
  "augmented-corrected": projectorSplitting({ backward: "augmented-corrected" }),
} as const satisfies Readonly<Record<string, Integrator>>;

export type MethodName = keyof typeof methods;

export const methodNames = Object.keys(methods) as [MethodName, ...MethodName[]];

/** The methods that keep the moments of `truncation.conserved`. */
export const conservativeMethods: readonly MethodName[] = methodNames.filter(
  (name) => (methods[name] as Integrator).promises.keepsMoments,
);

/** The methods whose ranks follow a tolerance, and that can therefore be run to a given accuracy. */
export const adaptiveMethods: readonly MethodName[] = methodNames.filter((name) => methods[name].promises.rankAdaptive);
