import { describe, expect, test } from "vitest";
import {
  add,
  modeSizes,
  type Problem,
  type Rhs,
  randomState,
  ranks,
  rk4,
  scale,
  seeded,
  type Truncation,
  type TTN,
  toDense,
} from "../../src/index.ts";
import { heatWithSource } from "../../src/problems/index.ts";
import { attractedOde } from "../../src/testing/attracted-ode.ts";
import { dtypeOfState } from "../../src/ttn/ttn.ts";
import { distance, relative } from "../ttn/dense.ts";
import { methods } from "./methods.ts";
import { finalOf, slopeOf, unstarted } from "./support.ts";

const problemOf = (rhs: Rhs, initial: TTN, span: readonly [number, number]): Problem => ({
  name: "orders",
  rhs,
  initial,
  span,
  observables: {},
});

const heat = heatWithSource();
const heatEnd = heat.exact(1);

/** Any matrices on the modes of a complex state: away from the tangent space but on the solution, which has the tree's rank. */
const attracted = attractedOde({
  kind: "general",
  dtype: "complex128",
  tree: [
    [0, 1],
    [2, 3],
  ],
  sizes: [4, 4, 4, 4],
  rank: 2,
  smallest: 0.3,
  coupling: 0.5,
  source: 0,
  delta: 0,
  T: 1,
  seed: 5,
});

const off = { tolerance: "off" } as const;

/** The orders of the contract on two more problems, where every method that promises one has it. */
describe.each(methods)("$name", ({ integrator, linearOnly = false }) => {
  const { promises } = integrator;
  /** What a fitted order has to be. */
  const fitted = promises.order === 1 ? 0.9 : 1.8;
  /** Methods that keep their ranks are given no tolerance, and room in their start instead. */
  const cut = (truncation: Truncation): Truncation => (promises.rankAdaptive ? truncation : off);
  const roomy = (y: TTN, rank: number): TTN =>
    promises.rankAdaptive ? y : add(y, scale(0, randomState(y.tree, modeSizes(y), rank, seeded(21), dtypeOfState(y))));

  test.skipIf(linearOnly)("order: heat with a moving source, real, ranks by tolerance", async () => {
    const points = [];
    for (const h of [1 / 16, 1 / 32, 1 / 64, 1 / 128]) {
      const last = await finalOf(problemOf(heat.rhs, roomy(heat.initial, 6), [0, 1]), {
        integrator,
        h,
        solver: rk4({ substeps: Math.ceil(64 * h) }),
        truncation: cut({ tolerance: 1e-10 }),
      });
      points.push({ h, error: relative(toDense(last.y), heatEnd) });
    }
    for (const { error } of points) expect(error).toBeLessThan(0.1);
    if (points.every(({ error }) => error < 1e-7)) return; // the local solver's error: splitting methods are exact here
    expect(slopeOf(points)).toBeGreaterThan(fitted);
  });

  test.skipIf(linearOnly)("order: a solution of the tree's rank that attracts", async () => {
    const points = [];
    for (const h of [1 / 8, 1 / 16, 1 / 32]) {
      // two first steps of another method would be a part of all steps that shrinks with h
      const { y } = await finalOf(attracted.problem, {
        integrator: unstarted(integrator),
        h,
        solver: rk4({ substeps: Math.ceil(64 * h) }),
        truncation: cut({ ...off, maxRank: ranks(attracted.problem.initial) }),
      });
      points.push({ h, error: distance(toDense(y), attracted.exact(1)) });
    }
    expect(slopeOf(points)).toBeGreaterThan(fitted);
  });
});
