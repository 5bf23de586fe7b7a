import fc from "fast-check";
import { expect, test } from "vitest";
import { seeded } from "../../src/index.ts";
import {
  activation,
  crossEntropy,
  dense,
  factored,
  gaussianClasses,
  type Layer,
  lowRank,
  meanSquaredError,
  sequential,
  sharedLowRank,
  train,
  trainingMethod,
  trainingMethodNames,
  tuckerLayer,
} from "../../src/training/index.ts";
import { randomTensor } from "./tools.ts";

/** The methods that promise descent: gradient descent in bases that hold the start, and in what needs no bases. */
const descending = trainingMethodNames.filter((name) => {
  const { rule, integrator, projection, summary } = trainingMethod(name);
  return rule.name === "SGD" && integrator.promises.descends && !projection && !summary.startsWith("the same as");
});

test("they are all but those of fixed rank, an assembled root, bounded cores, and rules of their own", () => {
  expect(descending).toEqual(["parallel", "dlrt", "abc", "tdlrt", "lotr", "uv", "dense"]);
});

test.each(descending)(
  "%s: with small steps and no truncation the loss of fixed samples falls in each of 100",
  async (name) => {
    const { integrator, layers } = trainingMethod(name);
    const nets = fc.record({
      seed: fc.nat(1000),
      width: fc.integer({ min: 4, max: 10 }),
      rank: fc.integer({ min: 1, max: 4 }),
      gain: fc.double({ min: 0.2, max: 1.5, noNaN: true }),
      isRegression: fc.boolean(),
      between: fc.constantFrom("tanh", "gelu"),
    });
    await fc.assert(
      fc.asyncProperty(nets, async ({ seed, width, rank, gain, isRegression, between }) => {
        const hidden = (): Layer => {
          if (layers === "dense") return dense(width);
          if (layers === "factors") return factored(width, { rank, gain });
          if (layers === "tucker") return tuckerLayer(width, { modes: [2, 3], rank, gain });
          if (layers === "shared") return sharedLowRank({ layers: 2, rank, gain, activation: between });
          return lowRank(width, { rank, gain });
        };
        const model = sequential(
          6,
          [hidden(), activation(between), lowRank(5, { rank, gain }), activation(between), dense(3)],
          isRegression ? meanSquaredError() : crossEntropy(),
        );
        const classes = gaussianClasses({ samples: 30, features: 6, classes: 3 }, seeded(seed), seeded(seed + 1));
        const data = isRegression ? { ...classes, targets: randomTensor(seeded(seed), [30, 3]) } : classes;
        const losses: number[] = [];
        const options = {
          epochs: 101,
          batch: 30,
          rate: 0.02,
          seed,
          integrator,
          truncation: { tolerance: "off" },
        } as const;
        for await (const { loss } of train(model, data, options)) if (loss !== null) losses.push(loss);
        losses.slice(1).forEach((loss, k) => {
          expect(loss).toBeLessThan(losses[k]!);
        });
      }),
      { numRuns: 4 },
    );
  },
);
