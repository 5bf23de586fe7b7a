import { describe, expect, test } from "vitest";
import { augmentedBug, balanced, modeSizes, norm, randomState, ranks, seeded, train } from "../../../src/index.ts";
import { combine, matmul, permute } from "../../../src/linalg/contract.ts";
import { norm as frobenius } from "../../../src/linalg/level1.ts";
import { fromFunction, fromValues } from "../../../src/linalg/tensor.ts";
import { fokkerPlanck } from "../../../src/problems/index.ts";
import { rhsContract } from "../../../src/testing/rhs-contract.ts";
import { finalOf } from "../../integrators/support.ts";
import { largestDifference } from "../../ttn/dense.ts";

describe("the Fokker-Planck equation of an Ornstein-Uhlenbeck process", () => {
  const small = fokkerPlanck({ tree: train(3), n: 4 });
  const y = randomState(small.initial.tree, modeSizes(small.initial), 2, seeded(3));
  for (const { name, run } of rhsContract(small.rhs, y)) test(name, run);

  test("its covariance solves the Lyapunov equation", () => {
    const drift = fromValues([2, 2], [1, 0.7, -0.4, 0.8]);
    const diffusion = fromValues([2, 2], [0.5, 0.2, 0.2, 0.4]);
    const { exact } = fokkerPlanck({ tree: balanced(2), drift, diffusion, mean: [1, -2], variance: [0.3, 1.2] });
    const start = exact(0);
    expect(Array.from(start.mean)).toEqual([1, -2]);
    expect(largestDifference(start.covariance, fromValues([2, 2], [0.3, 0, 0, 1.2]))).toBeLessThan(1e-14);
    const h = 1e-4;
    for (const t of [0.2, 1.5]) {
      const s = exact(t).covariance;
      const slope = combine([
        [1 / (2 * h), exact(t + h).covariance],
        [-1 / (2 * h), exact(t - h).covariance],
      ]);
      const bs = matmul(drift, s);
      const expected = combine([
        [-1, bs],
        [-1, permute(bs, [1, 0])],
        [2, diffusion],
      ]);
      expect(largestDifference(slope, expected)).toBeLessThan(1e-7);
    }
  });

  test("starts with the mean and the variances asked for, and its density is theirs", () => {
    const { initial, observables } = fokkerPlanck({ tree: balanced(2), n: 40, mean: [0.5, -1], variance: [0.6, 1.3] });
    expect(ranks(initial)).toEqual([5, 5, 1]);
    expect(observables["mass"]!(initial, 0)).toBeCloseTo(1, 12);
    const mean = observables["mean"]!(initial, 0) as Float64Array;
    const covariance = observables["covariance"]!(initial, 0) as Float64Array;
    [0.5, -1].forEach((m, i) => {
      expect(mean[i]).toBeCloseTo(m, 12);
    });
    [0.6, 0, 0, 1.3].forEach((s, p) => {
      expect(covariance[p]).toBeCloseTo(s, 12);
    });
    // the norm in L2(1 / phi) of normal densities is known in closed form
    const squared = (m: number, v: number): number => Math.exp((m * m) / (2 - v)) / Math.sqrt(v * (2 - v));
    expect(norm(initial) ** 2).toBeCloseTo(squared(0.5, 0.6) * squared(-1, 1.3), 8);
  });

  test("has no error of discretisation in its moments, whatever n is", async () => {
    for (const n of [3, 6]) {
      const problem = fokkerPlanck({ tree: balanced(2), n, T: 0.5 });
      const last = await finalOf(problem, { rtol: 1e-9, observeAt: [0.5] });
      expect(last.observables!["covariance_error"]).toBeLessThan(1e-8);
    }
  });

  test("in six dimensions keeps its covariance to 1e-6", async () => {
    const problem = fokkerPlanck({ n: 8, T: 0.3 });
    const last = await finalOf(problem, { h: 0.05, truncation: { tolerance: 1e-8 }, observeAt: [0.3] });
    const { covariance_error: error, mass } = last.observables as Record<string, number>;
    console.info(`Fokker-Planck, d = 6: covariance ${error!.toExponential(1)}, mass ${(mass! - 1).toExponential(1)}`);
    expect(error).toBeLessThan(1e-6);
    expect(Math.abs(mass! - 1)).toBeLessThan(1e-6);
    expect(frobenius(fromFunction([6], (i) => problem.exact(0.3).mean[i!]!))).toBeGreaterThan(0.5);
  });

  test("needs room at the start, which it is given", async () => {
    const options = { h: 0.1, integrator: augmentedBug(), truncation: { tolerance: 1e-9 }, observeAt: [0.5] };
    const errors = [true, false].map(async (room) => {
      const { observables } = await finalOf(fokkerPlanck({ tree: balanced(3), n: 6, T: 0.5, room }), options);
      return observables!["covariance_error"] as number;
    });
    const [roomy, tight] = await Promise.all(errors);
    expect(roomy).toBeLessThan(0.1 * tight!);
  });

  test("refuses what makes no sense", () => {
    const two = { tree: balanced(2) };
    expect(() => fokkerPlanck({ n: 2 })).toThrow(/n is 2, expected an integer of at least 3/);
    expect(() => fokkerPlanck({ ...two, drift: fromFunction([3, 3], () => 1) })).toThrow(/drift is 3x3, expected 2x2/);
    expect(() => fokkerPlanck({ ...two, diffusion: fromValues([2, 2], [1, 0.5, 0, 1]) })).toThrow(/symmetric matrix/);
    expect(() => fokkerPlanck({ ...two, diffusion: fromValues([2, 2], [1, 2, 2, 1]) })).toThrow(/eigenvalue -1/);
    expect(() => fokkerPlanck({ ...two, mean: [1] })).toThrow(/mean has 1 numbers, the tree 2 modes/);
    expect(() => fokkerPlanck({ ...two, variance: [1, 2] })).toThrow(/variance 1 is 2, expected more than 0 and less/);
  });
});
