import * as jax from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { fromFloats, fromPadded } from "../../src/training/adapters/float32.ts";
import { numbersOf } from "../../src/training/adapters/jax/parameters.ts";
import type { JaxArray } from "../../src/training/adapters/jax/types.ts";
import {
  activation,
  crossEntropy,
  type Dataset,
  dense,
  gaussianClasses,
  type JaxFactors,
  jaxJs,
  lowRank as lowRankLayer,
  sequential,
  train,
  trainingMethod,
} from "../../src/training/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { relative } from "../ttn/dense.ts";

const { numpy: np, nn } = jax;
const { lowRank, linear, stepper, transformation } = jaxJs(jax);

beforeAll(async () => {
  await jax.init("wasm");
  jax.defaultDevice("wasm");
});

interface Layer {
  w: JaxFactors<jax.Array>;
  b: jax.Array;
}
interface Network {
  hidden: Layer[];
  head: { w: jax.Array; b: jax.Array };
}
interface Batch {
  x: jax.Array;
  y: jax.Array;
}

const network = (features: number, units: number, rank: number, rankMax: number, classes: number): Network => ({
  hidden: [features, units].map((n, k) => ({
    w: lowRank(units, n, { rank, rankMax, seed: k + 1 }),
    b: np.zeros([units]),
  })),
  head: {
    w: np
      .array(Float32Array.from(randomTensor(seeded(3), [classes, units]).data, (z) => z * Math.sqrt(2 / units)))
      .reshape([classes, units]),
    b: np.zeros([classes]),
  },
});

const logitsOf = ({ hidden, head }: Network, x: jax.Array): jax.Array => {
  let y = x;
  for (const { w, b } of hidden) y = nn.relu(linear(y, w).add(b));
  return np.matmul(y, head.w.transpose()).add(head.b);
};

const loss = (parameters: Network, { x, y }: Batch): jax.Array =>
  nn.logSoftmax(logitsOf(parameters, x)).mul(y).sum(-1).mean().neg();

const samples = (count: number, features: number, seed: number, classes: number): Dataset =>
  gaussianClasses({ samples: count, features, classes, spread: 4 }, seeded(1), seeded(seed));

const batchOf = ({ inputs, targets }: Dataset, from: number, to: number, classes: number): Batch => {
  const features = inputs.shape[1]!;
  const y = new Float32Array((to - from) * classes);
  for (let i = from; i < to; i++) y[(i - from) * classes + (targets as Int32Array)[i]!] = 1;
  return {
    x: np.array(Float32Array.from(inputs.data.subarray(from * features, to * features))).reshape([to - from, features]),
    y: np.array(y).reshape([to - from, classes]),
  };
};

test("an epoch of 784-128-128-10 trains, and ranks adapt", () => {
  const data = samples(2560, 784, 2, 10);
  const { init, step } = stepper({ learningRate: 0.2, tolerance: 0.1, truncation: "paper" });
  let parameters = network(784, 128, 32, 64, 10);
  let state = init(parameters);
  expect(state.ranks).toEqual([32, 32]);
  const losses: number[] = [];
  for (let k = 0; k < 20; k++) {
    let value: number;
    [parameters, state, value] = step(loss, parameters, batchOf(data, 128 * k, 128 * (k + 1), 10), state);
    losses.push(value);
  }
  const judged = samples(500, 784, 3, 10);
  const { x, y } = batchOf(judged, 0, 500, 10);
  y.dispose();
  const best = np.argmax(logitsOf(parameters, x), 1).js() as number[];
  const share = best.filter((c, i) => c === (judged.targets as Int32Array)[i]).length / 500;
  console.info(`jax-js: loss ${losses[0]} to ${losses.at(-1)}, accuracy ${share}, ranks ${state.ranks}`);
  expect(share).toBeGreaterThan(0.9);
  for (const r of state.ranks) expect(r).toBeLessThan(32);
  expect(state.passes).toBe(1);
});

const methods = ["parallel", "geolora", "dlrt", "abc", "bc", "fixed-rank", "condlr", "robust"] as const;

describe("five steps agree with the float64 core to 1e-4", () => {
  const data = samples(32, 20, 4, 4);
  const model = sequential(
    20,
    [lowRankLayer(16, { rank: 4 }), activation("relu"), lowRankLayer(16, { rank: 4 }), activation("relu"), dense(4)],
    crossEntropy(),
  );
  const blockOf = ({ u, s, v }: JaxFactors<jax.Array>) => {
    const [a, b, c] = [u, s, v].map((x) => numbersOf(x as unknown as JaxArray));
    return fromPadded({ u: a!, s: b!, v: c! }, u.shape[0]!, v.shape[0]!);
  };
  const tensorOf = (a: jax.Array) => fromFloats(a.shape, numbersOf(a as unknown as JaxArray));
  const weightsOf = ({ hidden, head }: Network) => ({
    blocks: hidden.map(({ w }) => blockOf(w)),
    passengers: [tensorOf(hidden[0]!.b), tensorOf(hidden[1]!.b), tensorOf(head.w), tensorOf(head.b)],
  });
  const core = (method: (typeof methods)[number], parameters: Network) => {
    const { adaptsRanks, ...way } = trainingMethod(method);
    return train(model, data, {
      epochs: 5,
      batch: 32,
      ...way,
      initial: weightsOf(parameters),
      truncation: adaptsRanks ? { tolerance: 0.02, relative: true, maxRank: 12 } : { tolerance: "off", maxRank: 4 },
    });
  };
  const compare = (parameters: Network, expected: ReturnType<typeof weightsOf>) => {
    const { blocks, passengers } = weightsOf(parameters);
    blocks.forEach((y, k) => {
      expect(relative(toDense(y), toDense(expected.blocks[k]!))).toBeLessThan(1e-4);
      expect(y.tensors[0]!.shape).toEqual(expected.blocks[k]!.tensors[0]!.shape);
    });
    passengers.forEach((p, k) => {
      expect(relative(p, expected.passengers[k]!)).toBeLessThan(1e-4);
    });
  };

  test.each(methods)("%s", async (method) => {
    let parameters = network(20, 16, 4, 12, 4);
    const { adaptsRanks: adapts, rate } = trainingMethod(method);
    const { init, step } = stepper({ learningRate: rate, method, ...(adapts && { tolerance: 0.02 }) });
    let state = init(parameters);
    const run = core(method, parameters);
    await run.next();
    for await (const { weights, loss: expected } of run) {
      let value: number;
      [parameters, state, value] = step(loss, parameters, batchOf(data, 0, 32, 4), state);
      expect(Math.abs(value - expected!)).toBeLessThan(1e-4 * expected!);
      compare(parameters, weights as ReturnType<typeof weightsOf>);
    }
    expect(state.steps).toBe(5);
  });

  test("as a transformation of gradients", async () => {
    let parameters = network(20, 16, 4, 12, 4);
    const { init, update } = transformation({ learningRate: 0.2, tolerance: 0.02 });
    let state = init(parameters);
    const gradientOf = jax.grad(loss as never) as unknown as (p: Network, batch: Batch) => Network;
    const run = core("geolora", parameters);
    await run.next();
    for await (const { weights } of run) {
      const gradients = gradientOf(jax.tree.ref(parameters), batchOf(data, 0, 32, 4));
      let updates: Network;
      [updates, state] = update(gradients, state, jax.tree.ref(parameters));
      parameters = jax.tree.map(
        (a: jax.Array, b: jax.Array) => a.add(b),
        parameters as never,
        updates as never,
      ) as Network;
      compare(parameters, weights as ReturnType<typeof weightsOf>);
    }
  });
});

test("nothing is left behind: every array that a step makes or takes is given away", () => {
  const data = samples(16, 6, 1, 3);
  let parameters = network(6, 5, 2, 4, 3);
  const held = jax.tree.leaves(parameters as never) as jax.Array[];
  const { init, step } = stepper({ learningRate: 0.1, method: "fixed-rank" });
  let state = init(parameters);
  for (const a of held) expect(a.refCount).toBe(1);
  const batch = batchOf(data, 0, 16, 3);
  const { x } = batch;
  [parameters, state] = step(loss, parameters, batch, state);
  expect([...held, x].map((a) => a.refCount)).toEqual([...held, x].map(() => 0));
  for (const a of jax.tree.leaves(parameters as never) as jax.Array[]) expect(a.refCount).toBe(1);
});

describe("bad input", () => {
  const { init, step } = stepper({ learningRate: 0.1 });
  const batch = () => ({ x: np.ones([2, 4]), y: np.ones([2, 3]) });

  test("a module that is none", () => {
    expect(() => jaxJs({} as never)).toThrow("jaxJs: the module has no numpy.matmul");
    expect(() => jaxJs(undefined as never)).toThrow("expected @jax-js/jax");
  });

  test("settings and weights that make no sense", () => {
    expect(() => stepper({ learningRate: -1 })).toThrow("stepper: learningRate is -1, expected a positive number");
    const unknown = stepper({ learningRate: 1, method: "kls" as never });
    expect(() => unknown.init({ w: lowRank(3, 4) })).toThrow('stepper: method is "kls", expected one of parallel');
    expect(() => lowRank(3, 4, { rank: 4 })).toThrow("lowRank: rank is 4, a matrix of 3x4 has at most 3");
    expect(() => lowRank(3, 4, { rank: 3, rankMax: 2 })).toThrow("lowRank: rank is 3, more than rankMax, 2");
    expect(() => init({ b: np.zeros([2]) })).toThrow("there is no weight of low rank among the parameters");
    expect(() => linear(np.ones([2, 5]), lowRank(3, 4))).toThrow("linear: x has 5 columns, the weight is 3x4");
  });

  test("a loss that passes by linear, and one that is not the same twice", () => {
    const parameters = { w: lowRank(3, 4) };
    const direct = ({ w }: { w: JaxFactors<jax.Array> }, { x, y }: Batch) =>
      np
        .matmul(np.matmul(np.matmul(x, w.v), w.s), w.u.transpose())
        .mul(y)
        .sum();
    expect(() => step(direct, parameters, batch(), init(parameters))).toThrow(
      "step: the loss does not apply params.w by linear(x, w) of the same adapter",
    );
    let calls = 0;
    const noisy = ({ w }: { w: JaxFactors<jax.Array> }, { x, y }: Batch) => linear(x, w).mul(y).sum().add(calls++);
    expect(() => step(noisy, parameters, batch(), init(parameters))).toThrow(
      "when evaluated again at the same weights",
    );
  });

  test("a loss that is not finite", () => {
    const parameters = { w: lowRank(3, 4) };
    const f = ({ w }: { w: JaxFactors<jax.Array> }, { x, y }: Batch) => linear(x, w).mul(y).sum().mul(Number.NaN);
    expect(() => step(f, parameters, batch(), init(parameters))).toThrow("step: the loss is NaN in step 1");
  });

  test("a core that cannot be inverted, bases that are none", () => {
    const { init: begin, update } = transformation({ learningRate: 0.1 });
    const singular = { w: { ...lowRank(3, 4, { rank: 2 }), s: np.zeros([3, 3]) } };
    expect(() => update(jax.tree.ref(singular), begin(singular), singular)).toThrow("update: params.w.s is singular");
    const { u, s, v } = lowRank(3, 4, { rank: 2 });
    const long = { w: { u: u.mul(2), s, v } };
    expect(() => update(jax.tree.ref(long), begin(long), long)).toThrow(
      "the columns of params.w.u are not orthonormal",
    );
  });
});
