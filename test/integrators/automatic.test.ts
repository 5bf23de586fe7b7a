import { describe, expect, test } from "vitest";
import {
  applyOperator,
  augmentedBug,
  automatic,
  balanced,
  dopri5,
  evolve,
  fixedRankBug,
  fromDense,
  fromFunction,
  identity,
  matrixRhs,
  norm,
  type Problem,
  type ProductTerm,
  parallelBug,
  productState,
  productSum,
  projectorSplitting,
  randomState,
  roomFor,
  type Snapshot,
  scale,
  schroedinger,
  seeded,
  sumRhs,
  type Tensor,
  type TTN,
  toDense,
} from "../../src/index.ts";
import { matmul } from "../../src/linalg/contract.ts";
import { heatWithSource, longRangeIsing, parseSpinExpression, spinState } from "../../src/problems/index.ts";
import { denseFlow, denseImage, distance } from "../ttn/dense.ts";
import { snapshots } from "./support.ts";

interface Case {
  readonly name: string;
  readonly problem: Problem;
  readonly exact: Tensor;
}

const problemOf = (rhs: Problem["rhs"], initial: TTN, T: number): Problem => ({
  name: "automatic",
  rhs,
  initial,
  span: [0, T],
  observables: {},
});

/** -i F of a full tensor. */
const turned = (f: Tensor, out: Tensor): void => {
  for (let i = 0; i < f.data.length; i += 2) {
    out.data[i] = f.data[i + 1]!;
    out.data[i + 1] = -f.data[i]!;
  }
};

/** Spins all up in a long-ranged Ising model: ranks grow from one. */
function quench(): Case {
  const tree = balanced(6);
  const initial = spinState(tree, "up", 1);
  const terms = parseSpinExpression("2*sum(Z[i]*Z[j]/abs(i-j), i<j) + sum(X[i]) + sum(Z[i])", 6);
  const rhs = schroedinger(productSum(tree, Array(6).fill(2), terms));
  const exact = denseFlow((_t, y, out) => turned(denseImage(terms, y), out), toDense(initial), 3);
  return { name: "a quench of spins", problem: problemOf(rhs, initial, 3), exact };
}

/** Spins in a field that changes with time. */
function driven(): Case {
  const tree = balanced(6);
  const sizes = Array<number>(6).fill(2);
  const field = (t: number): number => 1 + 0.5 * Math.sin(t);
  const [pairs, single] = ["-sum(Z[i]*Z[i+1])", "-sum(X[i]) - 0.5*sum(Z[i])"].map((e) => parseSpinExpression(e, 6)) as [
    ProductTerm[],
    ProductTerm[],
  ];
  const rhs = schroedinger([
    { operator: productSum(tree, sizes, pairs) },
    { operator: productSum(tree, sizes, single), coefficient: field },
  ]);
  const initial = spinState(tree, "up", 1);
  const apply = (t: number, y: Tensor, out: Tensor): void => {
    const [a, b] = [denseImage(pairs, y), denseImage(single, y)];
    turned({ ...a, data: a.data.map((v, i) => v + field(t) * b.data[i]!) }, out);
  };
  return { name: "driven spins", problem: problemOf(rhs, initial, 4), exact: denseFlow(apply, toDense(initial), 4) };
}

/** Wave packets on three grids in a potential that couples them. */
function packets(): Case {
  const n = 6;
  const tree = balanced(3);
  const kinetic = fromFunction([n, n], (i, j) => (i === j ? 1 : Math.abs(i! - j!) === 1 ? -0.5 : 0));
  const x = fromFunction([n, n], (i, j) => (i === j ? (i! - (n - 1) / 2) / 2 : 0));
  const square = matmul(x, x);
  const term = (coefficient: number, ...factors: (readonly [number, Tensor])[]): ProductTerm => ({
    coefficient,
    factors: factors.map(([mode, operator]) => ({ mode, operator })),
  });
  const terms = [
    ...[0, 1, 2].map((mode) => term(1, [mode, kinetic])),
    ...[0, 1, 2].map((mode) => term(0.5, [mode, square])),
    term(0.7, [0, square], [1, x]),
    term(0.5, [1, square], [2, x]),
    term(0.3, [0, x], [2, x]),
  ];
  const packet = (c: number) => fromFunction([n], (i) => ({ re: Math.exp(-0.5 * (i! - c) ** 2), im: 0 }));
  const start = productState(tree, [packet(1.5), packet(2), packet(3)]);
  const y = scale(1 / norm(start), start);
  const operator = productSum(tree, [n, n, n], terms);
  const exact = denseFlow((_t, v, out) => turned(denseImage(terms, v), out), toDense(y), 4);
  return {
    name: "wave packets in a coupled potential",
    problem: problemOf(schroedinger(operator), roomFor(y, applyOperator(operator, y)), 4),
    exact,
  };
}

/** The cubic Schroedinger equation i Y' = H Y + 2 |Y|^2 Y on a square, entry by entry: nonlinear, tangent to nothing. */
function cubic(): Case {
  const n = 32;
  const h = 12 / n;
  const tree = balanced(2);
  const laplace = fromFunction([n, n], (i, j) => ({
    re: (i === j ? 1 : [1, n - 1].includes(Math.abs(i! - j!)) ? -0.5 : 0) / h / h,
    im: 0,
  }));
  const terms = [0, 1].map((mode) => ({ coefficient: 1, factors: [{ mode, operator: laplace }] }));
  const right = identity(n, "complex128");
  /** -2i |x|^2 x */
  const cube = (x: Tensor): Float64Array =>
    x.data.map((_, k) => {
      const size = 2 * (x.data[k - (k % 2)]! ** 2 + x.data[k - (k % 2) + 1]! ** 2);
      return k % 2 === 0 ? size * x.data[k + 1]! : -size * x.data[k - 1]!;
    });
  const nonlinear = matrixRhs(
    (_t, { u, s, v }) => {
      const x = matmul(matmul(u, s), v, "N", "T");
      return { left: { ...x, data: cube(x) }, right };
    },
    { dtype: "complex128", autonomous: true },
  );
  const g = (c: number, w: number, i: number): number => Math.exp(-(((i - c) * h) ** 2) / w / w / 2);
  const full = fromFunction([n, n], (i, j) => ({
    re: g(12, 1, i!) * g(12, 1.2, j!) + 0.6 * g(20, 1.1, i!) * g(18, 1, j!),
    im: 0.3 * g(16, 1, i!) * g(16, 1, j!),
  }));
  const apply = (_t: number, y: Tensor, out: Tensor): void => {
    turned(denseImage(terms, y), out);
    cube(y).forEach((v, k) => {
      out.data[k]! += v;
    });
  };
  const rhs = sumRhs(schroedinger(productSum(tree, [n, n], terms)), nonlinear);
  return {
    name: "the cubic Schroedinger equation",
    problem: problemOf(rhs, fromDense(tree, full), 1),
    exact: denseFlow(apply, full, 1),
  };
}

/** Rotations of the single modes, from a random state of rank three: tangent to the manifold. */
function rotations(): Case {
  const tree = balanced(4);
  const sizes = Array<number>(4).fill(6);
  const random = seeded(17);
  const terms = sizes.map((n, mode): ProductTerm => {
    const a = fromFunction([n, n], () => ({ re: random() - 0.5, im: random() - 0.5 }));
    const at = (i: number, j: number, part: number): number => a.data[2 * (i * n + j) + part]!;
    const operator = fromFunction([n, n], (i, j) => ({
      re: (at(i!, j!, 0) + at(j!, i!, 0)) / 2,
      im: (at(i!, j!, 1) - at(j!, i!, 1)) / 2,
    }));
    return { coefficient: 1, factors: [{ mode, operator }] };
  });
  const initial = randomState(tree, sizes, 3, seeded(18), "complex128");
  return {
    name: "rotations",
    problem: problemOf(schroedinger(productSum(tree, sizes, terms)), initial, 6),
    exact: denseFlow((_t, y, out) => turned(denseImage(terms, y), out), toDense(initial), 6),
  };
}

const tolerances = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8];
const last = async (run: AsyncIterable<Snapshot>): Promise<{ y: TTN; work: number; steps: readonly Snapshot[] }> => {
  const steps: Snapshot[] = [];
  for await (const s of run) steps.push(s);
  return { y: steps.at(-1)!.y, work: steps.reduce((sum, s) => sum + s.applications, 0), steps };
};

describe.each([quench, driven, packets, cubic, rotations].map((make) => [make.name, make] as const))(
  "the accuracy asked for: %s",
  (_name, make) => {
    const { problem, exact } = make();
    const size = Math.hypot(...exact.data);
    const errorOf = (y: TTN): number => distance(toDense(y), exact) / size;

    test("is met, neither missed nor exceeded by far, and asking for more gives more", async () => {
      let before = Number.POSITIVE_INFINITY;
      for (const rtol of tolerances) {
        const error = errorOf((await last(evolve(problem, { rtol }))).y);
        expect(error / rtol).toBeGreaterThan(0.05);
        expect(error / rtol).toBeLessThan(5);
        expect(error).toBeLessThan(before);
        before = error;
      }
    });

    test("costs no more than 2.5 times the best steps of one size", async () => {
      for (const rtol of [1e-3, 1e-5]) {
        const chosen = (await last(evolve(problem, { rtol }))).work;
        const T = problem.span[1];
        let best = Number.POSITIVE_INFINITY;
        for (const share of [0.3, 0.1]) {
          const byHand = async (count: number): Promise<{ error: number; work: number }> => {
            const h = T / count;
            const tolerance = (0.1 * rtol) / count;
            const { y, work } = await last(
              evolve(problem, {
                h,
                truncation: { tolerance: (share * rtol * size) / count },
                solver: automatic({ tolerance, basisTolerance: tolerance }),
              }),
            );
            return { error: errorOf(y), work };
          };
          // the smallest number of steps that meets the tolerance, to 10 %
          let [low, high] = [1, 2];
          while ((await byHand(high)).error > rtol) [low, high] = [high, 2 * high];
          while (high / low > 1.1 && high - low > 1) {
            const middle = Math.round(Math.sqrt(low * high));
            if ((await byHand(middle)).error > rtol) low = middle;
            else high = middle;
          }
          best = Math.min(best, (await byHand(high)).work);
        }
        expect(chosen / best).toBeLessThan(2.5);
      }
    });
  },
);

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
