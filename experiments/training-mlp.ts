import * as z from "zod";
import {
  augmentedBug,
  fixedRankBug,
  type Integrator,
  parallelBug,
  projectorSplitting,
  seeded,
  useBackend,
} from "../src/index.ts";
import { ConfigError, experiment, lineChart, type RunRecord, runSettings } from "../src/io/index.ts";
import {
  accuracy,
  activation,
  adam,
  crossEntropy,
  dense,
  firstSamples,
  lowRank,
  parameterCounts,
  type Rule,
  samplesOf,
  sequential,
  sgd,
  TrainingError,
  type TrainingStep,
  train,
  type Weights,
} from "../src/training/index.ts";
import { imageData, syntheticData } from "./training/data.ts";
import { asOneMatrix } from "./training/one-matrix.ts";

/** How a model is trained: method, rule, and the rate that suits them. */
interface Way {
  readonly integrator: () => Integrator;
  readonly rule: () => Rule;
  readonly rate: number;
  readonly isDense?: boolean;
}

const ways: Readonly<Record<string, Way>> = {
  parallel: { integrator: () => parallelBug(), rule: sgd, rate: 0.2 },
  assembled: {
    integrator: () => parallelBug({ root: "assembled", firstStep: "parallel" }),
    rule: sgd,
    rate: 0.2,
  },
  augmented: { integrator: () => augmentedBug(), rule: sgd, rate: 0.2 },
  "abc-psi": { integrator: () => projectorSplitting({ backward: "augmented-corrected" }), rule: sgd, rate: 0.2 },
  "fixed-rank": { integrator: () => fixedRankBug(), rule: sgd, rate: 0.2 },
  robust: { integrator: () => augmentedBug(), rule: adam, rate: 0.002 },
  dense: { integrator: () => parallelBug(), rule: sgd, rate: 0.1, isDense: true },
  "dense-adam": { integrator: () => parallelBug(), rule: adam, rate: 0.001, isDense: true },
};
const wayNames = Object.keys(ways) as [string, ...string[]];

const count = z.int().positive();
const positive = z.number().positive();

/** A perceptron with low-rank layers, trained by the integrators: the small problem of the papers, 784-128-128-10. */
export const trainingMlp = experiment({
  name: "training-mlp",
  summary: "a perceptron trained on the manifold of low-rank weights: accuracy, ranks and loss",
  parameters: z.object({
    method: z
      .enum(wayNames)
      .default("parallel")
      .describe(`${wayNames.join(", ")}`),
    tau: positive.default(0.1).describe("what truncation may remove, relative to |W|, a positive number"),
    truncation: z
      .enum(["weighted", "paper"])
      .default("paper")
      .describe("paper (each basis cut by tau, as published) or weighted (tau shared by both)"),
    data: z.enum(["mnist", "fashion", "synthetic"]).default("synthetic").describe("mnist, fashion or synthetic"),
    dataFolder: z.string().default("auto").describe("folder of the four IDX files of mnist or fashion, or auto"),
    samples: count.default(10000).describe("samples to learn from, the first of all, a positive integer"),
    epochs: count.default(10).describe("how often they are gone through, a positive integer"),
    batch: count.default(128).describe("samples in a step, a positive integer"),
    rate: z
      .union([positive, z.literal("auto")])
      .default("auto")
      .describe("learning rate, a positive number, or auto (0.2 with SGD, 0.1 for dense, 0.002 and 0.001 with Adam)"),
    momentum: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe("share of the last step's velocity that is kept, a number from 0 to below 1; not with Adam"),
    rankBudget: z
      .union([count, z.literal("none")])
      .default("none")
      .describe("most ranks of all layers together, a positive integer, or none"),
    hidden: z.array(count).default([128, 128]).describe("sizes of the hidden layers, an array of positive integers"),
    activation: z.enum(["relu", "tanh", "gelu"]).default("relu").describe("relu, tanh or gelu"),
    rank: count.default(32).describe("rank to start with, a positive integer (at most what the sizes allow)"),
    minRank: count.default(1).describe("smallest rank kept, a positive integer"),
    maxRank: count.default(64).describe("largest rank, a positive integer"),
    gain: positive.default(0.1).describe("|W| at the start over the root of its rows, a positive number"),
    adaptEvery: count.default(1).describe("bases and ranks change every so many steps, a positive integer"),
    freezeFrom: z
      .union([z.int().nonnegative(), z.literal("never")])
      .default("never")
      .describe("epoch from which bases and ranks stay, counted from 0, or never"),
    seed: z.int().nonnegative().default(0).describe("seed of weights and order, a non-negative integer"),
    backend: runSettings.backend,
  }),
  quick: { samples: 1500, epochs: 12, batch: 50, hidden: [64, 32], rank: 16 },
  async run(p, host) {
    useBackend(p.backend);
    const way = ways[p.method]!;
    const integrator = way.integrator();
    const all = p.data === "synthetic" ? syntheticData(p.samples, p.seed) : await imageData(p.data, p.dataFolder);
    const available = all.train.inputs.shape[0]!;
    if (p.samples > available)
      throw new ConfigError(`samples is ${p.samples}, data = ${p.data} has ${available} to learn from`);
    if (p.batch > p.samples) throw new ConfigError(`batch is ${p.batch}, more than samples = ${p.samples}`);
    if (p.minRank > p.maxRank) throw new ConfigError(`minRank is ${p.minRank}, more than maxRank = ${p.maxRank}`);
    const data = firstSamples(all.train, p.samples);
    const { test } = all;
    const [, features] = data.inputs.shape as [number, number];
    const sizes = [features, ...p.hidden];
    const hidden = p.hidden.flatMap((n, k) => [
      way.isDense ? dense(n) : lowRank(n, { rank: Math.min(p.rank, p.maxRank, n, sizes[k]!), gain: p.gain }),
      activation(p.activation),
    ]);
    const model = sequential(features, [...hidden, dense(all.classes)], crossEntropy());
    /** Share of right answers and loss on the test data. */
    const judge = (weights: Weights): { readonly share: number; readonly loss: number } => {
      const samples = test.inputs.shape[0]!;
      let [right, loss] = [0, 0];
      for (let from = 0; from < samples; from += 1000) {
        const order = Int32Array.from({ length: Math.min(1000, samples - from) }, (_, i) => from + i);
        const part = samplesOf(test, order);
        right += order.length * accuracy(model.predict(weights, part.inputs), part.targets as Int32Array);
        loss += order.length * model.lossOf(weights, part);
      }
      return { share: right / samples, loss: loss / samples };
    };

    const begin = performance.now();
    const rows = {
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
    };
    let epoch: TrainingStep[] = [];
    let last: TrainingStep | null = null;
    const total = (pick: (s: TrainingStep) => number): number => epoch.reduce((sum, s) => sum + pick(s), 0);
    const keep = (step: TrainingStep): void => {
      const discarded = total((s) => Math.hypot(...s.discarded));
      const counts = parameterCounts(step.weights);
      rows.times.push(rows.times.length);
      const { share, loss } = judge(step.weights);
      rows.observables.loss.push(
        epoch.length > 0
          ? total((s) => s.loss!) / epoch.length
          : model.lossOf(step.weights, firstSamples(data, Math.min(1000, p.samples))),
      );
      rows.observables.testLoss.push(loss);
      rows.observables.accuracy.push(share);
      rows.observables.weights.push(counts.inference);
      rows.observables.compression.push(counts.compression);
      rows.ranks.push(step.ranks.length > 0 ? step.ranks.map((r) => Math.max(...r)) : sizes.slice(1));
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
    const stepsAnEpoch = Math.floor(p.samples / p.batch);
    try {
      const steps = train(model, data, {
        epochs: p.epochs,
        batch: p.batch,
        rate: p.rate === "auto" ? way.rate : p.rate,
        integrator,
        rule: way.rule(),
        truncation: integrator.promises.rankAdaptive
          ? { tolerance: p.tau, relative: true, method: p.truncation, minRank: p.minRank, maxRank: p.maxRank }
          : { tolerance: "off" },
        adaptEvery: p.adaptEvery,
        momentum: p.momentum,
        ...(p.rankBudget === "none" ? {} : { rankBudget: p.rankBudget }),
        ...(p.freezeFrom === "never" ? {} : { freezeFrom: p.freezeFrom }),
        seed: p.seed,
        signal: host.signal,
      });
      for await (const step of steps) {
        last = step;
        if (step.step > 0) epoch.push(step);
        host.progress(step.step / (stepsAnEpoch * p.epochs), `epoch ${step.epoch + 1} of ${p.epochs}`);
        if (step.isEpochEnd) keep(step);
      }
    } catch (error) {
      if (last === null || (!host.signal.aborted && !(error instanceof TrainingError))) throw error;
      if (error instanceof TrainingError) last = error.last;
      outcome = host.signal.aborted
        ? { status: "interrupted", message: `interrupted after step ${last.step}` }
        : { status: "failed", message: (error as Error).message };
    }
    const weights = last?.weights ?? model.initial(seeded(p.seed));
    const seconds = (performance.now() - begin) / 1000;
    const counts = parameterCounts(weights);
    const done = rows.stepSeconds.slice(1);
    const record: RunRecord = { ...outcome, ...rows, seconds, state: asOneMatrix(weights) };
    const layers = rows.ranks[0]!.map((_, k) => `layer ${k + 1}`);
    const { loss, testLoss, accuracy: shares } = rows.observables;
    return {
      record,
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
          title: `Ranks, ${p.data}, ${p.method}, tau = ${p.tau}`,
          x: { label: "epoch" },
          y: { label: "rank" },
          series: layers.map((name, k) => ({ name, x: rows.times, y: rows.ranks.map((r) => r[k]!) })),
        }),
        "T2-loss": await lineChart({
          title: `Training, ${p.data}, ${p.method}, tau = ${p.tau}`,
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
  },
});
