import * as z from "zod";
import { useBackend } from "../src/index.ts";
import { ConfigError, experiment, runSettings } from "../src/io/index.ts";
import {
  activation,
  convolution,
  crossEntropy,
  dense,
  lowRank,
  maxPool,
  sequential,
  trainingMethod,
} from "../src/training/index.ts";
import { syntheticImages } from "./training/data.ts";
import { tensorMethodNames } from "./training/methods.ts";
import { dataFor, imageSettings, positive, rankCap } from "./training/settings.ts";
import { study } from "./training/study.ts";

const kernel = 5;
const edges = ["filters", "rows", "columns", "channels"].map((mode) => `kernel, ${mode}`);

/**
 * A small LeNet: convolution 8 of 5x5, pooling, convolution 16 of 5x5 as a Tucker tensor, pooling, a low-rank layer of 64 and a dense one.
 * Trained as a product of a Tucker manifold and one of matrices. [zangrando2023tucker]
 */
export const trainingLenet = experiment({
  name: "training-lenet",
  summary: "a small LeNet with a Tucker kernel, trained on its manifold without forming the kernel",
  parameters: z.object({
    method: z
      .enum(tensorMethodNames)
      .default("parallel")
      .describe(`${tensorMethodNames.join(", ")}`),
    ...imageSettings,
    truncation: z
      .enum(["weighted", "paper"])
      .default("weighted")
      .describe("weighted (tau shared by all bases, as published for Tucker tensors) or paper (each basis cut by tau)"),
    tau: positive.default(0.2).describe("what truncation may remove, relative to |W|, a positive number"),
    gain: positive.default(0.2).describe("|W| at the start over the root of its rows, a positive number"),
    epochs: z.int().positive().default(4).describe("how often the samples are gone through, a positive integer"),
    batch: z.int().positive().default(64).describe("samples in a step, a positive integer"),
    rate: z
      .union([positive, z.literal("auto")])
      .default("auto")
      .describe("learning rate, a positive number, or auto (0.1 with SGD, 0.002 and 0.001 with Adam)"),
    backend: runSettings.backend,
    executor: runSettings.executor,
  }),
  quick: { samples: 600, epochs: 6, batch: 20, rank: 6 },
  async run(p, host) {
    useBackend(p.backend);
    const { integrator, rule, rate, layers } = trainingMethod(p.method);
    const { train, test, classes } = await dataFor(p, syntheticImages);
    const [, pixels] = train.inputs.shape as [number, number];
    const side = Math.sqrt(pixels);
    if (!Number.isInteger(side) || side < 16)
      throw new ConfigError(`data = ${p.data} has rows of ${pixels} numbers, expected square images of 16x16 or more`);
    const square = (n: number, channels: number) => ({ height: n, width: n, channels });
    const first = side - kernel + 1;
    const second = Math.floor(first / 2) - kernel + 1;
    const features = Math.floor(second / 2) ** 2 * 16;
    const { gain } = p;
    const maxRank = rankCap(p, Math.max(16, Math.min(64, features)));
    const limit = (most: number): number => Math.min(p.rank, maxRank, most);
    const isDense = layers === "dense";
    const model = sequential(
      pixels,
      [
        convolution({ ...square(side, 1), filters: 8, kernel, format: "dense" }),
        activation("relu"),
        maxPool(square(first, 8)),
        isDense
          ? convolution({ ...square(Math.floor(first / 2), 8), filters: 16, kernel, format: "dense" })
          : convolution({
              ...square(Math.floor(first / 2), 8),
              filters: 16,
              kernel,
              format: "tucker",
              rank: limit(16),
              gain,
            }),
        activation("relu"),
        maxPool(square(second, 16)),
        isDense ? dense(64) : lowRank(64, { rank: limit(Math.min(64, features)), gain }),
        activation("relu"),
        dense(classes),
      ],
      crossEntropy(),
    );
    return study({
      model,
      train,
      test,
      options: {
        epochs: p.epochs,
        batch: p.batch,
        rate: p.rate === "auto" ? (rule.name === "SGD" ? 0.1 : rate) : p.rate,
        integrator,
        rule,
        truncation: integrator.promises.rankAdaptive
          ? {
              tolerance: p.tau,
              relative: true,
              method: p.truncation,
              minRank: p.minRank,
              maxRank,
            }
          : { tolerance: "off" },
        seed: p.seed,
      },
      host,
      title: `small LeNet, ${p.data}, ${p.method}, tau = ${p.tau}`,
      ranks: isDense
        ? { names: ["kernel", "layer"], of: () => [16, 64] }
        : { names: [...edges, "layer"], of: ({ ranks: [tucker, matrix] }) => [...tucker!, Math.max(...matrix!)] },
    });
  },
});
