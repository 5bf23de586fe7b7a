import { describe, expect, test } from "vitest";
import { wavePackets } from "../../experiments/robustness/coupled-grids.ts";
import {
  add,
  applyOperator,
  balanced,
  type Dtype,
  dopri5,
  euler,
  exponential,
  fromDense,
  fromFunction,
  imaginaryTime,
  type LocalSolver,
  linearRhs,
  modeSizes,
  norm,
  type Problem,
  type ProductTerm,
  productSum,
  projectorSplitting,
  type Rhs,
  randomState,
  randomTensor,
  ranks,
  rk4,
  roomFor,
  rootOf,
  scale,
  schroedinger,
  seeded,
  star,
  type Tensor,
  type Tree,
  type Truncation,
  type TTN,
  toDense,
  train,
  tree,
  type truncate,
  ttn,
} from "../../src/index.ts";
import { growingEdges } from "../../src/integrators/augment.ts";
import { stateHash } from "../../src/io/result.ts";
import { matmul } from "../../src/linalg/contract.ts";
import { eigh } from "../../src/linalg/factor.ts";
import { asDtype, identity, tensor } from "../../src/linalg/tensor.ts";
import {
  energy,
  entropies,
  exactSolution,
  longRangeIsing,
  longRangeIsingTerms,
  siteExpectations,
  spinOperators,
  spinState,
} from "../../src/problems/index.ts";
import { counting } from "../../src/testing/after-evaluations.ts";
import { asBasis } from "../../src/ttn/gauge.ts";
import { dtypeOfState } from "../../src/ttn/ttn.ts";
import { denseFlow, denseSchroedinger, denseSum, distance, relative } from "../ttn/dense.ts";
import { methods } from "./methods.ts";
import { movingState, prescribed, quadrature } from "./prescribed.ts";
import { finalOf, maxOf, slopeOf, snapshots, unstarted } from "./support.ts";

const eps = Number.EPSILON;

const problemOf = (rhs: Rhs, initial: TTN, span: readonly [number, number]): Problem => ({
  name: "contract",
  rhs,
  initial,
  span,
  observables: {},
});

/** A random Hermitian matrix of spectral norm about one. */
function hermitian(n: number, seed: number, dtype: Dtype = "complex128"): Tensor {
  const a = randomTensor(seeded(seed), [n, n], dtype);
  const at = (i: number, j: number) => {
    const w = dtype === "complex128" ? 2 : 1;
    return { re: a.data[w * (i * n + j)]!, im: w === 2 ? a.data[w * (i * n + j) + 1]! : 0 };
  };
  const size = 2 * Math.sqrt(2 * n);
  return fromFunction([n, n], (i, j) => {
    const re = (at(i!, j!).re + at(j!, i!).re) / size;
    return dtype === "complex128" ? { re, im: (at(i!, j!).im - at(j!, i!).im) / size } : re;
  });
}

const grids = coupledGrids();

/**
 * Wave packets on three grids in a potential that couples them, more or less strongly as time goes on. Methods that adapt ranks start from
 * them, with room for where they move first, and are compared with the full solution; the others start from a random state of rank three
 * and are compared with what they all approximate, the equation projected on the tangent spaces of the states of that rank.
 */
function coupledGrids() {
  const { tree: shape, sizes, single, coupling, packets } = wavePackets();
  const strength = (t: number): number => 1 + 0.5 * Math.sin(4 * t);
  const operator = productSum(shape, sizes, [...single, ...coupling]);
  const rhs = schroedinger([
    { operator: productSum(shape, sizes, single) },
    { operator: productSum(shape, sizes, coupling), coefficient: strength },
  ]);
  const random = randomState(shape, sizes, 3, seeded(3), "complex128");
  const projected = finalOf(problemOf(rhs, random, [0, 1]), {
    integrator: projectorSplitting({ splitting: "strang" }),
    h: 1 / 512,
  });
  return {
    rhs,
    whole: {
      initial: roomFor(packets, applyOperator(operator, packets)),
      exact: denseFlow(denseSchroedinger([single], [coupling, strength]), toDense(packets), 1),
    },
    projected: { initial: random, exact: projected.then(({ y }) => toDense(y)) },
  };
}

const off = { tolerance: "off" } as const;

const shapes: readonly (readonly [string, Tree])[] = [
  ["a matrix", balanced(2)],
  ["a Tucker star", star(3)],
  ["a tensor train", train(4)],
  ["a binary tree", balanced(4)],
  ["a tree with three children", tree([[0, 1, 2], 3])],
];

describe.each(methods)("$name", ({ integrator, applications, linearOnly = false, startsSlowly = false }) => {
  const { promises } = integrator;
  /** What a fitted order has to be. */
  const fitted = promises.order === 1 ? 0.9 : 1.8;
  /** Methods that keep their ranks are given no tolerance, and room in their start instead. */
  const cut = (truncation: Truncation): Truncation => (promises.rankAdaptive ? truncation : off);
  const roomy = (y: TTN, rank: number): TTN =>
    promises.rankAdaptive ? y : add(y, scale(0, randomState(y.tree, modeSizes(y), rank, seeded(21), dtypeOfState(y))));

  describe.skipIf(linearOnly).each(["float64", "complex128"] as const)(
    "exactness for a given A(t) of the tree's rank, %s",
    (dtype) => {
      test.each(shapes)("%s", async (_name, shape) => {
        const { at, derivative } = movingState(shape, 4, 2, seeded(7), dtype);
        const error = async (h: number): Promise<number> => {
          const initial = ttn(shape, at(0).tensors);
          const problem = problemOf(prescribed(dtype, derivative), initial, [0, 10 * h]);
          const last = await finalOf(problem, {
            integrator,
            h,
            solver: quadrature,
            truncation: cut({ ...off, maxRank: ranks(initial) }),
          });
          return relative(toDense(last.y), toDense(at(10 * h)));
        };
        if (promises.exact) for (const h of [1e-1, 1e-4]) expect(await error(h)).toBeLessThan(1e-11);
        else {
          // not exact: an error of order two over ten steps, unless the tree is one where the method happens to be exact
          const [coarse, fine] = [await error(1e-2), await error(1e-3)];
          if (coarse > 1e-11) expect(coarse / fine).toBeGreaterThan(50);
        }
      });
    },
  );

  test("order: Schroedinger's equation tangent to the manifold, complex", async () => {
    const n = 5;
    const shape = balanced(4);
    const terms: ProductTerm[] = [0, 1, 2, 3].map((mode) => ({
      coefficient: 1,
      factors: [{ mode, operator: hermitian(n, mode + 1) }],
    }));
    const initial = randomState(shape, Array(4).fill(n), 3, seeded(11), "complex128");
    const rhs = schroedinger(productSum(shape, Array(4).fill(n), terms));
    const exact = exactSolution(terms, toDense(initial))(1);
    const points = [];
    for (const h of [1 / 8, 1 / 16, 1 / 32, 1 / 64]) {
      const last = await finalOf(problemOf(rhs, initial, [0, 1]), {
        integrator: unstarted(integrator),
        h,
        truncation: cut({ ...off, maxRank: 3 }),
      });
      points.push({ h, error: distance(toDense(last.y), exact) });
    }
    if (points.every(({ error }) => error < 1e-9)) return; // splitting methods are exact here
    const counted = points.filter(({ error }) => error > 1e-9 && error < 0.1);
    expect(counted.length).toBeGreaterThanOrEqual(3);
    expect(slopeOf(counted)).toBeGreaterThan(fitted);
  });

  test("order: Schroedinger's equation with a coupled potential that depends on time, on a tree, complex", async () => {
    const { initial, exact } = promises.rankAdaptive ? grids.whole : grids.projected;
    const points = [];
    for (const h of [1 / 8, 1 / 16, 1 / 32, 1 / 64]) {
      const last = await finalOf(problemOf(grids.rhs, initial, [0, 1]), {
        integrator,
        h,
        truncation: cut({ tolerance: 1e-10 }),
      });
      points.push({ h, error: distance(toDense(last.y), await exact) });
    }
    expect(slopeOf(points)).toBeGreaterThan(startsSlowly ? 0.6 : fitted);
  });

  test("bases stay orthonormal over 200 steps", async () => {
    const shape = balanced(4);
    const initial = spinState(shape, "random", 2, seeded(3));
    const rhs = schroedinger(longRangeIsing(shape));
    const { y } = await finalOf(problemOf(rhs, initial, [0, 2]), {
      integrator,
      h: 0.01,
      truncation: cut({ tolerance: 1e-8, maxRank: 3 }),
    });
    y.tensors.slice(0, -1).forEach((t) => {
      const u = asBasis(t);
      const defect = distance(matmul(u, u, "C", "N"), identity(u.shape[1]!));
      expect(defect / (u.shape[0]! * eps)).toBeLessThan(30);
    });
  });

  test("imaginary time reaches the ground state, and the energy never rises", async () => {
    const d = 6;
    const shape = balanced(d);
    const tolerance = 1e-8;
    const operator = longRangeIsing(shape);
    const energyOf = schroedinger(operator).expectation;
    const rhs = imaginaryTime(operator);
    const all = await snapshots(
      {
        ...problemOf(rhs, roomy(spinState(shape, "random", 2, seeded(2)), 8), [0, 15]),
        observables: { energy: (y) => energyOf(y).re },
      },
      { integrator, h: 0.1, truncation: cut({ tolerance, maxRank: 8 }), normalize: true },
    );
    const energies = all.map((s) => s.observables!["energy"] as number);
    const { values } = eigh(denseSum(Array(d).fill(2), longRangeIsingTerms(d)));
    const rise = maxOf(energies.slice(1).map((e, k) => e - energies[k]!));
    expect(maxOf(all.map((s) => Math.abs(norm(s.y) - 1)))).toBeLessThan(1e-12);
    if (promises.descends) expect(rise).toBeLessThan(tolerance * 40 + 1e-12);
    expect(energies.at(-1)! - values[0]!).toBeGreaterThan(-1e-10);
    expect(energies.at(-1)! - values[0]!).toBeLessThan(1e-6);
  });

  test("nothing happens with a right-hand side of zero, and in a span of length zero", async () => {
    const shape = balanced(4);
    const initial = randomState(shape, Array(4).fill(3), 2, seeded(1), "complex128");
    const rhs = schroedinger([
      { operator: productSum(shape, Array(4).fill(3), [{ coefficient: 1, factors: [] }]), coefficient: 0 },
    ]);
    const all = await snapshots(problemOf(rhs, initial, [0, 0.3]), {
      integrator,
      h: 0.1,
      truncation: cut({ tolerance: 1e-10 }),
    });
    expect(all).toHaveLength(4);
    for (const s of all) expect(relative(toDense(s.y), toDense(initial))).toBeLessThan(1e-13);
    const none = await snapshots(problemOf(schroedinger(productSum(shape, Array(4).fill(3), [])), initial, [1, 1]), {
      integrator,
      h: 0.1,
    });
    expect(none).toHaveLength(1);
  });

  test("back in time to the start", async () => {
    const shape = balanced(5);
    const rhs = schroedinger(longRangeIsing(shape));
    const initial = randomState(shape, Array(5).fill(2), 4, seeded(8), "complex128");
    const truncation = cut({ tolerance: 1e-12 });
    const exact = exactSolution(longRangeIsingTerms(5), toDense(initial))(0.4);
    const there = await finalOf(problemOf(rhs, initial, [0, 0.4]), { integrator, h: 0.02, truncation });
    const back = await finalOf(problemOf(rhs, there.y, [0.4, 0]), { integrator, h: 0.02, truncation });
    expect(back.h).toBeLessThan(0);
    const oneWay = distance(toDense(there.y), exact);
    expect(distance(toDense(back.y), toDense(initial))).toBeLessThan(Math.max(10 * oneWay, 1e-10));
  });

  test.each(["float64", "complex128"] as const)("with full ranks only the local solver errs, %s", async (dtype) => {
    // an assembled root drops what is new on both sides: there the halves have to be complete, 6 = 6, and not 6 < 12
    const conservative = promises.conserves === "norm and energy";
    const shape = conservative
      ? tree([
          [0, 1],
          [2, [3, 4]],
        ])
      : balanced(4);
    const sizes = conservative ? [2, 3, 2, 2, 3] : [2, 3, 3, 2];
    const operator = (mode: number): Tensor => hermitian(sizes[mode]!, mode + 20, dtype);
    const terms: ProductTerm[] = sizes.slice(1).map((_size, mode) => ({
      coefficient: 1,
      factors: [mode, mode + 1].map((m) => ({ mode: m, operator: operator(m) })),
    }));
    const matrix = productSum(shape, sizes, terms);
    const full = randomTensor(seeded(4), sizes, dtype);
    const initial = fromDense(shape, full);
    const start = scale(1 / norm(initial), initial);
    const truncation = off;
    if (dtype === "complex128") {
      const last = await finalOf(problemOf(schroedinger(matrix), start, [0, 1]), { integrator, h: 0.1, truncation });
      expect(distance(toDense(last.y), exactSolution(terms, toDense(start))(1))).toBeLessThan(1e-10);
    } else {
      const { values, vectors } = eigh(denseSum(sizes, terms));
      const x = asDtype(tensor([full.data.length, 1], "float64", toDense(start).data), "complex128");
      const c = matmul(vectors, x, "C", "N");
      for (let k = 0; k < values.length; k++) for (const part of [0, 1]) c.data[2 * k + part]! *= Math.exp(-values[k]!);
      const exact = matmul(vectors, c);
      const last = await finalOf(problemOf(imaginaryTime(matrix), start, [0, 1]), { integrator, h: 0.1, truncation });
      expect(distance(tensor(exact.shape, "float64", toDense(last.y).data), exact)).toBeLessThan(1e-10);
    }
  });

  test("work: the reported number of applications is the true one, nodes times stages", async () => {
    const shape = balanced(4);
    const initial = randomState(shape, Array(4).fill(4), 2, seeded(6), "complex128");
    const terms: ProductTerm[] = [0, 1, 2].map((mode) => ({
      coefficient: 1,
      factors: [mode, mode + 1].map((m) => ({ mode: m, operator: hermitian(4, m) })),
    }));
    const { rhs, count } = counting(schroedinger(productSum(shape, Array(4).fill(4), terms)));
    const all = await snapshots(problemOf(rhs, initial, [0, 0.3]), {
      integrator,
      h: 0.1,
      solver: rk4(),
      truncation: cut({ ...off, maxRank: 2 }),
    });
    expect(count()).toBe(all.reduce((sum, s) => sum + s.applications, 0));
    expect(growingEdges(initial)).toHaveLength(6);
    const [first, later] = applications;
    expect(all.slice(1).map((s) => s.applications)).toEqual([first, later, later]);
  });

  test.each([
    ["Euler", euler()],
    ["Runge-Kutta", rk4()],
    ["Dormand-Prince", dopri5()],
    ["Krylov", exponential()],
  ] as [string, LocalSolver][])(
    "a time-dependent right-hand side is only evaluated inside the step: %s",
    async (_name, solver) => {
      const shape = balanced(4);
      const h = 0.05;
      let from = 0;
      const coefficient = (t: number): number => {
        if (t < from - 1e-14 || t > from + h + 1e-14) throw new Error(`evaluated at ${t}, in the step from ${from}`);
        return 1 + t;
      };
      const rhs = schroedinger([{ operator: longRangeIsing(shape), coefficient }]);
      const watched: Rhs = {
        ...rhs,
        beginStep: (_step, t) => {
          from = t;
        },
      };
      const all = await snapshots(problemOf(watched, spinState(shape, "up", 2), [0.3, 0.5]), {
        integrator,
        h,
        solver,
        rejection: promises.rankAdaptive,
      });
      expect(all).toHaveLength(5);
    },
  );

  test.runIf(promises.rankAdaptive)(
    "ranks never exceed a limit for all edges, a limit for each, or the geometry",
    async () => {
      const shape = balanced(6);
      const rhs = schroedinger(longRangeIsing(shape));
      const initial = spinState(shape, "random", 2, seeded(9));
      const run = (truncation: Parameters<typeof truncate>[1]) =>
        snapshots(problemOf(rhs, initial, [0, 0.2]), { integrator, h: 0.02, truncation });
      for (const s of await run({ tolerance: 1e-14, maxRank: 3 })) expect(maxOf(s.ranks)).toBeLessThanOrEqual(3);
      const limits = shape.nodes.map((_node, id) => 1 + (id % 4));
      for (const s of (await run({ tolerance: 1e-14, maxRank: limits })).slice(1))
        s.ranks.forEach((r, id) => {
          expect(r).toBeLessThanOrEqual(id === rootOf(shape) ? 1 : limits[id]!);
        });
      const free = await run({ tolerance: 1e-14 });
      const largest = randomState(shape, Array(6).fill(2), 1000, seeded(1));
      for (const s of free)
        s.ranks.forEach((r, id) => {
          expect(r).toBeLessThanOrEqual(ranks(largest)[id]!);
        });
    },
  );

  test.runIf(promises.rankAdaptive)(
    "ranks reach those of the solution within three steps, and fall with them",
    async () => {
      const spins = balanced(4);
      const rhs = schroedinger(longRangeIsing(spins));
      const start = spinState(spins, "random", 1, seeded(9));
      const grown = await snapshots(problemOf(rhs, start, [0, 0.3]), {
        integrator,
        h: 0.1,
        truncation: { tolerance: 1e-12 },
      });
      expect(grown.at(-1)!.ranks).toEqual([2, 2, 4, 2, 2, 4, 1]);

      // heat: all but the slowest mode die out, by exp(-0.73 t) relative to it; h |F'| < 2, for Euler's blocks
      const laplace = fromFunction([5, 5], (i, j) => (i === j ? -2 : Math.abs(i! - j!) === 1 ? 1 : 0));
      const terms: ProductTerm[] = [0, 1, 2, 3].map((mode) => ({
        coefficient: 1,
        factors: [{ mode, operator: laplace }],
      }));
      const cooling = linearRhs([{ operator: productSum(spins, Array(4).fill(5), terms) }], { hermitian: true });
      const initial = randomState(spins, Array(4).fill(5), 3, seeded(14));
      const all = await snapshots(problemOf(cooling, initial, [0, 15]), {
        integrator,
        h: 0.1,
        truncation: { tolerance: 1e-3, relative: true },
      });
      expect(maxOf(all[1]!.ranks)).toBeGreaterThanOrEqual(3);
      expect(all.at(-1)!.ranks).toEqual([1, 1, 1, 1, 1, 1, 1]);
    },
  );

  test.runIf(promises.rankAdaptive)(
    "a solution in other units, a power of two, is the same solution, bit for bit",
    async () => {
      const shape = balanced(4);
      const rhs = schroedinger(longRangeIsing(shape));
      const initial = randomState(shape, Array(4).fill(2), 2, seeded(15), "complex128");
      const truncation = { tolerance: 1e-9, relative: true } as const;
      const run = async (unit: number): Promise<Tensor> =>
        toDense((await finalOf(problemOf(rhs, scale(unit, initial), [0, 0.2]), { integrator, h: 0.05, truncation })).y);
      const plain = await run(1);
      for (const unit of [2 ** 20, 2 ** -20]) expect((await run(unit)).data).toEqual(plain.data.map((v) => v * unit));
    },
  );

  test("the same run gives the same bits, whether it is observed or not", async () => {
    const shape = balanced(6);
    const rhs = schroedinger(longRangeIsing(shape));
    const initial = spinState(shape, "random", 2, seeded(4));
    const run = async (observables: Problem["observables"]): Promise<string[]> => {
      const problem = { ...problemOf(rhs, initial, [0, 0.2]), observables };
      return (await snapshots(problem, { integrator, h: 0.02 })).map((s) => stateHash(s.y));
    };
    const first = await run({});
    expect(await run({})).toEqual(first);
    const { Z } = spinOperators as { Z: Tensor };
    expect(await run({ z: siteExpectations(Z), energy: energy(rhs), entropies: entropies() })).toEqual(first);
    // nor does it matter what the right-hand side remembers from before
    expect(await run({})).toEqual(first);
    const fresh = schroedinger(longRangeIsing(shape));
    const again = await snapshots(problemOf(fresh, initial, [0, 0.2]), { integrator, h: 0.02 });
    expect(again.map((s) => stateHash(s.y))).toEqual(first);
  });
});
