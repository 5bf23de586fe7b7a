import type { Truncation } from "../../ttn/truncate.ts";
import type { TTN } from "../../ttn/ttn.ts";
import {
  type MethodSettings,
  type RuleName,
  type TrainingMethodName,
  trainingMethod,
  trainingMethodNames,
  trainingRule,
} from "../methods.ts";
import { type StepPlan, stepPlanOf } from "../train-options.ts";

/** How steps are made in another runtime: plain data, which is saved with a model. */
export interface StepSettings extends Pick<MethodSettings, "condition" | "beta"> {
  readonly learningRate: number;
  /** One of those for layers of low rank. Default "parallel", one pass a step. */
  readonly method?: TrainingMethodName;
  /** In place of the rule of the method. */
  readonly rule?: RuleName;
  /** What is cut from a weight, relative to its norm; "off" for nothing. Default: a tenth; for methods that keep their ranks, nothing. */
  readonly tolerance?: number | "off";
  /** Whether each basis is cut by the tolerance ("paper"), or it is shared between the two ("weighted", default). */
  readonly truncation?: NonNullable<Truncation["method"]>;
  /** Smallest rank that is left. Default 1. */
  readonly rankMin?: number;
  /** Bases and ranks change in every k-th step; between, only cores move. Default 1. */
  readonly rankEvery?: number;
  /** Share of the last velocity, with "sgd" only. Default 0. */
  readonly momentum?: number;
}

/** The methods that are for layers of low rank, by name. */
export const lowRankMethods: readonly TrainingMethodName[] = trainingMethodNames.filter(
  (name) => trainingMethod(name).layers === "low-rank",
);

/** Checks settings and fills in the defaults. `maxRanks` are the ranks that there is room for. */
export function stepPlan(
  who: string,
  settings: StepSettings,
  blocks: readonly TTN[],
  maxRanks: readonly number[],
): StepPlan {
  const { method = "parallel", rule, tolerance, truncation, rankMin, rankEvery, momentum, condition, beta } = settings;
  if (!lowRankMethods.includes(method))
    throw new RangeError(`${who}: method is ${JSON.stringify(method)}, expected one of ${lowRankMethods.join(", ")}`);
  const { integrator, projection, penalty, adaptsRanks, ...own } = trainingMethod(method, {
    ...(condition !== undefined && { condition }),
    ...(beta !== undefined && { beta }),
  });
  const cuts = Object.entries({ tolerance, truncation, rankMin }).find(([, value]) => value !== undefined);
  if (!adaptsRanks && cuts)
    throw new RangeError(`${who}: ${cuts[0]} is ${cuts[1]}, but the method "${method}" keeps its ranks`);
  const theta = tolerance ?? (adaptsRanks ? 0.1 : "off");
  return stepPlanOf(
    {
      integrator,
      rule: rule === undefined ? own.rule : trainingRule(rule),
      truncation: {
        tolerance: theta,
        relative: theta !== "off",
        ...(truncation && { method: truncation }),
        ...(rankMin !== undefined && { minRank: rankMin }),
      },
      ...(projection && { projection }),
      ...(penalty && { penalty }),
      ...(rankEvery !== undefined && { adaptEvery: rankEvery }),
      ...(momentum !== undefined && { momentum }),
      maxRanks,
    },
    blocks,
  );
}

/** Throws a RangeError unless it is a positive number. */
export function checkLearningRate(who: string, learningRate: number): void {
  if (!(learningRate > 0 && learningRate < Number.POSITIVE_INFINITY))
    throw new RangeError(`${who}: learningRate is ${learningRate}, expected a positive number`);
}
