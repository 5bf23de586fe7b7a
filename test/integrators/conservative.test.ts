import { describe, expect, test } from "vitest";
import {
  conservativeMethods,
  dopri5,
  type EvolveOptions,
  euler,
  evolve,
  exponential,
  type Functional,
  type LocalSolver,
  methods,
  type Problem,
  type ProductTerm,
  rk4,
  type Tensor,
  type Truncation,
  type TTN,
  toDense,
} from "../../src/index.ts";
import { combine } from "../../src/linalg/contract.ts";
import { norm as size } from "../../src/linalg/level1.ts";
import { entry, fromFunction } from "../../src/linalg/tensor.ts";
import { uncertainSlab } from "../../src/problems/index.ts";
import { checkMoments } from "../../src/testing/index.ts";
import { denseImage, distance, naiveModeProduct } from "../ttn/dense.ts";
import { slab } from "./slab.ts";

/** The moment of a full tensor by the definition. */
const moment = (full: Tensor, { vectors }: Functional): Tensor =>
  vectors.reduce<Tensor>((t, v, mode) => (v ? naiveModeProduct(t, mode, { ...v, shape: [1, v.shape[0]!] }) : t), full);

type Steppable = Problem & { readonly terms: readonly ProductTerm[] };

interface Run {
  readonly integrator?: keyof typeof methods;
  readonly truncation: Truncation;
  readonly solver?: LocalSolver;
  readonly h: number;
}

/** The states of a run, the first one included. */
async function statesOf(
  problem: Steppable,
  { integrator = "augmented", solver = euler(), ...rest }: Run,
): Promise<TTN[]> {
  const all: TTN[] = [];
  for await (const { y } of evolve(problem, { integrator: methods[integrator], solver, ...rest })) all.push(y);
  return all;
}

/** Largest departure from M(Y1) = M(Y0) + h M(F(Y0)) in the steps of a run, relative to the moment; all by full tensors. */
async function departure(problem: Steppable, f: Functional, run: Run): Promise<number> {
  let worst = 0;
  let before: { moment: Tensor; expected: Tensor } | null = null;
  for (const y of await statesOf(problem, run)) {
    const full = toDense(y);
    const now = moment(full, f);
    if (before) worst = Math.max(worst, distance(now, before.expected) / size(before.moment));
    const change = moment(denseImage(problem.terms, full), f);
    const expected = combine([
      [1, now],
      [run.h, change],
    ]);
    before = { moment: now, expected };
  }
  return worst;
}

const tolerance = 1e-3;

describe.each(conservativeMethods)("conserved functionals with %s and explicit Euler", (integrator) => {
  const problem = slab({ T: 0.15 });
  const h = 0.5 * problem.dx;

  test.each(["mass", "density", "everyDensity"] as const)("%s follows the discrete law in every step", async (key) => {
    const f = problem[key];
    const on = await departure(problem, f, { integrator, truncation: { tolerance, conserved: [f] }, h });
    const off = await departure(problem, f, { integrator, truncation: { tolerance }, h });
    console.info(`${integrator}, ${key}: ${on.toExponential(1)}, not conserved ${off.toExponential(1)}`);
    expect(on).toBeLessThan(1e-13);
    expect(off).toBeGreaterThan(1e-8); // there is something to lose
  });
});

describe("conserved functionals on other trees", () => {
  // subtrees that mix free and contracted modes on both sides of the root
  const crossed = [
    [0, 2],
    [1, 3],
  ] as const;
  test.each([
    ["crossed", crossed],
    ["a train", [2, [0, [3, 1]]]],
    ["a star", [0, 1, 2, 3]],
  ] as const)("%s", async (_name, nested) => {
    const problem = slab({ T: 0.1, nested });
    const h = 0.5 * problem.dx;
    const { e0, weights } = problem;
    const inEta: Functional = { vectors: [null, e0, weights[0], null] };
    for (const f of [problem.density, problem.everyDensity, inEta])
      for (const integrator of ["augmented", "parallel", "predicted"] as const)
        expect(await departure(problem, f, { integrator, truncation: { tolerance, conserved: [f] }, h })).toBeLessThan(
          1e-13,
        );
  });

  test("several functionals at once: mass, density, and the density weighted by an input", async () => {
    const problem = slab({ T: 0.1 });
    const { e0, weights } = problem;
    const ramp = fromFunction([4], (i) => weights[0].data[i!]! * (i! + 1));
    const weighted: Functional = { vectors: [null, e0, ramp, weights[1]] };
    const conserved = [problem.density, weighted, problem.mass];
    for (const f of conserved)
      expect(await departure(problem, f, { truncation: { tolerance, conserved }, h: 0.5 * problem.dx })).toBeLessThan(
        1e-13,
      );
  });
});

describe("over many steps", () => {
  const closed = slab({ T: 2, periodic: true, sigma: [2, 1, 0.5] });
  const h = 0.5 * closed.dx;
  const massOf = (y: TTN): number => entry(moment(toDense(y), closed.mass), 0, 0, 0, 0).re;
  const drift = async (run: Omit<Run, "h">): Promise<number> => {
    const all = await statesOf(closed, { ...run, h });
    return Math.abs(massOf(all.at(-1)!) / massOf(all[0]!) - 1);
  };

  test.each([
    ["explicit Euler", euler()],
    ["RK4", rk4()],
    ["the Krylov exponential", exponential()],
  ] as const)("mass is kept where nothing leaves, with %s", async (name, solver) => {
    const kept = await drift({ solver, truncation: { tolerance: 1e-2, conserved: [closed.mass] } });
    const lost = await drift({ solver, truncation: { tolerance: 1e-2 } });
    console.info(`mass after 40 steps, ${name}: ${kept.toExponential(1)}, not conserved ${lost.toExponential(1)}`);
    expect(kept).toBeLessThan(name === "the Krylov exponential" ? 1e-11 : 1e-13);
    expect(lost).toBeGreaterThan(1e-6);
  });

  test.each([
    [
      "steps of chosen size",
      { rtol: 1e-4, solver: dopri5(), truncation: { conserved: [closed.mass, closed.density] } },
    ],
    [
      "steps that are repeated",
      { h, rejection: true, solver: rk4(), truncation: { tolerance: 1e-3, conserved: [closed.mass, closed.density] } },
    ],
  ] as const)("and with %s", async (_name, options) => {
    const masses: number[] = [];
    for await (const { y } of evolve({ ...closed, span: [0, 0.3] }, { integrator: methods.augmented, ...options }))
      masses.push(massOf(y));
    expect(Math.abs(masses.at(-1)! / masses[0]! - 1)).toBeLessThan(1e-12);
  });
});

describe("the uncertain slab of the library", () => {
  const problem = uncertainSlab({ nx: 31, moments: 8, nodesXi: 4, nodesEta: 3, T: 1, width: 0.3, cfl: 0.5 });
  const e0 = fromFunction([8], (k) => (k === 0 ? 1 : 0));
  const h = problem.dt;

  test("rho <- rho + dt F(Y) e0 at every point and every node, over all steps", async () => {
    const everyDensity: Functional = { vectors: [null, e0, null, null] };
    const run = { h, truncation: { tolerance: 1e-2, conserved: [everyDensity] } };
    const on = await departure(problem, everyDensity, run);
    const off = await departure(problem, everyDensity, { ...run, truncation: { tolerance: 1e-2 } });
    console.info(`uncertain slab, every density: ${on.toExponential(1)}, not conserved ${off.toExponential(1)}`);
    expect(on).toBeLessThan(1e-13);
    expect(off).toBeGreaterThan(1e-6);
  });
});

describe("RK4", () => {
  test("the density departs from RK4 on full tensors by O(h^2) a step or less", async () => {
    const problem = slab({ T: 0.1, nx: 41 });
    const f = problem.density;
    const defects: number[] = [];
    for (const h of [0.4, 0.2, 0.1].map((c) => c * problem.dx)) {
      let worst = 0;
      const [first, ...later] = await statesOf(problem, {
        solver: rk4(),
        truncation: { tolerance: 1e-6, conserved: [f] },
        h,
      });
      let before = toDense(first!);
      for (const y of later) {
        const slope = (x: Tensor): Tensor => denseImage(problem.terms, x);
        const k1 = slope(before);
        const k2 = slope(
          combine([
            [1, before],
            [h / 2, k1],
          ]),
        );
        const k3 = slope(
          combine([
            [1, before],
            [h / 2, k2],
          ]),
        );
        const k4 = slope(
          combine([
            [1, before],
            [h, k3],
          ]),
        );
        const exact = combine([
          [1, before],
          [h / 6, k1],
          [h / 3, k2],
          [h / 3, k3],
          [h / 6, k4],
        ]);
        const now = toDense(y);
        worst = Math.max(worst, distance(moment(now, f), moment(exact, f)) / size(moment(before, f)));
        before = now;
      }
      defects.push(worst);
    }
    console.info(`RK4: departures ${defects.map((d) => d.toExponential(1)).join(", ")} for h halved`);
    defects.slice(1).forEach((d, k) => {
      expect(defects[k]! / d).toBeGreaterThan(3);
    });
  });
});

describe("refused before the run", () => {
  const problem = slab();
  const start = (options: Partial<EvolveOptions>): Promise<unknown> =>
    evolve(problem, { integrator: methods.augmented, h: 0.01, ...options }).next();

  test("a limit of ranks that cannot hold the functionals, with both numbers", async () => {
    const conserved = [problem.mass, problem.density];
    await expect(start({ truncation: { tolerance, conserved, maxRank: 1 } })).rejects.toThrow(
      new RangeError("conserved: the functionals need rank 2 on the edge above node 0, maxRank is 1"),
    );
  });

  test("a method that does not keep them, with those that do", async () => {
    await expect(
      start({ integrator: methods["parallel-assembled"], truncation: { tolerance, conserved: [problem.mass] } }),
    ).rejects.toThrow(/assembled root.* does not keep given functionals; use one of the methods predicted, parallel, /);
  });

  test("a functional for other mode sizes", async () => {
    const conserved = [{ vectors: [problem.e0, problem.e0, ...problem.weights] }];
    await expect(start({ truncation: { tolerance, conserved } })).rejects.toThrow("is 6, expected 21 numbers");
  });
});

describe("the published check of moments", () => {
  test.each(conservativeMethods)("%s, for random trees, operators and functionals", async (name) => {
    const { measurements } = await checkMoments(methods[name], { numRuns: 25 });
    console.info(`${name}: largest departure ${Math.max(...measurements.map((m) => m.measured)).toExponential(1)}`);
  });
});
