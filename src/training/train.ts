import { solved } from "../integrators/schedule.ts";
import { rootOf } from "../ttn/tree.ts";
import { ranks } from "../ttn/ttn.ts";
import { samplesOf, shuffled } from "./data.ts";
import { Descent } from "./descent.ts";
import { planOf, type TrainOptions } from "./train-options.ts";
import type { Dataset, Model, Weights } from "./weights.ts";

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
  const { batch, random, signal } = plan;
  let samples: Dataset = data;
  const descent = new Descent(plan, (_step, memory) => model.objective(samples, memory), plan.initial);
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
  await plan.executor.start?.();
  yield last;

  let good = last;
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const h = plan.rateOf(epoch);
    const order = shuffled(plan.samples, random);
    for (let k = 0; k < plan.stepsAnEpoch; k++) {
      signal.throwIfAborted();
      const begin = performance.now();
      samples = samplesOf(data, order.subarray(k * batch, (k + 1) * batch));
      const { step } = last;
      const taken = await solved(descent.step(last.weights, h, epoch >= plan.freezeFrom), plan);
      if (Number.isFinite(taken.loss)) good = last;
      if (!taken.ok) throw new TrainingError(taken.why, { step, epoch }, good);
      const { weights, loss, discarded, passes } = taken;
      last = {
        step: step + 1,
        epoch,
        isEpochEnd: k === plan.stepsAnEpoch - 1,
        loss,
        weights,
        ranks: ranksOf(weights),
        discarded,
        passes,
        seconds: (performance.now() - begin) / 1000,
      };
      yield last;
    }
  }
}

/** For each block the ranks of its edges. */
export const ranksOf = ({ blocks }: Weights): TrainingStep["ranks"] =>
  blocks.map((y) => ranks(y).filter((_, id) => id !== rootOf(y.tree)));
