import { describe, expect, test } from "vitest";
import { balanced, parallelBug, randomState, type StepSuccess, scale, seeded, type TTN } from "../../src/index.ts";
import { reasonToReject } from "../../src/integrators/rejection.ts";
import { stateHash } from "../../src/io/result.ts";
import { off, quench, snapshots } from "./support.ts";

const euler = parallelBug({ root: "assembled", coupling: "euler", firstStep: "parallel" });

describe("a reason to reject a step", () => {
  const tree = balanced(4); // nodes: leaves 0, 1 under 2, leaves 3, 4 under 5, root 6
  const state = (ranks: readonly number[]): TTN => randomState(tree, Array(4).fill(8), ranks, seeded(1));
  const start = state([2, 2, 2, 2, 2, 2, 1]);
  const result = (ranks: readonly number[], missed: number | null = null): StepSuccess => ({
    ok: true,
    y: state(ranks),
    discarded: 0,
    applications: 0,
    missed,
    widened: state([4, 4, 4, 4, 4, 4, 1]),
  });
  const limits = { tolerance: 1e-6 } as const;

  test("one child doubled its rank, its later siblings did not", () => {
    // the published code forgets the first child's verdict here
    for (const doubled of [0, 1, 3, 4])
      expect(reasonToReject(start, result([3, 3, 3, 3, 3, 3, 1].with(doubled, 4)), limits, 10)).toBe("rank-saturated");
    expect(reasonToReject(start, result([3, 3, 4, 3, 3, 4, 1]), limits, 10)).toBe("rank-saturated");
    expect(reasonToReject(start, result([3, 3, 3, 3, 3, 3, 1]), limits, 10)).toBeNull();
  });

  test("no rank limit and no geometry can be a reason", () => {
    const grown = result([4, 3, 3, 3, 3, 3, 1]);
    expect(reasonToReject(start, grown, { ...limits, maxRank: 4 }, 10)).toBeNull();
    expect(reasonToReject(start, grown, { ...limits, maxRank: [4, 9, 9, 9, 9, 9, 1] }, 10)).toBeNull();
    expect(reasonToReject(start, grown, { ...limits, maxRank: [9, 4, 4, 4, 4, 4, 1] }, 10)).toBe("rank-saturated");
    const half = randomState(tree, Array(4).fill(4), [2, 2, 2, 2, 2, 2, 1], seeded(1));
    const full = { ...grown, y: randomState(tree, Array(4).fill(4), [4, 3, 3, 3, 3, 3, 1], seeded(1)) };
    expect(reasonToReject(half, full, limits, 10)).toBeNull();
  });

  test("what the step leaves out counts beside the tolerance, absolute or relative to the norm", () => {
    const quiet = [2, 2, 2, 2, 2, 2, 1];
    expect(reasonToReject(start, result(quiet, 1.1e-5), limits, 10)).toBe("missed");
    expect(reasonToReject(start, result(quiet, 0.9e-5), limits, 10)).toBeNull();
    expect(reasonToReject(start, result(quiet, null), limits, 10)).toBeNull();
    expect(reasonToReject(start, result(quiet, 1), { tolerance: "off" }, 10)).toBeNull();
    const large = scale(1000, start);
    expect(reasonToReject(large, result(quiet, 0.9e-2), { ...limits, relative: true }, 10)).toBeNull();
    expect(reasonToReject(large, result(quiet, 1.1e-2), { ...limits, relative: true }, 10)).toBe("missed");
  });
});

describe("step rejection in a run", () => {
  test("the quench of d = 8: one rejection among the first steps, which does not change the error", async () => {
    for (const [h, error] of [
      [0.02, 3.0696e-2],
      [0.01, 7.7438e-3],
    ] as const) {
      const { problem, errorOf } = quench(balanced(8), {}, 0.2);
      const before = stateHash(problem.initial);
      const all = await snapshots(problem, { integrator: euler, h, truncation: { tolerance: 1e-8 }, rejection: true });
      expect(all.reduce((sum, s) => sum + s.rejected, 0)).toBe(1);
      expect(off(errorOf(all.at(-1)!), error)).toBeLessThan(1e-3);
      expect(stateHash(problem.initial)).toBe(before);
    }
  });

  test("ranks can more than double in a rejected and repeated step", async () => {
    const integrator = parallelBug({ firstStep: "parallel" });
    const { problem } = quench(balanced(8), {}, 0.02, 1);
    const truncation = { tolerance: 1e-14 } as const;
    const [, once] = await snapshots(problem, { integrator, h: 0.02, truncation });
    const [, again] = await snapshots(problem, { integrator, h: 0.02, truncation, rejection: true });
    expect(again!.rejected).toBeGreaterThan(0);
    expect(Math.max(...once!.ranks)).toBe(2);
    expect(Math.max(...again!.ranks)).toBeGreaterThan(2);
    expect(again!.applications).toBeGreaterThan(once!.applications);
  });

  test("attempts are limited, and the last one is taken", async () => {
    const { problem } = quench(balanced(8), {}, 0.02, 1);
    const all = await snapshots(problem, {
      integrator: euler,
      h: 0.02,
      truncation: { tolerance: 1e-14 },
      rejection: { attempts: 2 },
    });
    expect(all[1]!.rejected).toBe(1);
    const none = await snapshots(problem, {
      integrator: euler,
      h: 0.02,
      truncation: { tolerance: 1e-14 },
      rejection: { attempts: 1 },
    });
    expect(none[1]!.rejected).toBe(0);
  });
});
