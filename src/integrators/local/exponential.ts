import { expAction, type KrylovOperator } from "../../linalg/krylov.ts";
import { axpy, norm } from "../../linalg/level1.ts";
import { allFinite, type Tensor } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { isTrivial, type LocalSolver, startValue } from "./problem.ts";

export interface ExponentialOptions {
  /** Error allowed the exponentials of a solve, relative to |X|. Default 1e-12. */
  readonly tolerance?: number;
  /**
   * Error allowed where only a basis is sought, relative to |X|; directions below the estimated error are then no directions of the
   * solution. A state is found again by a Galerkin solve in the bases, which lack no more than that. Default: `tolerance`.
   */
  readonly basisTolerance?: number;
  /** Largest Krylov space; longer solves are split in parts. Default 30. */
  readonly maxDimension?: number;
  /** Evaluations after which a solve gives up. Default 2000. */
  readonly maxApplications?: number;
}

/**
 * How accurately bases need to be sought under a truncation tolerance: a tenth of it, since what truncation would remove anyway
 * need not be found; within [finest, 1e-6]. Without a tolerance, as accurately as the state. Meant for states of norm about
 * one: the result is relative to the norm, a truncation tolerance is not unless it says so.
 */
export const basisToleranceFor = (tolerance: number | "off", finest = 1e-12): number =>
  tolerance === "off" ? finest : Math.max(finest, Math.min(1e-6, tolerance / 10));

const gaussPoints = [0.5 - Math.sqrt(3) / 6, 0.5 + Math.sqrt(3) / 6];

/**
 * The exponential of a linear local field in a Krylov space: Lanczos when it is a multiple of a Hermitian operator,
 * Arnoldi otherwise. Fields that depend on time are integrated by the commutator-free Magnus method of order 4, two
 * exponentials of weighted sums of the field at the two Gauss points; its error, O(h^5) a solve where the fields of different times do not
 * commute, is neither in the tolerance nor in the estimate, but in what `rtol` measures of a step. Throws a TypeError for nonlinear fields.
 * Cost: usually 5 to 15 evaluations (four times that when the field depends on time). [hochbruck1997krylov;
 * blanes2006fourth]
 */
export function exponential(options: ExponentialOptions = {}): LocalSolver {
  checkKeys("exponential", options, {
    tolerance: true,
    basisTolerance: true,
    maxDimension: true,
    maxApplications: true,
  });
  const { tolerance = 1e-12, maxDimension = 30, maxApplications = 2000 } = options;
  const { basisTolerance = tolerance } = options;
  for (const [name, value] of Object.entries({ tolerance, basisTolerance, maxDimension, maxApplications }))
    if (!(value > 0)) throw new RangeError(`exponential: ${name} is ${value}, expected a positive number`);
  if (!Number.isInteger(maxDimension))
    throw new RangeError(`exponential: maxDimension is ${maxDimension}, expected an integer`);
  return {
    name: "Krylov exponential",
    order: Number.POSITIVE_INFINITY,
    spec: { name: "exponential", options: { tolerance, basisTolerance, maxDimension, maxApplications } },
    times: ({ t0, t1 }) => [t0, ...gaussPoints.map((c) => t0 + c * (t1 - t0))],
    solve(problem) {
      const { field, t0, t1 } = problem;
      if (field.kind === "nonlinear")
        throw new TypeError("exponential: the right-hand side is nonlinear; use rk4 or dopri5");
      const x = startValue(problem);
      if (isTrivial(problem)) return { final: x, applications: 0, errorEstimate: 0, converged: true };
      using frame = workspace().frame();
      const g = field.plan(frame);
      const hermitianUpTo = field.kind === "linear-hermitian" ? field.phase : undefined;
      const h = t1 - t0;
      const krylov = {
        tolerance: problem.seeks === "basis" ? basisTolerance : tolerance,
        maxDimension,
        maxApplications,
      };
      const at =
        (t: number): KrylovOperator["apply"] =>
        (v, out) =>
          g(t, v, out);
      if (field.autonomous) {
        const size = norm(x);
        const { applications, errorEstimate, converged } = expAction({ apply: at(t0), hermitianUpTo }, h, x, krylov);
        return { final: x, applications, errorEstimate: errorEstimate * size, converged: converged && allFinite(x) };
      }
      const [early, late] = gaussPoints.map((c) => at(t0 + c * h));
      const [more, less] = [0.25 + Math.sqrt(3) / 6, 0.25 - Math.sqrt(3) / 6];
      const second = frame.take(x.shape, x.dtype);
      const mixed = (a: number, b: number) => (v: Tensor, out: Tensor) => {
        early!(v, out);
        late!(v, second);
        for (let i = 0; i < out.data.length; i++) out.data[i]! *= a;
        axpy({ re: b, im: 0 }, second, out);
      };
      const before = norm(x);
      const first = expAction({ apply: mixed(more, less), hermitianUpTo }, h, x, krylov);
      const between = norm(x);
      const then = expAction({ apply: mixed(less, more), hermitianUpTo }, h, x, krylov);
      return {
        final: x,
        applications: 2 * (first.applications + then.applications),
        errorEstimate: first.errorEstimate * before + then.errorEstimate * between,
        converged: first.converged && then.converged && allFinite(x),
      };
    },
  };
}
