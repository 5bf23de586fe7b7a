import * as z from "zod";
import { useBackend } from "../src/index.ts";
import { ConfigError, experiment, lineChart, type Outcome, runSettings } from "../src/io/index.ts";
import {
  type AttentionCounts,
  activation,
  attention,
  crossEntropy,
  dense,
  embedding,
  groupedCounts,
  type Layer,
  layerNorm,
  oneToken,
  perToken,
  positions,
  residual,
  type Sequential,
  sequential,
  type TrainingMethodName,
  tensorProductAttention,
  tensorProductCounts,
  trainingMethod,
  tuckerAttention,
  tuckerCounts,
} from "../src/training/index.ts";
import { tensorMethodNames } from "./training/methods.ts";
import { recallData, sizesOfRecall } from "./training/recall.ts";
import { count, positive } from "./training/settings.ts";
import { study } from "./training/study.ts";

const kinds = ["tucker", "dense", "tensor-product"] as const;
type Kind = (typeof kinds)[number];
const titles: Readonly<Record<Kind, string>> = {
  tucker: "Tucker attention",
  dense: "multi-head attention",
  "tensor-product": "tensor-product attention",
};

const methodNames = tensorMethodNames.filter((name) => trainingMethod(name).layers !== "dense") as [
  TrainingMethodName,
  ...TrainingMethodName[],
];

/** A small transformer that has to look things up in its sequence, with Tucker attention and, for comparison, with its dense twin. [klein2026tucker] */
export const trainingAttention = experiment({
  name: "training-attention",
  summary: "a transformer with Tucker attention beside its multi-head twin: loss, ranks and parameters of attention",
  parameters: z.object({
    attention: z.enum(kinds).default("tucker").describe(kinds.join(", ")),
    twin: z.boolean().default(true).describe("whether the same transformer is trained with dense attention too"),
    method: z
      .enum(methodNames)
      .default("robust")
      .describe(`how Tucker tensors are trained, ${methodNames.join(", ")}`),
    tokens: z
      .enum(["pairs", "symbols"])
      .default("pairs")
      .describe("pairs (a key with its value is a token) or symbols (each is one)"),
    pairs: count.default(6).describe("pairs of a sequence, a positive integer"),
    keys: count.default(8).describe("keys there are, a positive integer"),
    values: count.default(8).describe("values there are, a positive integer"),
    width: count.default(48).describe("numbers of a token, a positive integer"),
    heads: count.default(4).describe("heads, a positive integer that divides the width"),
    layers: count.default(1).describe("layers of the transformer, a positive integer"),
    hidden: z.int().nonnegative().default(32).describe("units of the perceptron of a layer, an integer, 0 for none"),
    samples: count.default(4000).describe("sequences to learn from, a positive integer"),
    epochs: count.default(12).describe("how often they are gone through, a positive integer"),
    batch: count.default(64).describe("sequences in a step, a positive integer"),
    rate: positive.default(0.008).describe("learning rate, a third of it in the last quarter, a positive number"),
    tau: positive.default(0.02).describe("what truncation may remove, relative to |T|, a positive number"),
    rank: count.default(8).describe("rank to start with, and the largest, a positive integer"),
    headRank: count.default(4).describe("rank of the mode of heads to start with, a positive integer"),
    adaptEvery: count.default(10).describe("bases and ranks change every so many steps, a positive integer"),
    gain: positive.default(1).describe("|T| at the start over the root of the heads, a positive number"),
    seed: z.int().nonnegative().default(0).describe("seed of weights and order, a non-negative integer"),
    backend: runSettings.backend,
    executor: runSettings.executor,
  }),
  quick: {
    pairs: 3,
    keys: 4,
    values: 4,
    width: 16,
    heads: 2,
    hidden: 16,
    rank: 3,
    headRank: 2,
    rate: 0.01,
    samples: 640,
    epochs: 6,
  },
  async run(p, host) {
    useBackend(p.backend);
    if (p.pairs > p.keys) throw new ConfigError(`pairs is ${p.pairs}, there are ${p.keys} keys`);
    if (p.batch > p.samples) throw new ConfigError(`batch is ${p.batch}, more than samples = ${p.samples}`);
    if (p.width % p.heads !== 0)
      throw new ConfigError(`heads is ${p.heads}, expected a divisor of the width ${p.width}`);
    for (const [name, most, what] of [
      ["rank", p.width, "width"],
      ["headRank", Math.min(p.heads, p.rank), "number of heads and rank"],
    ] as const)
      if (p[name] > most) throw new ConfigError(`${name} is ${p[name]}, more than the ${what}, ${most}`);
    const train = recallData(p, p.samples, 2 * p.seed + 1);
    const test = recallData(p, Math.ceil(p.samples / 4), 2 * p.seed + 2);

    const outcomeOf = (kind: Kind, from: number, to: number): Promise<Outcome> => {
      const ruled = p.method === "robust" ? "dense-adam" : "dense";
      const { integrator, rule, adaptsRanks } = trainingMethod(kind === "tucker" ? p.method : ruled);
      return study({
        model: transformer(p, kind),
        train,
        test,
        options: {
          epochs: p.epochs,
          batch: p.batch,
          rate: (epoch) => (epoch < 0.75 * p.epochs ? p.rate : p.rate / 3),
          integrator,
          rule,
          truncation: adaptsRanks ? { tolerance: p.tau, relative: true, maxRank: p.rank } : { tolerance: "off" },
          ...(kind === "tucker" ? { adaptEvery: p.adaptEvery } : {}),
          seed: p.seed,
        },
        host: {
          ...host,
          progress: (share, what) => host.progress(from + share * (to - from), `${titles[kind]}, ${what}`),
        },
        title: `recall, ${titles[kind]}`,
        ranks:
          kind === "tucker"
            ? { names: rankNames(p.layers), of: ({ ranks }) => ranks.flat() }
            : { names: ["all heads"], of: () => [p.width] },
      });
    };

    const hasTwin = p.twin && p.attention !== "dense";
    const own = await outcomeOf(p.attention, 0, hasTwin ? 0.5 : 1);
    if (!hasTwin || own.record.status !== "completed") return withCounts(own, p, p.attention);
    const twin = await outcomeOf("dense", 0.5, 1);
    const [mine, other] = [withCounts(own, p, p.attention), withCounts(twin, p, "dense")];
    const share = (mine.extra["attentionParameters"] as number) / (other.extra["attentionParameters"] as number);
    return {
      ...mine,
      extra: { ...mine.extra, twin: { ...other.extra, status: twin.record.status }, shareOfTwin: share },
      figures: { ...mine.figures, "T2-loss": await sideBySide(own, twin, p.attention) },
    };
  },
});

interface Sizes {
  readonly tokens: "pairs" | "symbols";
  readonly pairs: number;
  readonly keys: number;
  readonly values: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly hidden: number;
  readonly rank: number;
  readonly headRank: number;
  readonly gain: number;
}

/** Normalise, attend, add; with hidden units normalise, a perceptron, add: so many times, then the last token tells the class. */
function transformer(p: Sizes, kind: Kind): Sequential {
  const { tokens, numbers } = sizesOfRecall(p);
  const sizes = { tokens, heads: p.heads, causal: true };
  const attend = (): Layer => {
    if (kind === "tucker") return tuckerAttention({ ...sizes, rank: p.rank, headRank: p.headRank, gain: p.gain });
    return kind === "dense" ? attention(sizes) : tensorProductAttention(sizes);
  };
  const perceptron = () => [layerNorm(), dense(p.hidden), activation("gelu"), dense(p.width)];
  const block = (): Layer[] => [
    residual([perToken(tokens, [layerNorm()]), attend()]),
    ...(p.hidden > 0 ? [residual([perToken(tokens, perceptron())])] : []),
  ];
  const first =
    p.tokens === "pairs"
      ? [perToken(tokens, [dense(p.width)])]
      : [embedding(p.keys + p.values, p.width), positions(tokens)];
  const last = [oneToken(tokens), layerNorm(), dense(p.values)];
  const blocks = Array.from({ length: p.layers }, block).flat();
  return sequential(tokens * numbers, [...first, ...blocks, ...last], crossEntropy());
}

const rankNames = (layers: number): string[] =>
  Array.from({ length: layers }, (_, k) =>
    ["QK", "VO"].flatMap((tensor) => ["heads", "first", "second"].map((mode) => `${tensor} ${k + 1}, ${mode}`)),
  ).flat();

/** The results of a run with the parameters of its attention layers, as they are at the end, and what they keep of a token. */
function withCounts(own: Outcome, { width, heads, layers }: Sizes, kind: Kind) {
  const ranks = own.record.ranks.at(-1) ?? [];
  const sizes = { width, heads, headSize: width / heads };
  const each = Array.from({ length: layers }, (_, k): AttentionCounts => {
    if (kind === "dense") return groupedCounts(sizes);
    if (kind === "tensor-product") return tensorProductCounts({ ...sizes, queryRank: 6, keyRank: 2 });
    const [a, b, c, d, e, f] = ranks.slice(6 * k, 6 * k + 6) as [number, number, number, number, number, number];
    return tuckerCounts({ width, heads, scores: [a, b, c], values: [d, e, f] });
  });
  const total = (of: (counts: AttentionCounts) => number): number => each.reduce((sum, counts) => sum + of(counts), 0);
  const extra: Readonly<Record<string, unknown>> = {
    ...own.extra,
    testLoss: own.record.observables["testLoss"]!.at(-1),
    attentionParameters: total(({ scores, values }) => scores + values),
    cachePerToken: total(({ cache }) => cache),
  };
  return { ...own, extra };
}

/** Loss and accuracy on test data of both. */
const sideBySide = (own: Outcome, twin: Outcome, kind: Kind): Promise<string> => {
  const series = (name: "testLoss" | "accuracy") =>
    [
      [titles[kind], own],
      ["multi-head attention, its twin", twin],
    ].map(([label, of]) => {
      const { record } = of as Outcome;
      return { name: label as string, x: record.times, y: record.observables[name] as number[] };
    });
  return lineChart({
    title: "Recall: loss and accuracy on test data",
    panels: [
      { x: { label: "epoch" }, y: { label: "mean loss", log: true }, series: series("testLoss") },
      { x: { label: "epoch" }, y: { label: "accuracy" }, series: series("accuracy") },
    ],
  });
};
