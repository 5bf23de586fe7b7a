import { describe, expect, test } from "vitest";
import { inline } from "../../src/executors/inline.ts";
import {
  augmentedBug,
  balanced,
  euler,
  evolve,
  fixedRankBug,
  parallelBug,
  projectorSplitting,
  randomState,
  rk4,
  scale,
} from "../../src/index.ts";
import type { Integrator } from "../../src/integrators/integrator.ts";
import { workspace } from "../../src/linalg/workspace.ts";
import {
  activation,
  crossEntropy,
  type Dataset,
  decayingMatrix,
  dense,
  GradientFlow,
  lowRank,
  type Objective,
  sequential,
  wholeGradient,
} from "../../src/training/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { centers } from "../../src/ttn/gauge.ts";
import { factorsOf } from "../../src/ttn/matrix-rhs.ts";
import { truncate } from "../../src/ttn/truncate.ts";
import type { TTN } from "../../src/ttn/ttn.ts";
import { combine, difference, matmul, norm, permute, randomTensor, seeded, type Tensor } from "./tools.ts";

const random = seeded(11);
const model = sequential(
  9,
  [
    lowRank(8, { rank: 3, gain: 1 }),
    activation("tanh"),
    lowRank(7, { rank: 4, gain: 1 }),
    activation("tanh"),
    dense(3),
  ],
  crossEntropy(),
);
const data: Dataset = {
  inputs: randomTensor(random, [20, 9]),
  targets: Array.from({ length: 20 }, () => Math.floor(3 * random())),
};
const weights = model.initial(random);
const objective = model.objective(data);
const gradients = objective(weights).blocks.map((g, k) => wholeGradient(g, weights.blocks[k]!));

/** F at a node through the frames of `trial` and `test`. */
function seen(flow: GradientFlow, block: number, trial: TTN, test?: TTN): Tensor {
  const field = flow.rhs[block]!.bind(trial, trial.center, test);
  using frame = workspace().frame();
  const out: Tensor = {
    dtype: "float64",
    shape: field.shapeOut,
    data: new Float64Array(field.shapeOut.reduce((a, b) => a * b)),
  };
  field.plan(frame)(0, trial.tensors[trial.center]!, out);
  return out;
}

describe("local fields of the flow", () => {
  const flow = new GradientFlow(() => objective, weights);

  test.each([0, 1])("block %i: -G V, -G^T U and -U^T G V from a single pass", (k) => {
    const y = weights.blocks[k]!;
    const g = gradients[k]!;
    const before = flow.passes;
    const [atLeft, atRight, atRoot] = centers(y) as [TTN, TTN, TTN];
    const flat = (t: Tensor): Tensor => ({ ...t, shape: t.shape.slice(0, 2) });
    const v = (at: TTN) => factorsOf(at);
    const size = norm(g);
    // with the centre at a leaf the other basis is what S makes of it
    const right = matmul(v(atLeft).v, v(atLeft).s, "N", "T");
    const left = matmul(v(atRight).u, v(atRight).s);
    expect(difference(seen(flow, k, atLeft), matmul(combine([[-1, g]]), right))).toBeLessThan(1e-12 * size);
    expect(difference(seen(flow, k, atRight), matmul(combine([[-1, g]]), left, "T", "N"))).toBeLessThan(1e-12 * size);
    const core = matmul(matmul(v(atRoot).u, combine([[-1, g]]), "T", "N"), v(atRoot).v);
    expect(difference(flat(seen(flow, k, atRoot)), core)).toBeLessThan(1e-12 * size);
    expect(flow.passes - before).toBeLessThanOrEqual(1);
  });

  test("through other test frames, from the same pass", () => {
    const before = flow.passes;
    const [trial] = weights.blocks as [TTN];
    const other = decayingMatrix(8, 9, 5, random);
    const { u, v } = factorsOf(other);
    const found = seen(flow, 0, trial, other);
    const expected = matmul(matmul(u, combine([[-1, gradients[0]!]]), "T", "N"), v);
    expect(difference({ ...found, shape: [5, 5] }, expected)).toBeLessThan(1e-12 * norm(gradients[0]!));
    expect(flow.passes).toBe(before);
  });

  test("another weight needs another pass, another gauge of the same does not", () => {
    const own = new GradientFlow(() => objective, weights);
    seen(own, 0, weights.blocks[0]!);
    seen(own, 0, centers(weights.blocks[0]!)[1]!);
    seen(own, 1, weights.blocks[1]!);
    expect(own.passes).toBe(1);
    const root = weights.blocks[0]!.tensors[2]!;
    const moved = { ...weights.blocks[0]!, tensors: weights.blocks[0]!.tensors.with(2, combine([[1 + 1e-6, root]])) };
    seen(own, 0, moved);
    expect(own.passes).toBe(2);
  });
});

test("truncation without a tolerance leaves a weight as it is", () => {
  for (const y of weights.blocks) {
    const { y: cut, discarded } = truncate(y, { tolerance: "off" });
    expect(discarded).toBeLessThan(1e-12 * norm(toDense(y)));
    expect(difference(toDense(cut), toDense(y))).toBeLessThan(1e-12 * norm(toDense(y)));
  }
});

describe("with any integrator of the family, in the one loop over time", () => {
  const flow = (): GradientFlow => new GradientFlow(() => objective, weights);
  const run = async (integrator: Integrator, steps: number, h: number) => {
    const own = flow();
    const problem = {
      name: "flow",
      rhs: own.rhs[0]!,
      initial: weights.blocks[0]!,
      span: [0, steps * h] as const,
      observables: {},
    };
    const losses: number[] = [];
    let y = problem.initial;
    const truncation = { tolerance: "off" as const };
    for await (const s of evolve(problem, { integrator, h, solver: euler(), truncation, executor: inline() })) {
      y = s.y;
      losses.push(objective({ ...weights, blocks: weights.blocks.with(0, y) }).loss);
    }
    return { y, losses, passes: own.passes };
  };

  test.each([
    ["parallel, Galerkin root", parallelBug(), 1],
    ["parallel, assembled root", parallelBug({ root: "assembled", firstStep: "parallel" }), 1],
    ["augmented", augmentedBug(), 1],
    ["augmented-corrected splitting", projectorSplitting({ backward: "augmented-corrected" }), 1],
    ["fixed rank", fixedRankBug(), 2],
    ["corrected splitting", projectorSplitting({ backward: "corrected" }), 2],
    // K, S backwards and L, at three weights
    ["projector splitting", projectorSplitting(), 3],
  ] as const)("%s: passes a step", async (_, integrator, passes) => {
    expect((await run(integrator, 4, 0.1)).passes).toBe(4 * passes);
  });

  test("a local solver of four stages makes a pass a stage and node", async () => {
    const own = flow();
    const problem = {
      name: "flow",
      rhs: own.rhs[0]!,
      initial: weights.blocks[0]!,
      span: [0, 0.1] as const,
      observables: {},
    };
    for await (const _ of evolve(problem, { integrator: fixedRankBug(), h: 0.1, solver: rk4(), executor: inline() })) {
    }
    // K, L and S: four stages each; the first of K and of L are at one point, but not one after the other
    expect(own.passes).toBe(12);
  });

  test.each([
    ["parallel BUG", parallelBug()],
    ["augmented BUG", augmentedBug()],
    ["augmented-corrected splitting", projectorSplitting({ backward: "augmented-corrected" })],
  ] as const)("%s: the loss of fixed samples falls in each of 100 steps", async (_, integrator) => {
    expect(integrator.promises.descends).toBe(true);
    const { losses } = await run(integrator, 100, 0.2);
    losses.slice(1).forEach((l, k) => {
      expect(l).toBeLessThan(losses[k]!);
    });
  });

  test("a step is the projection of gradient descent on the augmented bases; at full rank it is gradient descent", async () => {
    const full = decayingMatrix(8, 9, 8, random, 1);
    let w = toDense(full);
    let y = full;
    const own = new GradientFlow(() => objective, { ...weights, blocks: weights.blocks.with(0, full) });
    const problem = { name: "flow", rhs: own.rhs[0]!, initial: full, span: [0, 4] as const, observables: {} };
    for await (const s of evolve(problem, {
      integrator: augmentedBug(),
      h: 0.2,
      solver: euler(),
      truncation: { tolerance: "off" },
      executor: inline(),
    })) {
      if (s.step > 0) {
        const g = objective({ ...weights, blocks: weights.blocks.with(0, asNetwork(w)) }).blocks[0]!;
        w = combine([
          [1, w],
          [-0.2, wholeGradient(g, full)],
        ]);
      }
      y = s.y;
    }
    expect(difference(toDense(y), w)).toBeLessThan(1e-10 * norm(w));
  });

  /** A dense matrix as a network: the matrix itself as a basis of its columns, in no gauge. */
  const asNetwork = (w: Tensor): TTN => {
    const [m, n] = w.shape as [number, number];
    const one: Tensor = {
      dtype: "float64",
      shape: [m, m, 1],
      data: Float64Array.from({ length: m * m }, (_, p) => +(p % (m + 1) === 0)),
    };
    const eye: Tensor = { ...one, shape: [m, m] };
    expect(n).toBe(w.shape[1]);
    return { ...weights.blocks[0]!, tensors: [eye, permute(w, [1, 0]), one] };
  };
});

describe("a weight that is a deeper tree", () => {
  const tree = balanced(4);
  const target = randomState(tree, [4, 3, 4, 3], 3, seeded(1));
  const start = randomState(tree, [4, 3, 4, 3], 2, seeded(2));
  /** |W - A|^2 / 2, whose gradient is W - A: two networks. */
  const fit = (): Objective => (w) => {
    const [y] = w.blocks as [TTN];
    const gap = combine([
      [1, toDense(y)],
      [-1, toDense(target)],
    ]);
    return { loss: norm(gap) ** 2 / 2, blocks: [[y, scale(-1, target)]], passengers: [] };
  };
  const run = async (integrator: Integrator, tolerance: number | "off") => {
    const flow = new GradientFlow(fit, { blocks: [start], passengers: [] });
    const problem = { name: "fit", rhs: flow.rhs[0]!, initial: start, span: [0, 6] as const, observables: {} };
    let y = start;
    const truncation = { tolerance };
    for await (const s of evolve(problem, { integrator, h: 0.5, solver: euler(), truncation, executor: inline() }))
      y = s.y;
    return { y, passes: flow.passes, steps: 12 };
  };

  test.each([
    ["parallel BUG", parallelBug(), 1],
    ["augmented BUG", augmentedBug(), 1],
    ["fixed-rank BUG, one for the leaves, one for each projection above", fixedRankBug(), 4],
  ] as const)("%s", async (_, integrator, passes) => {
    const { y, passes: made, steps } = await run(integrator, integrator.promises.rankAdaptive ? 1e-6 : "off");
    expect(made).toBe(passes * steps);
    const left = difference(toDense(y), toDense(target));
    if (integrator.promises.rankAdaptive) expect(left).toBeLessThan(1e-2);
    else expect(left).toBeLessThan(difference(toDense(start), toDense(target)));
  });
});
