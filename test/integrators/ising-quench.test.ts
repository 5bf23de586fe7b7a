import { describe, expect, test } from "vitest";
import { augmentedBug, balanced, type Integrator, parallelBug } from "../../src/index.ts";
import { finalOf, off, quench } from "./support.ts";

/** State errors at T = 0.2 for dt = 0.02 and 0.01: d = 8, alpha = 1, tolerance 1e-8, Krylov. */
async function errors(integrator: Integrator, rejection = false): Promise<[number, number]> {
  const found: number[] = [];
  for (const h of [0.02, 0.01]) {
    const { problem, errorOf } = quench(balanced(8), { alpha: 1 }, 0.2);
    found.push(errorOf(await finalOf(problem, { integrator, h, truncation: { tolerance: 1e-8 }, rejection })));
  }
  return found as [number, number];
}

describe("d = 8 quench over T = 0.2", () => {
  test("augmented BUG, and parallel BUG started by it, agree and are accurate", async () => {
    const augmented = await errors(augmentedBug());
    expect(augmented[0]).toBeLessThanOrEqual(7.5e-5);
    expect(augmented[1]).toBeLessThanOrEqual(5.5e-6);
    const parallel = await errors(parallelBug());
    expect(off(parallel[0], augmented[0])).toBeLessThanOrEqual(0.1);
    expect(off(parallel[1], augmented[1])).toBeLessThanOrEqual(0.1);
  });

  test("parallel BUG with the Galerkin root from its own first step", async () => {
    const [coarse, fine] = await errors(parallelBug({ firstStep: "parallel" }));
    expect(coarse).toBeLessThanOrEqual(6.2e-4);
    expect(fine).toBeLessThanOrEqual(1.6e-4);
  });

  test("assembled root with evolved coupling", async () => {
    const [coarse, fine] = await errors(parallelBug({ root: "assembled", coupling: "evolved", firstStep: "parallel" }));
    expect(coarse).toBeLessThanOrEqual(2.2e-3);
    expect(fine).toBeLessThanOrEqual(5.5e-4);
  });

  test("assembled root with Euler coupling, as in the paper", async () => {
    const [coarse, fine] = await errors(parallelBug({ root: "assembled", coupling: "euler", firstStep: "parallel" }));
    expect(off(coarse, 3.07e-2)).toBeLessThanOrEqual(0.05);
    expect(off(fine, 7.74e-3)).toBeLessThanOrEqual(0.05);
  });
});
