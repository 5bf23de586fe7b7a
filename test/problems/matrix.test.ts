import { describe, expect, test } from "vitest";
import {
  augmentedBug,
  balanced,
  dopri5,
  exactIncrement,
  exponential,
  fromFunction,
  fromValues,
  type LocalField,
  modeSizes,
  norm,
  type Problem,
  parallelBug,
  randomState,
  randomTensor,
  ranks,
  rk4,
  scale,
  seeded,
  star,
  type Tensor,
  tensor,
  toDense,
  train,
  tree,
} from "../../src/index.ts";
import { eigh } from "../../src/linalg/factor.ts";
import { norm as frobenius } from "../../src/linalg/level1.ts";
import { realPart } from "../../src/linalg/tensor.ts";
import {
  allenCahn,
  groundState,
  heatWithSource,
  longRangeIsing,
  longRangeIsingTerms,
  lyapunovFlow,
  matrixSchroedinger,
  prescribedMotion,
  riccatiFlow,
  spinState,
} from "../../src/problems/index.ts";
import { rhsContract } from "../../src/testing/rhs-contract.ts";
import { finalOf, maxOf, off, slopeOf, snapshots } from "../integrators/support.ts";
import { denseSum, distance, product, relative, transpose } from "../ttn/dense.ts";

/** Y' = F(t, Y) of a real full tensor, by Dormand and Prince with 1e-12. */
function solved(f: (t: number, x: Tensor) => Tensor, initial: Tensor, t1: number): Tensor {
  const field: LocalField = {
    kind: "nonlinear",
    autonomous: false,
    dtype: initial.dtype,
    shapeOut: initial.shape,
    plan: () => (t, x, out) => out.data.set(f(t, x).data),
  };
  const solver = dopri5({ rtol: 1e-12, atol: 1e-12, maxSteps: 100_000 });
  return solver.solve({ node: 0, field, initial, t0: 0, t1, seeks: "state" }).final;
}

/** Errors of augmented BUG for several steps against a full tensor, and their order. */
async function orderOf(problem: Problem, exact: Tensor, steps: readonly number[], tolerance = 1e-10) {
  const points = [];
  for (const h of steps) {
    const last = await finalOf(problem, {
      integrator: augmentedBug(),
      h,
      solver: dopri5({ rtol: 1e-11 }),
      truncation: { tolerance },
    });
    points.push({ h, error: relative(toDense(last.y), exact) });
  }
  return { errors: points.map((p) => p.error), slope: slopeOf(points) };
}

/** With room for the source, a few long steps err less than a tenth of many short ones without. */
async function roomHelps(problem: Problem, exact: Tensor, without: readonly number[]): Promise<void> {
  const h = problem.span[1] / 4;
  const { errors } = await orderOf(problem, exact, [h, h / 2]);
  console.info(`  with room ${errors.map((e) => e.toExponential(1)).join(" ")}`);
  expect(maxOf(errors)).toBeLessThan(without.at(-1)! / 10);
}

const report = (name: string, errors: readonly number[], slope: number): void =>
  console.info(`${name}: errors ${errors.map((e) => e.toExponential(1)).join(" ")}, order ${slope.toFixed(2)}`);

const mul = (...factors: readonly Tensor[]): Tensor => realPart(factors.reduce((a, b) => product(a, b)));
const sum = (...terms: readonly Tensor[]): Tensor =>
  tensor(
    terms[0]!.shape,
    "float64",
    terms[0]!.data.map((_, i) => terms.reduce((s, t) => s + t.data[i]!, 0)),
  );
const t = (a: Tensor): Tensor => realPart(transpose(a));
const negative = (a: Tensor): Tensor => ({ ...a, data: a.data.map((v) => -v) });

/** A matrix that is neither symmetric nor normal, with eigenvalues about -1. */
const stable = (n: number): Tensor => {
  const g = randomTensor(seeded(5), [n, n]);
  return fromFunction([n, n], (i, j) => (i === j ? -1 : 0) + (0.4 / Math.sqrt(n)) * g.data[i! * n + j!]!);
};

describe("matrix Schroedinger equation", () => {
  const n = 64;
  const problem = matrixSchroedinger();

  test("the full solution has the stored entries", () => {
    const exact = problem.exact(0.5);
    const stored = [
      [0, 0, 0.0018417883746140525, -0.023910036210465203],
      [10, 20, -0.02099953317344903, 0.010771495642371402],
    ] as const;
    for (const [a, b, re, im] of stored) {
      expect(Math.abs(exact.data[2 * (n * a + b)]! - re)).toBeLessThan(1e-13);
      expect(Math.abs(exact.data[2 * (n * a + b) + 1]! - im)).toBeLessThan(1e-13);
    }
    expect(Math.abs(norm(problem.initial) - 1.005037815259212)).toBeLessThan(1e-14);
  });

  // matrix_schroedinger_smallsv.json
  test.each([
    [6, 1e-4, [4.592e-4, 4.5905e-4, 4.5923e-4]],
    [12, 0.1, [1.7556e-6, 5.3683e-7, 2.8528e-7]],
  ])("augmented BUG at rank %d errs as the independent program did", async (rank, part, errors) => {
    const cut = matrixSchroedinger({ rank });
    expect(ranks(cut.initial)[0]).toBe(rank);
    expect(off(distance(toDense(cut.initial), problem.exact(0)), 10 ** -rank * Math.sqrt(1 / 0.99))).toBeLessThan(1e-2);
    for (const [k, h] of [0.1, 0.05, 0.025].entries()) {
      const all = await snapshots(cut, {
        integrator: augmentedBug(),
        h,
        truncation: { tolerance: "off", maxRank: rank },
      });
      expect(off(distance(toDense(all.at(-1)!.y), problem.exact(0.5)), errors[k]!)).toBeLessThan(part);
      // |H| <= 8: what truncation removes moves the energy by no more
      const energies = all.map((s) => s.observables!["energy"] as number);
      const removed = all.reduce((total, s) => total + s.discarded, 0);
      expect(maxOf(energies.map((e) => Math.abs(e - energies[0]!)))).toBeLessThan(2.1 * 8 * removed + 1e-12);
    }
  });

  test("is Y' = i (D Y + Y D^T) - i V Y V by the definition", () => {
    const m = 16;
    const small = matrixSchroedinger({ n: m, T: 0.3 });
    const D = fromFunction([m, m], (i, j) => (i === j ? 1 : [1, m - 1].includes(Math.abs(i! - j!)) ? -0.5 : 0));
    const V = fromFunction([m, m], (i, j) => (i === j ? 1 - Math.cos(((2 * Math.PI) / m) * (i! - m / 2)) : 0));
    const exact = solved(
      (_t, y) => {
        const [dy, yd, vyv] = [product(D, y), product(y, transpose(D)), product(product(V, y), V)];
        const real = dy.data.map((v, i) => v + yd.data[i]! - vyv.data[i]!);
        return { ...dy, data: real.map((_, i) => (i % 2 === 0 ? -real[i + 1]! : real[i - 1]!)) };
      },
      toDense(small.initial),
      0.3,
    );
    expect(distance(small.exact(0.3), exact)).toBeLessThan(1e-10);
  });
});

describe("heat with a moving source", () => {
  const shape = tree([[0, 2], 1]);
  const options = { tree: shape, n: 6, diffusion: 0.7, strength: 1.5, width: 1.2, start: [1, 3, 4], T: 0.8 };
  const problem = heatWithSource(options);

  test("solved by full tensors, by quadrature and by augmented BUG is the same", async () => {
    const n = 6;
    const bump = (i: number, centre: number): number => Math.exp(-((i - centre) ** 2) / 2 / 1.44);
    const start = fromFunction([n, n, n], (i, j, k) => bump(i!, 1) * bump(j!, 3) * bump(k!, 4));
    expect(relative(toDense(problem.initial), start)).toBeLessThan(1e-14);
    const f = (time: number, { data }: Tensor): Tensor => {
      const at = (...index: number[]): number =>
        index.some((i) => i < 0 || i >= n) ? 0 : data[(index[0]! * n + index[1]!) * n + index[2]!]!;
      const c = 5 / 4 + (5 / 2) * time;
      return fromFunction([n, n, n], (...index) => {
        const neighbours = index.flatMap((i, k) => [index.with(k, i - 1), index.with(k, i + 1)]);
        const spread = neighbours.reduce((s, other) => s + at(...other), 0) - 6 * at(...index);
        return 0.7 * spread + 1.5 * index.reduce((p, i) => p * bump(i, c), 1);
      });
    };
    const exact = solved(f, start, 0.8);
    expect(relative(problem.exact(0.8), exact)).toBeLessThan(1e-10);
    const { errors, slope } = await orderOf(heatWithSource({ ...options, room: false }), exact, [0.2, 0.1, 0.05]);
    report("heat with source", errors, slope);
    expect(slope).toBeGreaterThan(0.8);
    await roomHelps(problem, exact, errors);
  });

  test("on a Tucker star in four dimensions, and as a matrix", async () => {
    for (const shape of [star(4), balanced(2)]) {
      const other = heatWithSource({ tree: shape, n: 5, room: false });
      const { errors, slope } = await orderOf(other, other.exact(1), [1 / 4, 1 / 8, 1 / 16]);
      report(`heat in ${shape.order} dimensions`, errors, slope);
      expect(slope).toBeGreaterThan(0.8);
      await roomHelps(heatWithSource({ tree: shape, n: 5 }), other.exact(1), errors);
    }
  });

  test("a source may start or end far outside", async () => {
    const far = heatWithSource({ n: 5, from: -200, velocity: 0 });
    const last = await finalOf(far, { integrator: augmentedBug(), h: 0.25, solver: rk4({ substeps: 4 }) });
    expect(Number.isFinite(norm(last.y))).toBe(true);
  });

  test("refuses what makes no sense", () => {
    expect(() => heatWithSource({ n: 1 })).toThrow(/n is 1, expected an integer of at least 2/);
    expect(() => heatWithSource({ width: 0 })).toThrow(/width is 0/);
    expect(() => heatWithSource({ start: [1, 2] })).toThrow(/start has 2 numbers, the tree 3 modes/);
    expect(() => heatWithSource({ velocity: Number.NaN })).toThrow(/velocity is NaN/);
  });
});

describe("Lyapunov and Riccati flows", () => {
  const n = 10;
  const a = stable(n);
  const b = randomTensor(seeded(6), [n, 2]);
  const c = randomTensor(seeded(7), [1, n]);
  const initial = randomTensor(seeded(8), [n, 1]);
  const start = mul(initial, t(initial));

  const lyapunov = (_t: number, x: Tensor): Tensor => sum(mul(a, x), mul(x, t(a)), mul(b, t(b)));
  const riccati = (_t: number, x: Tensor): Tensor =>
    sum(mul(t(a), x), mul(x, a), mul(t(c), c), negative(mul(x, b, t(b), x)));

  test.each([
    ["Lyapunov", (room: boolean) => lyapunovFlow({ a, b, initial, T: 0.8, room }), lyapunov],
    ["Riccati", (room: boolean) => riccatiFlow({ a, b, c, initial, T: 0.8, room }), riccati],
  ])("%s: solved by full matrices, in closed form and by augmented BUG is the same", async (name, make, f) => {
    const problem = make(false);
    expect(ranks(problem.initial)).toEqual([1, 1, 1]);
    expect(relative(toDense(problem.initial), start)).toBeLessThan(1e-14);
    const exact = solved(f, start, 0.8);
    expect(relative(problem.exact(0.8), exact)).toBeLessThan(1e-10);
    const { errors, slope } = await orderOf(problem, exact, [0.1, 0.05, 0.025, 0.0125]);
    report(name, errors, slope);
    expect(slope).toBeGreaterThan(0.8);
    await roomHelps(make(true), exact, errors);
    const residual = problem.observables["residual"]!(problem.initial, 0) as number;
    expect(off(residual, frobenius(f(0, start)))).toBeLessThan(1e-12);
  });

  test.each([
    ["Lyapunov", lyapunovFlow({ a, b, T: 30 }), lyapunov],
    ["Riccati", riccatiFlow({ a, b, c, T: 30 }), riccati],
  ])("%s: the steady state solves the algebraic equation", async (name, problem, f) => {
    const tolerance = 1e-9;
    const last = await finalOf(problem, {
      integrator: augmentedBug(),
      h: 0.5,
      solver: dopri5(),
      truncation: { tolerance },
      observeAt: [30],
    });
    const x = toDense(last.y);
    const residual = frobenius(f(0, x));
    console.info(`${name}: residual ${residual.toExponential(1)}, rank ${last.ranks[0]}`);
    // what truncation leaves, seen by a linear map of norm 2 |A|
    expect(residual).toBeLessThan(10 * 2 * frobenius(a) * tolerance);
    expect(relative(problem.exact(30), x)).toBeLessThan(1e-7);
  });

  test("by default the heat equation on a line, driven by one vector", () => {
    for (const problem of [lyapunovFlow(), riccatiFlow()]) {
      expect(ranks(problem.initial)).toEqual([1, 1, 1]);
      expect(norm(problem.initial)).toBeCloseTo(1, 14);
      expect(problem.exact(0.5).shape).toEqual([32, 32]);
    }
  });

  test("a start of zero gets the bases of the source, and a solution", async () => {
    const problem = lyapunovFlow({ a, b, initial: tensor([n, 1]), T: 0.8 });
    expect(norm(problem.initial)).toBe(0);
    const { errors } = await orderOf(problem, solved(lyapunov, tensor([n, n]), 0.8), [0.1, 0.05]);
    expect(maxOf(errors)).toBeLessThan(1e-3);
  });

  test("refuse sizes that differ, naming both", () => {
    expect(() => lyapunovFlow({ a: tensor([3, 4]) })).toThrow(/a is 3x4, expected a square matrix/);
    expect(() => lyapunovFlow({ a, b: tensor([9, 2]) })).toThrow(/b is 9x2, expected 10 rows as a has/);
    expect(() => riccatiFlow({ a, c: tensor([1, 9]) })).toThrow(/the transpose of c is 9x1, expected 10 rows/);
    expect(() => lyapunovFlow({ a: tensor([3, 3], "complex128") })).toThrow(/a is complex128, expected float64/);
    expect(() => lyapunovFlow({ a, initial: fromValues([10, 1], Array(10).fill(Number.NaN)) })).toThrow(/not finite/);
  });
});

describe("Allen-Cahn equation", () => {
  const n = 12;
  const eps = 0.1;

  test("solved by full matrices and by augmented BUG is the same", async () => {
    const problem = allenCahn({ n, eps, T: 1 });
    const f = (_t: number, { data }: Tensor): Tensor =>
      fromFunction([n, n], (i, j) => {
        const at = (p: number, q: number): number => data[((p + n) % n) * n + ((q + n) % n)]!;
        const x = at(i!, j!);
        const around = at(i! - 1, j!) + at(i! + 1, j!) + at(i!, j! - 1) + at(i!, j! + 1) - 4 * x;
        return eps * (n / 2 / Math.PI) ** 2 * around + x - x ** 3;
      });
    const exact = solved(f, toDense(problem.initial), 1);
    const { errors, slope } = await orderOf(problem, exact, [1 / 4, 1 / 8, 1 / 16]);
    report("Allen-Cahn", errors, slope);
    expect(slope).toBeGreaterThan(0.8);
    expect(errors.at(-1)).toBeLessThan(1e-2);
    // a gradient flow: the energy falls at the rate |F|^2
    const { energy } = problem.observables;
    const [dt, y] = [1e-4, toDense(problem.initial)];
    const there = solved(f, y, dt);
    const cell = ((2 * Math.PI) / n) ** 2;
    const asState = (x: Tensor) => ({
      ...problem.initial,
      tensors: [
        fromFunction([n, n], (i, j) => (i === j ? 1 : 0)),
        fromFunction([n, n], (i, j) => (i === j ? 1 : 0)),
        tensor([n, n, 1], "float64", x.data),
      ],
    });
    const rate = ((energy!(asState(there), dt) as number) - (energy!(asState(y), 0) as number)) / dt;
    expect(off(rate, -cell * frobenius(f(0, y)) ** 2)).toBeLessThan(1e-3);
  });

  test.each([
    ["augmented BUG", augmentedBug()],
    ["parallel BUG", parallelBug()],
  ])("its energy never rises: %s", async (_, integrator) => {
    const tolerance = 1e-8;
    const all = await snapshots(allenCahn({ n: 16, T: 10 }), {
      integrator,
      h: 0.1,
      solver: rk4(),
      truncation: { tolerance },
    });
    const energies = all.map((s) => s.observables!["energy"] as number);
    // truncation moves the state by at most the tolerance, along a gradient of norm at most that at the start
    expect(maxOf(energies.slice(1).map((e, k) => e - energies[k]!))).toBeLessThan(10 * tolerance);
    expect(energies.at(-1)!).toBeLessThan(0.9 * energies[0]!);
  });

  test("refuses what makes no sense", () => {
    expect(() => allenCahn({ n: 2 })).toThrow(/n is 2, expected an integer of at least 3/);
    expect(() => allenCahn({ eps: Number.NaN })).toThrow(/eps is NaN/);
  });
});

describe("prescribed motion", () => {
  const shapes = [
    ["a matrix", balanced(2)],
    ["a Tucker star", star(3)],
    ["a tensor train", train(4)],
    ["an unbalanced tree", tree([[0, [1, 2, 3]], 4])],
  ] as const;

  test.each(
    shapes.flatMap(([name, shape]) => (["lines", "rotations"] as const).map((motion) => ({ name, shape, motion }))),
  )("augmented BUG is exact, forwards and back: $name, $motion", async ({ shape, motion }) => {
    for (const dtype of ["float64", "complex128"] as const) {
      const problem = prescribedMotion({ tree: shape, n: 4, rank: 2, motion, dtype });
      const truncation = { tolerance: "off", maxRank: ranks(problem.initial) } as const;
      const run = { integrator: augmentedBug(), h: 0.1, solver: exactIncrement(), truncation };
      const there = await finalOf(problem, run);
      expect(relative(toDense(there.y), toDense(problem.exact(1)))).toBeLessThan(1e-11);
      const back = await finalOf({ ...problem, initial: there.y, span: [1, 0] }, run);
      expect(relative(toDense(back.y), toDense(problem.initial))).toBeLessThan(1e-11);
      if (motion === "rotations") expect(norm(there.y)).toBeCloseTo(1, 12);
      // with its derivative and another solver
      const solver = dopri5({ rtol: 1e-12, atol: 1e-13 });
      const other = await finalOf({ ...problem, span: [0, 0.2] }, { ...run, solver });
      expect(relative(toDense(other.y), toDense(problem.exact(0.2)))).toBeLessThan(1e-10);
    }
  });

  test("refuses what makes no sense", () => {
    expect(() => prescribedMotion({ rank: 0 })).toThrow(/rank is 0/);
    expect(() => prescribedMotion({ motion: "circles" as "lines" })).toThrow(/motion is "circles"/);
  });
});

describe.each([
  ["matrix Schroedinger equation", matrixSchroedinger({ n: 16, rank: 3 })],
  ["heat with source", heatWithSource({ tree: tree([[0, 2], 1]), n: 5 })],
  ["Lyapunov flow", lyapunovFlow({ n: 6 })],
  ["Riccati flow", riccatiFlow({ n: 6 })],
  ["Allen-Cahn equation", allenCahn({ n: 6 })],
  ["motion along lines", prescribedMotion({ tree: star(3), n: 4, rank: 2, dtype: "complex128" })],
  ["motion by rotations", prescribedMotion({ tree: train(4), n: 3, rank: 2, motion: "rotations" })],
  ["ground state", groundState(longRangeIsing(balanced(4)), spinState(balanced(4), "random", 2), 1)],
] as const)("local fields of the %s", (_, { rhs, initial }: Problem) => {
  const [{ dtype }] = initial.tensors as [Tensor];
  const y = randomState(initial.tree, modeSizes(initial), 2, seeded(3), dtype);
  for (const { name, run } of rhsContract(rhs, y)) test(name, run);
});

describe("ground state", () => {
  test("imaginary time reaches the lowest eigenvalue, and the Rayleigh quotient never rises", async () => {
    const shape = balanced(5);
    const start = scale(3, spinState(shape, "random", 2, seeded(2)));
    const problem = groundState(longRangeIsing(shape), start, 15);
    const all = await snapshots(problem, {
      integrator: augmentedBug(),
      h: 0.1,
      solver: exponential(),
      truncation: { tolerance: 1e-9 },
      normalize: true,
    });
    const energies = all.map((s) => s.observables!["energy"] as number);
    const { values } = eigh(denseSum(Array(5).fill(2), longRangeIsingTerms(5)));
    expect(Math.abs(energies.at(-1)! - values[0]!)).toBeLessThan(1e-6);
    expect(maxOf(energies.slice(1).map((e, k) => e - energies[k]!))).toBeLessThan(1e-8);
  });

  test("of other Hermitian operators too, and of no others", () => {
    const h = longRangeIsing(balanced(3));
    const skewed = { ...h, matrices: h.matrices.map((m) => m.map(() => fromValues([2, 2], [0, 1, 0, 0]))) };
    expect(() => groundState(skewed, randomState(balanced(3), [2, 2, 2], 2, seeded(1)), 1)).toThrow(/Hermitian/);
  });
});
