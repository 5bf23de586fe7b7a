import * as ort from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { type Tensor, tensor } from "../../src/linalg/tensor.ts";
import {
  activation,
  crossEntropy,
  dense,
  gaussianClasses,
  type Layer,
  lowRank,
  meanSquaredError,
  quantized,
  sequential,
  toOnnx,
  train,
  type Weights,
} from "../../src/training/index.ts";

ort.env.wasm.numThreads = 1;

/** The outputs of a session for inputs, rounded to float32 on the way. */
async function outputsOf(
  bytes: Uint8Array,
  { shape, data }: Tensor,
): Promise<{ session: ort.InferenceSession; z: Tensor }> {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const inputs = new ort.Tensor("float32", Float32Array.from(data), shape as number[]);
  const { outputs } = await session.run({ inputs });
  return { session, z: tensor([...outputs!.dims], "float64", Float64Array.from(outputs!.data as Float32Array)) };
}

/** The largest difference, relative to the largest output. */
const difference = (a: Tensor, b: Tensor): number => {
  expect(a.shape).toEqual(b.shape);
  const size = b.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return a.data.reduce((m, v, k) => Math.max(m, Math.abs(v - b.data[k]!)), 0) / size;
};

const random = seeded(1);
const base = randomTensor(random, [12, 20]);
const stacks: Readonly<Record<string, Layer[]>> = {
  relu: [lowRank(16, { rank: 5, gain: 1 }), activation("relu"), dense(3)],
  tanh: [lowRank(16, { rank: 5, gain: 1, bias: false }), activation("tanh"), dense(3, { bias: false })],
  gelu: [dense(16), activation("gelu"), lowRank(8, { rank: 3, gain: 1 }), activation("gelu"), dense(3)],
  adapter: [lowRank(12, { rank: 2, gain: 1, base, scale: 0.5 }), activation("relu"), dense(3)],
  "quantized base": [lowRank(12, { rank: 2, gain: 1, base: quantized(base) }), activation("relu"), dense(3)],
};

describe("an exported model gives the same outputs to 1e-5", () => {
  test.each(Object.entries(stacks))("%s", async (_, layers) => {
    const model = sequential(20, layers, meanSquaredError());
    const initial = model.initial(random);
    const weights: Weights = { ...initial, passengers: initial.passengers.map((p) => randomTensor(random, p.shape)) };
    const bytes = toOnnx(model, weights);
    for (const samples of [1, 7]) {
      const x = randomTensor(random, [samples, 20]);
      const { z } = await outputsOf(bytes, x);
      expect(difference(z, model.predict(weights, x))).toBeLessThan(1e-5);
    }
  });

  test("784-128-128-10 after some steps, with two products a layer", async () => {
    const data = gaussianClasses({ samples: 256, features: 784, classes: 10, spread: 4 }, seeded(1), seeded(2));
    const model = sequential(
      784,
      [lowRank(128), activation("relu"), lowRank(128), activation("relu"), dense(10)],
      crossEntropy(),
    );
    let weights = model.initial(seeded(0));
    for await (const step of train(model, data, { epochs: 2, rate: 0.2 })) weights = step.weights;
    const bytes = toOnnx(model, weights);
    const { session, z } = await outputsOf(bytes, data.inputs);
    expect(difference(z, model.predict(weights, data.inputs))).toBeLessThan(1e-5);
    expect([session.inputNames, session.outputNames]).toEqual([["inputs"], ["outputs"]]);
    expect(new TextDecoder("latin1").decode(bytes).match(/MatMul_/g)).toHaveLength(5);
    const numbers =
      4 *
      weights.blocks.reduce(
        (n, y) => n + y.tensors[0]!.shape[1]! * (y.tensors[0]!.shape[0]! + y.tensors[1]!.shape[0]!),
        1290 + 256,
      );
    expect(bytes.length - numbers).toBeGreaterThan(0);
    expect(bytes.length - numbers).toBeLessThan(2000);
    console.info(
      `onnx: ${bytes.length} bytes, largest difference ${difference(z, model.predict(weights, data.inputs))}`,
    );
  });
});
