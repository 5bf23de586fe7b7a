import { describe, expect, test } from "vitest";
import {
  applyOperator,
  exponential,
  functionRhs,
  type Integrator,
  imaginaryTime,
  inner,
  type LocalSolver,
  linearRhs,
  type Problem,
  type ProductTerm,
  productSum,
  projectorSplitting,
  randomState,
  rk4,
  scale,
  seeded,
  sumRhs,
  toDense,
  tree,
} from "../../src/index.ts";
import { combine, permute } from "../../src/linalg/contract.ts";
import { eigh } from "../../src/linalg/factor.ts";
import { allenCahn } from "../../src/problems/index.ts";
import { denseSum } from "../ttn/dense.ts";
import { methods } from "./methods.ts";
import { randomChain, randomHermitian } from "./random-hermitian.ts";
import { maxOf, snapshots } from "./support.ts";

/** The largest rise of a problem's observable `energy` in a step. */
async function rise(
  problem: Problem,
  integrator: Integrator,
  options: { h: number; steps: number; tolerance: number; solver: LocalSolver; normalize?: boolean },
): Promise<number> {
  const { h, steps, tolerance, ...rest } = options;
  const all = await snapshots(
    { ...problem, span: [0, steps * h] },
    {
      ...rest,
      integrator,
      h,
      truncation: { tolerance: integrator.promises.rankAdaptive ? tolerance : "off" },
    },
  );
  expect(all).toHaveLength(steps + 1);
  const energies = all.map((s) => s.observables!["energy"] as number);
  const most = maxOf(energies.slice(1).map((e, k) => e - energies[k]!));
  expect(energies.at(-1)!).toBeLessThan(energies[0]!);
  return most;
}

const descending = methods.filter(({ integrator }) => integrator.promises.descends);
const nonlinear = descending.filter(({ linearOnly }) => !linearOnly);

/** A random Hermitian operator on a tree, with eigenvalues from 0 to 1. */
function boundedOperator(shape: Parameters<typeof productSum>[0], sizes: readonly number[]) {
  const chain = randomChain(sizes, 1);
  const { values } = eigh(denseSum(sizes, chain));
  const [low, high] = [values[0]!, values.at(-1)!];
  const terms: ProductTerm[] = [
    { coefficient: -low / (high - low), factors: [] },
    ...chain.map((t) => ({ ...t, coefficient: (t.coefficient as number) / (high - low) })),
  ];
  return productSum(shape, sizes, terms);
}

/*
 * What truncation removes has norm theta at most and is orthogonal to what stays: with 0 <= H <= 1 it raises <Y, H Y> / 2 of a
 * state of norm one by at most theta, and so the Rayleigh quotient. All else of a step has to go down.
 */
describe("imaginary time on a tree, complex, over 500 steps", () => {
  const shape = tree([
    [0, 1],
    [2, 3],
  ]);
  const sizes = [3, 3, 3, 3];
  const rhs = imaginaryTime(boundedOperator(shape, sizes));
  const initial = randomState(shape, sizes, 2, seeded(31), "complex128");
  const flow = (factor: number): Problem => ({
    name: "imaginary time",
    rhs,
    initial,
    span: [0, 1],
    observables: { energy: (y) => factor * rhs.expectation(y).re },
  });
  const solver = exponential({ tolerance: 1e-13 });
  const steps = 500;

  test.each(descending)("$name: the energy never rises", async ({ integrator }) => {
    const tolerance = 1e-3;
    expect(await rise(flow(1 / 2), integrator, { h: 2, steps, tolerance, solver })).toBeLessThan(tolerance + 1e-12);
  });

  const large = { h: 20, tolerance: 1e-6, solver, normalize: true };

  test.each(descending)("$name: nor does the Rayleigh quotient, in large steps", async ({ integrator }) => {
    expect(await rise(flow(1), integrator, { ...large, steps })).toBeLessThan(large.tolerance + 1e-12);
  });

  test("projector splitting rises there: its backward substeps amplify", async () => {
    expect(await rise(flow(1), projectorSplitting(), { ...large, steps: 20 })).toBeGreaterThan(1e-5);
  });
});

describe("nonlinear gradient flows over 500 steps", () => {
  test.each(nonlinear)("$name: Allen-Cahn", async ({ integrator }) => {
    const tolerance = 1e-3;
    const problem = allenCahn({ n: 12 });
    expect(await rise(problem, integrator, { h: 0.1, steps: 500, tolerance, solver: rk4() })).toBeLessThan(
      tolerance + 1e-12,
    );
  });

  // E = <Y, H Y> / 2 + <Y, A Y>^2 / 4 with A >= 1 on one mode: from near zero, over a saddle, to a state that is not zero
  test.each(nonlinear)("$name: an energy of degree four on a tree, complex", async ({ integrator }) => {
    const shape = tree([[0, 1], 2]);
    const sizes = [3, 3, 3];
    const h = productSum(shape, sizes, randomChain(sizes, 1));
    const linear = linearRhs([{ operator: h }], { factor: -1, hermitian: true });
    const a = productSum(shape, sizes, [
      { coefficient: 2, factors: [] },
      { coefficient: 1, factors: [{ mode: 0, operator: randomHermitian(3, 9) }] },
    ]);
    const square = functionRhs(
      (_t, y) => {
        const image = applyOperator(a, y);
        return scale(-inner(y, image).re, image);
      },
      { dtype: "complex128" },
    );
    const start = randomState(shape, sizes, 2, seeded(5), "complex128");
    const problem: Problem = {
      name: "quartic",
      rhs: sumRhs(linear, square),
      initial: scale(0.1, start),
      span: [0, 1],
      observables: {
        energy: (y) => linear.expectation(y).re / 2 + inner(y, applyOperator(a, y)).re ** 2 / 4,
      },
    };
    const tolerance = 1e-3;
    expect(await rise(problem, integrator, { h: 0.1, steps: 500, tolerance, solver: rk4() })).toBeLessThan(
      tolerance + 1e-12,
    );
  });
});

/*
 * The transposed solution of X' = F(X) is a solution too when F commutes with transposition. Methods that treat both leaves
 * alike keep X symmetric or antisymmetric but for round-off, as long as truncation does not part singular values that are equal.
 * Those of antisymmetric matrices come in pairs, so that it is an even limit that cuts here, and no tolerance: that is at
 * round-off, so that no direction is arbitrary.
 */
describe("symmetry over 50 steps of the Allen-Cahn equation", () => {
  const { sin, cos } = Math;
  type Case = readonly ["symmetric" | "antisymmetric", 1 | -1, (x: number, y: number) => number];
  const data: readonly Case[] = [
    ["symmetric", 1, (x, y) => 0.5 * sin(x + y) + 0.3 * cos(x) * cos(y) + 0.4 * (sin(2 * x) + sin(2 * y))],
    ["antisymmetric", -1, (x, y) => 0.5 * sin(x - y) + 0.4 * (sin(x) * cos(2 * y) - cos(2 * x) * sin(y))],
  ];

  /** max |X -+ X^T| / |X| over a run. */
  async function asymmetry(integrator: Integrator, [, sign, initial]: Case): Promise<number> {
    const all = await snapshots(
      { ...allenCahn({ n: 24, initial }), span: [0, 5] },
      {
        integrator,
        h: 0.1,
        solver: rk4(),
        truncation: integrator.promises.rankAdaptive ? { tolerance: 1e-12, maxRank: 8 } : { tolerance: "off" },
      },
    );
    return maxOf(
      all.map(({ y }) => {
        const x = toDense(y);
        const transposed = combine([
          [1, x],
          [-sign, permute(x, [1, 0])],
        ]);
        return Math.hypot(...transposed.data) / Math.hypot(...x.data);
      }),
    );
  }

  describe.each(data)("%s data", (...example) => {
    const alike = methods.filter(({ name, linearOnly }) => !linearOnly && !name.startsWith("projector splitting"));
    test.each(alike)("$name keeps it", async ({ integrator }) => {
      expect(await asymmetry(integrator, example)).toBeLessThan(1e-12);
    });

    test("projector splitting, which takes one side first, does not", async () => {
      expect(await asymmetry(projectorSplitting(), example)).toBeGreaterThan(1e-6);
    });
  });
});
