import { augmentedBug } from "../../integrators/augmented-bug.ts";
import { fixedRankBug } from "../../integrators/fixed-rank-bug.ts";
import type { Integrator } from "../../integrators/integrator.ts";
import { parallelBug } from "../../integrators/parallel-bug.ts";
import { projectorSplitting } from "../../integrators/projector-splitting.ts";
import { type AdamOptions, adam, type Rule, sgd } from "../rules.ts";

/** The methods by name, for settings that are saved as text; the first is the default. */
export const trainingMethods = {
  parallel: parallelBug(),
  geolora: parallelBug({ root: "assembled", firstStep: "parallel" }),
  dlrt: augmentedBug(),
  "fixed-rank": fixedRankBug(),
  abc: projectorSplitting({ backward: "augmented-corrected" }),
  bc: projectorSplitting({ backward: "corrected" }),
} as const satisfies Readonly<Record<string, Integrator>>;

export type TrainingMethod = keyof typeof trainingMethods;

/** The rules by name. */
export const trainingRules = {
  sgd: () => sgd(),
  adam: (options?: AdamOptions) => adam(options),
} as const satisfies Readonly<Record<string, (options?: AdamOptions) => Rule>>;

export type TrainingRule = keyof typeof trainingRules;

/** What a list holds under a name. Throws a RangeError naming the known ones. */
export function named<T>(what: string, list: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(list, name)) return list[name]!;
  throw new RangeError(`${what} is ${JSON.stringify(name)}, expected one of ${Object.keys(list).join(", ")}`);
}
