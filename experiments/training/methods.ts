import { augmentedBug, fixedRankBug, type Integrator, parallelBug, projectorSplitting } from "../../src/index.ts";
import { adam, type Rule, sgd } from "../../src/training/index.ts";

/** How a model is trained: method, rule, and the rate that suits them. */
export interface Way {
  readonly integrator: () => Integrator;
  readonly rule: () => Rule;
  readonly rate: number;
  readonly isDense?: boolean;
}

/** The methods by the names that settings use. */
export const ways: Readonly<Record<string, Way>> = {
  parallel: { integrator: () => parallelBug(), rule: sgd, rate: 0.2 },
  assembled: {
    integrator: () => parallelBug({ root: "assembled", firstStep: "parallel" }),
    rule: sgd,
    rate: 0.2,
  },
  augmented: { integrator: () => augmentedBug(), rule: sgd, rate: 0.2 },
  "abc-psi": { integrator: () => projectorSplitting({ backward: "augmented-corrected" }), rule: sgd, rate: 0.2 },
  "fixed-rank": { integrator: () => fixedRankBug(), rule: sgd, rate: 0.2 },
  robust: { integrator: () => augmentedBug(), rule: adam, rate: 0.002 },
  dense: { integrator: () => parallelBug(), rule: sgd, rate: 0.1, isDense: true },
  "dense-adam": { integrator: () => parallelBug(), rule: adam, rate: 0.001, isDense: true },
};
export const wayNames = Object.keys(ways) as [string, ...string[]];
