import { describe, expect, test } from "vitest";
import { randomTensor, seeded, type Tensor, tensor } from "../../src/linalg/index.ts";
import { tensorProduct } from "../../src/training/attention/tensor-product.ts";
import {
  activation,
  attention,
  crossEntropy,
  dense,
  embedding,
  type Layer,
  layerNorm,
  lowRank,
  meanSquaredError,
  oneToken,
  perToken,
  positions,
  residual,
  sequential,
  Tape,
  tensorProductAttention,
  tensorProductCounts,
  tuckerAttention,
} from "../../src/training/index.ts";
import { checkDerivatives } from "./derivatives.ts";

const [samples, tokens, width] = [2, 3, 4];
const random = seeded(8);
const sequences = {
  inputs: randomTensor(random, [samples, tokens * width]),
  targets: randomTensor(random, [samples, 12]),
};

describe.each([
  ["multi-head attention", attention({ tokens, heads: 2 })],
  ["grouped-query attention, causal", attention({ tokens, heads: 4, headSize: 2, keyHeads: 2, causal: true })],
  [
    "multi-query attention of low-rank maps",
    attention({ tokens, heads: 2, keyHeads: 1, project: (n) => lowRank(n, { rank: 2, gain: 1, bias: false }) }),
  ],
  ["tensor-product attention", tensorProductAttention({ tokens, heads: 2, headSize: 3, queryRank: 3, causal: true })],
  ["Tucker attention", tuckerAttention({ tokens, heads: 3, headSize: 2, headRank: 2, rank: 2, gain: 2 })],
  ["Tucker attention, causal", tuckerAttention({ tokens, heads: 2, rank: 3, gain: 2, causal: true })],
] as const)("derivatives: %s", (_, layer) => {
  checkDerivatives(sequential(tokens * width, [positions(tokens), layer], meanSquaredError()), sequences);
});

describe("derivatives: a transformer", () => {
  const layers = [
    embedding(5, width),
    positions(tokens),
    residual([perToken(tokens, [layerNorm()]), tuckerAttention({ tokens, heads: 2, rank: 2, gain: 1 })]),
    residual([perToken(tokens, [layerNorm(), lowRank(5, { rank: 2, gain: 1 }), activation("gelu"), dense(width)])]),
    oneToken(tokens),
    dense(3),
  ];
  const inputs = tensor([samples, tokens], "float64", Float64Array.of(0, 3, 4, 1, 4, 4));
  checkDerivatives(sequential(tokens, layers, crossEntropy()), { inputs, targets: [2, 0] });
});

/** Entry (i, j) of a matrix, or of one of its blocks of rows. */
const row = (a: Tensor, i: number): Float64Array => a.data.subarray(i * a.shape[1]!, (i + 1) * a.shape[1]!);
const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, v, k) => sum + v * b[k]!, 0);

test.each([
  [false, 4],
  [true, 2],
  [true, 1],
] as const)("attention is what its equations say (causal: %s, key heads: %i)", (causal, keyHeads) => {
  const [heads, d] = [4, 3];
  const model = sequential(
    tokens * width,
    [attention({ tokens, heads, headSize: d, keyHeads, causal })],
    meanSquaredError(),
  );
  const weights = model.initial(seeded(3));
  const [wq, wk, wv, wo] = weights.passengers as readonly [Tensor, Tensor, Tensor, Tensor];
  const found = model.predict(weights, sequences.inputs);
  for (let s = 0; s < samples; s++) {
    const x = Array.from({ length: tokens }, (_, i) =>
      sequences.inputs.data.subarray((s * tokens + i) * width, (s * tokens + i + 1) * width),
    );
    const mapped = (w: Tensor, first: number, v: Float64Array): Float64Array =>
      Float64Array.from({ length: d }, (_, c) => dot(row(w, first * d + c), v));
    for (let i = 0; i < tokens; i++) {
      const together = new Float64Array(heads * d);
      for (let h = 0; h < heads; h++) {
        const g = Math.floor(h / (heads / keyHeads));
        const seen = x.slice(0, causal ? i + 1 : tokens);
        const weight = seen.map((v) => Math.exp(dot(mapped(wq, h, x[i]!), mapped(wk, g, v)) / Math.sqrt(d)));
        const total = weight.reduce((a, b) => a + b);
        seen.forEach((v, j) => {
          mapped(wv, g, v).forEach((value, c) => {
            together[h * d + c]! += (weight[j]! / total) * value;
          });
        });
      }
      for (let c = 0; c < width; c++)
        expect(found.data[(s * tokens + i) * width + c]).toBeCloseTo(dot(row(wo, c), together), 13);
    }
  }
});

test("tensor-product attention makes sums of products in every row, and takes as many parameters as are counted", () => {
  const [rank, n, d] = [3, 2, 5];
  const [a, b] = [randomTensor(random, [4, rank * n]), randomTensor(random, [4, rank * d])];
  const tape = new Tape();
  const z = tensorProduct(tape, tape.constant(a), tape.constant(b), rank).value;
  for (let i = 0; i < 4; i++)
    for (let h = 0; h < n; h++)
      for (let c = 0; c < d; c++) {
        let sum = 0;
        for (let r = 0; r < rank; r++) sum += row(a, i)[r * n + h]! * row(b, i)[r * d + c]!;
        expect(row(z, i)[h * d + c]).toBeCloseTo(sum / rank, 14);
      }
  const sizes = { heads: 2, headSize: 3, queryRank: 4, keyRank: 2 };
  const { passengers } = tensorProductAttention({ tokens, ...sizes })
    .sized(tokens * width)
    .initial(random);
  const counts = tensorProductCounts({ width, ...sizes });
  expect(passengers.reduce((s, p) => s + p.data.length, 0)).toBe(counts.scores + counts.values);
});

test("a causal model knows nothing of later tokens", () => {
  const model = sequential(
    tokens * width,
    [tuckerAttention({ tokens, heads: 2, rank: 2, causal: true })],
    meanSquaredError(),
  );
  const weights = model.initial(seeded(3));
  const changed = { ...sequences.inputs, data: sequences.inputs.data.with(2 * width, 7) };
  const [before, after] = [sequences.inputs, changed].map((x) => model.predict(weights, x).data) as [
    Float64Array,
    Float64Array,
  ];
  expect(after.subarray(0, 2 * width)).toEqual(before.subarray(0, 2 * width));
  expect(after[2 * width]).not.toBe(before[2 * width]);
});

test("what does not fit is refused", () => {
  const sized = (layer: Layer, inputs: number) => () => sequential(inputs, [layer], meanSquaredError());
  expect(sized(attention({ tokens: 3, heads: 2 }), 16)).toThrow(
    "attention: 16 inputs, expected a multiple of the 3 tokens",
  );
  expect(sized(attention({ tokens: 4, heads: 3 }), 16)).toThrow(
    "attention: tokens have 4 numbers, expected a multiple of the 3 heads",
  );
  expect(() => attention({ tokens: 4, heads: 4, keyHeads: 3 })).toThrow(
    "heads is 4, expected a multiple of keyHeads, 3",
  );
  expect(() => attention({ tokens: 0, heads: 4 })).toThrow("attention: tokens is 0, expected a positive integer");
  expect(() => tensorProductAttention({ tokens: 4, heads: 4, keyRank: 1.5 })).toThrow("keyRank is 1.5");
  expect(() => tuckerAttention({ tokens: 4, heads: 2, headRank: 3 })).toThrow("headRank is 3, there are 2 heads");
  expect(sized(tuckerAttention({ tokens: 4, heads: 2, rank: 5 }), 16)).toThrow("rank is 5, tokens have 4 numbers");
  expect(sized(tuckerAttention({ tokens: 4, heads: 2, headRank: 2, rank: 1 }), 16)).toThrow(
    "ranks 1 and 1 allow at most 1",
  );
  expect(() => tuckerAttention({ tokens: 4, heads: 2, gain: 0 })).toThrow("gain is 0, expected a positive number");
  expect(sized(residual([dense(3)]), 4)).toThrow("residual: the layers take 4 inputs and give 3 outputs");
  expect(() => oneToken(3, 3)).toThrow("oneToken: index is 3, expected an integer from -3 to 2");
  expect(sized(positions(3), 4)).toThrow("positions: 4 inputs, expected a multiple of the 3 tokens");
  const model = sequential(2, [embedding(4, 3)], meanSquaredError());
  const data = (...symbols: number[]) => ({
    inputs: tensor([2, 2], "float64", Float64Array.from(symbols)),
    targets: tensor([2, 6]),
  });
  expect(() => model.check(data(0, 3, 4, 1))).toThrow(
    "embedding: sample 1 has symbol 4, expected an integer from 0 to 3",
  );
  expect(() => model.check(data(0, 3, 0.5, 1))).toThrow("sample 1 has symbol 0.5");
});
