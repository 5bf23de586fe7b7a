import { afterEach, expect, test, vi } from "vitest";

vi.mock("../../src/linalg/tensor.ts", async (original) => (await import("./made.ts")).recording(await original()));

import { augmentedBug, parallelBug, seeded } from "../../src/index.ts";
import { randomTensor } from "../../src/linalg/random.ts";
import { crossEntropy, dense, oneToken, sequential, train, tuckerAttention } from "../../src/training/index.ts";
import { made } from "./made.ts";

const [tokens, width, heads] = [3, 17, 5];
const data = { inputs: randomTensor(seeded(1), [4, tokens * width]), targets: [0, 1, 2, 0] };
const layers = [tuckerAttention({ tokens, heads, headSize: 4, rank: 2, gain: 1 }), oneToken(tokens), dense(3)];

afterEach(() => made.clear());

test.each([
  ["parallel, Galerkin root", parallelBug({ firstStep: "parallel" })],
  ["parallel, assembled root", parallelBug({ root: "assembled", firstStep: "parallel" })],
  ["augmented", augmentedBug()],
] as const)("%s: one pass a step, and no weight, gradient or slice of full size is made", async (_, integrator) => {
  const passes: number[] = [];
  for await (const step of train(sequential(tokens * width, layers, crossEntropy()), data, {
    epochs: 3,
    rate: 0.05,
    integrator,
    truncation: { tolerance: "off", maxRank: 3 },
  }))
    passes.push(step.passes);
  expect(passes.slice(1)).toEqual([1, 1, 1]);
  expect(made.size).toBeGreaterThan(20);
  expect(made).not.toContain(heads * width * width);
  expect(made).not.toContain(width * width);
});
