import { ConfigError } from "../../src/io/index.ts";
import {
  type MethodSettings,
  type TrainingMethodName,
  trainingMethod,
  trainingMethodNames,
} from "../../src/training/index.ts";

/** The methods for weights of any number of modes, and dense ones to compare with: those that need no setting. */
export const tensorMethodNames = trainingMethodNames.filter((name) => {
  const { layers, takes } = trainingMethod(name);
  return ["low-rank", "tucker", "dense"].includes(layers) && (takes.length === 0 || name === "robust");
}) as [TrainingMethodName, ...TrainingMethodName[]];

/** The settings of an experiment that some methods take. */
export interface MethodChoice {
  readonly method: TrainingMethodName;
  readonly tau: number;
  readonly rank: number;
  readonly condition: number | "auto";
  readonly beta: number | "none";
  readonly every: number | "auto";
  readonly nuclear: number;
}

/**
 * What a method is told. Cuts of `trp` come as often as a divisor of the steps of an epoch says, up to 20, so that every epoch ends with one. Throws
 * a ConfigError for a setting that was chosen and that the method does not take.
 */
export function settingsOf(p: MethodChoice, stepsAnEpoch: number): MethodSettings {
  const { takes } = trainingMethod(p.method);
  const chosen: Readonly<Record<string, number | undefined>> = {
    condition: p.condition === "auto" ? undefined : p.condition,
    beta: p.beta === "none" ? undefined : p.beta,
    every: p.every === "auto" ? undefined : p.every,
    nuclear: p.nuclear === 0 ? undefined : p.nuclear,
  };
  const foreign = Object.keys(chosen).find(
    (k) => chosen[k] !== undefined && !takes.includes(k as keyof MethodSettings),
  );
  if (foreign !== undefined)
    throw new ConfigError(`${foreign} is ${chosen[foreign]}, but method = ${p.method} does not take it`);
  const usual: MethodSettings = {
    tolerance: p.tau,
    rank: p.rank,
    ...(p.method === "trp" ? { every: largestDivisor(stepsAnEpoch, 20) } : {}),
  };
  const all = { ...usual, ...Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)) };
  return Object.fromEntries(Object.entries(all).filter(([key]) => takes.includes(key as keyof MethodSettings)));
}

function largestDivisor(n: number, most: number): number {
  let divisor = Math.min(n, most);
  while (n % divisor !== 0) divisor--;
  return divisor;
}
