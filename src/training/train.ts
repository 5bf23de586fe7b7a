import type { Integrator, StepContext, StepFailure, StepSuccess } from "../integrators/integrator.ts";
import { combine } from "../linalg/contract.ts";
import { allFinite, type Tensor } from "../linalg/tensor.ts";
import { scale } from "../ttn/arithmetic.ts";
import { rootOf } from "../ttn/tree.ts";
import { type Truncated, type Truncation, truncate } from "../ttn/truncate.ts";
import { ranks, type TTN } from "../ttn/ttn.ts";
import { coreStep } from "./core-step.ts";
import { samplesOf, shuffled } from "./data.ts";
import { GradientFlow } from "./gradient-flow.ts";
import { ranksWithin } from "./rank-budget.ts";
import { together } from "./together.ts";
import { planOf, type TrainOptions } from "./train-options.ts";
import type { Dataset, Model, Objective, Weights } from "./weights.ts";

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

/** Training that could not go on. `last` is the last good step: finite weights with a finite loss. */
export class TrainingError extends Error {
  override readonly name = "TrainingError";
  readonly last: TrainingStep;

  constructor(why: string, where: { readonly step: number; readonly epoch: number }, last: TrainingStep) {
    super(`training: ${why} in step ${where.step + 1} (epoch ${where.epoch}); a smaller rate may help`);
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

  let good = last;
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
      const fail = (why: string): TrainingError => new TrainingError(why, { step, epoch }, good);
      if (!Number.isFinite(flow.loss)) throw fail(`the loss is ${flow.loss}`);
      good = last;
      const failure = results.find((r): r is StepFailure => !r.ok);
      if (failure)
        throw fail(
          `the local solve at node ${failure.node} of block ${results.indexOf(failure)} gave numbers that are not finite`,
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
      if (bad >= 0) throw fail(`passenger ${bad} has numbers that are not finite`);
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

/** Throws a TypeError when a loss differs from itself: its randomness has to be fixed for a step. */
function checkRepeats(objective: Objective, weights: Weights): void {
  const [first, second] = [objective(weights).loss, objective(weights).loss];
  if (!Object.is(first, second))
    throw new TypeError(
      `train: the loss is ${first}, and ${second} when evaluated again at the same weights; what is random in it has to be drawn in objective(samples), once for a step`,
    );
}
