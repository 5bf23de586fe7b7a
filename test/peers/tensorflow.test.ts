import { createRequire } from "node:module";
import { dirname } from "node:path";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as core from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, test } from "vitest";
import { permute } from "../../src/linalg/contract.ts";
import { seeded } from "../../src/linalg/random.ts";
import { fromFloats, fromPadded } from "../../src/training/adapters/float32.ts";
import {
  activation,
  crossEntropy,
  type Dataset,
  dense,
  gaussianClasses,
  lowRank,
  lowRankMethods,
  sequential,
  tensorflow,
  train,
  trainingMethod,
} from "../../src/training/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { relative } from "../ttn/dense.ts";

const tf = { ...core, ...layers };
const { lowRankDense, optimizer } = tensorflow(tf);

beforeAll(async () => {
  const files = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json"));
  setWasmPaths(`${files}/dist/`);
  await tf.setBackend("wasm");
});

/** Classes that are told apart by little of what is seen. */
const samples = (count: number, features: number, seed: number, classes = 10): Dataset =>
  gaussianClasses({ samples: count, features, classes, spread: 4 }, seeded(1), seeded(seed));

const tensorsOf = ({ inputs, targets }: Dataset, classes = 10) => ({
  x: tf.tensor2d(Float32Array.from(inputs.data), inputs.shape as [number, number]),
  y: tf.cast(tf.oneHot(tf.tensor1d(Int32Array.from(targets as Int32Array), "int32"), classes), "float32"),
});

const network = (features: number, units: number, rank: number, rankMax: number, classes = 10) =>
  tf.sequential({
    layers: [
      lowRankDense({ units, rank, rankMax, inputShape: [features], activation: "relu", seed: 1 }),
      lowRankDense({ units, rank, rankMax, activation: "relu", seed: 2 }),
      tf.layers.dense({ units: classes, kernelInitializer: tf.initializers.heNormal({ seed: 1 }) }),
    ],
  });

const transposed = (shape: [number, number], values: ArrayLike<number>) => permute(fromFloats(shape, values), [1, 0]);

test("model.fit trains an epoch of 784-128-128-10, and ranks adapt", async () => {
  const model = network(784, 128, 32, 64);
  const own = optimizer({ learningRate: 0.2, method: "parallel", tolerance: 0.1, truncation: "paper" });
  model.compile({ optimizer: own, loss: softmaxCrossEntropy, metrics: ["accuracy"] });
  const { x, y } = tensorsOf(samples(2560, 784, 2));
  const judged = tensorsOf(samples(500, 784, 3));
  const before = tf.memory().numTensors;
  const history = await model.fit(x, y, { batchSize: 128, epochs: 1, shuffle: false, verbose: 0 });
  const [loss, share] = model.evaluate(judged.x, judged.y, { verbose: 0 }) as core.Scalar[];
  const ranks = Object.values(own.ranks);
  console.info(
    `tfjs: loss ${history.history["loss"]}, test loss ${loss!.dataSync()[0]}, accuracy ${share!.dataSync()[0]}, ranks ${ranks}`,
  );
  expect(share!.dataSync()[0]).toBeGreaterThan(0.9);
  expect(ranks).toHaveLength(2);
  for (const r of ranks) expect(r).toBeLessThan(32);
  expect(model.layers.slice(0, 2).map((l) => (l as unknown as { rank: number }).rank)).toEqual(ranks);
  loss!.dispose();
  share!.dispose();
  expect(tf.memory().numTensors - before).toBe(0);
});

const softmaxCrossEntropy = (labels: core.Tensor, logits: core.Tensor) =>
  tf.losses.softmaxCrossEntropy(labels, logits) as core.Tensor;

const methods = ["parallel", "geolora", "dlrt", "abc", "bc", "fixed-rank", "condlr", "robust"] as const;

describe("five steps agree with the float64 core to 1e-4", () => {
  const data = samples(32, 20, 4, 4);
  const model = sequential(
    20,
    [lowRank(16, { rank: 4 }), activation("relu"), lowRank(16, { rank: 4 }), activation("relu"), dense(4)],
    crossEntropy(),
  );

  test.each(methods)("%s", async (method) => {
    const { adaptsRanks: adapts, rate, ...way } = trainingMethod(method);
    const net = network(20, 16, 4, 12, 4);
    net.compile({
      optimizer: optimizer({ learningRate: rate, method, ...(adapts && { tolerance: 0.02 }) }),
      loss: softmaxCrossEntropy,
    });
    const variables = net.getWeights().map((w) => w.dataSync() as Float32Array);
    const initial = {
      blocks: [
        fromPadded({ u: variables[0]!, s: variables[1]!, v: variables[2]! }, 16, 20),
        fromPadded({ u: variables[4]!, s: variables[5]!, v: variables[6]! }, 16, 16),
      ],
      passengers: [
        fromFloats([16], variables[3]!),
        fromFloats([16], variables[7]!),
        transposed([16, 4], variables[8]!),
        fromFloats([4], variables[9]!),
      ],
    };
    const { x, y } = tensorsOf(data, 4);
    const run = train(model, data, {
      epochs: 5,
      batch: 32,
      rate,
      ...way,
      initial,
      truncation: adapts ? { tolerance: 0.02, relative: true, maxRank: 12 } : { tolerance: "off", maxRank: 4 },
    });
    await run.next();
    for await (const { weights, loss, ranks } of run) {
      const [cost] = [await net.trainOnBatch(x, y)].flat() as number[];
      expect(Math.abs(cost! - loss!)).toBeLessThan(1e-4 * loss!);
      const after = net.getWeights().map((w) => w.dataSync() as Float32Array);
      const blocks = [
        fromPadded({ u: after[0]!, s: after[1]!, v: after[2]! }, 16, 20),
        fromPadded({ u: after[4]!, s: after[5]!, v: after[6]! }, 16, 16),
      ];
      blocks.forEach((b, k) => {
        expect(relative(toDense(b), toDense(weights.blocks[k]!))).toBeLessThan(1e-4);
        expect(b.tensors[0]!.shape[1]).toBe(ranks[k]![0]);
      });
      expect(relative(transposed([16, 4], after[8]!), weights.passengers[2]!)).toBeLessThan(1e-4);
    }
  });
});

test.each(lowRankMethods)("a step of %s lowers the loss of its batch", async (method) => {
  const { x, y } = tensorsOf(samples(64, 20, 5, 4), 4);
  const net = network(20, 16, 6, 12, 4);
  const { rate, adaptsRanks } = trainingMethod(method);
  const own = optimizer({ learningRate: rate, method, ...(adaptsRanks && { tolerance: 1e-3 }) });
  net.compile({ optimizer: own, loss: softmaxCrossEntropy });
  const [before, after] = [await net.trainOnBatch(x, y), await net.trainOnBatch(x, y)] as number[];
  expect(after!).toBeLessThan(before!);
  expect(own.passes).toBe(method === "fixed-rank" || method === "bc" ? 2 : 1);
});

describe("what is saved", () => {
  test("a model with its optimizer comes back and goes on alike", async () => {
    const { x, y } = tensorsOf(samples(64, 20, 5, 4), 4);
    const net = network(20, 16, 6, 12, 4);
    const own = optimizer({ learningRate: 0.1, method: "dlrt", tolerance: 0.05, truncation: "paper", rankMin: 2 });
    net.compile({ optimizer: own, loss: "meanSquaredError" });
    for (let k = 0; k < 3; k++) await net.trainOnBatch(x, y);
    let saved: core.io.ModelArtifacts | null = null;
    const handler = tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    });
    await net.save(handler, { includeOptimizer: true });
    const back = await tf.loadLayersModel(tf.io.fromMemory(saved!));
    expect(back.optimizer.getConfig()).toEqual(own.getConfig());
    expect(back.optimizer.iterations).toBe(3);
    expect(back.layers[0]!.getConfig()).toEqual(net.layers[0]!.getConfig());
    expect(await back.trainOnBatch(x, y)).toBe(await net.trainOnBatch(x, y));
    back.getWeights().forEach((w, k) => {
      expect(
        relative(fromFloats(w.shape, w.dataSync()), fromFloats(w.shape, net.getWeights()[k]!.dataSync())),
      ).toBeLessThan(1e-5);
    });
  });

  test("the optimizer tells its steps and ranks", async () => {
    const net = network(20, 16, 6, 12, 4);
    const own = optimizer({ learningRate: 0.1, rule: "adam" });
    net.compile({ optimizer: own, loss: "meanSquaredError" });
    const { x, y } = tensorsOf(samples(64, 20, 5, 4), 4);
    await net.trainOnBatch(x, y);
    const weights = await own.getWeights();
    expect(weights.map(({ name, tensor }) => [name, [...tensor.dataSync()]])).toEqual([
      ["iter", [1]],
      ["ranks", Object.values(own.ranks)],
    ]);
    expect(own.passes).toBe(1);
  });
});

test("other optimizers see the factors' own derivatives, those of finite differences", () => {
  const layer = lowRankDense({ units: 5, rank: 2, rankMax: 3, inputShape: [4], seed: 3, gain: 1 });
  const model = tf.sequential({ layers: [layer] });
  const x = tf.tensor2d(
    Float32Array.from({ length: 24 }, (_, k) => Math.sin(k)),
    [6, 4],
  );
  const f = () => tf.mean(tf.square(model.predict(x) as core.Tensor)) as core.Scalar;
  const variables = model.trainableWeights.map((w) => w.read() as core.Variable);
  const { grads } = tf.variableGrads(f, variables);
  for (const variable of variables) {
    const [values, slopes] = [variable.dataSync().slice(), grads[variable.name]!.dataSync()];
    for (let k = 0; k < values.length; k++) {
      const at = (h: number) => {
        variable.assign(
          tf.tensor(
            values.map((value, i) => (i === k ? value + h : value)),
            variable.shape,
          ),
        );
        return f().dataSync()[0]!;
      };
      const h = 1e-2;
      expect(Math.abs((at(h) - at(-h)) / (2 * h) - slopes[k]!)).toBeLessThan(1e-4);
      variable.assign(tf.tensor(values, variable.shape));
    }
  }
});

describe("bad input", () => {
  const x = () => tf.zeros([2, 4]);
  const y = () => tf.zeros([2, 3]);
  const compiled = (own: ReturnType<typeof optimizer>, ...between: layers.layers.Layer[]) => {
    const net = tf.sequential({ layers: [lowRankDense({ units: 3, inputShape: [4] }), ...between] });
    net.compile({ optimizer: own, loss: "meanSquaredError" });
    return net;
  };

  test("a module that is none", () => {
    expect(() => tensorflow({} as never)).toThrow(
      "tensorflow: the module has no function Optimizer, expected @tensorflow/tfjs",
    );
    expect(() => tensorflow(core as never)).toThrow("tensorflow: the module has no layers.Layer");
  });

  test.each([
    [{ learningRate: 0 }, "LowRankOptimizer: learningRate is 0, expected a positive number"],
    [{ learningRate: 1, method: "kls" }, 'method is "kls", expected one of parallel, geolora'],
    [{ learningRate: 1, method: "lora" }, 'method is "lora", expected one of parallel'],
    [{ learningRate: 1, rule: "rmsprop" }, '"rmsprop" is no rule; known: sgd, adam'],
    [
      { learningRate: 1, method: "fixed-rank", rankMin: 2 },
      'rankMin is 2, but the method "fixed-rank" keeps its ranks',
    ],
    [
      { learningRate: 1, method: "fixed-rank", tolerance: 0.1 },
      'tolerance is 0.1, but the method "fixed-rank" keeps its ranks',
    ],
    [{ learningRate: 1, rankEvery: 0 }, "adaptEvery is 0"],
    [{ learningRate: 1, tolerance: -1 }, "tolerance is -1"],
  ] as const)("%o", (options, message) => {
    expect(() => optimizer(options as never)).toThrow(message);
  });

  test.each([
    [{ units: 3, rank: 4 }, "LowRankDense: rank is 4, a matrix of 3x4 has at most 3"],
    [{ units: 3, rankMax: 4 }, "LowRankDense: rankMax is 4, a matrix of 3x4 has at most 3"],
    [{ units: 3, rank: 3, rankMax: 2 }, "LowRankDense: rank is 3, more than rankMax, 2"],
    [{ units: 0 }, "LowRankDense: units is 0, expected a positive integer"],
  ])("%o", (options, message) => {
    expect(() => tf.sequential({ layers: [lowRankDense({ ...options, inputShape: [4] })] })).toThrow(message);
  });

  test("a loss that is not the same twice", async () => {
    const net = compiled(optimizer({ learningRate: 0.1 }), tf.layers.dropout({ rate: 0.5 }));
    await expect(net.trainOnBatch(tf.randomNormal([20, 4]), tf.zeros([20, 3]))).rejects.toThrow(
      /the loss is .*, and .* when evaluated again at the same weights/,
    );
  });

  test("a loss that is not finite leaves the last good weights", async () => {
    const net = compiled(optimizer({ learningRate: 0.1 }));
    const before = net.getWeights().map((w) => w.dataSync().slice());
    await expect(net.trainOnBatch(tf.fill([2, 4], Number.NaN), y())).rejects.toThrow("the loss is NaN in step 1");
    expect(net.getWeights().map((w) => w.dataSync())).toEqual(before);
  });

  test("no layer of the adapter, or not all of one", () => {
    const own = optimizer({ learningRate: 0.1 });
    const net = compiled(own);
    const [u] = net.trainableWeights.map((w) => w.read() as core.Variable);
    const other = tf.variable(tf.zeros([2]));
    const f = () => tf.mean(tf.square(net.predict(x()) as core.Tensor)) as core.Scalar;
    expect(() => own.minimize(f, false, [other])).toThrow("none of the 1 variables belongs to a LowRankDense layer");
    expect(() => own.minimize(f, false, [u!])).toThrow("/S is not among the variables, but others of its layer are");
    expect(() => own.applyGradients({})).toThrow("call minimize");
  });
});
