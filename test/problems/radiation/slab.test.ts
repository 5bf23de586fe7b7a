import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  augmentedBug,
  balanced,
  denseOperator,
  type Integrator,
  parallelBug,
  productSum,
  randomTensor,
  rk4,
  seeded,
  star,
  type Tensor,
  tensor,
} from "../../../src/index.ts";
import { combine, matmul } from "../../../src/linalg/contract.ts";
import { eigh, singularValues } from "../../../src/linalg/factor.ts";
import { identity, realPart } from "../../../src/linalg/tensor.ts";
import {
  manyInputSlab,
  type RadiationProblem,
  type SlabOptions,
  slab,
  uncertainSlab,
} from "../../../src/problems/index.ts";
import { finalOf, snapshots } from "../../integrators/support.ts";
import { denseImage, minus, relative } from "../../ttn/dense.ts";
import { legendreMoments } from "./legendre-moments.ts";

const reference = JSON.parse(readFileSync(new URL("../../data/radiation_1d_small.json", import.meta.url), "utf8")) as {
  readonly E: readonly number[];
  readonly Var: readonly number[];
  readonly integrals: { readonly mass_E: number };
};

/** 41 points, 8 moments, 6 x 6 nodes: the case of the reference. */
const small = { nx: 41, moments: 8, nodesXi: 6, nodesEta: 6, T: 0.5, width: 0.15 };

/** Relative error in the Euclidean norm. */
const off = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const norm = (v: number[]): number => Math.hypot(...v);
  return norm(Array.from(b, (v, i) => a[i]! - v)) / norm(Array.from(b));
};

const field = (values: unknown): Float64Array => values as Float64Array;

async function errorsOf(problem: RadiationProblem, integrator: Integrator, tolerance: number | "off") {
  const truncation = tolerance === "off" ? { tolerance } : { tolerance, relative: true };
  const { observables } = await finalOf(problem, { integrator, h: problem.dt, solver: rk4(), truncation });
  const { E, Var, mass } = observables!;
  return {
    E: off(field(E), reference.E),
    Var: off(field(Var), reference.Var),
    mass: Math.abs((mass as number) - reference.integrals.mass_E),
    fields: { E: field(E), Var: field(Var) },
  };
}

/** The right-hand side by discrete ordinates: upwind differences along the Gauss nodes, to which P_N is equivalent. */
function byOrdinates(u: Tensor, dx: number, sigma: (a: number, b: number) => number, sigmaA: number): Tensor {
  const [nx, n, na, nb] = u.shape as [number, number, number, number];
  const jacobi = tensor([n, n]);
  for (let k = 1; k < n; k++) jacobi.data[k * n + k - 1] = k / Math.sqrt(4 * k * k - 1);
  const { values: speeds, vectors } = eigh(jacobi);
  const weights = Array.from(speeds, (_, q) => 2 * vectors.data[q]! ** 2);
  const basis = Array.from(speeds, (mu) => legendreMoments(n, mu));
  const out = tensor(u.shape);
  const at = (i: number, k: number, a: number, b: number): number => ((i * n + k) * na + a) * nb + b;
  for (let a = 0; a < na; a++)
    for (let b = 0; b < nb; b++) {
      const f = Array.from({ length: nx }, (_, i) =>
        basis.map((p) => p.reduce((sum, v, k) => sum + v * u.data[at(i, k, a, b)]!, 0)),
      );
      for (let i = 0; i < nx; i++) {
        const mean = f[i]!.reduce((sum, v, q) => sum + (weights[q]! * v) / 2, 0);
        const rate = f[i]!.map((v, q) => {
          const mu = speeds[q]!;
          const difference = mu > 0 ? v - (f[i - 1]?.[q] ?? 0) : (f[i + 1]?.[q] ?? 0) - v;
          return (-mu * difference) / dx + sigma(a, b) * (mean - v) - sigmaA * v;
        });
        for (let k = 0; k < n; k++)
          out.data[at(i, k, a, b)] = rate.reduce((sum, v, q) => sum + weights[q]! * basis[q]![k]! * v, 0);
      }
    }
  return out;
}

function catchMessage(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

describe("uncertain slab", () => {
  test("its operator is upwind transport along the ordinates with scattering at every node", () => {
    const problem = uncertainSlab({ nx: 5, moments: 4, nodesXi: 3, nodesEta: 2, T: 1, absorption: 0.7 });
    const [xi, eta] = problem.inputs.map(({ nodes }) => nodes) as [Float64Array, Float64Array];
    const u = randomTensor(seeded(1), [5, 4, 3, 2]);
    const expected = byOrdinates(u, 5 / 4, (a, b) => 5 + 4 * xi[a]! + eta[b]!, 0.7);
    expect(relative(denseImage(problem.terms, u), expected)).toBeLessThan(1e-14);
  });

  test("with complete bases it is the reference solution", async () => {
    const errors = await errorsOf(uncertainSlab({ ...small, tree: star(4), rank: 41 }), augmentedBug(), "off");
    console.info(`  complete bases: E ${errors.E.toExponential(1)}, Var ${errors.Var.toExponential(1)}`);
    expect(errors.E).toBeLessThan(1e-13);
    expect(errors.Var).toBeLessThan(1e-12);
    expect(errors.mass).toBeLessThan(1e-13);
  });

  test.each([
    { integrator: augmentedBug(), E: 5e-4, Var: 2e-3, mass: 1e-4 },
    { integrator: parallelBug(), E: 5e-4, Var: 2e-3, mass: 1e-4 },
    { integrator: parallelBug({ root: "assembled", firstStep: "parallel" }), E: 1e-2, Var: 4e-2, mass: 1e-2 },
  ])("$integrator.name follows the reference within the published errors", async ({ integrator, ...bounds }) => {
    const errors = await errorsOf(uncertainSlab(small), integrator, 1e-6);
    console.info(
      `  ${integrator.name}: E ${errors.E.toExponential(1)}, Var ${errors.Var.toExponential(1)}, mass ${errors.mass.toExponential(1)}`,
    );
    expect(errors.E).toBeLessThan(bounds.E);
    expect(errors.Var).toBeLessThan(bounds.Var);
    expect(errors.mass).toBeLessThan(bounds.mass);
  });

  test("mean and variance are even in x, and exchanging the inputs changes neither", async () => {
    const a = await errorsOf(uncertainSlab(small), augmentedBug(), 1e-6);
    const b = await errorsOf(uncertainSlab({ ...small, sigmaXi: 1, sigmaEta: 4 }), augmentedBug(), 1e-6);
    for (const name of ["E", "Var"] as const) {
      expect(off(a.fields[name], a.fields[name].toReversed())).toBeLessThan(1e-10);
      expect(off(a.fields[name], b.fields[name])).toBeLessThan(1e-6); // the truncation tolerance
    }
  });

  test("the norm never grows", async () => {
    const problem = uncertainSlab(small);
    const run = await snapshots(problem, {
      integrator: augmentedBug(),
      h: problem.dt,
      solver: rk4(),
      truncation: { tolerance: 1e-3, relative: true },
    });
    const norms = run.map((s) => s.observables!["norm"] as number);
    norms.slice(1).forEach((norm, k) => {
      expect(norm).toBeLessThanOrEqual(norms[k]! * (1 + 1e-14));
    });
  });

  test("six inputs: the scattering is that of the formula at every node", () => {
    const problem = manyInputSlab({ nx: 3, moments: 2, nodes: 2 });
    const names = problem.inputs.map(({ name }) => name);
    expect(names).toEqual(["xi", "eta", "xi1", "eta1", "xi2", "eta2"]);
    const operator = denseOperator(productSum(balanced(8), [3, 2, 2, 2, 2, 2, 2, 2], problem.terms));
    const size = operator.shape[0]!;
    const v = 1 / Math.sqrt(3); // the nodes are -v and v
    for (const row of [0, 17, 63]) {
      const sign = (k: number): number => ((row >> (5 - k)) & 1 ? v : -v);
      const p = 2 * sign(0) + sign(1) / 2 + 2 * v * v + (v * v) / 2 + 2 * sign(4) ** 3 + sign(5) ** 3 / 2;
      // point 1, moment 1: besides scattering there is only the diagonal of upwinding, |A| / dx
      const index = (1 * 2 + 1) * 64 + row;
      const sigma = -operator.data[index * (size + 1)]! - (1 / Math.sqrt(3)) * (1 / 2.5);
      expect(sigma).toBeCloseTo(5 + p, 12);
    }
  });
});

describe("slab", () => {
  const plain: SlabOptions = {
    name: "test",
    interval: [-1, 1],
    nx: 21,
    moments: 6,
    scattering: 1,
    initial: (x) => Math.exp(-x * x),
    rank: 1,
    T: 1,
    cfl: 0.5,
  };

  test("coefficients may depend on position and on any number of inputs", () => {
    const problem = slab({
      ...plain,
      nx: 5,
      moments: 3,
      cfl: 0.1,
      inputs: [
        { name: "a", distribution: "uniform", nodes: 2, low: 0, high: 1 },
        { name: "b", distribution: "normal", nodes: 3, mean: 2, deviation: 0.1 },
        { name: "c", distribution: "uniform", nodes: 1 },
      ],
      scattering: { base: (x) => 2 + x, random: [{ input: "b", amplitude: (x) => x * x, of: Math.exp }] },
      absorption: { base: 0, random: [{ input: "a", amplitude: 3 }] },
    });
    const [a, b] = problem.inputs.map(({ nodes }) => nodes) as [Float64Array, Float64Array];
    const u = randomTensor(seeded(2), [5, 3, 2, 3, 1]);
    const image = denseImage(problem.terms, u);
    const streaming = denseImage(problem.terms.slice(0, 2), u);
    const rest = realPart(minus(image, streaming));
    for (let i = 0; i < 5; i++)
      for (let k = 0; k < 3; k++)
        for (let p = 0; p < 2; p++)
          for (let q = 0; q < 3; q++) {
            const x = -1 + i / 2;
            const sigma = (k > 0 ? 2 + x + x * x * Math.exp(b[q]!) : 0) + 3 * a[p]!;
            const at = ((i * 3 + k) * 2 + p) * 3 + q;
            expect(rest.data[at]).toBeCloseTo(-sigma * u.data[at]!, 11);
          }
  });

  test("up to the bound of the CFL number RK4 lets no norm grow, soon beyond it some norm does", () => {
    const [nx, moments, sigma] = [20, 6, 8];
    /** Norm of RK4's amplification of one step, by Horner's rule. */
    const growth = (cfl: number): number => {
      const { tree, terms, dt } = slab({ ...plain, nx, moments, scattering: sigma, cfl: 0.1 });
      const l = realPart(denseOperator(productSum(tree, [nx, moments], terms)));
      const one = identity(nx * moments);
      const step = [4, 3, 2, 1].reduce((r, k) => {
        return combine([
          [1, one],
          [((cfl / 0.1) * dt) / k, matmul(l, r)],
        ]);
      }, one);
      return singularValues(step)[0]!;
    };
    const refused = catchMessage(() => slab({ ...plain, nx, moments, scattering: sigma, cfl: 10 }));
    const bound = Number(/at most ([\d.]+)/.exec(refused)![1]);
    const grows = [1, 1.1, 1.2].map((k) => growth(k * bound));
    console.info(`  norm of a step at 1, 1.1, 1.2 times the bound: ${grows.map((g) => g.toFixed(6)).join(" ")}`);
    expect(grows[0]).toBeLessThanOrEqual(1 + 1e-14);
    expect(grows[2]).toBeGreaterThan(1.05);
  });

  test.each<[string, Partial<SlabOptions>, RegExp]>([
    ["a grid without room for the stencil", { nx: 2 }, /nx is 2, expected an integer of at least 3/],
    ["a single moment", { moments: 1 }, /moments is 1/],
    ["a CFL number beyond stability", { cfl: 1.5 }, /cfl is 1.5, expected a positive number of at most 1\.4\d+/],
    ["the same for Euler's method", { cfl: 1.1, scheme: "euler" }, /cfl is 1.1, expected .* at most 1\.0\d+.*euler/],
    ["a CFL number that is not positive", { cfl: 0 }, /cfl is 0/],
    ["negative scattering", { scattering: (x) => x }, /scattering coefficient is -1 at x = -1, expected zero or more/],
    [
      "negative scattering at a node",
      {
        inputs: [{ name: "xi", distribution: "uniform", nodes: 2 }],
        scattering: { base: 1, random: [{ input: "xi", amplitude: 2 }] },
      },
      /scattering coefficient is -0\.15\d+ at xi = -0\.577\d+/,
    ],
    ["negative absorption", { absorption: -1 }, /absorption coefficient is -1 at every point/],
    [
      "an unknown distribution",
      { inputs: [{ name: "xi", distribution: "cauchy" as "normal", nodes: 2 }] },
      /distribution of "xi" is "cauchy", known: uniform, normal/,
    ],
    [
      "an unknown input",
      { scattering: { base: 1, random: [{ input: "zeta", amplitude: 1 }] } },
      /depends on "zeta", known inputs: none/,
    ],
    ["an initial value of another length", { initial: [1, 2] }, /initial has 2 values, the grid 21 points/],
    [
      "a start of zeros without a source",
      { initial: () => 0 },
      /initial value is zero everywhere, and no source was given/,
    ],
    ["no time", { T: 0 }, /T is 0/],
    ["no rank", { rank: 0 }, /rank is 0, expected an integer of at least 1/],
    [
      "a source until no time",
      { source: { profile: 1, until: Number.NaN } },
      /the source lasts until NaN, expected a positive time/,
    ],
    ["an empty interval", { interval: [1, -1] }, /interval is \[1, -1\]/],
  ])("%s is refused", (_, change, message) => {
    expect(() => slab({ ...plain, ...change })).toThrow(message);
  });
});
