import * as z from "zod";
import { useBackend } from "../src/index.ts";
import { experiment, runSettings } from "../src/io/index.ts";
import { activation, crossEntropy, dense, lowRank, sequential } from "../src/training/index.ts";
import { wayNames, ways } from "./training/methods.ts";
import { count, dataFor, imageSettings, positive } from "./training/settings.ts";
import { study } from "./training/study.ts";

/** A perceptron with low-rank layers, trained by the integrators: the small problem of the papers, 784-128-128-10. */
export const trainingMlp = experiment({
  name: "training-mlp",
  summary: "a perceptron trained on the manifold of low-rank weights: accuracy, ranks and loss",
  parameters: z.object({
    method: z
      .enum(wayNames)
      .default("parallel")
      .describe(`${wayNames.join(", ")}`),
    ...imageSettings,
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
    adaptEvery: count.default(1).describe("bases and ranks change every so many steps, a positive integer"),
    freezeFrom: z
      .union([z.int().nonnegative(), z.literal("never")])
      .default("never")
      .describe("epoch from which bases and ranks stay, counted from 0, or never"),
    backend: runSettings.backend,
    executor: runSettings.executor,
  }),
  quick: { samples: 1500, epochs: 12, batch: 50, hidden: [64, 32], rank: 16 },
  async run(p, host) {
    useBackend(p.backend);
    const way = ways[p.method]!;
    const integrator = way.integrator();
    const { train, test, classes } = await dataFor(p);
    const [, features] = train.inputs.shape as [number, number];
    const sizes = [features, ...p.hidden];
    const hidden = p.hidden.flatMap((n, k) => [
      way.isDense ? dense(n) : lowRank(n, { rank: Math.min(p.rank, p.maxRank, n, sizes[k]!), gain: p.gain }),
      activation(p.activation),
    ]);
    return study({
      model: sequential(features, [...hidden, dense(classes)], crossEntropy()),
      train,
      test,
      options: {
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
      },
      host,
      title: `${p.data}, ${p.method}, tau = ${p.tau}`,
      ...(way.isDense ? { ranks: { names: p.hidden.map((_, k) => `layer ${k + 1}`), of: () => p.hidden } } : {}),
    });
  },
});
