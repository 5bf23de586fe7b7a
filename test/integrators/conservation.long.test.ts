import { describe, expect, test } from "vitest";
import {
  applyOperator,
  augmentedBug,
  balanced,
  exponential,
  type Integrator,
  inner,
  norm,
  parallelBug,
  productSum,
  projectorSplitting,
  randomState,
  rootOf,
  type StepSuccess,
  scale,
  schroedinger,
  seeded,
  solvedAtOnce,
  type TTN,
  tensor,
  toDense,
  tree,
} from "../../src/index.ts";
import { longRangeIsing } from "../../src/problems/index.ts";
import { withTensor } from "../../src/ttn/ttn.ts";
import { distance } from "../ttn/dense.ts";
import { methods } from "./methods.ts";
import { randomChain } from "./random-hermitian.ts";
import { maxOf, off, quench, slopeOf, snapshots, unstarted } from "./support.ts";

describe("norm and energy", () => {
  test.each([
    ["augmented BUG", augmentedBug()],
    ["parallel BUG with the Galerkin root", parallelBug()],
  ] as [string, Integrator][])("%s keeps both over 200 steps at tolerance 1e-12", async (_, integrator) => {
    const { problem } = quench(balanced(8), {}, 2);
    const all = await snapshots(problem, { integrator, h: 0.01, truncation: { tolerance: 1e-12 } });
    expect(all).toHaveLength(201);
    const energy = (k: number): number => all[k]!.observables!["energy"] as number;
    expect(maxOf(all.map((s) => Math.abs(norm(s.y) - 1)))).toBeLessThanOrEqual(1e-9);
    expect(maxOf(all.map((_s, k) => Math.abs(energy(k) - energy(0))))).toBeLessThanOrEqual(1e-9);
  });

  test("a rank cap costs them only what it discards", async () => {
    const { problem } = quench(balanced(8), {}, 1);
    const all = await snapshots(problem, {
      integrator: parallelBug(),
      h: 0.01,
      truncation: { tolerance: 1e-12, maxRank: 8 },
    });
    // a cut removes a part orthogonal to what stays: |Y|^2 falls by its square, and by nothing else
    const lost = all.reduce((sum, s) => sum + s.discarded * s.discarded, 0);
    expect(lost).toBeGreaterThan(1e-10);
    expect(Math.abs(1 - norm(all.at(-1)!.y) ** 2 - lost)).toBeLessThan(1e-11);
  });

  test("with the assembled root they drift, at order one", async () => {
    const drift = async (h: number): Promise<number> => {
      const { problem } = quench(balanced(8), {}, 0.4);
      const integrator = parallelBug({ root: "assembled", firstStep: "parallel" });
      const all = await snapshots(problem, { integrator, h, truncation: { tolerance: 1e-10 } });
      return maxOf(all.map((s) => Math.abs(norm(s.y) - 1)));
    };
    const [coarse, fine] = [await drift(0.02), await drift(0.01)];
    expect(coarse).toBeGreaterThan(1e-8);
    expect(Math.log2(coarse / fine)).toBeGreaterThan(0.8);
  });
});

/*
 * Four modes of size three, complex, each with a random Hamiltonian of norm one, coupled so weakly that the ranks of the
 * adaptive methods are still below or just at those of the whole space after 1000 steps: truncation has something to cut
 * all the way. The random start makes every environment complex and none of them symmetric.
 */
describe("a weakly coupled chain, Lanczos", () => {
  const shape = tree([
    [0, 1],
    [2, 3],
  ]);
  const sizes = [3, 3, 3, 3];
  const rhs = schroedinger(productSum(shape, sizes, randomChain(sizes, 1e-3)));
  const solver = exponential({ tolerance: 1e-13 });
  const theta = 1e-12;

  const run = (integrator: Integrator, from: TTN, span: readonly [number, number], h: number) =>
    snapshots(
      { name: "chain", rhs, initial: from, span, observables: { norm, energy: (y) => rhs.expectation(y).re } },
      { integrator, h, solver, truncation: { tolerance: integrator.promises.rankAdaptive ? theta : "off" } },
    );
  const start = (integrator: Integrator): TTN => {
    const y = randomState(shape, sizes, integrator.promises.rankAdaptive ? 1 : 2, seeded(31), "complex128");
    return scale(1 / norm(y), y);
  };
  const drift = (all: Awaited<ReturnType<typeof run>>, name: "norm" | "energy"): number => {
    const values = all.map((s) => s.observables![name] as number);
    return maxOf(values.map((v) => Math.abs(v - values[0]!)));
  };
  const those = (conserves: Integrator["promises"]["conserves"]) =>
    methods.filter(({ integrator }) => integrator.promises.conserves === conserves);

  test.each(those("norm and energy"))(
    "$name keeps norm and energy over 1000 steps, and back in time",
    async ({ integrator }) => {
      const steps = 1000;
      const h = 0.01;
      const there = await run(integrator, start(integrator), [0, steps * h], h);
      expect(there).toHaveLength(steps + 1);
      const back = await run(integrator, there.at(-1)!.y, [steps * h, 0.9 * steps * h], h);
      expect(back).toHaveLength(steps / 10 + 1);
      expect(back.at(-1)!.h).toBeLessThan(0);
      const bound = Math.min(1e-9, steps * theta + 1e-12 * Math.sqrt(steps));
      for (const all of [there, back, [there[0]!, back.at(-1)!]])
        for (const name of ["norm", "energy"] as const) expect(drift(all, name)).toBeLessThanOrEqual(bound);
    },
  );

  // a splitting promises nothing of the flow it is given; that of the suite does not drift
  const drifting = those("nothing").filter(({ name }) => !name.includes("split from a flow"));
  test.each(drifting)("$name drifts, less so in smaller steps", async ({ integrator }) => {
    const points = [];
    for (const h of [0.08, 0.04, 0.02]) {
      const all = await run(unstarted(integrator), start(integrator), [0, 4], h);
      points.push({ h, error: drift(all, "norm") });
    }
    for (const { error } of points) expect(error).toBeGreaterThan(1e-9);
    expect(slopeOf(points)).toBeGreaterThanOrEqual(0.8);
  });

  test("the Strang splitting is symmetric: 100 steps there and 100 back end where they began", async () => {
    const returned = async (integrator: Integrator): Promise<number> => {
      const initial = start(integrator);
      const there = (await run(integrator, initial, [0, 5], 0.05)).at(-1)!;
      const back = (await run(integrator, there.y, [5, 0], 0.05)).at(-1)!;
      return distance(toDense(back.y), toDense(initial));
    };
    expect(await returned(projectorSplitting({ splitting: "strang" }))).toBeLessThan(1e-9);
    expect(await returned(projectorSplitting())).toBeGreaterThan(1e-7);
  });
});

describe("the norm identity of the assembled root, |C1|^2 = |C0|^2 + sum |Ct_i|^2", () => {
  const tree = balanced(6);
  const hamiltonian = longRangeIsing(tree);
  const start = randomState(tree, Array(6).fill(2), 2, seeded(5), "complex128");
  const root = rootOf(tree);
  const h = 0.03;

  /** <E_ab, y> for the root's entry (a, b) in the bases of a state. */
  const rootEntry = (bases: TTN, a: number, b: number, y: TTN) => {
    const unit = tensor(bases.tensors[root]!.shape, "complex128");
    unit.data[2 * (a * unit.shape[1]! + b)] = 1;
    return inner(withTensor(bases, root, unit), y);
  };

  test.each(["euler", "evolved"] as const)("%s coupling", async (coupling) => {
    const integrator = parallelBug({ root: "assembled", coupling, firstStep: "parallel" });
    const context = {
      rhs: schroedinger(hamiltonian),
      solver: exponential({ tolerance: 1e-14 }),
      truncation: { tolerance: "off" },
      measureMissed: true, // for the start in the new bases
    } as const;
    const { y, widened } = solvedAtOnce(integrator.step(context, start, 0, h)) as StepSuccess & {
      readonly widened: TTN;
    };
    const [rows, columns] = widened.tensors[root]!.shape as [number, number];
    const [oldRows, oldColumns] = start.tensors[root]!.shape as [number, number];
    expect([rows, columns]).toEqual([2 * oldRows, 2 * oldColumns]);
    const image = applyOperator(hamiltonian, start);
    const sums = { old: 0, one: 0, both: 0, euler: 0 };
    for (let a = 0; a < rows; a++)
      for (let b = 0; b < columns; b++) {
        const kind = a < oldRows && b < oldColumns ? "old" : a >= oldRows && b >= oldColumns ? "both" : "one";
        const c = rootEntry(widened, a, b, y);
        sums[kind] += c.re * c.re + c.im * c.im;
        if (kind !== "one") continue;
        const f = rootEntry(widened, a, b, image);
        sums.euler += h * h * (f.re * f.re + f.im * f.im);
      }
    expect(sums.both).toBeLessThan(1e-24);
    expect(off(sums.old, norm(start) ** 2)).toBeLessThan(1e-12);
    expect(sums.one).toBeGreaterThan(1e-4);
    expect(off(norm(y) ** 2, norm(start) ** 2 + sums.one)).toBeLessThan(1e-12);
    // Euler's blocks are h F(t0, Y0) seen in the new bases, computed here from H Y0 itself
    if (coupling === "euler") expect(off(norm(y) ** 2, norm(start) ** 2 + sums.euler)).toBeLessThan(1e-12);
  });
});
