import { describe, expect, test } from "vitest";
import { inline } from "../../src/executors/inline.ts";
import {
  augmentedBug,
  balanced,
  euler,
  evolve,
  fixedRankBug,
  type Integrator,
  parallelBug,
  projectorSplitting,
  randomState,
  star,
  type Tree,
  type TTN,
  toDense,
  tree,
} from "../../src/index.ts";
import { afterEvaluations } from "../../src/testing/after-evaluations.ts";
import { GradientFlow, gradientSeen, type Objective } from "../../src/training/index.ts";
import { shapeSeen } from "../../src/ttn/restrict.ts";
import { combine, difference, norm, seeded } from "./tools.ts";

/** |W|^4 / 4 + |W - A|^2 / 2, with gradient (|W|^2 + 1) W - A: it is another one at every weight. */
function problemOn(shape: Tree, sizes: readonly number[]) {
  const target = randomState(shape, sizes, 3, seeded(1));
  const start = randomState(shape, sizes, 2, seeded(2));
  const scaled = (alpha: number, y: TTN): TTN => ({
    ...y,
    tensors: y.tensors.with(y.center, combine([[alpha, y.tensors[y.center]!]])),
  });
  const objective: Objective = ({ blocks: [y] }) => {
    const [w, a] = [toDense(y!), toDense(target)];
    const square = norm(w) ** 2;
    return {
      loss: square ** 2 / 4 + difference(w, a) ** 2 / 2,
      blocks: [[scaled(square + 1, y!), scaled(-1, target)]],
      passengers: [],
    };
  };
  return { start, objective };
}

const matrix = problemOn(tree([0, 1]), [9, 8]);
const tucker = problemOn(star(4), [7, 6, 5, 6]);
const binary = problemOn(balanced(4), [6, 7, 5, 6]);
const depth = 2;

async function run({ start, objective }: typeof matrix, integrator: Integrator) {
  const flow = new GradientFlow(() => objective, { blocks: [start], passengers: [] });
  let [evaluations, largest] = [0, 0];
  const rhs = afterEvaluations(flow.rhs[0]!, ({ trial, test: frame, x, out: value }) => {
    // a pass of its own, at the very state that the local problem is in
    const here = { ...trial, tensors: trial.tensors.with(trial.center, x) };
    const fresh = gradientSeen(objective({ blocks: [here], passengers: [] }).blocks[0]!, frame, trial.center);
    expect(value.shape).toEqual(shapeSeen(frame, trial.center));
    largest = Math.max(
      largest,
      norm(
        combine([
          [1, value],
          [1, fresh],
        ]),
      ) / norm(fresh),
    );
    evaluations++;
  });
  const problem = { name: "flow", rhs, initial: start, span: [0, 1 / 4] as const, observables: {} };
  const truncation = integrator.promises.rankAdaptive
    ? { tolerance: "off" as const, maxRank: 2 }
    : { tolerance: "off" as const };
  for await (const _ of evolve(problem, { integrator, h: 1 / 16, solver: euler(), truncation, executor: inline() })) {
  }
  return { perStep: flow.passes / 4, evaluations, largest };
}

const assembled = () => parallelBug({ root: "assembled", firstStep: "parallel" });
const splitting = (backward?: "corrected" | "augmented-corrected") => projectorSplitting(backward ? { backward } : {});

describe("passes of a step with one Euler step as local solver", () => {
  // what is known to be enough where each form of the weight (K, L, S) is differentiated by itself, and what is made here
  test.each([
    ["fixed-rank BUG", matrix, fixedRankBug(), 2, 2],
    ["augmented BUG", matrix, augmentedBug(), 2, 1],
    ["parallel BUG", matrix, parallelBug({ firstStep: "parallel" }), 1, 1],
    ["parallel BUG, assembled root", matrix, assembled(), 1, 1],
    ["bc-PSI", matrix, splitting("corrected"), 2, 2],
    ["abc-PSI", matrix, splitting("augmented-corrected"), 2, 1],
    ["augmented BUG, Tucker", tucker, augmentedBug(), 2, 1],
    ["parallel BUG, Tucker", tucker, parallelBug({ firstStep: "parallel" }), 1, 1],
    ["parallel BUG, assembled root, Tucker", tucker, assembled(), 1, 1],
    ["fixed-rank BUG, Tucker", tucker, fixedRankBug(), 2, 2],
    ["augmented BUG, binary tree", binary, augmentedBug(), depth + 1, 1],
    ["parallel BUG, binary tree", binary, parallelBug({ firstStep: "parallel" }), 1, 1],
    ["parallel BUG, assembled root, binary tree", binary, assembled(), 1, 1],
  ] as const)("%s", async (_, problem, integrator, minimal, expected) => {
    const { perStep, evaluations, largest } = await run(problem, integrator);
    expect(perStep).toBe(expected);
    expect(perStep).toBeLessThanOrEqual(minimal);
    // fewer passes lose nothing: every field is what a pass of its own would give
    expect(evaluations).toBeGreaterThanOrEqual(4 * perStep);
    expect(largest).toBeLessThan(1e-12);
  });

  // Two passes are known to be enough for the corrected forms. The plain one takes K, S and L at three weights, W0, K1 V0* and
  // U1 S V0*, none of which is another: a pass a solve, as published.
  test.each([
    ["a matrix", matrix, 3],
    ["Tucker", tucker, 9],
    ["a binary tree", binary, 11],
  ] as const)("plain projector splitting makes one a solve: %s", async (_, problem, solves) => {
    const { perStep, evaluations, largest } = await run(problem, splitting());
    expect([perStep, evaluations / 4]).toEqual([solves, solves]);
    expect(largest).toBeLessThan(1e-12);
  });
});
