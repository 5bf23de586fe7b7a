import { describe, expect, test } from "vitest";
import {
  adaptiveMethods,
  augmentedBug,
  balanced,
  dopri5,
  EvolutionError,
  evolve,
  fixedRankBug,
  fromFunction,
  functionRhs,
  inner,
  norm,
  type Problem,
  type ProductTerm,
  parallelBug,
  productState,
  productSum,
  projectorSplitting,
  randomState,
  scale,
  schroedinger,
  seeded,
  type Tensor,
  toDense,
} from "../../src/index.ts";
import { combine, permute } from "../../src/linalg/contract.ts";
import { conj } from "../../src/linalg/level1.ts";
import { heatWithSource, longRangeIsing, spinState } from "../../src/problems/index.ts";
import { denseFlow, denseSchroedinger, distance } from "../ttn/dense.ts";
import { type Case, last, packets, problemOf, pulse, ring, rotations } from "./automatic-cases.ts";
import { snapshots } from "./support.ts";

describe("the accuracy asked for", () => {
  test.each([packets, rotations])("is met, neither missed nor exceeded by far: %o", async (make) => {
    const { problem, exact } = make();
    let before = Number.POSITIVE_INFINITY;
    for (const rtol of [1e-2, 1e-4]) {
      const { y } = await last(evolve(problem, { rtol }));
      const error = distance(toDense(y), exact) / Math.hypot(...exact.data);
      expect(error / rtol).toBeGreaterThan(0.05);
      expect(error / rtol).toBeLessThan(5);
      expect(error).toBeLessThan(before);
      before = error;
    }
  });
});

describe("the accuracy asked for is met where", () => {
  const missedBy = async ({ problem, exact }: Case, rtol: number): Promise<number> => {
    const { y } = await last(evolve(problem, { rtol }));
    return distance(toDense(y), exact) / Math.hypot(...exact.data) / rtol;
  };

  test.each([4, 8])("directions are in no frame of the state: a ring of %d spins", async (d) => {
    for (const rtol of [1e-3, 1e-5]) expect(await missedBy(ring(d), rtol)).toBeLessThan(5);
  });

  test("the right-hand side changes in time after a calm", async () => {
    for (const rtol of [1e-4, 1e-6]) expect(await missedBy(pulse(), rtol)).toBeLessThan(5);
  });

  test("it is near round-off, and the start has too few directions", async () => {
    const tree = balanced(4);
    const sizes = [2, 3, 2, 3];
    const random = seeded(5);
    const terms = sizes.flatMap((_, mode): ProductTerm[] => {
      const hermitian = (n: number): Tensor => {
        const a = fromFunction([n, n], () => ({ re: random() - 0.5, im: random() - 0.5 }));
        return combine([
          [1, a],
          [1, permute(conj(a), [1, 0])],
        ]);
      };
      const other = (mode + 2) % 4;
      return [
        { coefficient: 0.5, factors: [{ mode, operator: hermitian(sizes[mode]!) }] },
        {
          coefficient: 0.5,
          factors: [
            { mode, operator: hermitian(sizes[mode]!) },
            { mode: other, operator: hermitian(sizes[other]!) },
          ],
        },
      ];
    });
    const initial = randomState(tree, sizes, 2, seeded(1), "complex128");
    const exact = denseFlow(denseSchroedinger([terms]), toDense(initial), 1);
    const problem = problemOf(schroedinger(productSum(tree, sizes, terms)), initial, 1);
    for (const rtol of [1e-8, 1e-10]) expect(await missedBy({ name: "", problem, exact }, rtol)).toBeLessThan(5);
  });
});

describe("steps of chosen size", () => {
  const heat = heatWithSource({ n: 12, diffusion: 0.2, T: 3, velocity: 2, width: 1.5 });

  test("where errors die out the end is more accurate than asked for", async () => {
    const exact = heat.exact(3);
    for (const rtol of [1e-2, 1e-4, 1e-6]) {
      const { y } = await last(evolve({ ...heat, observables: {} }, { rtol }));
      expect(distance(toDense(y), exact) / Math.hypot(...exact.data)).toBeLessThan(rtol);
    }
  });

  test("the parts of the error are told, and their sum is no less than a tenth of the error", async () => {
    const { problem, exact } = packets();
    const { y, steps } = await last(evolve(problem, { rtol: 1e-4 }));
    const sums = { modelling: 0, integration: 0, solver: 0, truncation: 0 };
    for (const { errors } of steps)
      for (const part of ["modelling", "integration", "solver", "truncation"] as const) sums[part] += errors[part]!;
    expect(sums.modelling).toBe(0);
    const total = sums.integration + sums.solver + sums.truncation;
    expect(total).toBeGreaterThan(0.1 * distance(toDense(y), exact));
    expect(total).toBeLessThan(2e-4);
  });

  test("with ranks too small for the accuracy the run ends all the same, and tells what did not fit", async () => {
    const { problem, exact } = packets();
    const { y, steps } = await last(evolve(problem, { rtol: 1e-6, truncation: { maxRank: 3 } }));
    expect(Math.max(...steps.slice(1).flatMap((s) => s.ranks))).toBe(3);
    const modelling = Math.hypot(...steps.map((s) => s.errors.modelling));
    const error = distance(toDense(y), exact);
    expect(error).toBeGreaterThan(1e-4);
    expect(modelling).toBeGreaterThan(0.01 * error);
  });

  test("an absolute tolerance works alone, and beside a relative one", async () => {
    const { problem, exact } = rotations();
    for (const accuracy of [{ atol: 1e-4 }, { atol: 5e-5, rtol: 5e-5 }]) {
      const { y } = await last(evolve(problem, accuracy));
      expect(distance(toDense(y), exact)).toBeLessThan(5e-4);
    }
  });

  test("times to observe are met, whatever the step size, and the run goes on as before", async () => {
    const { problem } = rotations();
    const observed = await snapshots(
      { ...problem, observables: { norm } },
      { rtol: 1e-3, observeAt: [0.001, 2.5, 2.501] },
    );
    expect(observed.filter((s) => s.observables).map((s) => s.t)).toEqual([0.001, 2.5, 2.501]);
    const plain = await snapshots(problem, { rtol: 1e-3 });
    expect(observed.length - plain.length).toBeLessThan(8);
    expect(observed.at(-1)!.t).toBe(6);
  });

  test("runs backwards, over no time, and from a state that does not move", async () => {
    const { problem } = rotations();
    const there = await last(evolve(problem, { rtol: 1e-5 }));
    const back = await last(evolve({ ...problem, initial: there.y, span: [6, 0] }, { rtol: 1e-5 }));
    expect(distance(toDense(back.y), toDense(problem.initial))).toBeLessThan(1e-4);
    expect(await snapshots({ ...problem, span: [1, 1] }, { rtol: 1e-3 })).toHaveLength(1);
    const still = schroedinger(productSum(problem.initial.tree, Array(4).fill(6), []));
    const rest = await last(evolve({ ...problem, rhs: still }, { rtol: 1e-6 }));
    expect(distance(toDense(rest.y), toDense(problem.initial))).toBeLessThan(1e-6);
  });

  test("every method that adapts ranks can be asked", async () => {
    const { problem, exact } = packets();
    for (const integrator of [augmentedBug(), parallelBug(), projectorSplitting({ backward: "augmented-corrected" })]) {
      const { y } = await last(evolve(problem, { integrator, rtol: 1e-3 }));
      expect(distance(toDense(y), exact)).toBeLessThan(5e-3);
    }
  });

  test("what cannot be had is refused before any work, with what can", async () => {
    const { problem } = rotations();
    const refused = async (options: Parameters<typeof evolve>[1]): Promise<string> => {
      const error = await evolve(problem, options)
        .next()
        .then(
          () => null,
          (e: Error) => e,
        );
      expect(error).toBeInstanceOf(RangeError);
      return error!.message;
    };
    for (const integrator of [fixedRankBug(), projectorSplitting()])
      expect(await refused({ integrator, rtol: 1e-3 })).toMatch(/keeps its ranks.*predicted.*augmented/);
    expect(await refused({ integrator: fixedRankBug(), h: 0.1, truncation: { tolerance: 1e-6 } })).toMatch(
      /fixed-rank BUG keeps its ranks.*1e-06|0\.000001.*predicted/,
    );
    expect(await refused({ integrator: fixedRankBug(), h: 0.1, rejection: true })).toMatch(/keeps its ranks/);
    expect(await refused({ integrator: fixedRankBug(), h: 0.1, truncation: { tolerance: "off", maxRank: 3 } })).toBe(
      `evolve: fixed-rank BUG keeps its ranks; truncation.maxRank = 3 has no meaning for it; use one of the methods ${adaptiveMethods.join(", ")}`,
    );
    expect(await refused({ rtol: 1e-3, h: 0.1 })).toMatch(/both h = 0.1 and rtol/);
    expect(await refused({ rtol: -1 })).toMatch(/rtol is -1/);
    expect(await refused({ rtol: 0, atol: 0 })).toMatch(/both zero/);
    expect(await refused({ rtol: 1e-3, truncation: { tolerance: 1e-6 } })).toMatch(/tolerance follows from rtol/);
    expect(await refused({})).toMatch(/h is missing.*rtol or atol/);
  });

  test("a local solver of the user's own is kept", async () => {
    const { problem } = rotations();
    let solves = 0;
    const own = dopri5({ rtol: 1e-8, atol: 1e-10 });
    const solver = {
      ...own,
      solve: (p: Parameters<typeof own.solve>[0]) => {
        solves++;
        return own.solve(p);
      },
    };
    await last(evolve(problem, { rtol: 1e-3, solver }));
    expect(solves).toBeGreaterThan(10);
  });
});

test("the default integrator, solver and tolerance suit a problem that says nothing else", async () => {
  const tree = balanced(6);
  const rhs = schroedinger(longRangeIsing(tree));
  const all = await snapshots(problemOf(rhs, spinState(tree, "up", 1), 0.1), { h: 0.05 });
  expect(all).toHaveLength(3);
  expect(Math.max(...all.at(-1)!.ranks)).toBeGreaterThan(2);
});

describe("numerical trouble in steps of chosen size", () => {
  const tree = balanced(2);
  const start = productState(tree, [fromFunction([3], () => 1), fromFunction([3], () => 1)]);
  const asked = (rhs: Problem["rhs"], T: number, rtol = 1e-3) => last(evolve(problemOf(rhs, start, T), { rtol }));

  test("a local solve that fails in a long step is tried in a shorter one", async () => {
    // stiff towards |Y|^2 = 1/2: explicit solvers give up in a long step
    const rhs = functionRhs((_t, y) => scale(-1e4 * (inner(y, y).re - 0.5), y), { autonomous: true });
    const { y } = await asked(rhs, 0.2);
    expect(Math.abs(inner(y, y).re - 0.5)).toBeLessThan(1e-3);
  });

  test("numbers that are not finite end the run with the state before, and are called that", async () => {
    const rhs = functionRhs((t, y) => scale(t > 0.5 ? Number.NaN : -1, y));
    const error = await asked(rhs, 1).then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(EvolutionError);
    const { code, last: before } = error as EvolutionError;
    expect(code).toBe("not-finite");
    expect(before.t).toBeLessThanOrEqual(0.5);
    expect(before.t).toBeGreaterThan(0.4);
  });

  test("a zero start, and a tolerance below round-off, are refused", async () => {
    const rhs = functionRhs((_t, y) => scale(-1, y));
    const zero = { ...problemOf(rhs, start, 1), initial: scale(0, start) };
    await expect(evolve(zero, { rtol: 1e-3 }).next()).rejects.toThrow(/initial value of zero; give atol/);
    await expect(asked(rhs, 1, 1e-15)).rejects.toThrow(/rtol is 1e-15, expected at least 1e-12/);
    await last(evolve(zero, { rtol: 1e-3, atol: 1e-6 }));
  });

  test("what is frozen for a step is frozen before anything is evaluated", async () => {
    const inside = functionRhs((_t, y) => scale(-1, y));
    let begun = 0;
    let evaluated = 0;
    const rhs: Problem["rhs"] = {
      ...inside,
      beginStep: () => void begun++,
      bind: (...args) => {
        if (begun === 0) evaluated++;
        return inside.bind(...args);
      },
    };
    const { steps } = await asked(rhs, 1);
    expect(evaluated).toBe(0);
    expect(begun).toBe(steps.length - 1);
  });
});
