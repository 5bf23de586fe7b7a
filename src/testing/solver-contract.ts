import fc from "fast-check";
import type { LocalProblem, LocalSolver } from "../integrators/local/problem.ts";
import { combine, matmul, permute, scaled } from "../linalg/contract.ts";
import { expm } from "../linalg/expm.ts";
import { singularValues } from "../linalg/factor.ts";
import { conj, norm as frobenius } from "../linalg/level1.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { type Complex, copy, type Dtype, type Tensor, times } from "../linalg/tensor.ts";
import type { LocalField } from "../ttn/rhs.ts";
import { slope } from "./check-order.ts";
import type { ContractTest } from "./contract-test.ts";
import { distance } from "./march.ts";
import { type CheckOptions, type Finding, search } from "./search.ts";

/** Options of `solverContract`. */
export interface SolverContractOptions extends CheckOptions {
  /** Error allowed to solvers with a tolerance of their own (order Infinity), relative to |X|. Default 1e-9. */
  readonly tolerance?: number;
}

/** X' = (1 + drift t) A X with |A| = 1 for a matrix X, so that the solution is an exponential. */
interface MatrixOde {
  readonly rows: number;
  readonly columns: number;
  readonly dtype: Dtype;
  readonly kind: "rotation" | "decay" | "general";
  readonly drift: number;
  readonly h: number;
  readonly seed: number;
}

const matrixOdes = fc.record<MatrixOde>({
  rows: fc.integer({ min: 1, max: 6 }),
  columns: fc.integer({ min: 1, max: 3 }),
  dtype: fc.constantFrom<Dtype>("float64", "complex128"),
  kind: fc.constantFrom("general", "decay", "rotation"),
  drift: fc.constantFrom(0, 1),
  h: fc.constantFrom(0.5, 0.05, -0.5),
  seed: fc.nat(),
});

const describe = ({ rows, columns, dtype, kind, drift, h, seed }: MatrixOde): string =>
  `X' = ${drift > 0 ? "(1 + t) " : ""}A X, X ${rows}x${columns} ${dtype}, ${kind}, from t = ${start} over h = ${h}, numbers from seed ${seed}`;

const start = 0.25;

/** What integrators rely on in a local solver, as named tests for any test runner. */
export function solverContract(solver: LocalSolver, options: SolverContractOptions = {}): readonly ContractTest[] {
  const { tolerance = 1e-9 } = options;
  const test = (promise: string, measure: (ode: MatrixOde) => Finding): ContractTest => ({
    name: promise,
    run: async () => {
      await search({ promise, subject: solver.name, cases: matrixOdes, numRuns: 30, describe, measure }, options);
    },
  });
  const order = solver.order;
  return [
    Number.isFinite(order)
      ? test(`order ${order} in the length of the interval`, (ode) => {
          const { problem, exact } = made(ode);
          const points = [4, 8, 16, 32].map((parts) => ({
            h: 1 / parts,
            error: distance(composed(solver, problem, parts), exact),
          }));
          const counted = points.filter(({ error }) => error > 1e-13);
          const measured = counted.length < 2 ? Number.POSITIVE_INFINITY : slope(counted);
          return { measured, demanded: order - 0.2, sense: "at least", numbers: { error: points.map((p) => p.error) } };
        })
      : test(`a relative error of at most ${tolerance}`, (ode) => {
          const { problem, exact } = made(ode);
          const { final, converged } = solver.solve(problem);
          const measured = converged ? distance(final, exact) / frobenius(problem.initial) : Number.NaN;
          return { measured, demanded: tolerance };
        }),
    test("the reported number of evaluations is the true one", (ode) => {
      let count = 0;
      const { problem } = made(ode, () => void count++);
      const { applications } = solver.solve(problem);
      return {
        measured: Math.abs(applications - count),
        demanded: 0,
        numbers: { reported: applications, counted: count },
      };
    }),
    test("the field is evaluated inside the interval only", (ode) => {
      const times: number[] = [];
      const { problem } = made(ode, (t) => times.push(t));
      solver.solve(problem);
      const [low, high] = [Math.min(problem.t0, problem.t1), Math.max(problem.t0, problem.t1)];
      return { measured: times.reduce((worst, t) => Math.max(worst, low - t, t - high), 0), demanded: 1e-14 };
    }),
    test("the initial value stays as it is, and the same problem gives the same bits", (ode) => {
      const { problem } = made(ode);
      const before = copy(problem.initial);
      const first = solver.solve(problem).final;
      const kept = copy(first);
      const again = solver.solve(problem).final;
      const changed = [
        [before, problem.initial],
        [kept, first],
        [kept, again],
      ] as const;
      return { measured: changed.filter(([a, b]) => !sameBits(a, b)).length, demanded: 0 };
    }),
    test("an interval of length zero changes nothing", (ode) => {
      const { problem } = made(ode);
      const { final, converged } = solver.solve({ ...problem, t1: problem.t0 });
      return {
        measured: converged ? distance(final, problem.initial) : Number.NaN,
        demanded: 1e-14 * frobenius(final),
      };
    }),
    test("a field that is not finite ends the solve as not converged", (ode) => {
      const { problem } = made(ode, (_t, out) => out.data.fill(Number.NaN));
      return { measured: converges(solver, problem) ? 1 : 0, demanded: 0 };
    }),
  ];
}

/** Not converged, or an error that says so. */
function converges(solver: LocalSolver, problem: LocalProblem): boolean {
  try {
    return solver.solve(problem).converged;
  } catch (error) {
    if (error instanceof Error && ["NonFiniteError", "ConvergenceError"].includes(error.name)) return false;
    throw error;
  }
}

function composed(solver: LocalSolver, problem: LocalProblem, parts: number): Tensor {
  const { t0, t1 } = problem;
  let x = problem.initial;
  for (let k = 0; k < parts; k++) {
    const at = (j: number): number => t0 + ((t1 - t0) * j) / parts;
    x = solver.solve({ ...problem, initial: x, t0: at(k), t1: at(k + 1) }).final;
  }
  return x;
}

/** The problem with its solution; `seen` is told of every evaluation, after it. */
function made(ode: MatrixOde, seen?: (t: number, out: Tensor) => void) {
  const { rows, columns, dtype, kind, drift, h, seed } = ode;
  const random = seeded(seed);
  const hermitian = kind !== "general";
  const raw = randomTensor(random, [rows, rows], dtype);
  const part = hermitian
    ? combine([
        [0.5, raw],
        [0.5, permute(conj(raw), [1, 0])],
      ])
    : raw;
  const matrix = scaled(1 / (singularValues(part)[0]! || 1), part);
  // a rotation needs complex numbers: real problems of this kind decay
  const phase: Complex = kind === "rotation" && dtype === "complex128" ? { re: 0, im: -1 } : { re: -1, im: 0 };
  const a = scaled(phase, matrix);
  const field: LocalField = {
    kind: hermitian ? "linear-hermitian" : "linear",
    ...(hermitian ? { phase } : {}),
    autonomous: drift === 0,
    dtype,
    shapeOut: [rows, columns],
    plan: () => (t, x, out) => {
      out.data.set(matmul(scaled(times(1 + drift * t, 1), a), x).data);
      seen?.(t, out);
    },
  };
  const initial = randomTensor(random, [rows, columns], dtype);
  const [t0, t1] = [start, start + h];
  const problem: LocalProblem = { node: 0, field, initial, t0, t1, seeks: "state" };
  const length = t1 - t0 + (drift * (t1 * t1 - t0 * t0)) / 2;
  return { problem, exact: matmul(expm(scaled(length, a)), initial) };
}

const sameBits = (a: Tensor, b: Tensor): boolean => a.data.every((v, i) => Object.is(v, b.data[i]));
