import { describe, expect, test } from "vitest";
import { augmentedBug } from "../../src/index.ts";
import {
  activation,
  adam,
  crossEntropy,
  dense,
  factored,
  galore,
  type Layer,
  lowRank,
  meanSquaredError,
  parameterCounts,
  type Rule,
  rankPruning,
  type Sequential,
  sequential,
  sgd,
  smmf,
  train,
  type Weights,
  wholeGradient,
} from "../../src/training/index.ts";
import {
  block,
  classes,
  combine,
  difference,
  matmul,
  norm,
  permute,
  randomTensor,
  scaleColumns,
  seeded,
  singularValues,
  svd,
  type Tensor,
} from "./tools.ts";

const data = classes(64, 2);
const net = (hidden: Layer): Sequential => sequential(12, [hidden, activation("tanh"), dense(4)], crossEntropy());
const plain = net(dense(18)); // passengers of 18x12, 18, 4x18 and 4

/** Trains, and beside it moves all passengers by a plain loop over the same gradients; the ends of both agree at every step. */
async function compare(
  model: Sequential,
  rule: Rule,
  literal: (passenger: number, x: Tensor, g: Tensor, step: number) => Tensor,
  rate = 0.05,
): Promise<Weights> {
  const objective = model.objective(data);
  let own: Weights | null = null;
  for await (const { step, weights } of train(model, data, { epochs: 12, batch: 64, rate, rule })) {
    if (own) {
      const { passengers } = objective(own);
      own = { blocks: [], passengers: own.passengers.map((x, p) => literal(p, x, passengers[p]!, step)) };
      own.passengers.forEach((x, p) => {
        expect(difference(x, weights.passengers[p]!)).toBeLessThan(1e-9 * (1 + norm(x)));
      });
    } else own = weights;
  }
  return own!;
}

/** Adam on a list of numbers, as in its paper: the change. */
function adamOn(rate: number): (g: Float64Array) => Float64Array {
  let [m, v, t] = [new Float64Array(0), new Float64Array(0), 0];
  return (g) => {
    if (t === 0) [m, v] = [g.map(() => 0), g.map(() => 0)];
    t++;
    return g.map((slope, i) => {
      m[i] = 0.9 * m[i]! + 0.1 * slope;
      v[i] = 0.999 * v[i]! + 0.001 * slope ** 2;
      return (-rate * (m[i]! / (1 - 0.9 ** t))) / (Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-8);
    });
  };
}

const plus = (x: Tensor, change: Float64Array): Tensor => ({ ...x, data: x.data.map((v, i) => v + change[i]!) });

describe("SMMF", () => {
  test("is the published update of passengers, entry by entry", async () => {
    // the matrices that the passengers are taken as
    const squares = [
      [12, 18],
      [3, 6],
      [8, 9],
      [2, 2],
    ] as const;
    const states = new Map<number, { readonly m: number[][]; readonly v: number[][] }>();
    await compare(plain, smmf({ decay: -0.8 }), (p, x, g, t) => {
      const [rows, columns] = squares[p]!;
      const table = (f: (i: number, j: number) => number): number[][] =>
        Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => f(i, j)));
      const slope = (i: number, j: number): number => g.data[i * columns + j]!;
      const old = states.get(p) ?? { m: table(() => 0), v: table(() => 0) };
      const [b, c] = [0.9 * 0.999 ** (t - 1), 1 - t ** -0.8];
      const m = table((i, j) => b * old.m[i]![j]! + (1 - b) * slope(i, j));
      const v = table((i, j) => c * old.v[i]![j]! + (1 - c) * slope(i, j) ** 2);
      const rankOne = (a: number[][]): number[][] => {
        const size = (list: readonly number[]): number => list.reduce((sum, w) => sum + Math.abs(w), 0);
        const total = size(a.flat());
        return table((i, j) => (Math.sign(a[i]![j]!) * size(a[i]!) * size(a.map((row) => row[j]!))) / total);
      };
      states.set(p, { m: rankOne(m), v: rankOne(v) });
      return plus(x, Float64Array.from(table((i, j) => (-0.05 * m[i]![j]!) / (Math.sqrt(v[i]![j]!) + 1e-8)).flat()));
    });
  });

  test("in bases that stay it does the same to a core", async () => {
    const model = net(lowRank(10, { rank: 4, gain: 1 }));
    const objective = model.objective(data);
    const state = smmf().begin();
    let [own, before]: [Tensor | null, Weights | null] = [null, null];
    const options = { epochs: 6, batch: 64, rate: 0.01, integrator: augmentedBug(), freezeFrom: 0 };
    for await (const { weights } of train(model, data, { ...options, rule: smmf() })) {
      const [u, v, core] = weights.blocks[0]!.tensors as [Tensor, Tensor, Tensor];
      if (own && before) {
        const g = wholeGradient(objective(before).blocks[0]!, before.blocks[0]!);
        const slope = matmul(matmul(u, g, "T", "N"), v);
        own = state.advance(0, own, { ...slope, shape: own.shape }, 0.01);
        expect(difference(own, core)).toBeLessThan(1e-12);
      } else own = core;
      before = weights;
    }
  });

  test("remembers two vectors of each mean and a bit an entry", () => {
    expect(smmf().memory([512, 512])).toBe(2 * 8 * (512 + 512) + 512 * 64);
    expect(smmf().memory([7])).toBe(2 * 8 * (1 + 7) + 1);
    expect(adam().memory([512, 512])).toBe(2 * 8 * 512 * 512);
    expect(sgd().memory([512, 512])).toBe(0);
  });

  test("refuses what makes no sense", () => {
    expect(() => smmf({ beta: 1.5 })).toThrow("smmf: beta is 1.5, expected a number from 0 to 1");
    expect(() => smmf({ decay: 0.5 })).toThrow("smmf: decay is 0.5, expected a number from -1 to 0");
    expect(() => smmf({ epsilon: 0 })).toThrow("smmf: epsilon is 0");
  });
});

describe("projected gradients", () => {
  test("are Adam in the leading singular vectors of a gradient, renewed every few steps", async () => {
    const ways = [0, 1, 2, 3].map(() => adamOn(0.05));
    const bases: Tensor[] = [];
    await compare(plain, galore({ rank: 3, every: 5, scale: 0.5 }), (p, x, g, t) => {
      if (x.shape.length === 1) return plus(x, ways[p]!(g.data));
      const isTall = x.shape[0]! > x.shape[1]!; // 18x12 is seen from the right, 4x18 from the left
      const seen = isTall ? permute(g, [1, 0]) : g;
      if (t % 5 === 1) bases[p] = block(svd(seen).u, [0, 0], [seen.shape[0]!, 3]);
      const small = isTall ? matmul(g, bases[p]!) : matmul(bases[p]!, g, "T", "N");
      const change = { ...small, data: ways[p]!(small.data) };
      const whole = isTall ? matmul(change, bases[p]!, "N", "T") : matmul(bases[p]!, change);
      return plus(
        x,
        whole.data.map((v) => 0.5 * v),
      );
    });
  });

  test("remember the projection and small means; matrices no larger than the rank are Adam's", () => {
    expect(galore({ rank: 4 }).memory([20, 50])).toBe(8 * (4 * 20 + 2 * 4 * 50));
    expect(galore({ rank: 4 }).memory([4, 50])).toBe(adam().memory([4, 50]));
    expect(() => galore({ rank: 0 })).toThrow("galore: rank is 0, expected a positive integer");
    expect(() => galore({ rank: 2, every: 0.5 })).toThrow("galore: every is 0.5");
    expect(() => galore({ rank: 2, scale: -1 })).toThrow("galore: scale is -1");
  });
});

describe("trained rank pruning", () => {
  test("is gradient descent with a truncated singular value decomposition every few steps", async () => {
    let [count, pull]: [number, Tensor | null] = [0, null];
    const rule = rankPruning({ tolerance: 0.3, every: 4, nuclear: 0.1, smallest: 5 });
    const end = await compare(plain, rule, (p, x, g, t) => {
      const step = combine([
        [1, x],
        [-0.05, g],
      ]);
      if (p !== 0) return step; // 4x18 is too small to be pruned
      const next = pull
        ? combine([
            [1, step],
            [-0.05 * 0.1, pull],
          ])
        : step;
      pull = null;
      if (t % 4 !== 0) return next;
      const { u, s, vh } = svd(next);
      const tails = [...s].map((_, r) => Math.hypot(...s.subarray(r)));
      const rank = tails.findIndex((tail) => tail <= 0.3 * tails[0]!);
      count = rank;
      const [left, right] = [block(u, [0, 0], [18, rank]), block(vh, [0, 0], [rank, 12])];
      pull = matmul(left, right);
      return matmul(scaleColumns(left, s), right);
    });
    expect(count).toBeLessThan(12);
    const s = singularValues(end.passengers[0]!);
    expect(s[count - 1]!).toBeGreaterThan(1e-3);
    expect(s[count]!).toBeLessThan(1e-12);
  });

  test("with momentum the velocity is that of a step before the cut", async () => {
    const [momentum, rate] = [0.6, 0.05];
    const rule = rankPruning({ tolerance: 0.5, every: 3, smallest: 5 });
    const objective = plain.objective(data);
    let [own, velocity]: [Weights | null, readonly Tensor[]] = [null, []];
    for await (const { step, weights } of train(plain, data, { epochs: 12, batch: 64, rate, rule, momentum })) {
      if (own) {
        const before: Weights = own;
        const { passengers: slopes } = objective(before);
        velocity = slopes.map((g, p) =>
          combine([
            [-1, g],
            [momentum, velocity[p] ?? combine([[0, g]])],
          ]),
        );
        const moved = before.passengers.map((x, p) =>
          combine([
            [1, x],
            [rate, velocity[p]!],
          ]),
        );
        const { u, s, vh } = svd(moved[0]!);
        const tails = [...s].map((_, r) => Math.hypot(...s.subarray(r)));
        const rank = tails.findIndex((tail) => tail <= 0.5 * tails[0]!);
        const cut = matmul(
          scaleColumns(block(u, [0, 0], [18, rank]), s.subarray(0, rank)),
          block(vh, [0, 0], [rank, 12]),
        );
        own = { blocks: [], passengers: step % 3 === 0 ? moved.with(0, cut) : moved };
        own.passengers.forEach((x, p) => {
          expect(difference(x, weights.passengers[p]!)).toBeLessThan(1e-9 * (1 + norm(x)));
        });
      } else own = weights;
    }
  });

  test("follows a cap, and refuses what makes no sense", async () => {
    const rule = rankPruning({ tolerance: 0, every: 1, maxRank: 2, smallest: 5 });
    for await (const { step, weights } of train(plain, data, { epochs: 2, batch: 64, rate: 0.1, rule }))
      if (step > 0) expect(singularValues(weights.passengers[0]!)[2]!).toBeLessThan(1e-12);
    expect(() => rankPruning({ tolerance: -1 })).toThrow("rankPruning: tolerance is -1");
    expect(() => rankPruning({ tolerance: 0.1, every: 0 })).toThrow("rankPruning: every is 0, expected a positive");
    expect(() => rankPruning({ tolerance: 0.1, maxRank: 1.5 })).toThrow("rankPruning: maxRank is 1.5");
  });
});

describe("two dense factors", () => {
  const random = seeded(3);
  const [base, wanted, inputs] = [
    [5, 7],
    [5, 7],
    [64, 7],
  ].map((shape) => randomTensor(random, shape)) as [Tensor, Tensor, Tensor];
  const on = { inputs, targets: matmul(inputs, wanted, "N", "T") };

  /** dL/dW of the mean squared error of W + scale A B, by its formula. */
  const slope = (w: Tensor): Tensor => {
    const z = combine([
      [1, matmul(inputs, w, "N", "T")],
      [-1, on.targets],
    ]);
    return combine([[2 / z.data.length, matmul(z, inputs, "T", "N")]]);
  };

  test("descend together, from a start of the singular values' roots", async () => {
    const model = sequential(7, [factored(5, { rank: 3, bias: false, gain: 0.5 })], meanSquaredError());
    let [a, b]: Tensor[] = [];
    for await (const { step, weights } of train(model, on, { epochs: 10, batch: 64, rate: 0.1 })) {
      if (step === 0) {
        [a, b] = weights.passengers as [Tensor, Tensor];
        expect(difference(matmul(a, a, "T", "N"), matmul(b, b, "N", "T"))).toBeLessThan(1e-14);
        expect(norm(matmul(a, b))).toBeCloseTo(0.5 * Math.sqrt(5), 12);
        expect(parameterCounts(weights, model.spared)).toMatchObject({ inference: 3 * 12, full: 35 });
      } else {
        const g = slope(matmul(a!, b!));
        [a, b] = [
          combine([
            [1, a!],
            [-0.1, matmul(g, b!, "N", "T")],
          ]),
          combine([
            [1, b!],
            [-0.1, matmul(a!, g, "T", "N")],
          ]),
        ];
        expect(difference(weights.passengers[0]!, a)).toBeLessThan(1e-12);
        expect(difference(weights.passengers[1]!, b)).toBeLessThan(1e-12);
      }
    }
  });

  test("beside a base they are LoRA", async () => {
    const model = sequential(7, [factored(5, { rank: 2, bias: false, base, scale: 4 })], meanSquaredError());
    const ways = [adamOn(0.01), adamOn(0.01)];
    let [a, b]: Tensor[] = [];
    for await (const { step, weights } of train(model, on, { epochs: 10, batch: 64, rate: 0.01, rule: adam() })) {
      if (step === 0) {
        [a, b] = weights.passengers as [Tensor, Tensor];
        expect(norm(a)).toBe(0);
        expect(difference(model.predict(weights, inputs), matmul(inputs, base, "N", "T"))).toBe(0);
      } else {
        const g = slope(
          combine([
            [1, base],
            [4, matmul(a!, b!)],
          ]),
        );
        const slopes: Tensor[] = [combine([[4, matmul(g, b!, "N", "T")]]), combine([[4, matmul(a!, g, "T", "N")]])];
        [a, b] = [plus(a!, ways[0]!(slopes[0]!.data)), plus(b!, ways[1]!(slopes[1]!.data))];
        expect(difference(weights.passengers[0]!, a)).toBeLessThan(1e-9);
        expect(difference(weights.passengers[1]!, b)).toBeLessThan(1e-9);
      }
    }
  });

  test("refuse what makes no sense", () => {
    expect(() => factored(0)).toThrow("factored: outputs is 0, expected a positive integer");
    expect(() => sequential(4, [factored(3, { rank: 4 })], crossEntropy())).toThrow(
      "factored: rank is 4, a matrix of 3x4 has at most 3",
    );
    expect(() => factored(3, { scale: 2 })).toThrow("factored: scale was given without a base");
  });
});
