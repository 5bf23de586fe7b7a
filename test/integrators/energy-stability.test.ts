import { describe, expect, test } from "vitest";
import {
  add,
  EvolutionError,
  euler,
  evolve,
  type LocalSolver,
  type MethodName,
  methods,
  modeSizes,
  norm,
  randomState,
  rk4,
  type Snapshot,
  scale,
  seeded,
} from "../../src/index.ts";
import { record } from "../../src/io/record.ts";
import { slab } from "./slab.ts";

/**
 * With D skew, D2 <= 0, |A| >= 0 and G >= 0 the explicit Euler step is a contraction for h <= 1 / (1 / dx + sigma / 2): a convex
 * combination of one of streaming alone (h <= dx) and one of collisions alone (h sigma <= 2). Galerkin steps and truncation are
 * projections of it.
 */
const bound = (dx: number, sigma: number): number => 1 / (1 / dx + sigma / 2);

const problem = slab({ T: 1 });
/** All moments at all points, so that there is something to amplify. */
const rough = {
  ...problem,
  initial: add(
    problem.initial,
    scale(norm(problem.initial), randomState(problem.initial.tree, modeSizes(problem.initial), 4, seeded(2))),
  ),
};

async function normsOf(method: MethodName, solver: LocalSolver, h: number): Promise<number[]> {
  const norms: number[] = [];
  const run = evolve(rough, {
    integrator: methods[method],
    solver,
    h,
    truncation: { tolerance: 1e-3, relative: true },
  });
  for await (const { y } of run) norms.push(norm(y));
  return norms;
}

describe.each(["augmented", "augmented-cheap", "parallel", "predicted", "midpoint"] as const)(
  "energy of the slab with %s",
  (method) => {
    test.each([
      ["explicit Euler at its bound", euler(), 1],
      ["explicit Euler at half of it", euler(), 0.5],
      ["RK4 at the bound of Euler", rk4(), 1],
    ] as const)("never rises, %s", async (_name, solver, share) => {
      const norms = await normsOf(method, solver, share * bound(problem.dx, 10));
      const worst = Math.max(...norms.slice(1).map((v, k) => v / norms[k]! - 1));
      expect(worst).toBeLessThanOrEqual(1e-14);
    });
  },
);

describe("a run beyond the bound", () => {
  const options = {
    integrator: methods.augmented,
    solver: euler(),
    truncation: { tolerance: 1e-6, relative: true, maxRank: 6 },
  };

  test("grows without being an error as long as it is finite", async () => {
    const norms = await normsOf("augmented", euler(), 4 * bound(problem.dx, 10));
    expect(norms.at(-1)!).toBeGreaterThan(10 * norms[0]!);
    expect(norms.every(Number.isFinite)).toBe(true);
  });

  test("stops at the first step that is not finite, with step, time, node and the last good state", async () => {
    const h = 1e6 * problem.dx;
    const long = { ...rough, span: [0, 200 * h] as const };
    let last: Snapshot | null = null;
    let caught: unknown;
    try {
      for await (const snapshot of evolve(long, { ...options, h })) last = snapshot;
    } catch (error) {
      caught = error;
    }
    console.info((caught as Error).message, last!.step, norm(last!.y));
    expect(caught).toBeInstanceOf(EvolutionError);
    const error = caught as EvolutionError;
    expect(error.code).toBe("not-finite");
    expect(error.step).toBe(last!.step + 1);
    expect(error.t).toBe(last!.t);
    expect(error.last).toBe(last);
    expect(error.message).toContain(`at node ${error.node}`);
    expect(error.message).toContain(`in step ${error.step}, from t = ${error.t}`);
    expect(Number.isFinite(norm(last!.y))).toBe(true);
  });

  test("a record of it fails with that message, and holds the last good state", async () => {
    const h = 1e6 * problem.dx;
    const long = { ...rough, span: [0, 200 * h] as const };
    const run = await record(long, { ...options, h, every: 1000 });
    expect(run.status).toBe("failed");
    expect(run.message).toMatch(/at node \d+ gave numbers that are not finite in step \d+, from t = /);
    expect(Number.isFinite(norm(run.state))).toBe(true);
    expect(run.times.at(-1)).toBeGreaterThan(0);
  });
});
