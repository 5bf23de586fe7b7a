import { inline } from "../executors/inline.ts";
import type { Executor } from "../integrators/executor.ts";
import type { Integrator, StepContext, StepFailure, StepSuccess } from "../integrators/integrator.ts";
import { parallelBug } from "../integrators/parallel-bug.ts";
import { combine } from "../linalg/contract.ts";
import { type Random, seeded } from "../linalg/random.ts";
import { allFinite, type Tensor } from "../linalg/tensor.ts";
import { scale } from "../ttn/arithmetic.ts";
import { rootOf } from "../ttn/tree.ts";
import { checkTruncation, type Truncated, type Truncation, truncate } from "../ttn/truncate.ts";
import { ranks, type TTN } from "../ttn/ttn.ts";
import { coreStep } from "./core-step.ts";
import { samplesOf, shuffled } from "./data.ts";
import { GradientFlow } from "./gradient-flow.ts";
import { ranksWithin } from "./rank-budget.ts";
import { type Rule, sgd } from "./rules.ts";
import { together } from "./together.ts";
import type { Dataset, Model, Objective, Weights } from "./weights.ts";

export interface TrainOptions {
  /** How often all samples are gone through. */
  readonly epochs: number;
  /** Samples in a step; what is left of an epoch is left out, another part each time. Default: all, but at most 128. */
  readonly batch?: number;
  /** Length of a step, the learning rate: a number, or one for each epoch from 0. */
  readonly rate: number | ((epoch: number) => number);
  /** Default: `parallelBug()`, one pass a step. */
  readonly integrator?: Integrator;
  /** Default: `sgd()`. */
  readonly rule?: Rule;
  /**
   * Share of the last step's velocity that this one goes on with, from 0 to below 1: the heavy ball, with `sgd()` only. The velocity is
   * (W1 - W0) / rate, a network in bases of its own, so that nothing has to be carried over when bases turn. Default 0.
   */
  readonly momentum?: number;
  /** How ranks are cut. Default: what is below a tenth of |W|_F; for methods that keep their ranks, nothing. */
  readonly truncation?: Truncation;
  /** Most singular values that are kept of all blocks together, matrices then; on top of `truncation`. Default: no limit. */
  readonly rankBudget?: number;
  /** Bases and ranks change in every k-th step; between, only cores move. Default 1. */
  readonly adaptEvery?: number;
  /** Epochs, counted from 0, from which bases and ranks stay as they are. Default: none. */
  readonly freezeFrom?: number;
  /** Seed of the first weights and of the order of samples. Default 0. */
  readonly seed?: number;
  /** Weights to start from. Default: the model's own. */
  readonly initial?: Weights;
  readonly executor?: Executor;
  readonly signal?: AbortSignal;
}

/** The weights after a step, and what the step did. */
export interface TrainingStep {
  /** Steps so far; 0 is the start. */
  readonly step: number;
  /** From 0. */
  readonly epoch: number;
  /** Whether this was the last step of its epoch; true at the start. */
  readonly isEpochEnd: boolean;
  /** Mean loss of the step's samples, before it; null at the start. */
  readonly loss: number | null;
  readonly weights: Weights;
  /** For each block the ranks of its edges. */
  readonly ranks: readonly (readonly number[])[];
  /** For each block the norm of what truncation removed. */
  readonly discarded: readonly number[];
  /** Passes, forwards and backwards. */
  readonly passes: number;
  /** Wall time of the step. */
  readonly seconds: number;
}

/** Training that could not go on. `last` is the last good step. */
export class TrainingError extends Error {
  override readonly name = "TrainingError";
  readonly last: TrainingStep;

  constructor(why: string, last: TrainingStep) {
    super(`training: ${why} in step ${last.step + 1} (epoch ${last.epoch}); a smaller rate may help`);
    this.last = last;
  }
}

/**
 * Trains a model: every step is one step of an integrator for the flow W' = -grad L(W), L the loss on some of the samples, all blocks
 * side by side, and then of the rule for everything else, with the gradients of the step's last pass.
 *
 *     for await (const { epoch, loss, ranks } of train(model, data, { epochs: 10, rate: 0.2 })) ...
 *
 * The first value is the start. Same seed, same numbers, for any executor. Bad options and data that do not fit throw before
 * any work (RangeError, TypeError), and so does, at the first step, a loss that is not the same when evaluated twice. A loss
 * or weight that is not finite ends training with a TrainingError, which carries the last good weights; a signal, with its reason.
 */
export async function* train(
  model: Model,
  data: Dataset,
  options: TrainOptions,
): AsyncGenerator<TrainingStep, void, void> {
  const plan = planOf(model, data, options);
  const { integrator, rule, batch, random, signal } = plan;
  const state = rule.begin();
  let samples: Dataset = data;
  const flow = new GradientFlow(() => model.objective(samples), plan.initial);
  let last: TrainingStep = {
    step: 0,
    epoch: 0,
    isEpochEnd: true,
    loss: null,
    weights: plan.initial,
    ranks: ranksOf(plan.initial),
    discarded: plan.initial.blocks.map(() => 0),
    passes: 0,
    seconds: 0,
  };
  yield last;

  let t = 0;
  let velocity: Velocity = { blocks: [], passengers: [] };
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const h = plan.rateOf(epoch);
    const order = shuffled(plan.samples, random);
    for (let k = 0; k < plan.stepsAnEpoch; k++) {
      signal.throwIfAborted();
      const begin = performance.now();
      samples = samplesOf(data, order.subarray(k * batch, (k + 1) * batch));
      const { weights, step } = last;
      const method = methodOf(step, epoch);
      if (step === 0) checkRepeats(model.objective(samples), weights);
      const passes = flow.passes;
      flow.beginStep(step);
      flow.moveTo(
        weights,
        velocity.blocks.map((v) => v.map((part) => scale(plan.momentum, part))),
      );
      const results = await together(
        weights.blocks.length,
        plan.executor,
        (stage) =>
          stage.forEach(([problem], block) => {
            if (problem) flow.moveBlock(block, problem.field, problem.initial);
          }),
        (block, executor) => {
          const solver = state.solver(block, (problem) => flow.stateOf(problem.field));
          const context: StepContext = {
            rhs: flow.rhs[block]!,
            solver,
            executor,
            truncation: everything,
            measureMissed: false,
            signal,
          };
          return method.step(context, weights.blocks[block]!, t, h);
        },
      );
      if (!Number.isFinite(flow.loss)) throw new TrainingError(`the loss is ${flow.loss}`, last);
      const failure = results.find((r): r is StepFailure => !r.ok);
      if (failure)
        throw new TrainingError(
          `the local solve at node ${failure.node} of block ${results.indexOf(failure)} gave numbers that are not finite`,
          last,
        );
      const moved = (results as readonly StepSuccess[]).map(({ y }) => y);
      const ends = method.promises.rankAdaptive ? cut(moved, plan) : moved.map((y) => ({ y, discarded: 0 }));
      const passengers = flow.latest.passengers.map((g, i) =>
        velocity.passengers.length === 0
          ? g
          : combine([
              [1, g],
              [-plan.momentum, velocity.passengers[i]!],
            ]),
      );
      const next: Weights = {
        blocks: ends.map(({ y }) => y),
        passengers: weights.passengers.map((p, i) => state.advance(i, p, passengers[i]!, h)),
      };
      const bad = next.passengers.findIndex((p) => !allFinite(p));
      if (bad >= 0) throw new TrainingError(`passenger ${bad} has numbers that are not finite`, last);
      if (plan.momentum > 0)
        velocity = {
          blocks: moved.map((y, k) => [scale(1 / h, y), scale(-1 / h, weights.blocks[k]!)]),
          passengers: next.passengers.map((p, i) =>
            combine([
              [1 / h, p],
              [-1 / h, weights.passengers[i]!],
            ]),
          ),
        };
      t += h;
      last = {
        step: step + 1,
        epoch,
        isEpochEnd: k === plan.stepsAnEpoch - 1,
        loss: flow.loss,
        weights: next,
        ranks: ranksOf(next),
        discarded: ends.map(({ discarded }) => discarded),
        passes: flow.passes - passes,
        seconds: (performance.now() - begin) / 1000,
      };
      yield last;
    }
  }

  function methodOf(step: number, epoch: number): Integrator {
    if (epoch >= plan.freezeFrom || step % plan.adaptEvery !== 0) return core;
    const { starter } = integrator;
    return starter && step < starter.steps ? starter.integrator : integrator;
  }
}

/** How weights moved in the last step, before ranks were cut; sums of networks for blocks. */
interface Velocity {
  readonly blocks: readonly (readonly TTN[])[];
  readonly passengers: readonly Tensor[];
}

const core = coreStep();

/**
 * How the integrators cut: not at all. A direction that a basis gains is judged by what the step makes of it in both bases at once, not by
 * its share of the K-step alone, which sees the gradient through old bases only; so ranks are cut when the step is done.
 */
const everything: Truncation = { tolerance: "off" };

/** Cuts the ranks of all blocks: by the tolerance and limits of each, then by what they may have together. */
function cut(
  blocks: readonly TTN[],
  { truncation, rankBudget }: { readonly truncation: Truncation; readonly rankBudget: number },
): readonly Truncated[] {
  const first = blocks.map((y) => truncate(y, truncation));
  if (rankBudget === Number.POSITIVE_INFINITY) return first;
  const ranks = ranksWithin(
    rankBudget,
    first.map(({ y }) => y),
  );
  return first.map(({ y, discarded }, k) => {
    const second = truncate(y, { tolerance: "off", maxRank: ranks[k]! });
    return { y: second.y, discarded: Math.hypot(discarded, second.discarded) };
  });
}

const ranksOf = ({ blocks }: Weights): TrainingStep["ranks"] =>
  blocks.map((y) => ranks(y).filter((_, id) => id !== rootOf(y.tree)));

/** Checks everything that training is given and fills in the defaults. */
function planOf(model: Model, data: Dataset, options: TrainOptions) {
  const { epochs, rate, integrator = parallelBug(), rule = sgd(), adaptEvery = 1, seed = 0, momentum = 0 } = options;
  const {
    freezeFrom = Number.POSITIVE_INFINITY,
    rankBudget = Number.POSITIVE_INFINITY,
    signal = new AbortController().signal,
  } = options;
  model.check(data);
  const samples = data.inputs.shape[0]!;
  const { batch = Math.min(128, samples) } = options;
  checkCount("epochs", epochs);
  checkCount("batch", batch, samples, "the number of samples");
  checkCount("adaptEvery", adaptEvery);
  if (!(momentum >= 0 && momentum < 1))
    throw new RangeError(`train: momentum is ${momentum}, expected a number from 0 to below 1`);
  if (momentum > 0 && rule.needsGalerkin)
    throw new RangeError(`train: momentum is ${momentum}, but ${rule.name} has a mean of gradients of its own`);
  if (!(freezeFrom >= 0)) throw new RangeError(`train: freezeFrom is ${freezeFrom}, expected zero or more`);
  if (rankBudget !== Number.POSITIVE_INFINITY) checkCount("rankBudget", rankBudget);
  if (typeof integrator?.step !== "function")
    throw new TypeError(`train: integrator is ${JSON.stringify(integrator)}, expected one such as parallelBug()`);
  const { rankAdaptive, descends } = integrator.promises;
  if (!rankAdaptive && options.truncation && options.truncation.tolerance !== "off")
    throw new RangeError(
      `train: ${integrator.name} keeps its ranks and cannot follow the tolerance ${options.truncation.tolerance}`,
    );
  const random: Random = seeded(seed);
  const initial = options.initial ?? model.initial(random);
  if (rankBudget !== Number.POSITIVE_INFINITY) {
    if (!rankAdaptive) throw new RangeError(`train: ${integrator.name} keeps its ranks and cannot follow a rankBudget`);
    ranksWithin(rankBudget, initial.blocks);
  }
  if (rule.needsGalerkin && !descends)
    throw new RangeError(
      `train: ${rule.name} needs a method that ends with a Galerkin step in augmented bases (augmentedBug(), parallelBug()), not ${integrator.name}`,
    );
  const truncation: Truncation =
    options.truncation ?? (rankAdaptive ? { tolerance: 0.1, relative: true } : { tolerance: "off" });
  checkTruncation(truncation);
  const rateOf = (epoch: number): number => {
    const h = typeof rate === "function" ? rate(epoch) : rate;
    if (!(h > 0 && h < Number.POSITIVE_INFINITY))
      throw new RangeError(`train: the rate of epoch ${epoch} is ${h}, expected a positive number`);
    return h;
  };
  rateOf(0);
  return {
    integrator,
    rule,
    adaptEvery,
    freezeFrom,
    signal,
    samples,
    batch,
    momentum,
    truncation,
    rankBudget,
    rateOf,
    stepsAnEpoch: Math.floor(samples / batch),
    initial,
    executor: options.executor ?? inline(),
    random,
  };
}

function checkCount(name: string, n: number, most = Number.MAX_SAFE_INTEGER, what = ""): void {
  if (!Number.isSafeInteger(n) || n < 1 || n > most)
    throw new RangeError(`train: ${name} is ${n}, expected a positive integer${what ? ` up to ${what}, ${most}` : ""}`);
}

/** Throws a TypeError when a loss differs from itself: its randomness has to be fixed for a step. */
function checkRepeats(objective: Objective, weights: Weights): void {
  const [first, second] = [objective(weights).loss, objective(weights).loss];
  if (!Object.is(first, second))
    throw new TypeError(
      `train: the loss is ${first}, and ${second} when evaluated again at the same weights; what is random in it has to be drawn in objective(samples), once for a step`,
    );
}
