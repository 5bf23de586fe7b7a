import type { Truncation } from "../../ttn/truncate.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { type StepPlan, stepPlanOf } from "../train-options.ts";
import { type TrainingMethod, type TrainingRule, trainingMethods, trainingRules } from "./methods.ts";

/** How steps are made in another runtime: plain data, which is saved with a model. */
export interface StepSettings {
  readonly learningRate: number;
  /** Default "parallel", one pass a step. */
  readonly method?: TrainingMethod;
  /** Default "sgd". */
  readonly rule?: TrainingRule;
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

/** Checks settings and fills in the defaults. `maxRanks` are the ranks that there is room for. */
export function stepPlan(
  who: string,
  settings: StepSettings,
  blocks: readonly TTN[],
  maxRanks: readonly number[],
): StepPlan {
  const { method = "parallel", rule = "sgd", tolerance, truncation, rankMin, rankEvery, momentum } = settings;
  const integrator = named(`${who}: method`, trainingMethods, method);
  const { rankAdaptive } = integrator.promises;
  if (!rankAdaptive && (truncation !== undefined || rankMin !== undefined))
    throw new RangeError(`${who}: method is "${method}", which keeps its ranks: no truncation, no rankMin`);
  const theta = tolerance ?? (rankAdaptive ? 0.1 : "off");
  return stepPlanOf(
    {
      integrator,
      rule: named(`${who}: rule`, trainingRules, rule)(),
      truncation: {
        tolerance: theta,
        relative: theta !== "off",
        ...(truncation && { method: truncation }),
        ...(rankMin !== undefined && { minRank: rankMin }),
      },
      ...(rankEvery !== undefined && { adaptEvery: rankEvery }),
      ...(momentum !== undefined && { momentum }),
      ...(rankAdaptive && { maxRanks }),
    },
    blocks,
  );
}

/** Throws a RangeError unless it is a positive number. */
export function checkLearningRate(who: string, learningRate: number): void {
  if (!(learningRate > 0 && learningRate < Number.POSITIVE_INFINITY))
    throw new RangeError(`${who}: learningRate is ${learningRate}, expected a positive number`);
}

/** What a list holds under a name. Throws a RangeError naming the known ones. */
function named<T>(what: string, list: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(list, name)) return list[name]!;
  throw new RangeError(`${what} is ${JSON.stringify(name)}, expected one of ${Object.keys(list).join(", ")}`);
}
