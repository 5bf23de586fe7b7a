import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  augmentedBug,
  fixedRankBug,
  parallelBug,
  projectorSplitting,
  type TTN,
  tensor,
  tree,
} from "../../src/index.ts";
import type { Integrator } from "../../src/integrators/integrator.ts";
import { solvedAtOnce } from "../../src/integrators/schedule.ts";
import {
  accuracy,
  activation,
  adam,
  attention,
  boundedCondition,
  conditionPenalty,
  convolution,
  crossEntropy,
  type Dataset,
  Descent,
  decayingMatrix,
  dense,
  embedding,
  energy,
  factored,
  galore,
  gaussianClasses,
  imageTree,
  lowRank,
  type Model,
  maxPool,
  meanSquaredError,
  parameterCounts,
  rankPruning,
  ranksWithin,
  type Sequential,
  sequential,
  sgd,
  sharedLowRank,
  smmf,
  TrainingError,
  type TrainingStep,
  type TrainOptions,
  tensorProductAttention,
  train,
  trainingMethod,
  treeClassifier,
  tuckerAttention,
  tuckerLayer,
  type Weights,
  wholeGradient,
} from "../../src/training/index.ts";
import { stepPlanOf } from "../../src/training/train-options.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { moveCenter, orthonormalize } from "../../src/ttn/gauge.ts";
import { factorsOf, matrixNetwork } from "../../src/ttn/matrix-rhs.ts";
import { schmidtValues } from "../../src/ttn/truncate.ts";
import { withTensor } from "../../src/ttn/ttn.ts";
import { all, classes, combine, difference, matmul, norm, randomTensor, seeded, type Tensor } from "./tools.ts";

const data = classes(96, 2);
const small = (rank?: number): Sequential =>
  sequential(
    12,
    [
      lowRank(10, rank ? { rank, gain: 1 } : { gain: 1 }),
      activation("tanh"),
      lowRank(9, rank ? { rank, gain: 1 } : { gain: 1 }),
      activation("tanh"),
      dense(4),
    ],
    crossEntropy(),
  );

const geolora = parallelBug({ root: "assembled", firstStep: "parallel" });
const off = { tolerance: "off" } as const;

describe("all blocks and passengers together", () => {
  test.each([
    ["parallel, Galerkin root", parallelBug(), 1],
    ["parallel, assembled root", geolora, 1],
    ["augmented", augmentedBug(), 1],
    ["augmented-corrected splitting", projectorSplitting({ backward: "augmented-corrected" }), 1],
    ["fixed rank", fixedRankBug(), 2],
    ["corrected splitting", projectorSplitting({ backward: "corrected" }), 2],
  ] as const)("%s: passes a step, for any number of blocks", async (_, integrator, passes) => {
    const steps = await all(small(3), data, { epochs: 2, batch: 32, rate: 0.1, integrator });
    expect(steps.map((s) => s.passes)).toEqual([0, ...Array(6).fill(passes)]);
    expect(steps.map((s) => s.isEpochEnd)).toEqual([true, false, false, true, false, false, true]);
  });

  test.each([
    ["parallel BUG", parallelBug()],
    ["augmented BUG", augmentedBug()],
    ["augmented-corrected splitting", projectorSplitting({ backward: "augmented-corrected" })],
  ])("%s at full rank is gradient descent on dense matrices", async (_, integrator: Integrator) => {
    const model = small();
    const start = model.initial(seeded(4));
    const plain = sequential(
      12,
      [dense(10), activation("tanh"), dense(9), activation("tanh"), dense(4)],
      crossEntropy(),
    );
    const [b1, b2, w3, b3] = start.passengers as [Tensor, Tensor, Tensor, Tensor];
    const full: Weights = {
      blocks: [],
      passengers: [toDense(start.blocks[0]!), b1, toDense(start.blocks[1]!), b2, w3, b3],
    };
    const options = { epochs: 7, batch: 32, rate: 0.3, seed: 9 };
    const a = await all(model, data, { ...options, initial: start, integrator, truncation: off });
    const b = await all(plain, data, { ...options, initial: full });
    expect(a).toHaveLength(22);
    for (const [k, step] of a.entries()) {
      const [c1, c2, c3] = [0, 2, 4].map((i) => b[k]!.weights.passengers[i]!) as [Tensor, Tensor, Tensor];
      expect(difference(toDense(step.weights.blocks[0]!), c1)).toBeLessThan(1e-10 * norm(c1));
      expect(difference(toDense(step.weights.blocks[1]!), c2)).toBeLessThan(1e-10 * norm(c2));
      expect(difference(step.weights.passengers[2]!, c3)).toBeLessThan(1e-10 * norm(c3));
      if (k > 0) expect(step.loss).toBeCloseTo(b[k]!.loss!, 10);
    }
  });

  test.each([
    ["parallel BUG", parallelBug()],
    ["augmented BUG", augmentedBug()],
    ["fixed-rank BUG", fixedRankBug()],
    ["splitting", projectorSplitting()],
  ])("%s: training and its steps are the same from any gauge of the start", async (_, integrator: Integrator) => {
    const model = sequential(
      12,
      [lowRank(10, { rank: 3, gain: 1 }), activation("tanh"), tuckerLayer(6, { modes: [2, 5], rank: 2 }), dense(4)],
      crossEntropy(),
    );
    const start = model.initial(seeded(4));
    const plan = stepPlanOf({ integrator }, start.blocks);
    const rate = 0.02;
    const ends = async (initial: Weights) => {
      const steps = await all(model, data, { epochs: 3, batch: 96, rate, initial, integrator });
      const step = solvedAtOnce(new Descent(plan, () => model.objective(data), initial).step(initial, rate));
      return [steps.at(-1)!.weights, ...(step.ok ? [step.weights] : [])].flatMap(({ blocks, passengers }) => [
        ...blocks.map((y) => toDense(y)),
        ...passengers,
      ]);
    };
    const expected = await ends(start);
    for (const nodes of [
      [0, 1],
      [1, 0],
      [2, 2],
    ]) {
      const moved = start.blocks.map((y, k) => moveCenter(y, nodes[k]!));
      const found = await ends({ ...start, blocks: moved });
      expect(found).toHaveLength(2 * 6);
      found.forEach((w, i) => {
        expect(difference(w, expected[i]!)).toBeLessThan(1e-12 * (1 + norm(w)));
      });
    }
  });

  test("bases of a start that are not orthonormal are made so, the weight being the same; others stay, bit for bit", async () => {
    const model = small(3);
    const start = model.initial(seeded(4));
    const skewed = start.blocks.map((y) => {
      const [left, right] = [randomTensor(seeded(5), y.tensors[0]!.shape), y.tensors[1]!];
      return matrixNetwork(y.tree, { left, right });
    });
    const options = { epochs: 2, batch: 96, rate: 0.1 };
    const initial = { ...start, blocks: skewed };
    const [a, b] = [
      await all(model, data, { ...options, initial }),
      await all(model, data, { ...options, initial: { ...start, blocks: skewed.map(orthonormalize) } }),
    ];
    a.forEach(({ weights }, k) => {
      weights.blocks.forEach((y, i) => {
        const w = toDense(y);
        if (k === 0) expect(difference(w, toDense(skewed[i]!))).toBeLessThan(1e-13 * norm(w));
        expect(difference(w, toDense(b[k]!.weights.blocks[i]!))).toBeLessThan(1e-12 * norm(w));
      });
    });
    const { weights } = a.at(-1)!;
    const [again] = await all(model, data, { ...options, initial: weights });
    again!.weights.blocks.forEach((y, i) => {
      expect(y.tensors).toEqual(weights.blocks[i]!.tensors);
    });
  });

  test("with momentum at full rank it is the heavy ball", async () => {
    const model = small();
    const start = model.initial(seeded(4));
    const momentum = 0.8;
    const steps = await all(model, data, {
      epochs: 20,
      batch: 96,
      rate: 0.1,
      initial: start,
      momentum,
      truncation: off,
    });
    const now = [...start.blocks.map((y) => toDense(y)), ...start.passengers];
    let before = now;
    for (const [k, { weights }] of steps.slice(1).entries()) {
      const found = model.objective(data)(steps[k]!.weights);
      const gradients = [...found.blocks.map((g, b) => wholeGradient(g, start.blocks[b]!)), ...found.passengers];
      const next = now.map((w, i) =>
        combine([
          [1 + momentum, w],
          [-momentum, before[i]!],
          [-0.1, gradients[i]!],
        ]),
      );
      before = [...now];
      now.splice(0, now.length, ...next);
      const ends = [...weights.blocks.map((y) => toDense(y)), ...weights.passengers];
      ends.forEach((w, i) => {
        expect(difference(w, now[i]!)).toBeLessThan(1e-10 * (1 + norm(w)));
      });
    }
    expect(steps.at(-1)!.loss).toBeLessThan(steps[1]!.loss!);
  });

  test.each([
    ["parallel BUG", parallelBug()],
    ["augmented BUG", augmentedBug()],
    ["augmented-corrected splitting", projectorSplitting({ backward: "augmented-corrected" })],
  ])("%s: the loss of fixed samples falls in each of 100 steps", async (_, integrator) => {
    const steps = await all(small(3), data, { epochs: 100, batch: 96, rate: 0.2, integrator, truncation: off });
    const losses = steps.slice(1).map((s) => s.loss!);
    losses.slice(1).forEach((l, k) => {
      expect(l).toBeLessThan(losses[k]!);
    });
  });

  test("a step of parallel BUG leaves out h times the gradient between new directions with the assembled root, nothing with the Galerkin root", async () => {
    const endOf = async (integrator: Integrator, rate: number): Promise<Tensor> =>
      toDense(
        (await all(small(3), data, { epochs: 1, batch: 96, rate, integrator, truncation: off }))[1]!.weights.blocks[0]!,
      );
    const gaps = [];
    for (const h of [0.04, 0.02, 0.01]) {
      const augmented = await endOf(augmentedBug(), h);
      gaps.push(difference(await endOf(geolora, h), augmented));
      expect(difference(await endOf(parallelBug(), h), augmented)).toBeLessThan(1e-12);
    }
    for (const k of [0, 1]) expect(gaps[k]! / gaps[k + 1]!).toBeCloseTo(2, 0);
  });
});

describe("training", () => {
  const train1 = classes(300, 3, 0.4);
  const test1 = classes(400, 4, 0.4);
  const model = sequential(
    12,
    [lowRank(32), activation("relu"), lowRank(16), activation("relu"), dense(4)],
    crossEntropy(),
  );
  const score = (w: Weights): number => accuracy(model.predict(w, test1.inputs), test1.targets as Int32Array);

  test.each([
    ["parallel", parallelBug(), sgd(), 0.2],
    ["assembled", geolora, sgd(), 0.2],
    ["augmented, Adam", augmentedBug(), adam(), 0.003],
    ["corrected splitting", projectorSplitting({ backward: "augmented-corrected" }), sgd(), 0.2],
  ] as const)("%s: classes are told apart, with fewer numbers", async (_, integrator, rule, rate) => {
    const truncation = { tolerance: 0.1, relative: true, maxRank: 12, minRank: 2 };
    const steps = await all(model, train1, { epochs: 40, batch: 40, rate, integrator, rule, truncation });
    const { weights, ranks } = steps.at(-1)!;
    expect(score(weights)).toBeGreaterThan(0.9);
    for (const r of ranks.flat()) expect(r).toSatisfy((v: number) => v >= 2 && v <= 12);
    const counts = parameterCounts(weights);
    expect(counts.full).toBe(32 * 12 + 16 * 32 + 4 * 16);
    expect(counts.inference).toBe(ranks[0]![0]! * (32 + 12) + ranks[1]![0]! * (16 + 32) + 64);
    expect(counts.stored).toBe(counts.inference + ranks[0]![0]! ** 2 + ranks[1]![0]! ** 2);
    expect(counts.training - 64).toBe(2 * (counts.inference - 64) + 4 * (counts.stored - counts.inference));
    expect(counts.biases).toBe(32 + 16 + 4);
    expect(counts.compression).toBeCloseTo(1 - counts.inference / counts.full, 15);
  });

  test("same seed, same bits; another, others", async () => {
    const run = async (seed: number) => (await all(model, train1, { epochs: 1, rate: 0.1, seed })).at(-1)!.weights;
    const [a, b, c] = [await run(1), await run(1), await run(2)];
    expect(a).toEqual(b);
    expect(a.passengers[0]).not.toEqual(c.passengers[0]);
  });

  test("regression by mean squared error finds a matrix of low rank", async () => {
    const random = seeded(8);
    const [u, v, x] = [randomTensor(random, [8, 2]), randomTensor(random, [10, 2]), randomTensor(random, [200, 10])];
    const linear = sequential(10, [lowRank(8, { rank: 1, bias: false })], meanSquaredError());
    const on: Dataset = { inputs: x, targets: matmul(matmul(x, v), u, "N", "T") };
    const steps = await all(linear, on, {
      epochs: 200,
      batch: 200,
      rate: 2,
      truncation: { tolerance: 1e-3, relative: true },
    });
    expect(steps.at(-1)!.ranks).toEqual([[2, 2]]);
    const w = toDense(steps.at(-1)!.weights.blocks[0]!);
    expect(difference(w, matmul(u, v, "N", "T"))).toBeLessThan(2e-3 * norm(w));
  });

  test("between changes of bases, and once they are frozen, only cores move", async () => {
    const steps = await all(model, train1, { epochs: 2, batch: 50, rate: 0.1, adaptEvery: 3, freezeFrom: 1 });
    const basesOf = (s: TrainingStep) => s.weights.blocks.map((y) => [factorsOf(y).u, factorsOf(y).v]);
    const changed = steps.slice(1).map((s, k) =>
      basesOf(s)
        .flat()
        .some((b, i) => b !== basesOf(steps[k]!).flat()[i]),
    );
    expect(changed).toEqual([true, false, false, true, false, false, ...Array(6).fill(false)]);
    steps.slice(1).forEach((s, k) => {
      expect(factorsOf(s.weights.blocks[0]!).s).not.toEqual(factorsOf(steps[k]!.weights.blocks[0]!).s);
    });
  });

  test("an adapter changes a given matrix by one of low rank, and starts at it", async () => {
    const random = seeded(12);
    const [base, x, u, v] = [
      [6, 8],
      [200, 8],
      [6, 2],
      [8, 2],
    ].map((shape) => randomTensor(random, shape)) as [Tensor, Tensor, Tensor, Tensor];
    const adapted = sequential(8, [lowRank(6, { rank: 4, base, scale: 0.5, bias: false })], meanSquaredError());
    const change = matmul(u, v, "N", "T");
    const wanted = combine([
      [1, base],
      [1, change],
    ]);
    const on: Dataset = { inputs: x, targets: matmul(x, wanted, "N", "T") };
    expect(difference(adapted.predict(adapted.initial(seeded(1)), x), matmul(x, base, "N", "T"))).toBe(0);
    const steps = await all(adapted, on, {
      epochs: 100,
      batch: 200,
      rate: 4,
      truncation: { tolerance: 1e-2, relative: true },
    });
    expect(steps.at(-1)!.ranks).toEqual([[2, 2]]);
    const w = toDense(steps.at(-1)!.weights.blocks[0]!);
    expect(difference(combine([[0.5, w]]), change)).toBeLessThan(2e-2 * norm(change));
  });

  test("a budget of ranks goes where singular values are large", async () => {
    const truncation = { tolerance: 1e-3, relative: true, minRank: 1 };
    const steps = await all(model, train1, { epochs: 2, batch: 50, rate: 0.2, truncation, rankBudget: 9 });
    for (const { ranks } of steps.slice(1)) expect(ranks[0]![0]! + ranks[1]![0]!).toBeLessThanOrEqual(9);
    const random = seeded(6);
    const [a, b] = [decayingMatrix(8, 7, 5, random, 1), decayingMatrix(9, 6, 5, random, 1)];
    const values = [a, b].map((y) => [...schmidtValues(y, 0)]);
    const least = values.flat().sort((x, y) => y - x)[5]!;
    expect(ranksWithin(6, [a, b])).toEqual(values.map((v) => v.filter((s) => s >= least).length));
    expect(ranksWithin(2, [a, decayingMatrix(9, 6, 5, random, 1e-9)])).toEqual([1, 1]);
    expect(() => ranksWithin(1, [a, b])).toThrow("the budget is 1, expected an integer of at least 2");
  });

  test("the rate may change from epoch to epoch", async () => {
    const asked: number[] = [];
    const rate = (epoch: number): number => {
      asked.push(epoch);
      return 0.1 / (epoch + 1);
    };
    await all(model, train1, { epochs: 2, batch: 150, rate });
    expect(new Set(asked)).toEqual(new Set([0, 1]));
  });

  test("a signal ends it", async () => {
    const stop = new AbortController();
    const run = async () => {
      for await (const { step } of train(model, train1, { epochs: 5, rate: 0.1, signal: stop.signal }))
        if (step === 2) stop.abort(new Error("enough"));
    };
    await expect(run()).rejects.toThrow("enough");
  });
});

describe("Adam", () => {
  const model = sequential(
    12,
    [lowRank(10, { rank: 3, gain: 1, bias: false }), activation("tanh"), dense(4, { bias: false })],
    crossEntropy(),
  );

  test("in frozen bases it is Adam on the core, and on the dense layer", async () => {
    const options = { epochs: 8, batch: 96, rate: 0.01, rule: adam(), integrator: augmentedBug(), freezeFrom: 0 };
    const steps = await all(model, data, options);
    const { u, s, v } = factorsOf(steps[0]!.weights.blocks[0]!);
    const objective = model.objective(data);
    const plain = (x: Float64Array) => {
      const [m, w] = [x.map(() => 0), x.map(() => 0)];
      return (g: Float64Array, t: number): void => {
        for (let p = 0; p < x.length; p++) {
          m[p] = 0.9 * m[p]! + 0.1 * g[p]!;
          w[p] = 0.999 * w[p]! + 0.001 * g[p]! ** 2;
          x[p]! -= (0.01 * (m[p]! / (1 - 0.9 ** t))) / (Math.sqrt(w[p]! / (1 - 0.999 ** t)) + 1e-8);
        }
      };
    };
    const core = s.data.slice();
    const head = steps[0]!.weights.passengers[0]!.data.slice();
    const [moveCore, moveHead] = [plain(core), plain(head)];
    steps.slice(1).forEach(({ weights }, k) => {
      const found = objective(steps[k]!.weights);
      const g = wholeGradient(found.blocks[0]!, weights.blocks[0]!);
      moveCore(matmul(matmul(u, g, "T", "N"), v).data, k + 1);
      moveHead(found.passengers[0]!.data, k + 1);
      const end = factorsOf(weights.blocks[0]!).s;
      expect(difference(end, { ...s, data: core })).toBeLessThan(1e-10 * norm(s));
      expect(difference(weights.passengers[0]!, { ...weights.passengers[0]!, data: head })).toBeLessThan(1e-12);
    });
  });

  test("its means follow the bases: columns in another order and of other sign change nothing", () => {
    const y = model.initial(seeded(3)).blocks[0]!;
    const { u, s, v } = factorsOf(y);
    const [order, signs] = [
      [2, 0, 1],
      [1, -1, -1],
    ];
    const turned = (a: Tensor): Tensor => ({
      ...a,
      data: a.data.map((_, p) => signs[p % 3]! * a.data[p - (p % 3) + order[p % 3]!]!),
    });
    const gradients = [1, 2].map((seed) => randomTensor(seeded(seed), [10, 12]));
    const endOf = (isTurned: boolean): Tensor => {
      const solver = adam()
        .begin()
        .solver(0, () => frame);
      let frame = y;
      let core = s;
      gradients.forEach((g, k) => {
        const [a, b] = k === 1 && isTurned ? [turned(u), turned(v)] : [u, v];
        if (k === 1) core = matmul(matmul(matmul(a, u, "T", "N"), core), matmul(b, v, "T", "N"), "N", "T");
        const initial = { ...core, shape: [3, 3, 1] };
        frame = { ...y, tensors: [a, b, initial] };
        const slope = matmul(matmul(a, g, "T", "N"), b);
        const field = {
          kind: "nonlinear",
          autonomous: true,
          dtype: "float64",
          shapeOut: [3, 3, 1],
          plan: () => (_t: number, _x: Tensor, out: Tensor) => out.data.set(slope.data.map((d) => -d)),
        } as const;
        const { final } = solver.solve({ node: 2, field, initial, t0: 0, t1: 0.1, seeks: "state" });
        core = { ...final, shape: [3, 3] };
        if (k === 1) core = matmul(matmul(a, core), b, "N", "T");
      });
      return core;
    };
    expect(difference(endOf(true), endOf(false))).toBeLessThan(1e-12);
  });

  test("needs a method with one solve for the state", async () => {
    for (const integrator of [geolora, fixedRankBug()])
      await expect(all(model, data, { epochs: 1, rate: 0.01, rule: adam(), integrator })).rejects.toThrow(
        /train: Adam on cores needs a method that ends with a Galerkin step/,
      );
    expect(() => adam({ beta1: 1 })).toThrow("adam: beta1 is 1, expected a number from 0 to below 1");
    expect(() => adam({ epsilon: 0 })).toThrow("adam: epsilon is 0");
  });
});

describe("what cannot be trained is refused before any work", () => {
  const model = small(3);
  const ok = { epochs: 1, rate: 0.1 };
  const inputs = data.inputs;
  test.each<[string, Partial<Dataset>, Partial<TrainOptions>]>([
    [
      "crossEntropy: sample 1 has class 4, expected an integer from 0 to 3",
      { targets: [0, 4, ...Array(94).fill(1)] },
      {},
    ],
    ["crossEntropy: sample 0 has class -1", { targets: Array(96).fill(-1) }, {}],
    ["crossEntropy: 3 classes for 96 samples", { targets: [0, 1, 2] }, {}],
    ["crossEntropy: the targets are 96x12", { targets: inputs }, {}],
    ["data: the inputs are 48x24, expected samples x 12", { inputs: { ...inputs, shape: [48, 24] } }, {}],
    ["data: sample 0 has an input not finite", { inputs: { ...inputs, data: inputs.data.with(3, Number.NaN) } }, {}],
    ["train: epochs is 0, expected a positive integer", {}, { epochs: 0 }],
    ["train: batch is 97, expected a positive integer up to the number of samples, 96", {}, { batch: 97 }],
    ["train: the rate of epoch 0 is -1", {}, { rate: -1 }],
    ['train: the rate of epoch 0 is "0.1", expected a positive number', {}, { rate: "0.1" as unknown as number }],
    ["train: the rate of epoch 0 is null", {}, { rate: null as unknown as number }],
    ["train: seed is -1, expected a non-negative integer", {}, { seed: -1 }],
    ["train: seed is NaN", {}, { seed: Number.NaN }],
    ['train: seed is "1"', {}, { seed: "1" as unknown as number }],
    ['train: momentum is "0.5", expected a number from 0', {}, { momentum: "0.5" as unknown as number }],
    ["train: adaptEvery is 0.5", {}, { adaptEvery: 0.5 }],
    ["train: freezeFrom is -1", {}, { freezeFrom: -1 }],
    [
      "train: fixed-rank BUG keeps its ranks and cannot follow the tolerance 0.1",
      {},
      { integrator: fixedRankBug(), truncation: { tolerance: 0.1 } },
    ],
    ["ranksWithin: the budget is 1", {}, { rankBudget: 1 }],
    ["train: momentum is 1, expected a number from 0 to below 1", {}, { momentum: 1 }],
    ["train: momentum is 0.5, but Adam on cores has", {}, { momentum: 0.5, rule: adam(), integrator: augmentedBug() }],
    ["train: rankBudget is 2.5", {}, { rankBudget: 2.5 }],
    [
      "train: fixed-rank BUG keeps its ranks and cannot follow a rankBudget",
      {},
      { integrator: fixedRankBug(), rankBudget: 4 },
    ],
    ["truncation: tolerance is 0", {}, { truncation: { tolerance: 0 } }],
    [
      "train: block 0 of initial is 9x12, that of the model 10x12",
      {},
      { initial: sequential(12, [lowRank(9), lowRank(9), dense(4)], crossEntropy()).initial(seeded(1)) },
    ],
    [
      "train: initial has 0 blocks, the model has 2",
      {},
      { initial: sequential(12, [dense(4)], crossEntropy()).initial(seeded(1)) },
    ],
  ])("%s", async (message, changed, options) => {
    await expect(all(model, { ...data, ...changed }, { ...ok, ...options })).rejects.toThrow(message);
  });

  test.each<[string, Partial<TrainOptions>]>([
    ["rankBudget", { rankBudget: 4 }],
    ["adaptEvery", { adaptEvery: 2 }],
    ["freezeFrom", { freezeFrom: 1 }],
    ["penalty", { penalty: conditionPenalty(1) }],
    ["projection", { projection: boundedCondition({ condition: 2 }) }],
  ])("%s for a model of dense matrices", async (name, options) => {
    const plain = sequential(12, [dense(4)], crossEntropy());
    await expect(all(plain, data, { ...ok, ...options })).rejects.toThrow(
      `train: ${name} was given, but the model has no weights of low rank`,
    );
  });

  test("options that are not known, of training, layers and rules", async () => {
    const odd = { odd: 1 } as object;
    await expect(all(model, data, { ...ok, ...odd })).rejects.toThrow(
      'train: unknown option "odd"; known: integrator,',
    );
    const image = { height: 4, width: 4, channels: 1, filters: 2, kernel: 2 };
    const sequence = { tokens: 2, heads: 2 };
    for (const [name, make] of Object.entries({
      lowRank: () => lowRank(3, odd),
      factored: () => factored(3, odd),
      dense: () => dense(3, odd),
      sharedLowRank: () => sharedLowRank({ layers: 2, ...odd }),
      tuckerLayer: () => tuckerLayer(3, { modes: [3, 4], ...odd }),
      convolution: () => convolution({ ...image, ...odd }),
      attention: () => attention({ ...sequence, ...odd }),
      tuckerAttention: () => tuckerAttention({ ...sequence, ...odd }),
      tensorProductAttention: () => tensorProductAttention({ ...sequence, ...odd }),
      treeClassifier: () => treeClassifier(imageTree(2, 2), { classes: 2, ...odd }),
      adam: () => adam(odd),
      smmf: () => smmf(odd),
      galore: () => galore({ rank: 2, ...odd }),
      rankPruning: () => rankPruning({ tolerance: 0.1, ...odd }),
      boundedCondition: () => boundedCondition({ condition: 2, ...odd }),
      energy: () => energy({ share: 0.5, ...odd }),
    }))
      expect(make).toThrow(`${name}: unknown option "odd"; known: `);
    expect(() => adam({ beta_1: 0.8 } as object)).toThrow('did you mean "beta1"?');
  });

  test("a method may be given as it is", async () => {
    const truncation = { tolerance: 0.1, relative: true, maxRank: 4 } as const;
    const steps = await all(model, data, { ...trainingMethod("dlrt"), epochs: 1, batch: 96, truncation });
    const { integrator, rule, rate } = trainingMethod("dlrt");
    const parts = await all(model, data, { integrator, rule, rate, epochs: 1, batch: 96, truncation });
    expect(steps.at(-1)!.weights).toEqual(parts.at(-1)!.weights);
  });

  test("data that do not fit, in predictions and losses", () => {
    const weights = model.initial(seeded(1));
    const narrow = tensor([3, 7]);
    expect(() => model.predict(weights, narrow)).toThrow("data: the inputs are 3x7, expected samples x 12");
    expect(() => model.lossOf(weights, { inputs: narrow, targets: [0, 0, 0] })).toThrow("data: the inputs are 3x7");
    expect(() => model.lossOf(weights, { ...data, targets: Array(96).fill(4) })).toThrow("sample 0 has class 4");
    const other = sequential(12, [lowRank(9), lowRank(9), dense(4)], crossEntropy()).initial(seeded(1));
    for (const look of [
      (w: Weights) => model.predict(w, inputs),
      (w: Weights) => model.lossOf(w, data),
      (w: Weights) => model.scores(w, data),
    ]) {
      expect(() => look(other)).toThrow("block 0 of weights is 9x12, that of the model 10x12");
      expect(() => look({ ...weights, blocks: [] })).toThrow("weights has 0 blocks, the model has 2");
      expect(() => look({ ...weights, passengers: weights.passengers.with(0, tensor([11])) })).toThrow(
        "passenger 0 of weights is 11, that of the model 10",
      );
    }
    const symbols = sequential(2, [embedding(5, 3), dense(2)], crossEntropy());
    const unknown = tensor([2, 2], "float64", Float64Array.of(0, 1, 5, 2));
    const message = "embedding: sample 1 has symbol 5, expected an integer from 0 to 4";
    const table = symbols.initial(seeded(1));
    expect(() => symbols.predict(table, unknown)).toThrow(message);
    expect(() => symbols.lossOf(table, { inputs: unknown, targets: [0, 1] })).toThrow(message);
    const plain = sequential(12, [dense(4)], meanSquaredError());
    const complex = tensor([96, 4], "complex128");
    expect(() => plain.check({ inputs, targets: complex })).toThrow("the targets are complex128, expected float64");
    expect(() => gaussianClasses({ samples: 3, features: 2, classes: 0 }, seeded(1), seeded(1))).toThrow(
      "gaussianClasses: classes is 0, expected a positive integer",
    );
  });

  test("layers and models of sizes that make no sense", () => {
    expect(() => lowRank(0)).toThrow("lowRank: outputs is 0, expected a positive integer");
    expect(() => lowRank(3, { gain: 0 })).toThrow("lowRank: gain is 0");
    expect(() => sequential(4, [lowRank(3, { rank: 5 })], crossEntropy())).toThrow(
      "lowRank: rank is 5, a matrix of 3x4 has at most 3",
    );
    expect(() => lowRank(3, { scale: 2 })).toThrow("lowRank: scale was given without a base");
    expect(() => sequential(4, [lowRank(3, { base: data.inputs })], crossEntropy())).toThrow(
      "lowRank: the base is 96x12, expected 3x4",
    );
    expect(() => sequential(4, [], crossEntropy())).toThrow("sequential: no layers");
    expect(() => activation("step" as "relu")).toThrow('activation: name is "step", expected one of relu, tanh, gelu');
    expect(() => activation("toString" as "relu")).toThrow('activation: name is "toString", expected one of');
    expect(() => accuracy(data.inputs, [1])).toThrow("accuracy: 1 classes for 96 rows");
  });

  const own = model.initial(seeded(1));
  const [first, second] = own.blocks as [TTN, TTN];
  const withBlock = (y: TTN): Weights => ({ ...own, blocks: [y, second] });
  const broken = (t: Tensor): Tensor => ({ ...t, data: t.data.with(1, Number.NaN) });
  test.each<[string, Weights]>([
    [
      "train: block 0 of initial is complex128, expected float64",
      withBlock({ ...first, tensors: first.tensors.map(({ shape }) => randomTensor(seeded(1), shape, "complex128")) }),
    ],
    [
      "train: block 0 of initial is no network: ttn: the tensor of node 1 (leaf of mode 1) has entries that are not finite",
      withBlock(withTensor(first, 1, broken(first.tensors[1]!))),
    ],
    [
      "train: block 0 of initial is no network: ttn: the tensor of node 2 is 3x2x1, its child 1 (node 1) has rank 3, not 2",
      withBlock(withTensor(first, 2, tensor([3, 2, 1]))),
    ],
    [
      "train: block 0 of initial has rank 11 at node 0, a weight of 10x12 has at most 10 there",
      withBlock({ ...first, tensors: [tensor([10, 11]), tensor([12, 11]), tensor([11, 11, 1])] }),
    ],
    [
      "train: block 0 of initial is no network: ttn: 2 tensors for a tree of 3 nodes",
      withBlock({ ...first, tensors: first.tensors.slice(0, 2) }),
    ],
    [
      "train: the tree of block 0 of initial is [1,0], that of the model [0,1]",
      withBlock({ ...first, tree: tree([1, 0]) }),
    ],
    [
      "train: passenger 1 of initial is 10, that of the model 9",
      { ...own, passengers: own.passengers.with(1, tensor([10])) },
    ],
    [
      "train: passenger 2 of initial has entries that are not finite",
      { ...own, passengers: own.passengers.with(2, broken(own.passengers[2]!)) },
    ],
    [
      "train: passenger 3 of initial is complex128, expected float64",
      { ...own, passengers: own.passengers.with(3, tensor([4], "complex128")) },
    ],
  ])("%s", async (message, initial) => {
    await expect(all(model, data, { ...ok, initial })).rejects.toThrow(message);
  });

  test("an answer that is not a number is wrong, whatever the class", () => {
    const rows = [
      [Number.NaN, 1],
      [1, Number.NaN],
      [Number.NaN, Number.NaN],
      [0, 1],
    ];
    const outputs = tensor([4, 2], "float64", Float64Array.from(rows.flat()));
    expect(accuracy(outputs, [0, 0, 0, 1])).toBe(0.25);
    expect(accuracy(outputs, [1, 1, 1, 1])).toBe(0.25);
  });

  test("an objective without a derivative for each weight", async () => {
    const poor: Model = {
      ...model,
      objective: (samples) => (weights) => ({ ...model.objective(samples)(weights), passengers: [] }),
    };
    await expect(all(poor, data, ok)).rejects.toThrow(
      "train: the objective gives derivatives by 0 passengers, the weights have 4",
    );
  });

  test("an objective whose derivative by a passenger is of another shape", async () => {
    const odd: Model = {
      ...model,
      objective: (samples) => (weights) => {
        const found = model.objective(samples)(weights);
        return { ...found, passengers: found.passengers.with(2, tensor([9, 4])) };
      },
    };
    await expect(all(odd, data, ok)).rejects.toThrow(
      "train: the derivative of the objective by passenger 2 is 9x4, expected 4x9",
    );
  });

  test("a loss that differs when evaluated again", async () => {
    let calls = 0;
    const noisy: Model = {
      ...model,
      objective: (samples) => (weights) => ({ ...model.objective(samples)(weights), loss: calls++ }),
    };
    await expect(all(noisy, data, ok)).rejects.toThrow("the loss is 0, and 1 when evaluated again at the same weights");
  });
});

test("a loss that is not finite ends training with the last good weights", async () => {
  const run = sequential(12, [lowRank(10), dense(4)], meanSquaredError());
  const on: Dataset = { inputs: data.inputs, targets: randomTensor(seeded(1), [96, 4]) };
  const error = await all(run, on, { epochs: 500, batch: 96, rate: 1e3 }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TrainingError);
  const { last, message } = error as TrainingError;
  expect(message).toMatch(/^training: .* in step \d+ \(epoch \d+\); a smaller rate may help$/);
  expect(last.step).toBeGreaterThan(0);
  for (const { data } of [...last.weights.passengers, ...last.weights.blocks.flatMap((y) => y.tensors)])
    expect(data.every(Number.isFinite)).toBe(true);
  expect(run.lossOf(last.weights, on)).toSatisfy(Number.isFinite);
});

test("integrators know nothing of training", () => {
  const folder = new URL("../../src/integrators/", import.meta.url);
  for (const name of readdirSync(folder, { recursive: true }) as string[])
    if (name.endsWith(".ts"))
      expect(readFileSync(new URL(name, folder), "utf8")).not.toMatch(
        /\b(loss|batch|epoch|training|learning rate|layer)\b/i,
      );
});

test.each(["matrix", "tucker"] as const)(
  "convolutions (%s) learn where a pattern does not matter but which it is",
  async (format) => {
    // a bar across or along, anywhere in an 8 x 8 image with noise
    const image = (count: number, seed: number): Dataset => {
      const random = seeded(seed);
      const inputs = randomTensor(random, [count, 64]);
      const targets = Array.from({ length: count }, (_, s) => {
        const [across, row, column] = [random() < 0.5, Math.floor(8 * random()), Math.floor(6 * random())];
        for (let p = 0; p < 64; p++) inputs.data[64 * s + p]! *= 0.2;
        for (let k = 0; k < 3; k++)
          inputs.data[64 * s + (across ? 8 * row + column + k : 8 * (column + k) + row)]! += 2;
        return across ? 1 : 0;
      });
      return { inputs, targets };
    };
    const model = sequential(
      64,
      [
        convolution({ height: 8, width: 8, channels: 1, filters: 6, kernel: 3, gain: 0.5, format }),
        activation("relu"),
        maxPool({ height: 6, width: 6, channels: 6 }),
        dense(2),
      ],
      crossEntropy(),
    );
    const steps = await all(model, image(200, 1), { epochs: 30, batch: 50, rate: 0.2, integrator: augmentedBug() });
    expect(steps.slice(1).every(({ passes }) => passes === 1)).toBe(true);
    const judged = image(200, 2);
    const { weights, ranks } = steps.at(-1)!;
    expect(accuracy(model.predict(weights, judged.inputs), judged.targets as number[])).toBeGreaterThan(0.9);
    expect(ranks[0]![0]).toBeLessThan(6);
  },
);
