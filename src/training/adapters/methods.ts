import type { Integrator } from "../../integrators/integrator.ts";
import { type AdamOptions, adam } from "../adam.ts";
import { trainingMethod } from "../methods.ts";
import { type Rule, sgd } from "../rules.ts";

/** The integrators of `trainingMethod` for matrices, for settings that are saved as text; the first is the default. */
export const trainingMethods = {
  parallel: trainingMethod("parallel").integrator,
  geolora: trainingMethod("geolora").integrator,
  dlrt: trainingMethod("dlrt").integrator,
  "fixed-rank": trainingMethod("fixed-rank").integrator,
  abc: trainingMethod("abc").integrator,
  bc: trainingMethod("bc").integrator,
} as const satisfies Readonly<Record<string, Integrator>>;

export type TrainingMethod = keyof typeof trainingMethods;

/** The rules by name. */
export const trainingRules = {
  sgd: () => sgd(),
  adam: (options?: AdamOptions) => adam(options),
} as const satisfies Readonly<Record<string, (options?: AdamOptions) => Rule>>;

export type TrainingRule = keyof typeof trainingRules;
