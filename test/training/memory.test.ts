import { expect, test } from "vitest";
import type { TTN } from "../../src/index.ts";
import {
  activation,
  convolution,
  crossEntropy,
  type Dataset,
  dense,
  factored,
  gaussianClasses,
  layerNorm,
  lowRank,
  type Model,
  residual,
  sequential,
  type TrainOptions,
  train,
  trainingMethod,
  trainingMethodNames,
  type Weights,
} from "../../src/training/index.ts";
import { seeded, type Tensor } from "./tools.ts";

/*
 * What a pass makes lies in memory that is lent to one step after the other. Nothing that comes out of a step may lie there, and
 * nothing may be read from there later: so steps stay as they were handed out, and are, bit by bit, those without such memory.
 */

const data: Dataset = gaussianClasses({ samples: 40, features: 9, classes: 3 }, seeded(1), seeded(2));

const tensorsOf = ({ blocks, passengers }: Weights): readonly Tensor[] => [
  ...blocks.flatMap(({ tensors }: TTN) => tensors),
  ...passengers,
];

async function stepsOf(model: Model, options: Partial<TrainOptions>) {
  const handed: { readonly weights: Weights; readonly numbers: readonly (readonly number[])[]; loss: number | null }[] =
    [];
  for await (const { weights, loss } of train(model, data, { epochs: 3, batch: 20, rate: 0.05, ...options }))
    handed.push({ weights, numbers: tensorsOf(weights).map((t) => [...t.data]), loss });
  for (const { weights, numbers } of handed) expect(tensorsOf(weights).map((t) => [...t.data])).toEqual(numbers);
  return handed.map(({ numbers, loss }) => ({ numbers, loss }));
}

/** The same model, each pass of which takes memory of its own. */
const withoutMemory = (model: Model): Model => ({ ...model, objective: (samples) => model.objective(samples) });

const layers = [lowRank(8, { rank: 3, gain: 1 }), activation("relu"), lowRank(6, { rank: 2 }), dense(3)];
const net = sequential(9, layers, crossEntropy());

test.each(trainingMethodNames.filter((name) => !["tdlrt", "lotr"].includes(name)))(
  "steps of %s keep what they hand out, and are those without lent memory",
  async (name) => {
    const { integrator, rule, projection, penalty } = trainingMethod(name);
    const parts = { integrator, rule, ...(projection && { projection }), ...(penalty && { penalty }) };
    expect(await stepsOf(net, parts)).toEqual(await stepsOf(withoutMemory(net), parts));
  },
);

test("samples that a model keeps stay as they were", async () => {
  const kept: { readonly samples: Dataset; readonly inputs: readonly number[] }[] = [];
  const curious: Model = {
    ...net,
    objective: (samples, memory) => {
      kept.push({ samples, inputs: [...samples.inputs.data] });
      return net.objective(samples, memory);
    },
  };
  expect(await stepsOf(curious, {})).toEqual(await stepsOf(net, {}));
  for (const { samples, inputs } of kept) expect([...samples.inputs.data]).toEqual(inputs);
  expect(new Set(kept.map(({ inputs }) => inputs.join())).size).toBe(6); // two steps in each of three epochs
});

test("so are those with a velocity, with bases that move now and then, and of other layers", async () => {
  const others = sequential(
    9,
    [
      convolution({ channels: 1, height: 3, width: 3, filters: 2, kernel: 2, rank: 2 }),
      activation("gelu"),
      layerNorm(),
      residual([activation("relu"), factored(8, { rank: 2 })]),
      dense(3),
    ],
    crossEntropy(),
  );
  for (const [model, options] of [
    [net, { momentum: 0.5 }],
    [net, { adaptEvery: 2, freezeFrom: 2 }],
    [others, {}],
  ] as const)
    expect(await stepsOf(model, options)).toEqual(await stepsOf(withoutMemory(model), options));
});
