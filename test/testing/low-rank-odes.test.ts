import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  augmentedBug,
  denseOperator,
  dopri5,
  edgesOf,
  evolve,
  norm,
  ranks,
  rootOf,
  schmidtValues,
  seeded,
  stateAs,
  toDense,
  tree,
} from "../../src/index.ts";
import { singularValues } from "../../src/linalg/factor.ts";
import {
  attractedOde,
  type KnownOde,
  lowRankOde,
  lowRankOdes,
  odeSpecs,
  spectrum,
  statesWithSpectrum,
  stateWithSpectrum,
} from "../../src/testing/index.ts";
import { linearPart } from "../../src/testing/low-rank-ode.ts";
import { distance, relative } from "../ttn/dense.ts";

const eps = Number.EPSILON;

describe("states with a spectrum", () => {
  test("every edge has the singular values asked for, zeros among them", async () => {
    await fc.assert(
      fc.asyncProperty(statesWithSpectrum(), async ({ y, values }) => {
        for (const edge of edgesOf(y.tree)) {
          const found = schmidtValues(y, edge);
          expect(found).toHaveLength(values.length);
          values.forEach((v, k) => {
            expect(Math.abs(found[k]! - v)).toBeLessThan(100 * eps);
          });
        }
      }),
    );
  });

  test("one edge of a random state has them, and ranks stay", async () => {
    await fc.assert(
      fc.asyncProperty(statesWithSpectrum({ edges: "one", maxEntries: 512 }), async ({ y, edge, values }) => {
        if (edge === rootOf(y.tree)) return;
        const found = schmidtValues(y, edge!);
        values.forEach((v, k) => {
          expect(Math.abs(found[k]! - v)).toBeLessThan(1000 * eps);
        });
        expect(ranks(y)[edge!]).toBeGreaterThanOrEqual(values.length);
      }),
    );
  });

  test("a mode with less room than values is refused, with both numbers", () => {
    expect(() => stateWithSpectrum(tree([0, 1]), [3, 2], [1, 0.1, 0], seeded(1))).toThrow(
      "mode 1 has size 2, fewer than the 3",
    );
    expect(spectrum(4, 1e-9)).toEqual([1, expect.closeTo(1e-3), expect.closeTo(1e-6), 1e-9]);
    expect(spectrum(3, 0)).toEqual([1, expect.closeTo(0.1 ** 0.5), 0]);
  });
});

describe("low-rank ODEs", () => {
  /** The state at the end at full ranks, where only the local solver errs. */
  async function ended({ problem }: KnownOde) {
    let last = problem.initial;
    const options = { integrator: augmentedBug(), h: 0.1, solver: dopri5({ rtol: 1e-11, atol: 1e-13 }) };
    for await (const { y } of evolve(problem, { ...options, truncation: { tolerance: "off" } })) last = y;
    return toDense(last);
  }

  test("the full solution solves them: with a coupling, a source, or attracted; real and complex", async () => {
    const specs = odeSpecs({
      minRank: 2,
      maxSize: 2,
      maxRank: 2,
      maxLeaves: 3,
      couplings: [0, 0.5],
      sources: [0, 0.5],
    });
    await fc.assert(
      fc.asyncProperty(specs, fc.boolean(), async (spec, attracted) => {
        // leaves of full rank below one root: nothing is left to split
        const full = { ...spec, tree: spec.sizes.map((_, mode) => mode) };
        const ode = attracted ? attractedOde(full) : lowRankOde(full);
        expect(relative(await ended(ode), ode.exact(spec.T))).toBeLessThan(1e-9);
      }),
      { numRuns: 30 },
    );
  });

  test("L bounds the linear part, and l its symmetric part", async () => {
    await fc.assert(
      fc.asyncProperty(odeSpecs({ sources: [0] }), async (spec) => {
        const { lipschitz, oneSided } = lowRankOde(spec);
        const a = denseOperator(linearPart(spec).linear.parts[0]!.operator);
        expect(singularValues(a)[0]!).toBeLessThanOrEqual(lipschitz * (1 + 1e-12));
        if (spec.kind === "rotation") expect(oneSided).toBe(0);
      }),
    );
  });

  test("rotations keep the norm, |F| stays below B, and delta is the distance of the start", async () => {
    const specs = odeSpecs({ deltas: [0, 1e-3], kinds: ["rotation"], sources: [0] });
    await fc.assert(
      fc.asyncProperty(specs, async (spec) => {
        const { problem, exact, bound, delta, lipschitz } = lowRankOde(spec);
        const start = toDense(stateAs(problem.initial, spec.dtype));
        expect(Math.abs(distance(start, exact(0)) - delta)).toBeLessThan(1e-14);
        const size = Math.hypot(...exact(0).data);
        expect(Math.abs(Math.hypot(...exact(spec.T).data) - size)).toBeLessThan(1e-11);
        expect(bound).toBeGreaterThanOrEqual(lipschitz * size * (1 - 1e-12));
        expect(norm(problem.initial)).toBeCloseTo(1, 12);
      }),
    );
  });

  test("a text says what a case is made of", () => {
    fc.assert(
      fc.property(lowRankOdes(), ({ text, spec }) => {
        expect(text).toContain(JSON.stringify(spec.tree));
        expect(text).toContain(`rank ${spec.rank}`);
        expect(text).toContain(`seed ${spec.seed}`);
      }),
    );
  });
});
