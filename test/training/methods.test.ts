import { describe, expect, test } from "vitest";
import { augmentedBug, parallelBug, toDense } from "../../src/index.ts";
import {
  activation,
  boundedCondition,
  type CoreProjection,
  conditionPenalty,
  crossEntropy,
  decayingMatrix,
  decayingTucker,
  dense,
  energy,
  gradientSeen,
  lowRank,
  type Model,
  parameterCounts,
  type Sequential,
  sequential,
  sharedLowRank,
  type TrainingStep,
  type TrainOptions,
  trainingMethod,
  trainingMethodNames,
  trainingRule,
  tuckerLayer,
  type Weights,
  wholeGradient,
} from "../../src/training/index.ts";
import { randomState } from "../../src/ttn/construct.ts";
import { centers } from "../../src/ttn/gauge.ts";
import { factorsOf } from "../../src/ttn/matrix-rhs.ts";
import { schmidtValues, truncate } from "../../src/ttn/truncate.ts";
import { modeSizes, type TTN } from "../../src/ttn/ttn.ts";
import {
  all,
  classes,
  difference,
  identity,
  matmul,
  norm,
  randomTensor,
  seeded,
  singularValues,
  type Tensor,
} from "./tools.ts";

const data = classes(60, 2);
const small = sequential(12, [lowRank(10, { rank: 4, gain: 1 }), activation("tanh"), dense(4)], crossEntropy());

describe("methods by name", () => {
  test("each is one that `train` takes, with what it is told", () => {
    for (const name of trainingMethodNames) {
      const method = trainingMethod(name);
      expect(method.name).toBe(name);
      expect(method.rate).toBeGreaterThan(0);
      expect(typeof method.integrator.step).toBe("function");
      expect(typeof method.rule.begin).toBe("function");
      if (!method.integrator.promises.rankAdaptive) expect(method.adaptsRanks).toBe(false);
    }
    expect(trainingMethod("condlr", { condition: 2 }).projection?.name).toBe("condition at most 2");
    expect(trainingMethod("robust").penalty).toBeUndefined();
    expect(trainingMethod("robust", { beta: 0.1 }).penalty?.name).toBe("condition penalty");
    expect(trainingMethod("galore", { rank: 3 }).rule.name).toBe("projected Adam of rank 3");
    expect(trainingMethod("trp", { every: 5 }).rule.name).toBe("SGD, pruned every 5 steps");
    expect(trainingRule("smmf").name).toBe("SMMF on cores");
  });

  test("unknown names and settings that a method does not take are refused, with those that are known", () => {
    expect(() => trainingMethod("dlrtt")).toThrow('"dlrtt" is no method; known: parallel, geolora,');
    expect(() => trainingMethod("toString")).toThrow("is no method");
    expect(() => trainingMethod("dlrt", { beta: 1 })).toThrow("trainingMethod: dlrt takes no settings, not beta");
    expect(() => trainingMethod("trp", { rank: 1 })).toThrow("trp takes every, tolerance, nuclear, not rank");
    expect(() => trainingRule("adagrad")).toThrow('"adagrad" is no rule; known: sgd, adam, smmf');
  });

  test("what is no rule, and ranks beyond every weight, are refused before any work", async () => {
    const run = (options: object) => all(small, data, { epochs: 1, rate: 0.1, ...options } as TrainOptions);
    await expect(run({ rule: "adam" })).rejects.toThrow('train: rule is "adam", expected one such as sgd()');
    await expect(run({ truncation: { tolerance: 0.1, maxRank: 11 } })).rejects.toThrow(
      "train: maxRank is 11, the largest low-rank weight is 10x12 and has at most 10",
    );
  });
});

/** The losses of fixed samples, step by step. */
async function lossesOf(model: Model, options: Partial<TrainOptions>): Promise<number[]> {
  const off = { tolerance: "off" } as const;
  const steps = await all(model, data, { epochs: 100, batch: 60, rate: 0.1, truncation: off, ...options });
  return steps.slice(1).map(({ loss }) => loss!);
}

const falls = (losses: readonly number[]): void =>
  losses.slice(1).forEach((loss, k) => {
    expect(loss).toBeLessThan(losses[k]!);
  });

const grid = sequential(12, [tuckerLayer(6, { modes: [3, 4], rank: 2 }), activation("tanh"), dense(4)], crossEntropy());
const stack = sequential(
  12,
  [sharedLowRank({ layers: 2, rank: 2, activation: "tanh", gain: 1 }), activation("tanh"), dense(4)],
  crossEntropy(),
);

/**
 * A model whose block stands for some of the matrices of a dense one has its outputs and derivatives, and its local fields are those of
 * the whole gradient. `at` are the places of the matrices among the dense passengers, `parts` takes them out of the block's full tensor.
 */
function checkAgainst(
  model: Sequential,
  weights: Weights,
  plain: Sequential,
  { at, parts }: { at: readonly number[]; parts: (whole: Tensor) => readonly Tensor[] },
): void {
  const [y] = weights.blocks as [TTN];
  const matrices = parts(toDense(y));
  const rest = [...weights.passengers];
  const count = at.length + rest.length;
  const passengers = Array.from({ length: count }, (_, p) =>
    at.includes(p) ? matrices[at.indexOf(p)]! : rest.shift()!,
  );
  const dense: Weights = { blocks: [], passengers };
  expect(difference(model.predict(weights, data.inputs), plain.predict(dense, data.inputs))).toBeLessThan(1e-12);
  const [found, wanted] = [model.objective(data)(weights), plain.objective(data)(dense)];
  const g = found.blocks[0]!;
  const whole = wholeGradient(g, y);
  const derivatives = [...parts(whole), ...found.passengers];
  const order = [...at, ...passengers.map((_, p) => p).filter((p) => !at.includes(p))];
  derivatives.forEach((d, k) => {
    expect(difference(d, wanted.passengers[order[k]!]!)).toBeLessThan(1e-13);
  });
  const sizes = modeSizes(y);
  const full = [...sizes.map((n) => identity(n)), { ...whole, shape: [...sizes, 1] }];
  const network = { tree: y.tree, tensors: full, center: y.center };
  for (const frame of [y, randomState(y.tree, sizes, 3, seeded(8))])
    centers(frame).forEach((seenFrom, node) => {
      const [a, b] = [gradientSeen(g, seenFrom, node), gradientSeen(network, seenFrom, node)];
      expect(difference(a, b)).toBeLessThan(1e-12);
    });
}

describe("cores of bounded condition", () => {
  const y = decayingMatrix(9, 7, 5, seeded(3), 1);
  const before = singularValues(toDense(y)).subarray(0, 5);
  const mean = before.reduce((a, b) => a + b, 0) / 5;
  const rms = norm(toDense(y)) / Math.sqrt(5);

  test.each<[string, CoreProjection, number, number]>([
    ["around the mean", boundedCondition({ condition: 1.5 }), mean, 1.5],
    ["around the root of the mean square", boundedCondition({ condition: 3, around: "rms" }), rms, 3],
    ["all the same", boundedCondition({ condition: 1, around: "rms" }), rms, 1],
  ])("%s: singular values are held in their interval, singular vectors stay", (_, projection, middle, condition) => {
    const end = projection.apply(y);
    const width = (middle * (condition - 1)) / (condition + 1);
    const wanted = [...before].map((s) => Math.min(Math.max(s, middle - width), middle + width));
    const after = singularValues(toDense(end)).subarray(0, 5);
    wanted
      .sort((a, b) => b - a)
      .forEach((s, k) => {
        expect(after[k]!).toBeCloseTo(s, 12);
      });
    expect(after[0]! / after[4]!).toBeLessThanOrEqual(condition * (1 + 1e-12));
    // W^T W' is symmetric where the singular vectors are the same
    const product = matmul(toDense(y), toDense(end), "T", "N");
    const swapped = matmul(toDense(end), toDense(y), "T", "N");
    expect(difference(product, swapped)).toBeLessThan(1e-12);
    expect(end.tensors[0]).toBe(y.tensors[0]);
  });

  test("it holds at every step of condlr, the start included, which learns", async () => {
    const { integrator, rule, projection, rate } = trainingMethod("condlr", { condition: 1.2 });
    const on = classes(200, 3, 0.4);
    const options = { epochs: 10, batch: 20, rate, integrator, rule, projection: projection! };
    const steps = await all(small, on, options);
    for (const { weights, ranks } of steps) {
      const s = schmidtValues(weights.blocks[0]!, 0);
      expect(s[0]! / s.at(-1)!).toBeLessThan(1.2 * (1 + 1e-10));
      expect(ranks).toEqual([[4, 4]]);
    }
    expect(steps.at(-1)!.loss).toBeLessThan(0.3 * steps[1]!.loss!);
  });

  test("condlr keeps its ranks by itself: steps of parallel BUG, cut to the ranks of the start", async () => {
    const { integrator, rule, projection, rate } = trainingMethod("condlr");
    const options = { epochs: 4, batch: 20, rate, rule, projection: projection! };
    const truncation = { tolerance: "off", maxRank: 4 } as const;
    const own = await all(small, data, { ...options, integrator });
    const cut = await all(small, data, { ...options, integrator: parallelBug(), truncation });
    own.forEach(({ weights, discarded }, k) => {
      expect(weights).toEqual(cut[k]!.weights);
      expect(discarded).toEqual(cut[k]!.discarded);
    });
    const zero = { ...own[0]!.weights, blocks: [decayingMatrix(10, 12, 3, seeded(1), 0)] };
    const still = sequential(12, [lowRank(10, { rank: 3 }), activation("tanh"), dense(4)], crossEntropy());
    for (const { ranks } of await all(still, data, { ...options, integrator, initial: zero }))
      expect(ranks).toEqual([[3, 3]]);
    await expect(all(small, data, { ...options, integrator, truncation: { tolerance: 0.1 } })).rejects.toThrow(
      "keeps its ranks and cannot follow the tolerance 0.1",
    );
  });

  test("a weight that is zero stays so; other trees and a condition below one are refused", async () => {
    const zero = decayingMatrix(4, 3, 2, seeded(1), 0);
    expect(norm(toDense(boundedCondition({ condition: 2 }).apply(zero)))).toBe(0);
    expect(() => boundedCondition({ condition: 0.5 })).toThrow("boundedCondition: condition is 0.5");
    expect(() => boundedCondition({ condition: 2, around: "median" as "mean" })).toThrow('around is "median"');
    expect(() => conditionPenalty(0)).toThrow("conditionPenalty: beta is 0, expected a positive number");
    for (const extra of [{ projection: boundedCondition({ condition: 2 }) }, { penalty: conditionPenalty(1) }])
      await expect(all(grid, data, { epochs: 1, rate: 0.1, ...extra })).rejects.toThrow(
        "the weight has 3 modes, expected a matrix",
      );
  });
});

describe("a penalty on the condition", () => {
  const penalty = conditionPenalty(0.7);

  test("is the spread of squared singular values, with its derivative by the core", () => {
    const y = decayingMatrix(9, 7, 4, seeded(5), 1);
    const squares = [...singularValues(toDense(y)).subarray(0, 4)].map((s) => s * s);
    const mean = squares.reduce((a, b) => a + b, 0) / 4;
    expect(penalty.value(y)).toBeCloseTo(0.7 * Math.hypot(...squares.map((s) => s - mean)), 12);
    const core = y.tensors[2]!;
    const direction = randomTensor(seeded(6), core.shape);
    const at = (h: number): number =>
      penalty.value({
        ...y,
        tensors: y.tensors.with(2, { ...core, data: core.data.map((v, p) => v + h * direction.data[p]!) }),
      });
    const slope = penalty.gradient(y).tensors[2]!.data.reduce((sum, v, p) => sum + v * direction.data[p]!, 0);
    expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(slope, 7);
    expect(penalty.gradient(y).tensors[0]).toBe(y.tensors[0]);
  });

  test("with it the loss falls together with the penalty, and the condition ends smaller", async () => {
    const options = { epochs: 100, batch: 60, rate: 0.05, freezeFrom: 0 };
    const weak = conditionPenalty(0.05);
    const [plain, held] = [await all(small, data, options), await all(small, data, { ...options, penalty: weak })];
    falls(held.slice(1).map(({ loss }, k) => loss! + weak.value(held[k]!.weights.blocks[0]!)));
    const condition = (steps: TrainingStep[]): number => {
      const s = schmidtValues(steps.at(-1)!.weights.blocks[0]!, 0);
      return s[0]! / s.at(-1)!;
    };
    expect(condition(held)).toBeLessThan(0.5 * condition(plain));
  });
});

test("a share of energy keeps the fewest singular values that have it", () => {
  for (const share of [0.5, 0.9, 0.999]) {
    const y = decayingMatrix(12, 10, 8, seeded(7), 1);
    const s = [...singularValues(toDense(y))];
    const total = s.reduce((sum, v) => sum + v * v, 0);
    const wanted = s.findIndex((_, k) => s.slice(0, k + 1).reduce((sum, v) => sum + v * v, 0) >= share * total) + 1;
    expect(factorsOf(truncate(y, energy({ share })).y).s.shape).toEqual([wanted, wanted]);
  }
  expect(energy({ share: 0.9, maxRank: 3 })).toMatchObject({ maxRank: 3, relative: true, method: "paper" });
  expect(() => energy({ share: 1 })).toThrow("energy: share is 1, expected a number between 0 and 1");
});

describe("Tucker tensors in dense layers", () => {
  test("(outputs) x (modes of the input): the outputs and all derivatives are those of the matrix", () => {
    const plain = sequential(12, [dense(6), activation("tanh"), dense(4)], crossEntropy());
    const weights = grid.initial(seeded(4));
    const y = decayingTucker([6, 3, 4], 2, seeded(9), 1);
    const parts = (t: Tensor) => [{ ...t, shape: [6, 12] }];
    checkAgainst(grid, { ...weights, blocks: [y] }, plain, { at: [0], parts });
  });

  test("the loss of fixed samples falls in each of 100 steps, in one pass each", async () => {
    falls(await lossesOf(grid, { integrator: trainingMethod("tdlrt").integrator }));
    const steps = await all(grid, data, { epochs: 3, rate: 0.1, integrator: trainingMethod("tdlrt").integrator });
    expect(steps.slice(1).map(({ passes }) => passes)).toEqual([1, 1, 1]);
  });

  test("modes that are not those of the inputs are refused", () => {
    expect(() => sequential(12, [tuckerLayer(6, { modes: [3, 5] })], crossEntropy())).toThrow(
      "tuckerLayer: the modes are 3x5, for 12 inputs",
    );
    expect(() => tuckerLayer(6, { modes: [3, 0] })).toThrow("tuckerLayer: a mode is 0, expected a positive integer");
    expect(() => tuckerLayer(6, { modes: [3], gain: 0 })).toThrow("tuckerLayer: gain is 0");
  });
});

describe("layers that share their bases", () => {
  test("are dense layers W_l = U M_l V^T, in outputs and all derivatives", () => {
    const plain = sequential(
      12,
      [dense(12), activation("tanh"), dense(12), activation("tanh"), dense(4)],
      crossEntropy(),
    );
    const weights = stack.initial(seeded(4));
    const slices = (t: Tensor): Tensor[] =>
      [0, 1].map((l) => ({ ...t, shape: [12, 12], data: t.data.slice(144 * l, 144 * (l + 1)) }));
    for (const w of slices(toDense(weights.blocks[0]!))) expect(norm(w)).toBeCloseTo(Math.sqrt(12), 12);
    checkAgainst(stack, weights, plain, { at: [0, 2], parts: slices });
  });

  test("the loss of fixed samples falls in each of 100 steps", async () => {
    falls(await lossesOf(stack, { integrator: trainingMethod("lotr").integrator }));
  });

  test("ranks of the bases follow a tolerance, that of the layers stays, and is not counted", async () => {
    const steps = await all(stack, data, {
      epochs: 30,
      batch: 60,
      rate: 0.1,
      integrator: augmentedBug(),
      truncation: { tolerance: 0.3, relative: true, maxRank: 5 },
    });
    for (const { ranks } of steps) expect(ranks[0]![0]).toBe(2);
    const { ranks, weights } = steps.at(-1)!;
    const [, r, q] = ranks[0] as [number, number, number];
    expect(Math.max(r, q)).toBeLessThanOrEqual(5);
    expect(parameterCounts(weights).inference).toBe(12 * (r + q) + 2 * r * q + 48);
    expect(parameterCounts(weights).full).toBe(2 * 144 + 48);
  });

  test.each(["weighted", "paper"] as const)(
    "more layers than the other ranks can tell apart keep their basis complete (%s), and the loss falls",
    async (method) => {
      const many = sequential(
        12,
        [sharedLowRank({ layers: 5, rank: 2, activation: "tanh", gain: 1 }), dense(4)],
        crossEntropy(),
      );
      const truncation = { tolerance: 1e-3, relative: true, maxRank: 2, method };
      const options = { epochs: 60, batch: 60, rate: 0.1, integrator: augmentedBug(), truncation };
      const steps = await all(many, data, options);
      falls(steps.slice(1).map(({ loss }) => loss!));
      falls(await lossesOf(many, { integrator: augmentedBug() }));
      for (const { weights, ranks } of steps) {
        expect(ranks).toEqual([[5, 2, 2]]);
        const [basis] = weights.blocks[0]!.tensors as [Tensor];
        expect(difference(matmul(basis, basis, "T", "N"), identity(5))).toBeLessThan(1e-12);
      }
    },
  );

  test("beside bases that stay they start at zero; what does not fit is refused", () => {
    const bases = [1, 2].map((seed) => randomTensor(seeded(seed), [12, 12]));
    const adapted = sequential(12, [sharedLowRank({ layers: 2, bases, scale: 2 })], crossEntropy());
    const plain = sequential(
      12,
      [dense(12, { bias: false }), activation("relu"), dense(12, { bias: false })],
      crossEntropy(),
    );
    const x = data.inputs;
    const outputs = adapted.predict(adapted.initial(seeded(1)), x);
    expect(difference(outputs, plain.predict({ blocks: [], passengers: bases }, x))).toBe(0);
    expect(() => sharedLowRank({ layers: 0 })).toThrow("sharedLowRank: layers is 0, expected a positive integer");
    expect(() => sharedLowRank({ layers: 3, bases })).toThrow("sharedLowRank: 2 bases for 3 layers");
    expect(() => sharedLowRank({ layers: 2, scale: 2 })).toThrow("sharedLowRank: scale was given without bases");
    expect(() => sequential(9, [sharedLowRank({ layers: 2, bases })], crossEntropy())).toThrow(
      "sharedLowRank: base 0 is 12x12, expected 9x9",
    );
    const [first, second] = bases as [Tensor, Tensor];
    const modelOf = (base: Tensor) =>
      sequential(12, [sharedLowRank({ layers: 2, bases: [first, base] })], crossEntropy());
    expect(() => modelOf(randomTensor(seeded(1), [12, 12], "complex128"))).toThrow(
      "sharedLowRank: base 1 is complex128, expected float64",
    );
    expect(() => modelOf({ ...second, data: second.data.with(7, Number.NaN) })).toThrow(
      "sharedLowRank: base 1 has entry 7 = NaN, expected finite numbers",
    );
  });
});

test("Adam with a penalty and a bound trains as well", async () => {
  const on = classes(200, 3, 0.4);
  const { integrator, rule, projection, penalty } = trainingMethod("robust", { beta: 0.01, condition: 4 });
  const steps = await all(small, on, {
    epochs: 8,
    batch: 20,
    rate: 0.01,
    integrator,
    rule,
    projection: projection!,
    penalty: penalty!,
    truncation: { tolerance: "off", maxRank: 4 },
  });
  expect(steps.at(-1)!.loss).toBeLessThan(0.3 * steps[1]!.loss!);
});
