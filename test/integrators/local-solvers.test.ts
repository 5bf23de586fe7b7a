import { describe, expect, test } from "vitest";
import {
  balanced,
  dopri5,
  EvolutionError,
  euler,
  exponential,
  fromFunction,
  type LocalField,
  type LocalProblem,
  type LocalSolver,
  linearRhs,
  parallelBug,
  productSum,
  randomState,
  randomTensor,
  rk4,
  seeded,
  type Tensor,
  toDense,
} from "../../src/index.ts";
import { combine, matmul, permute } from "../../src/linalg/contract.ts";
import { expm } from "../../src/linalg/expm.ts";
import { eigh } from "../../src/linalg/factor.ts";
import { conj, norm } from "../../src/linalg/level1.ts";
import { asDtype, fromValues, identity, reshape } from "../../src/linalg/tensor.ts";
import { longRangeIsing, spinState } from "../../src/problems/index.ts";
import { afterEvaluation } from "../../src/testing/after-evaluations.ts";
import { schroedinger } from "../../src/ttn/operators/linear-rhs.ts";
import { distance, relative } from "../ttn/dense.ts";
import { finalOf, slopeOf } from "./support.ts";

const n = 8;
const minusI = { re: 0, im: -1 };
const column = (v: Tensor): Tensor => reshape(v, [v.data.length / (v.dtype === "complex128" ? 2 : 1), 1]);

function hermitian(seed: number): Tensor {
  const a = randomTensor(seeded(seed), [n, n], "complex128");
  return combine([
    [0.25, a],
    [0.25, permute(conj(a), [1, 0])],
  ]);
}

/** X' = sigma H(t) X for a dense matrix. */
const field = (
  at: (t: number) => Tensor,
  options: Partial<LocalField> & { sigma?: { re: number; im: number } } = {},
): LocalField => {
  const { sigma = minusI, ...rest } = options;
  return {
    kind: "linear-hermitian",
    phase: sigma,
    autonomous: true,
    dtype: "complex128",
    shapeOut: [n],
    plan: () => (t, x, out) => void out.data.set(combine([[sigma, matmul(at(t), column(x))]]).data),
    ...rest,
  };
};

const start = randomTensor(seeded(1), [n], "complex128");
const problem = (f: LocalField, t0: number, t1: number, initial = start): LocalProblem => ({
  node: 0,
  field: f,
  initial,
  t0,
  t1,
  seeks: "state",
});

/** exp(-i t H) x by eigenvectors. */
function evolved(h: Tensor, t: number, x: Tensor): Tensor {
  const { values, vectors } = eigh(h);
  const c = matmul(vectors, column(x), "C", "N");
  values.forEach((w, k) => {
    const [re, im] = [c.data[2 * k]!, c.data[2 * k + 1]!];
    c.data[2 * k] = re * Math.cos(w * t) + im * Math.sin(w * t);
    c.data[2 * k + 1] = im * Math.cos(w * t) - re * Math.sin(w * t);
  });
  return reshape(matmul(vectors, c), x.shape);
}

const h0 = hermitian(2);
const exact = (t: number): Tensor => evolved(h0, t, start);

/** A(t) that does not commute with itself at other times. */
const h1 = hermitian(3);
const moving = (t: number): Tensor =>
  combine([
    [Math.cos(2 * t), h0],
    [t, h1],
  ]);

describe("Euler", () => {
  test("a substep is X + h g(t, X)", () => {
    const f = field(moving, { autonomous: false });
    const step = (x: Tensor, t: number, h: number): Tensor =>
      combine([
        [1, x],
        [{ re: 0, im: -h }, reshape(matmul(moving(t), column(x)), x.shape)],
      ]);
    const { final, applications } = euler({ substeps: 2 }).solve(problem(f, 0.25, 0.75));
    expect(applications).toBe(2);
    expect(distance(final, step(step(start, 0.25, 0.25), 0.5, 0.25))).toBeLessThan(1e-14);
  });

  test("substeps have to be a positive integer", () => {
    expect(() => euler({ substeps: 0 })).toThrow("euler: substeps is 0, expected a positive integer");
  });
});

describe("RK4", () => {
  test.each(["autonomous", "with time"] as const)("has order 4, %s", (which) => {
    const f = which === "autonomous" ? field(() => h0) : field(moving, { autonomous: false });
    const truth =
      which === "autonomous" ? exact(1) : dopri5({ rtol: 1e-13, atol: 1e-13 }).solve(problem(f, 0, 1)).final;
    const points = [4, 8, 16, 32].map((substeps) => {
      const { final, applications, converged } = rk4({ substeps }).solve(problem(f, 0, 1));
      expect(applications).toBe(4 * substeps);
      expect(converged).toBe(true);
      return { h: 1 / substeps, error: distance(final, truth) };
    });
    expect(slopeOf(points)).toBeGreaterThan(3.8);
    expect(slopeOf(points)).toBeLessThan(4.5);
  });

  test("substeps are steps, and the start value stays as it was", () => {
    const before = start.data.slice();
    const two = rk4({ substeps: 2 }).solve(
      problem(
        field(() => h0),
        0,
        0.5,
      ),
    ).final;
    const half = rk4().solve(
      problem(
        field(() => h0),
        0,
        0.25,
      ),
    ).final;
    expect(two.data).toEqual(
      rk4().solve(
        problem(
          field(() => h0),
          0.25,
          0.5,
          half,
        ),
      ).final.data,
    );
    expect(start.data).toEqual(before);
  });

  test("numbers that are not finite are no convergence", () => {
    const huge = field(() => combine([[1e200, h0]]));
    expect(rk4().solve(problem(huge, 0, 1)).converged).toBe(false);
  });

  test.each([0, -1, 1.5, Number.NaN])("substeps = %d are refused", (substeps) => {
    expect(() => rk4({ substeps })).toThrow(`rk4: substeps is ${substeps}, expected a positive integer`);
  });
});

test.each([dopri5({ rtol: 1e-5, atol: 1e-12 }), exponential({ tolerance: 1e-2 })])(
  "the error of a solution is a norm, not less by what the solution has lost: $name",
  (solver) => {
    const stiff = combine([
      [10, identity(n, "complex128")],
      [4, h0],
    ]);
    const decay = field(() => stiff, { sigma: { re: -1, im: 0 } });
    const { final, errorEstimate } = solver.solve(problem(decay, 0, 2));
    const flow = expm(combine([[-2, stiff]]));
    expect(norm(final)).toBeLessThan(0.02 * norm(start));
    expect(errorEstimate).toBeGreaterThanOrEqual(
      distance(final, reshape(matmul(flow, column(start)), [n])) / 10 - 1e-14,
    );
  },
);

describe("Dormand-Prince", () => {
  test("the error follows the tolerance, and so does the work", () => {
    let before = 0;
    for (const rtol of [1e-4, 1e-6, 1e-8, 1e-10]) {
      const { final, applications, converged, errorEstimate } = dopri5({ rtol, atol: rtol }).solve(
        problem(
          field(() => h0),
          0,
          2,
        ),
      );
      expect(converged).toBe(true);
      const error = relative(final, exact(2));
      expect(distance(final, exact(2))).toBeLessThan(5 * errorEstimate + 1e-14);
      expect(error).toBeLessThan(20 * rtol); // an error a step, of which there are some
      // order 5: a hundred times the accuracy for 100^(1/5) = 2.5 times the work
      if (before > 0) expect(applications / before).toBeGreaterThan(1.5);
      if (before > 0) expect(applications / before).toBeLessThan(3.2);
      before = applications;
    }
  });

  test("time-dependent, nonlinear, and back in time", () => {
    // x' = t x^2 has the solution x = 1 / (1 - t^2 / 2)
    const square: LocalField = {
      kind: "nonlinear",
      autonomous: false,
      dtype: "float64",
      shapeOut: [1],
      plan: () => (t, x, out) => {
        out.data[0] = t * x.data[0]! * x.data[0]!;
      },
    };
    const solver = dopri5({ rtol: 1e-11, atol: 1e-12 });
    const there = solver.solve(problem(square, 0, 1, fromValues([1], [1])));
    expect(Math.abs(there.final.data[0]! - 2)).toBeLessThan(1e-9);
    const back = solver.solve(problem(square, 1, 0, there.final));
    expect(Math.abs(back.final.data[0]! - 1)).toBeLessThan(1e-9);
  });

  test("a solution that ends in a pole, or needs more than maxSteps, is no convergence", () => {
    const pole: LocalField = {
      kind: "nonlinear",
      autonomous: true,
      dtype: "float64",
      shapeOut: [1],
      plan: () => (_t, x, out) => {
        out.data[0] = x.data[0]! * x.data[0]!;
      },
    };
    expect(dopri5().solve(problem(pole, 0, 2, fromValues([1], [1]))).converged).toBe(false);
    expect(
      dopri5({ maxSteps: 3 }).solve(
        problem(
          field(() => h0),
          0,
          10,
        ),
      ).converged,
    ).toBe(false);
    const nan = field(() => h0, { plan: () => (_t, _x, out) => void out.data.fill(Number.NaN) });
    expect(dopri5().solve(problem(nan, 0, 1)).converged).toBe(false);
  });

  test("a zero field, a zero value, and a source that fills it", () => {
    const zero = field(() => combine([[0, h0]]));
    expect(dopri5().solve(problem(zero, 0, 1)).final.data).toEqual(start.data);
    const nothing = dopri5().solve(
      problem(
        field(() => h0),
        0,
        1,
        asDtype(fromValues([n], Array(n).fill(0)), "complex128"),
      ),
    );
    expect(nothing.converged).toBe(true);
    expect(norm(nothing.final)).toBe(0);
    const rising = field(() => h0, { kind: "nonlinear", plan: () => (t, _x, out) => void out.data.fill(1 + t) });
    const risen = dopri5().solve(problem(rising, 0, 1, asDtype(fromValues([n], Array(n).fill(0)), "complex128")));
    expect(risen.converged).toBe(true);
    expect(Math.abs(risen.final.data[0]! - 1.5)).toBeLessThan(1e-10);
  });

  test.each(["rtol", "atol", "maxSteps"])("%s has to be positive", (name) => {
    for (const value of [0, -1, Number.NaN])
      expect(() => dopri5({ [name]: value })).toThrow(`dopri5: ${name} is ${value}, expected a positive number`);
  });
});

describe("Krylov exponential", () => {
  test.each([1e-4, 1e-8, 1e-12])("Lanczos and Arnoldi keep the tolerance %d and report it", (tolerance) => {
    for (const kind of ["linear-hermitian", "linear"] as const) {
      const { final, converged, errorEstimate } = exponential({ tolerance }).solve(
        problem(
          field(() => h0, { kind }),
          0,
          3,
        ),
      );
      expect(converged).toBe(true);
      const error = relative(final, exact(3));
      expect(error).toBeLessThan(5 * tolerance + 1e-13);
      expect(errorEstimate).toBeGreaterThanOrEqual(distance(final, exact(3)) / 10 - 1e-13);
    }
  });

  test("Lanczos keeps the norm", () => {
    const { final } = exponential().solve(
      problem(
        field(() => h0),
        0,
        10,
      ),
    );
    expect(Math.abs(norm(final) / norm(start) - 1)).toBeLessThan(1e-13);
  });

  test("a field that is not Hermitian, by Arnoldi", () => {
    const a = randomTensor(seeded(7), [n, n], "complex128");
    const f = field(() => a, { kind: "linear", sigma: { re: 0.3, im: 0 } });
    const truth = dopri5({ rtol: 1e-13, atol: 1e-13 }).solve(problem(f, 0, 1)).final;
    expect(relative(exponential().solve(problem(f, 0, 1)).final, truth)).toBeLessThan(1e-10);
  });

  test("a small space is enough when the solve is taken in parts", () => {
    const solved = exponential({ maxDimension: 12 }).solve(
      problem(
        field(() => h0),
        0,
        3,
      ),
    );
    expect(solved.converged).toBe(true);
    expect(relative(solved.final, exact(3))).toBeLessThan(1e-10);
  });

  test.each(["linear-hermitian", "linear"] as const)(
    "a field that depends on time: order 4 in the length of the step, %s",
    (kind) => {
      const f = field(moving, { autonomous: false, kind });
      const truth = dopri5({ rtol: 1e-13, atol: 1e-13 }).solve(problem(f, 0.2, 1.4)).final;
      const points = [6, 12, 24, 48].map((steps) => {
        let x = start;
        for (let k = 0; k < steps; k++) {
          const [t0, t1] = [0.2 + (1.2 * k) / steps, 0.2 + (1.2 * (k + 1)) / steps];
          const solved = exponential({ tolerance: 1e-13 }).solve(problem(f, t0, t1, x));
          expect(solved.converged).toBe(true);
          x = solved.final;
        }
        return { h: 1.2 / steps, error: distance(x, truth) };
      });
      expect(points[0]!.error).toBeLessThan(0.1);
      expect(slopeOf(points)).toBeGreaterThan(3.8);
    },
  );

  test("applications are counted", () => {
    for (const autonomous of [true, false]) {
      let calls = 0;
      const counted = afterEvaluation(
        field(() => h0, { autonomous }),
        () => void calls++,
      );
      const { applications } = exponential().solve(problem(counted, 0, 1));
      expect(calls).toBe(applications);
    }
  });

  test("a nonlinear field is refused by name", () => {
    expect(() =>
      exponential().solve(
        problem(
          field(() => h0, { kind: "nonlinear" }),
          0,
          1,
        ),
      ),
    ).toThrow("exponential: the right-hand side is nonlinear; use rk4 or dopri5");
  });

  test.each([
    ["maxApplications", { maxApplications: 3 }],
    ["maxDimension 1", { maxDimension: 1, maxApplications: 20 }],
  ])("too small limits are no convergence: %s", (_, limits) => {
    const solved = exponential(limits).solve(
      problem(
        field(() => h0),
        0,
        3,
      ),
    );
    expect(solved.converged).toBe(false);
    expect(solved.final.data.every(Number.isFinite)).toBe(true);
  });

  test.each(["tolerance", "maxDimension", "maxApplications"])("%s has to be positive", (name) => {
    for (const value of [0, -1, Number.NaN])
      expect(() => exponential({ [name]: value })).toThrow(
        `exponential: ${name} is ${value}, expected a positive number`,
      );
  });
});

test("an initial value of another type is refused", () => {
  const real = fromFunction([n], () => 1);
  for (const solver of [euler(), rk4(), dopri5(), exponential()])
    expect(() =>
      solver.solve(
        problem(
          field(() => h0),
          0,
          1,
          real,
        ),
      ),
    ).toThrow("the initial value is float64, the local field complex128");
});

describe("failures end a run as typed errors", () => {
  const tree = balanced(4);
  const chain = (factor: number) => ({
    name: "chain",
    rhs: linearRhs([{ operator: longRangeIsing(tree), coefficient: factor }], { factor: minusI, hermitian: true }),
    initial: spinState(tree, "up", 2),
    span: [0, 1] as const,
    observables: {},
  });

  test.each([
    ["solver-stalled", "did not converge", exponential({ maxApplications: 2 }), 1],
    ["solver-stalled", "did not converge", exponential({ maxDimension: 1, maxApplications: 10 }), 1],
    ["solver-stalled", "did not converge", dopri5({ maxSteps: 1 }), 1],
    ["not-finite", "gave numbers that are not finite", rk4(), 1e160],
  ] as [string, string, LocalSolver, number][])("%s: %s", async (code, text, solver, factor) => {
    const failed = await finalOf(chain(factor), { integrator: parallelBug(), h: 0.1, solver }).catch((e: unknown) => e);
    expect(failed).toBeInstanceOf(EvolutionError);
    const error = failed as EvolutionError;
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    expect(error.message).toContain(`at node ${error.node} `);
    expect(error).toMatchObject({ t: 0, h: 0.1, step: 1 });
    expect(error.last.step).toBe(0);
    expect(distance(toDense(error.last.y), toDense(chain(1).initial))).toBeLessThan(1e-14);
  });

  test("a real time-dependent problem, whose two Hamiltonians do not commute, keeps order 4 of the local solver", async () => {
    // one leaf of full rank each: only the local solver errs
    const pair = balanced(2);
    const x = productSum(
      pair,
      [n, n],
      [
        {
          coefficient: 1,
          factors: [
            { mode: 0, operator: h0 },
            { mode: 1, operator: h1 },
          ],
        },
      ],
    );
    const z = productSum(
      pair,
      [n, n],
      [
        { coefficient: 1, factors: [{ mode: 0, operator: h1 }] },
        { coefficient: 1, factors: [{ mode: 1, operator: h0 }] },
      ],
    );
    const rhs = schroedinger([
      { operator: x, coefficient: (t) => Math.cos(3 * t) },
      { operator: z, coefficient: (t) => 1 + t * t },
    ]);
    const initial = randomState(pair, [n, n], n, seeded(5), "complex128");
    const run = async (h: number, solver: LocalSolver): Promise<Tensor> =>
      toDense(
        (
          await finalOf(
            { name: "driven", rhs, initial, span: [0, 1], observables: {} },
            { integrator: parallelBug(), h, solver, truncation: { tolerance: "off" } },
          )
        ).y,
      );
    const truth = await run(0.125, dopri5({ rtol: 1e-13, atol: 1e-13 }));
    const points = [];
    for (const h of [0.25, 0.125, 0.0625]) points.push({ h, error: distance(await run(h, exponential()), truth) });
    expect(slopeOf(points)).toBeGreaterThan(3.8);
  });
});
