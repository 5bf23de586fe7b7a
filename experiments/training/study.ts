import { seeded, type Tensor, type TTN } from "../../src/index.ts";
import { type Host, lineChart, type Outcome, type RunRecord } from "../../src/io/index.ts";
import {
  accuracy,
  type Dataset,
  firstSamples,
  type Model,
  type ParameterCounts,
  parameterCounts,
  samplesOf,
  TrainingError,
  type TrainingStep,
  type TrainOptions,
  train,
  type Weights,
} from "../../src/training/index.ts";
import { asOneMatrix } from "./one-matrix.ts";

/** A model that can be judged: outputs and the mean loss, without derivatives. */
export interface Judged extends Model {
  scores(weights: Weights, data: Dataset): { readonly outputs: Tensor; readonly loss: number };
}

export interface Study {
  readonly model: Judged;
  /** Samples to learn from, and others to judge by. */
  readonly train: Dataset;
  readonly test: Dataset;
  readonly options: TrainOptions & { readonly batch: number };
  readonly host: Host;
  /** What the figures are about: data, method, tolerance. */
  readonly title: string;
  /** The ranks that are told of a step, with names if they are not `layer 1`, ... Default: the largest rank of each block. */
  readonly ranks?: { readonly names?: readonly string[]; of(step: TrainingStep): readonly number[] };
  /** How weights are counted. Default: `parameterCounts`. */
  readonly counts?: (weights: Weights) => ParameterCounts;
  /** The weights as one state, for `result.npz`. Default: one block-diagonal matrix. */
  readonly state?: (weights: Weights) => TTN;
}

/** Share of right answers and mean loss over a data set, in parts that fit a cache. */
export function judge(
  model: Judged,
  weights: Weights,
  data: Dataset,
): { readonly share: number; readonly loss: number } {
  const samples = data.inputs.shape[0]!;
  const part = 200;
  let [right, loss] = [0, 0];
  for (let from = 0; from < samples; from += part) {
    const order = Int32Array.from({ length: Math.min(part, samples - from) }, (_, i) => from + i);
    const judged = samplesOf(data, order);
    const found = model.scores(weights, judged);
    right += order.length * accuracy(found.outputs, judged.targets as Int32Array);
    loss += order.length * found.loss;
  }
  return { share: right / samples, loss: loss / samples };
}

/**
 * Trains a model and tells of it, epoch by epoch: loss, accuracy on test data, ranks, weights, passes and seconds, with figures of ranks (T1) and
 * loss (T2). A run that is interrupted or diverges ends with its last good weights.
 */
export async function study({ model, train: data, test, options, host, title, ...more }: Study): Promise<Outcome> {
  const { epochs, batch, seed = 0 } = options;
  const begin = performance.now();
  const stepsAnEpoch = Math.floor(data.inputs.shape[0]! / batch);
  const rows = noRows();
  const { loss, testLoss, accuracy: shares, weights: sizes, compression } = rows.observables;
  let epoch: TrainingStep[] = [];
  let last: TrainingStep | null = null;
  const total = (pick: (s: TrainingStep) => number): number => epoch.reduce((sum, s) => sum + pick(s), 0);
  const ranksOf = more.ranks?.of ?? largestRanks;
  const countsOf = more.counts ?? parameterCounts;

  const keep = (step: TrainingStep): void => {
    const discarded = total((s) => Math.hypot(...s.discarded));
    const counts = countsOf(step.weights);
    const judged = judge(model, step.weights, test);
    rows.times.push(rows.times.length);
    loss.push(
      epoch.length > 0
        ? total((s) => s.loss!) / epoch.length
        : judge(model, step.weights, firstSamples(data, Math.min(1000, data.inputs.shape[0]!))).loss,
    );
    testLoss.push(judged.loss);
    shares.push(judged.share);
    sizes.push(counts.inference);
    compression.push(counts.compression);
    rows.ranks.push(ranksOf(step));
    rows.discarded.push(discarded);
    rows.errors.modelling.push(0);
    rows.errors.integration.push(null);
    rows.errors.solver.push(0);
    rows.errors.truncation.push(discarded);
    rows.rejected.push(0);
    rows.applications.push(total((s) => s.passes));
    rows.stepSeconds.push(total((s) => s.seconds));
    epoch = [];
  };

  let outcome: Pick<RunRecord, "status" | "message"> = { status: "completed" };
  try {
    for await (const step of train(model, data, { ...options, signal: host.signal, executor: host.executor })) {
      last = step;
      if (step.step > 0) epoch.push(step);
      host.progress(step.step / (stepsAnEpoch * epochs), `epoch ${step.epoch + 1} of ${epochs}`);
      if (step.isEpochEnd) keep(step);
    }
  } catch (error) {
    if (last === null || (!host.signal.aborted && !(error instanceof TrainingError))) throw error;
    if (error instanceof TrainingError) last = error.last;
    outcome = host.signal.aborted
      ? { status: "interrupted", message: `interrupted after step ${last.step}` }
      : { status: "failed", message: (error as Error).message };
  }

  const weights = last?.weights ?? model.initial(seeded(seed));
  const seconds = (performance.now() - begin) / 1000;
  const counts = countsOf(weights);
  const done = rows.stepSeconds.slice(1);
  const names = more.ranks?.names ?? rows.ranks[0]!.map((_, k) => `layer ${k + 1}`);
  return {
    record: { ...outcome, ...rows, seconds, state: (more.state ?? asOneMatrix)(weights) },
    extra: {
      accuracy: shares.at(-1)!,
      bestAccuracy: Math.max(...shares),
      weights: counts.inference,
      compression: counts.compression,
      parameterCounts: counts,
      ranks: rows.ranks.at(-1)!,
      ranksOfEpochs: rows.ranks,
      secondsPerEpoch: done.reduce((a, b) => a + b, 0) / Math.max(1, done.length),
      passesPerStep: rows.applications.slice(1).map((n) => n / stepsAnEpoch),
    },
    figures: {
      "T1-ranks": await lineChart({
        title: `Ranks, ${title}`,
        x: { label: "epoch" },
        y: { label: "rank" },
        series: names.map((name, k) => ({ name, x: rows.times, y: rows.ranks.map((r) => r[k]!) })),
      }),
      "T2-loss": await lineChart({
        title: `Training, ${title}`,
        panels: [
          {
            x: { label: "epoch" },
            y: { label: "mean loss", log: true },
            series: [
              { name: "training data, over the epoch", x: rows.times, y: loss },
              { name: "test data, at its end", x: rows.times, y: testLoss },
            ],
          },
          {
            x: { label: "epoch" },
            y: { label: "accuracy on test data" },
            series: [{ name: "test data, at its end", x: rows.times, y: shares }],
          },
        ],
      }),
    },
  };
}

const largestRanks = (step: TrainingStep): readonly number[] => step.ranks.map((r) => Math.max(...r));

/** The columns of a run's table, a row for each epoch and one for the start. */
const noRows = () => ({
  times: [] as number[],
  observables: {
    loss: [] as number[],
    testLoss: [] as number[],
    accuracy: [] as number[],
    weights: [] as number[],
    compression: [] as number[],
  },
  ranks: [] as (readonly number[])[],
  discarded: [] as number[],
  errors: {
    modelling: [] as number[],
    integration: [] as null[],
    solver: [] as number[],
    truncation: [] as number[],
  },
  rejected: [] as number[],
  applications: [] as number[],
  stepSeconds: [] as number[],
});
