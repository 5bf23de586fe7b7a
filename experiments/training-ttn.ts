import * as z from "zod";
import { parallelBug, type Tensor, type Tree, tensor, useBackend } from "../src/index.ts";
import { ConfigError, experiment, runSettings } from "../src/io/index.ts";
import {
  activation,
  crossEntropy,
  dense,
  halved,
  imageTrain,
  imageTree,
  sequential,
  sgd,
  type TrainingStep,
  treeClassifier,
} from "../src/training/index.ts";
import { syntheticImages } from "./training/data.ts";
import { count, dataFor, imageSettings, positive } from "./training/settings.ts";
import { study } from "./training/study.ts";

const trees: Readonly<Record<string, (height: number, width: number) => Tree>> = {
  binary: imageTree,
  train: imageTrain,
};

/** Images at half their size, classified by a weight that is one tree tensor network with a mode for each pixel. [stoudenmire2016supervised] */
export const trainingTtn = experiment({
  name: "training-ttn",
  summary:
    "a tree tensor network over the pixels of images as a classifier, trained by parallel BUG with ranks that adapt",
  parameters: z.object({
    ...imageSettings,
    tree: z
      .enum(["binary", "train", "logistic", "dense"])
      .default("binary")
      .describe(
        "binary (over neighbouring pixels), train, and to compare with: logistic, dense (a hidden layer of 128)",
      ),
    samples: count.default(20000).describe("samples to learn from, the first of all, a positive integer"),
    epochs: count.default(5).describe("how often they are gone through, a positive integer"),
    batch: count.default(100).describe("samples in a step, a positive integer"),
    rate: z
      .union([positive, z.literal("auto")])
      .default("auto")
      .describe("learning rate of the first epoch, a positive number, or auto (80 for trees, 0.5 for the others)"),
    decay: z
      .number()
      .positive()
      .max(1)
      .default(0.75)
      .describe("what the rate is multiplied by after each epoch, a number above 0, at most 1"),
    tau: positive.default(0.003).describe("what truncation may remove in a step, relative to |W|, a positive number"),
    truncation: z
      .enum(["weighted", "paper"])
      .default("weighted")
      .describe("weighted (tau shared by all edges) or paper (each basis cut by tau)"),
    rank: count.default(4).describe("largest rank to start with, a positive integer"),
    maxRank: count.default(14).describe("largest rank, a positive integer"),
    angle: z
      .number()
      .positive()
      .max(1)
      .default(0.35)
      .describe("angle between the features of black and white over pi / 2, a number above 0, at most 1"),
    gain: positive.default(0.1).describe("|W| at the start, a positive number"),
    backend: runSettings.backend,
    executor: runSettings.executor,
  }),
  quick: { samples: 1500, epochs: 4, batch: 50, maxRank: 8, rate: 20, angle: 0.8, tau: 0.01 },
  async run(p, host) {
    useBackend(p.backend);
    const data = await dataFor(p, syntheticImages);
    const [, pixels] = data.train.inputs.shape as [number, number];
    const side = Math.sqrt(pixels);
    if (!Number.isInteger(side) || side % 2 !== 0)
      throw new ConfigError(`data = ${p.data} has rows of ${pixels} numbers, expected square images of an even side`);
    const unit = unitScale(data.train.inputs);
    const [train, test] = [data.train, data.test].map((d) => ({
      ...d,
      inputs: unit(halved(d.inputs, side, side)),
    })) as [typeof data.train, typeof data.test];
    const n = side / 2;
    const options = {
      epochs: p.epochs,
      batch: p.batch,
      rate: (epoch: number) => (p.rate === "auto" ? (trees[p.tree] ? 80 : 0.5) : p.rate) * p.decay ** epoch,
      rule: sgd(),
      integrator: parallelBug(),
      seed: p.seed,
      truncation: {
        tolerance: p.tau,
        relative: true,
        method: p.truncation,
        minRank: p.minRank,
        maxRank: p.maxRank,
      },
    };
    const common = { train, test, options, host, title: `${p.data}, ${p.tree}, ${n}x${n} pixels` };
    const shapeOf = trees[p.tree];
    if (!shapeOf) {
      const hidden = p.tree === "dense" ? [dense(128), activation("relu")] : [];
      const ranks = { names: ["no ranks"], of: () => [1] };
      return study({ ...common, model: sequential(n * n, [...hidden, dense(data.classes)], crossEntropy()), ranks });
    }
    const { classes } = data;
    const model = treeClassifier(shapeOf(n, n), {
      classes,
      rank: p.rank,
      angle: p.angle,
      gain: p.gain,
      reference: meanOf(train.inputs),
    });
    const isLeaf = model.tree.nodes.map(({ mode }) => mode !== null);
    const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
    const of = ({ ranks }: TrainingStep): readonly number[] => {
      const all = ranks[0]!;
      return [Math.max(...all), mean(all.filter((_, id) => !isLeaf[id])), mean(all.filter((_, id) => isLeaf[id]))];
    };
    return study({
      ...common,
      model,
      ranks: { names: ["largest", "mean of inner edges", "mean of pixels' edges"], of },
      state: ({ blocks }) => blocks[0]!,
    });
  },
});

/** Takes the smallest number of these images to 0 and the largest to 1, and what lies beyond in others too. */
function unitScale({ data }: Tensor): (images: Tensor) => Tensor {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of data) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  return (images) => ({
    ...images,
    data: images.data.map((v) => Math.min(1, Math.max(0, (v - low) / (high - low || 1)))),
  });
}

function meanOf({ data, shape }: Tensor): Tensor {
  const [samples, pixels] = shape as [number, number];
  const mean = tensor([pixels]);
  data.forEach((v, p) => {
    mean.data[p % pixels]! += v / samples;
  });
  return mean;
}
