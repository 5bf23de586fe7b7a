import { describe, expect, test } from "vitest";
import { inline } from "../../src/executors/inline.ts";
import { rk4 } from "../../src/index.ts";
import type { LocalProblem, LocalSolution } from "../../src/integrators/local/problem.ts";
import { methods } from "../../src/integrators/methods.ts";
import { type Schedule, sideBySide, solved, solvedAtOnce } from "../../src/integrators/schedule.ts";
import { stateHash } from "../../src/io/index.ts";
import { seeded } from "../../src/linalg/random.ts";
import { inner, scale } from "../../src/ttn/arithmetic.ts";
import { randomState } from "../../src/ttn/construct.ts";
import { functionRhs } from "../../src/ttn/function-rhs.ts";
import { tree } from "../../src/ttn/tree.ts";

const y = randomState(
  tree([
    [0, 1],
    [2, 3],
  ]),
  [3, 4, 3, 4],
  2,
  seeded(1),
);
const rhs = functionRhs((_t, x) => scale(-inner(x, x).re, x));

test.each(Object.entries(methods))("%s: the same bits whether or not anyone waits", async (_, integrator) => {
  const context = { rhs, solver: rk4(), truncation: { tolerance: "off" }, measureMissed: false } as const;
  const waited = await solved(integrator.step(context, y, 0, 0.1), { executor: inline() });
  const atOnce = solvedAtOnce(integrator.step(context, y, 0, 0.1));
  if (!waited.ok || !atOnce.ok) throw new Error("a step failed");
  expect(stateHash(atOnce.y)).toBe(stateHash(waited.y));
});

test("a schedule that is not gone on with gives back what it holds", async () => {
  let held = 0;
  const refuse = (): never => {
    throw new Error("refused");
  };
  function* run(): Schedule<void> {
    held++;
    try {
      yield { problems: [{} as LocalProblem], solver: { ...rk4(), solve: refuse } };
    } finally {
      held--;
    }
  }
  await expect(solved(run(), { executor: inline() })).rejects.toThrow("refused");
  expect(() => solvedAtOnce(run())).toThrow("refused");
  expect(held).toBe(0);
});

describe("side by side", () => {
  const problem = (node: number): LocalProblem => ({ node }) as LocalProblem;
  const solver = {
    name: "by number",
    order: 1,
    solve: ({ node }: LocalProblem) => ({ applications: 10 * node }) as LocalSolution,
  };
  function* run(...stages: readonly (readonly number[])[]): Schedule<number> {
    let sum = 0;
    for (const nodes of stages)
      for (const { applications } of (yield { problems: nodes.map(problem), solver }) as readonly LocalSolution[])
        sum += applications;
    return sum;
  }

  test("none goes on before all have said what they need; results keep their order", () => {
    const seen: number[][][] = [];
    const all = sideBySide([run([1], [2, 3], [4]), run(), run([5], [6])], (stage) =>
      seen.push(stage.map((problems) => problems.map(({ node }) => node))),
    );
    expect(solvedAtOnce(all)).toEqual([100, 0, 110]);
    expect(seen).toEqual([
      [[1], [], [5]],
      [[2, 3], [], [6]],
      [[4], [], []],
    ]);
  });

  test("all of them give back what they hold when one ends them, or nobody goes on", () => {
    let held = 0;
    function* holding(): Schedule<void> {
      held++;
      try {
        yield { problems: [problem(1)], solver };
      } finally {
        held--;
      }
    }
    const all = sideBySide([holding(), holding(), holding()], () => {});
    all.next();
    expect(held).toBe(3);
    all.return([]);
    expect(held).toBe(0);
  });

  test("what one throws ends all", () => {
    function* broken(): Schedule<number> {
      yield { problems: [], solver };
      throw new Error("broken");
    }
    expect(() => solvedAtOnce(sideBySide([run([1], [2]), broken()], () => {}))).toThrow("broken");
  });
});
