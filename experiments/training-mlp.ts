import * as z from "zod";
import { factorsOf, useBackend } from "../src/index.ts";
import { ConfigError, experiment, runSettings } from "../src/io/index.ts";
import {
  crossEntropy,
  dense,
  parameterCounts,
  prunedWeights,
  ranksOf,
  ruleNames,
  sequential,
  trainingMethod,
  trainingMethodNames,
  trainingRule,
  type Weights,
} from "../src/training/index.ts";
import { hiddenLayers } from "./training/hidden-layers.ts";
import { settingsOf } from "./training/methods.ts";
import { count, dataFor, imageSettings, positive, rankCap } from "./training/settings.ts";
import { study } from "./training/study.ts";

/** A perceptron with low-rank layers, trained by the integrators: the small problem of the papers, 784-128-128-10. */
export const trainingMlp = experiment({
  name: "training-mlp",
  summary: "a perceptron trained on the manifold of low-rank weights: accuracy, ranks and loss",
  parameters: z.object({
    method: z
      .enum(trainingMethodNames)
      .default("parallel")
      .describe(`${trainingMethodNames.join(", ")}`),
    rule: z
      .enum(["auto", ...ruleNames])
      .default("auto")
      .describe(`how weights follow gradients, ${ruleNames.join(", ")}, or auto (the method's)`),
    condition: z
      .union([z.number().min(1), z.literal("auto")])
      .default("auto")
      .describe("bound on the condition of cores, a number from 1, or auto (1.5 with condlr, none with robust)"),
    beta: z
      .union([positive, z.literal("none")])
      .default("none")
      .describe("strength of the penalty on the condition of cores with robust, a positive number, or none"),
    every: z
      .union([count, z.literal("auto")])
      .default("auto")
      .describe("steps from cut to cut (trp), from projection to projection (galore), a positive integer, or auto"),
    nuclear: z.number().min(0).default(0).describe("strength of the nuclear norm with trp, zero or a positive number"),
    base: z
      .enum(["auto", "none", "dense", "int8", "int4", "nf4"])
      .default("auto")
      .describe(
        "a frozen random matrix that weights are added to: none, dense, int8, int4, nf4, or auto (dense with lora)",
      ),
    ...imageSettings,
    rate: z
      .union([positive, z.literal("auto")])
      .default("auto")
      .describe("learning rate, a positive number, or auto (the method's)"),
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
    hidden: z
      .array(count)
      .min(1)
      .default([128, 128])
      .describe("sizes of the hidden layers, an array of positive integers"),
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
    const { train, test, classes } = await dataFor(p);
    const [samples, features] = train.inputs.shape as [number, number];
    const method = trainingMethod(p.method, settingsOf(p, Math.floor(samples / p.batch)));
    if (p.rule !== "auto" && (p.method === "trp" || p.method === "galore"))
      throw new ConfigError(`rule is ${p.rule}, but method = ${p.method} is a rule itself`);
    const rule = p.rule === "auto" ? method.rule : trainingRule(p.rule);
    const sizes = [features, ...p.hidden];
    const base = p.base === "auto" ? (method.layers === "adapter" ? "dense" : "none") : p.base;
    const maxRank = rankCap(p, Math.max(...p.hidden.map((n, k) => Math.min(n, sizes[k]!))));
    const hidden = hiddenLayers({ ...p, layers: method.layers, sizes, rank: Math.min(p.rank, maxRank), base });
    const model = sequential(features, [...hidden, dense(classes)], crossEntropy());
    const isPruned = p.method === "trp";
    const given = p.hidden.map((n, k) => Math.min(p.rank, maxRank, n, sizes[k]!));
    const ranks = (weights: Weights): readonly number[] => {
      if (method.layers === "factors" || method.layers === "adapter") return given;
      if (weights.blocks.length > 0) return ranksOf(weights).map((r) => Math.max(...r));
      return isPruned ? prunedRanks(weights).slice(0, -1) : p.hidden;
    };
    return study({
      model,
      train,
      test,
      options: {
        epochs: p.epochs,
        batch: p.batch,
        rate: p.rate === "auto" ? method.rate : p.rate,
        integrator: method.integrator,
        rule,
        ...(method.projection ? { projection: method.projection } : {}),
        ...(method.penalty ? { penalty: method.penalty } : {}),
        truncation: method.adaptsRanks
          ? { tolerance: p.tau, relative: true, method: p.truncation, minRank: p.minRank, maxRank }
          : { tolerance: "off" },
        adaptEvery: p.adaptEvery,
        momentum: p.momentum,
        ...(p.rankBudget === "none" ? {} : { rankBudget: p.rankBudget }),
        ...(p.freezeFrom === "never" ? {} : { freezeFrom: p.freezeFrom }),
        seed: p.seed,
      },
      host,
      title: `${p.data}, ${p.method}, tau = ${p.tau}`,
      ranks: { of: ({ weights }) => ranks(weights) },
      counts: (weights) => parameterCounts(isPruned ? prunedWeights(weights) : weights, model.spared),
    });
  },
});

/** The ranks of all dense matrices after pruning. */
const prunedRanks = ({ passengers }: Weights): readonly number[] =>
  passengers
    .filter(({ shape }) => shape.length === 2)
    .map((w) => {
      const [y] = prunedWeights({ blocks: [], passengers: [w] }).blocks;
      return y ? factorsOf(y).u.shape[1]! : Math.min(...w.shape);
    });
