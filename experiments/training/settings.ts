import * as z from "zod";
import { ConfigError } from "../../src/io/index.ts";
import { firstSamples, type TrainingMethodName, trainingMethod } from "../../src/training/index.ts";
import { imageData, syntheticData, type TrainingData } from "./data.ts";

export const count = z.int().positive();
export const positive = z.number().positive();

/** Settings that every experiment on images has, with the defaults of the small problem of the papers. */
export const imageSettings = {
  tau: positive.default(0.1).describe("what truncation may remove, relative to |W|, a positive number"),
  truncation: z
    .enum(["weighted", "paper"])
    .default("paper")
    .describe("paper (each basis cut by tau, as published) or weighted (tau shared by all)"),
  data: z.enum(["mnist", "fashion", "synthetic"]).default("synthetic").describe("mnist, fashion or synthetic"),
  dataFolder: z.string().default("auto").describe("folder of the four IDX files of mnist or fashion, or auto"),
  samples: count.default(10000).describe("samples to learn from, the first of all, a positive integer"),
  epochs: count.default(10).describe("how often they are gone through, a positive integer"),
  batch: count.default(128).describe("samples in a step, a positive integer"),
  rank: count.default(32).describe("rank to start with, a positive integer (at most what the sizes allow)"),
  minRank: count.default(1).describe("smallest rank kept, a positive integer"),
  maxRank: z
    .union([count, z.literal("auto")])
    .default("auto")
    .describe("largest rank, a positive integer, or auto (64, or what the sizes allow)"),
  gain: positive.default(0.1).describe("|W| at the start over the root of its rows, a positive number"),
  seed: z.int().nonnegative().default(0).describe("seed of weights and order, a non-negative integer"),
} as const;

/** The values of `imageSettings` that decide what is learnt from. */
export type ImageSettings = Pick<
  z.infer<z.ZodObject<typeof imageSettings>>,
  "data" | "dataFolder" | "samples" | "batch" | "minRank" | "maxRank" | "seed"
>;

/**
 * The largest rank of layers with room for `room`. Throws a ConfigError where it was chosen and no layer has that much room, or the method, of
 * dense layers, no ranks to limit.
 */
export function rankCap(
  { method, maxRank }: Pick<ImageSettings, "maxRank"> & { readonly method: TrainingMethodName },
  room: number,
): number {
  if (maxRank === "auto") return Math.min(64, room);
  if (trainingMethod(method).layers === "dense")
    throw new ConfigError(`maxRank is ${maxRank}, but method = ${method} does not take it`);
  if (maxRank > room) throw new ConfigError(`maxRank is ${maxRank}, the largest rank that a layer can have is ${room}`);
  return maxRank;
}

/** The data that settings name, as many samples as they ask for. Throws a ConfigError where settings contradict each other or the data. `synthetic` makes data = synthetic. */
export async function dataFor(p: ImageSettings, synthetic = syntheticData): Promise<TrainingData> {
  const all = p.data === "synthetic" ? synthetic(p.samples, p.seed) : await imageData(p.data, p.dataFolder);
  const available = all.train.inputs.shape[0]!;
  if (p.samples > available)
    throw new ConfigError(`samples is ${p.samples}, data = ${p.data} has ${available} to learn from`);
  if (p.batch > p.samples) throw new ConfigError(`batch is ${p.batch}, more than samples = ${p.samples}`);
  if (p.maxRank !== "auto" && p.minRank > p.maxRank)
    throw new ConfigError(`minRank is ${p.minRank}, more than maxRank = ${p.maxRank}`);
  return { ...all, train: firstSamples(all.train, p.samples) };
}
