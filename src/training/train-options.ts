import { inline } from "../executors/inline.ts";
import type { Executor } from "../integrators/executor.ts";
import type { Integrator } from "../integrators/integrator.ts";
import { parallelBug } from "../integrators/parallel-bug.ts";
import { type Random, seeded } from "../linalg/random.ts";
import { shapeText } from "../linalg/tensor.ts";
import { checkKeys } from "../text/known-keys.ts";
import { checkTruncation, type Truncation } from "../ttn/truncate.ts";
import { largestRanks, modeSizes, type TTN } from "../ttn/ttn.ts";
import { startFrom } from "./check-weights.ts";
import type { TrainingMethod } from "./methods.ts";
import { ranksWithin } from "./rank-budget.ts";
import type { CoreProjection, Penalty } from "./rules/core-condition.ts";
import { type Rule, sgd } from "./rules/rules.ts";
import { atRoots, type Dataset, type Model, type Weights } from "./weights.ts";

/** How a step is made. */
export interface StepOptions {
  /** Default: `parallelBug()`, one pass a step. */
  readonly integrator?: Integrator;
  /** Default: `sgd()`. */
  readonly rule?: Rule;
  /**
   * Share of the last step's velocity that this one goes on with, from 0 to below 1: the heavy ball, with `sgd()` only. The velocity is
   * (W1 - W0) / rate, a network in bases of its own, so that nothing has to be carried over when bases turn. Default 0.
   */
  readonly momentum?: number;
  /** What every core is made to be after each step, and at the start. Default: nothing. */
  readonly projection?: CoreProjection;
  /** Added to the loss that weights of low rank follow; `loss` in the steps is without. Default: none. */
  readonly penalty?: Penalty;
  /** For each block the modes whose bases stay complete, whatever is truncated. Default: none. */
  readonly complete?: readonly (readonly number[])[];
  /** How ranks are cut. Default: what is below a tenth of |W|_F; for methods that keep their ranks, nothing. */
  readonly truncation?: Truncation;
  /** Largest rank of each block, on top of `truncation`. Default: no limit. */
  readonly maxRanks?: readonly number[];
  /** Most singular values that are kept of all blocks together, matrices then; on top of `truncation`. Default: no limit. */
  readonly rankBudget?: number;
  /** Bases and ranks change in every k-th step; between, only cores move. Default 1. */
  readonly adaptEvery?: number;
}

/** How a model is trained: data gone through, learning rate, and how a step is made. */
export interface TrainOptions extends StepOptions {
  /** How often all samples are gone through. */
  readonly epochs: number;
  /** Samples in a step; what is left of an epoch is left out, another part each time. Default: all, but at most 128. */
  readonly batch?: number;
  /** Length of a step, the learning rate: a number, or one for each epoch from 0. */
  readonly rate: number | ((epoch: number) => number);
  /** Epochs, counted from 0, from which bases and ranks stay as they are. Default: none. */
  readonly freezeFrom?: number;
  /** Seed of the first weights and of the order of samples. Default 0. */
  readonly seed?: number;
  /** Weights to start from, of the shapes of the model's own, in any gauge and any ranks that fit; what is not orthonormal is made so. Default: the model's own. */
  readonly initial?: Weights;
  readonly executor?: Executor;
  readonly signal?: AbortSignal;
}

/** How steps are made, every option checked and filled in. */
export type StepPlan = ReturnType<typeof stepPlanOf>;

/** Checks how steps are made and fills in the defaults; `blocks` are the weights of low rank that there will be. */
export function stepPlanOf(options: StepOptions, blocks: readonly TTN[]) {
  const { integrator = parallelBug(), rule = sgd(), adaptEvery = 1, momentum = 0 } = options;
  const { rankBudget = Number.POSITIVE_INFINITY, maxRanks, projection, penalty, complete = [] } = options;
  checkCount("adaptEvery", adaptEvery);
  if (!(typeof momentum === "number" && momentum >= 0 && momentum < 1))
    throw new RangeError(`train: momentum is ${shown(momentum)}, expected a number from 0 to below 1`);
  if (momentum > 0 && rule.needsGalerkin)
    throw new RangeError(`train: momentum is ${momentum}, but ${rule.name} has a mean of gradients of its own`);
  if (rankBudget !== Number.POSITIVE_INFINITY) checkCount("rankBudget", rankBudget);
  if (typeof integrator?.step !== "function")
    throw new TypeError(`train: integrator is ${JSON.stringify(integrator)}, expected one such as parallelBug()`);
  if (typeof rule?.begin !== "function")
    throw new TypeError(`train: rule is ${JSON.stringify(rule)}, expected one such as sgd()`);
  for (const y of blocks) {
    projection?.apply(y);
    penalty?.gradient(y);
  }
  const { rankAdaptive, descends } = integrator.promises;
  if (!rankAdaptive && options.truncation && options.truncation.tolerance !== "off")
    throw new RangeError(
      `train: ${integrator.name} keeps its ranks and cannot follow the tolerance ${options.truncation.tolerance}`,
    );
  if (maxRanks && maxRanks.length !== blocks.length)
    throw new RangeError(`train: maxRanks has ${maxRanks.length} entries, there are ${blocks.length} blocks`);
  for (const r of maxRanks ?? []) checkCount("an entry of maxRanks", r);
  if (rankBudget !== Number.POSITIVE_INFINITY) {
    if (!rankAdaptive) throw new RangeError(`train: ${integrator.name} keeps its ranks and cannot follow a rankBudget`);
    ranksWithin(rankBudget, blocks);
  }
  if (rule.needsGalerkin && !descends)
    throw new RangeError(
      `train: ${rule.name} needs a method that ends with a Galerkin step in augmented bases (augmentedBug(), parallelBug()), not ${integrator.name}`,
    );
  const truncation: Truncation =
    options.truncation ?? (rankAdaptive ? { tolerance: 0.1, relative: true } : { tolerance: "off" });
  checkTruncation(truncation);
  checkCap(truncation, blocks);
  const limits = { truncation, rankBudget, maxRanks, complete };
  return { integrator, rule, adaptEvery, momentum, projection, penalty, ...limits };
}

/** What `train` takes, and what a method says of itself beside that, so that it may be given as it is. */
const trainKeys: Readonly<Record<keyof TrainOptions | keyof TrainingMethod, true>> = {
  integrator: true,
  rule: true,
  momentum: true,
  projection: true,
  penalty: true,
  complete: true,
  truncation: true,
  maxRanks: true,
  rankBudget: true,
  adaptEvery: true,
  epochs: true,
  batch: true,
  rate: true,
  freezeFrom: true,
  seed: true,
  initial: true,
  executor: true,
  signal: true,
  name: true,
  summary: true,
  reference: true,
  layers: true,
  adaptsRanks: true,
  takes: true,
};

/** Checks everything that training is given and fills in the defaults. */
export function planOf(model: Model, data: Dataset, options: TrainOptions) {
  checkKeys("train", options, trainKeys);
  const { epochs, rate, seed = 0, freezeFrom = Number.POSITIVE_INFINITY } = options;
  const { signal = new AbortController().signal } = options;
  model.check(data);
  const samples = data.inputs.shape[0]!;
  const { batch = Math.min(128, samples) } = options;
  checkCount("epochs", epochs);
  checkCount("batch", batch, samples, "the number of samples");
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`train: seed is ${shown(seed)}, expected a non-negative integer`);
  if (!(typeof freezeFrom === "number" && freezeFrom >= 0))
    throw new RangeError(`train: freezeFrom is ${shown(freezeFrom)}, expected zero or more`);
  const random: Random = seeded(seed);
  const start = options.initial
    ? startFrom(options.initial, model.initial(seeded(seed)))
    : atRoots(model.initial(random));
  const step = stepPlanOf({ ...(model.complete ? { complete: model.complete } : {}), ...options }, start.blocks);
  if (start.blocks.length === 0) checkDense({ ...step, freezeFrom });
  const { projection } = step;
  const initial = projection ? { ...start, blocks: start.blocks.map((y) => projection.apply(y)) } : start;
  const rateOf = (epoch: number): number => checkRate(typeof rate === "function" ? rate(epoch) : rate, epoch);
  rateOf(0);
  return {
    ...step,
    freezeFrom,
    signal,
    samples,
    batch,
    rateOf,
    stepsAnEpoch: Math.floor(samples / batch),
    initial,
    executor: options.executor ?? inline(),
    random,
  };
}

/** Throws a RangeError when an option was given that only weights of low rank could follow. */
function checkDense(plan: StepPlan & { readonly freezeFrom: number }): void {
  const { rankBudget, adaptEvery, projection, penalty, freezeFrom } = plan;
  const given = {
    rankBudget: rankBudget !== Number.POSITIVE_INFINITY,
    adaptEvery: adaptEvery > 1,
    freezeFrom: freezeFrom !== Number.POSITIVE_INFINITY,
    projection: projection !== undefined,
    penalty: penalty !== undefined,
  };
  for (const [name, isGiven] of Object.entries(given))
    if (isGiven) throw new RangeError(`train: ${name} was given, but the model has no weights of low rank`);
}

/** A value as it is written, text in quotes. */
const shown = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : String(value));

function checkRate(h: number, epoch: number): number {
  if (!(typeof h === "number" && h > 0 && h < Number.POSITIVE_INFINITY))
    throw new RangeError(`train: the rate of epoch ${epoch} is ${shown(h)}, expected a positive number`);
  return h;
}

function checkCount(name: string, n: number, most = Number.MAX_SAFE_INTEGER, what = ""): void {
  if (!Number.isSafeInteger(n) || n < 1 || n > most)
    throw new RangeError(`train: ${name} is ${n}, expected a positive integer${what ? ` up to ${what}, ${most}` : ""}`);
}

/** Throws a RangeError when ranks may grow beyond what even the largest weight has room for. */
function checkCap({ maxRank }: Truncation, blocks: readonly TTN[]): void {
  if (typeof maxRank !== "number" || maxRank === Number.POSITIVE_INFINITY || blocks.length === 0) return;
  const roomOf = (y: TTN): number => Math.max(...largestRanks(y.tree, modeSizes(y)));
  const largest = blocks.reduce((a, b) => (roomOf(b) > roomOf(a) ? b : a));
  if (maxRank > roomOf(largest))
    throw new RangeError(
      `train: maxRank is ${maxRank}, the largest low-rank weight is ${shapeText(modeSizes(largest))} and has at most ${roomOf(largest)}`,
    );
}
