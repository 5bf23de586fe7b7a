import { describe, expect, test } from "vitest";
import {
  attention,
  type GroupedWeights,
  groupedCounts,
  latentCounts,
  meanSquaredError,
  sequential,
  tensorProductCounts,
  tuckerAttention,
  tuckerCounts,
  tuckerOfAttention,
  tuckerOfLatentAttention,
} from "../../src/training/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { ranks, storage, type TTN } from "../../src/ttn/ttn.ts";
import { combine, matmul, norm, randomTensor, seeded, type Tensor } from "./tools.ts";

const [heads, d, width, tokens] = [4, 3, 13, 5];
const random = seeded(11);
const of = (...shape: number[]): Tensor => randomTensor(random, shape);

/** Rows of a matrix that belong to one of several heads. */
const rowsOf = (a: Tensor, first: number): Tensor => ({
  ...a,
  shape: [d, a.shape[1]!],
  data: a.data.slice(first * d * a.shape[1]!, (first + 1) * d * a.shape[1]!),
});
const columnsOf = (a: Tensor, first: number): Tensor => {
  const all = a.shape[1]!;
  return { ...a, shape: [a.shape[0]!, d], data: a.data.filter((_, p) => Math.floor((p % all) / d) === first) };
};

/** The largest relative difference of a slice T[h] from what it should be. */
const largestError = (t: TTN, wanted: (h: number) => Tensor): number => {
  const full = toDense(t);
  return Math.max(
    ...Array.from({ length: heads }, (_, h) => {
      const slice = { ...full, shape: [width, width], data: full.data.slice(h * width ** 2, (h + 1) * width ** 2) };
      return (
        norm(
          combine([
            [1, slice],
            [-1, wanted(h)],
          ]),
        ) / norm(wanted(h))
      );
    }),
  );
};

const grouped = (keyHeads: number): GroupedWeights => ({
  heads,
  keyHeads,
  query: of(heads * d, width),
  key: of(keyHeads * d, width),
  value: of(keyHeads * d, width),
  output: of(width, heads * d),
});

describe.each([
  ["multi-head", 4],
  ["grouped-query", 2],
  ["multi-query", 1],
] as const)("%s attention as Tucker attention", (_, keyHeads) => {
  const w = grouped(keyHeads);
  const { scores, values } = tuckerOfAttention(w);
  const groupOf = (h: number): number => Math.floor(h / (heads / keyHeads));

  test("has its products of weights, at the ranks heads, heads d, keyHeads d", () => {
    expect(largestError(scores, (h) => matmul(rowsOf(w.query, h), rowsOf(w.key, groupOf(h)), "T"))).toBeLessThan(1e-12);
    expect(
      largestError(values, (h) => matmul(rowsOf(w.value, groupOf(h)), columnsOf(w.output, h), "T", "T")),
    ).toBeLessThan(1e-12);
    expect(ranks(scores)).toEqual([heads, heads * d, keyHeads * d, 1]);
    expect(ranks(values)).toEqual([heads, keyHeads * d, heads * d, 1]);
  });

  test("takes as many parameters as are counted", () => {
    const counts = tuckerCounts({
      width,
      heads,
      scores: [heads, heads * d, keyHeads * d],
      values: [heads, keyHeads * d, heads * d],
    });
    expect([storage(scores), storage(values)]).toEqual([counts.scores, counts.values]);
    const own = groupedCounts({ width, heads, headSize: d, keyHeads });
    expect(own.scores + own.values).toBe([w.query, w.key, w.value, w.output].reduce((s, a) => s + a.data.length, 0));
    expect(counts.cache).toBe(own.cache);
  });

  test.each([false, true])("gives the same outputs (causal: %s)", (causal) => {
    const options = { tokens, heads, headSize: d, causal };
    const [own, tucker] = [attention({ ...options, keyHeads }), tuckerAttention(options)].map((layer) =>
      sequential(tokens * width, [layer], meanSquaredError()),
    );
    const x = of(3, tokens * width);
    const wanted = own!.predict({ blocks: [], passengers: [w.query, w.key, w.value, w.output] }, x);
    const found = tucker!.predict({ blocks: [scores, values], passengers: [] }, x);
    expect(
      norm(
        combine([
          [1, found],
          [-1, wanted],
        ]),
      ) / norm(wanted),
    ).toBeLessThan(1e-12);
  });
});

test("heads that together are wider than a token: ranks end at its width", () => {
  const wide = { heads: 8, query: of(24, width), key: of(24, width), value: of(24, width), output: of(width, 24) };
  const { scores, values } = tuckerOfAttention(wide);
  expect([ranks(scores), ranks(values)]).toEqual([
    [8, width, width, 1],
    [8, width, width, 1],
  ]);
});

describe("latent attention as Tucker attention", () => {
  const [dq, dc] = [5, 4];
  const w = {
    heads,
    queryDown: of(dq, width),
    queryUp: of(heads * d, dq),
    keyDown: of(dc, width),
    keyUp: of(heads * d, dc),
    valueUp: of(heads * d, dc),
    output: of(width, heads * d),
  };
  const { scores, values } = tuckerOfLatentAttention(w);

  test("has its products of weights, at the ranks heads, d_q, d_c and heads, d_c, heads d", () => {
    const [query, key, value] = [
      matmul(w.queryUp, w.queryDown),
      matmul(w.keyUp, w.keyDown),
      matmul(w.valueUp, w.keyDown),
    ] as const;
    expect(largestError(scores, (h) => matmul(rowsOf(query, h), rowsOf(key, h), "T"))).toBeLessThan(1e-12);
    expect(largestError(values, (h) => matmul(rowsOf(value, h), columnsOf(w.output, h), "T", "T"))).toBeLessThan(1e-12);
    expect(ranks(scores)).toEqual([heads, dq, dc, 1]);
    expect(ranks(values)).toEqual([heads, dc, heads * d, 1]);
  });

  test("takes as many parameters as are counted, and keeps d_c numbers of a token: keys and values have one basis", () => {
    const { heads: _, ...matrices } = w;
    const counts = latentCounts({ width, heads, headSize: d, queryRank: dq, keyRank: dc });
    expect(counts.scores + counts.values).toBe(Object.values(matrices).reduce((s, a) => s + a.data.length, 0));
    expect(counts.cache).toBe(dc);
    const [r, p] = [scores.tensors[2]!, values.tensors[1]!];
    const left = combine([
      [1, r],
      [-1, matmul(p, matmul(p, r, "T", "N"))],
    ]);
    expect(norm(left)).toBeLessThan(1e-13);
  });
});

test("counts of the published examples", () => {
  const gpt = { width: 768, heads: 12, headSize: 64 };
  expect(groupedCounts(gpt)).toEqual({ scores: 1_179_648, values: 1_179_648, cache: 1536 });
  expect(tuckerCounts({ ...gpt, scores: [8, 64, 64], values: [8, 64, 64] })).toEqual({
    scores: 131_168,
    values: 131_168,
    cache: 128,
  });
  const t6 = { width: 768, heads: 34, headSize: 64 };
  expect(tensorProductCounts({ ...t6, queryRank: 6, keyRank: 2 }).cache).toBe(392);
  expect(groupedCounts(t6).cache).toBe(4352);
});

test("weights that do not fit are refused", () => {
  const w = grouped(2);
  expect(() => tuckerOfAttention({ ...w, keyHeads: 3 })).toThrow("heads is 4, expected a multiple of keyHeads, 3");
  expect(() => tuckerOfAttention({ ...w, heads: 5 })).toThrow("heads is 5, expected a multiple of keyHeads, 2");
  expect(() => tuckerOfAttention({ ...w, keyHeads: 4 })).toThrow("tuckerOfAttention: key is 6x13, expected 12x13");
  expect(() => tuckerOfAttention({ ...w, query: of(11, width) })).toThrow(
    "query is 11x13, expected a matrix with a multiple of the 4 heads as rows",
  );
  expect(() => tuckerOfAttention({ ...w, output: of(12, width) })).toThrow("output is 12x13, expected 13x12");
  expect(() => groupedCounts({ width, heads: 0, headSize: d })).toThrow("groupedCounts: heads is 0");
});
