import { axpy, norm } from "../../linalg/level1.ts";
import { allFinite, type Tensor } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { isTrivial, type LocalSolution, type LocalSolver, startValue } from "./problem.ts";

export interface Dopri5Options {
  /** Error allowed a step, relative to |X|. Default 1e-10. */
  readonly rtol?: number;
  /** Error allowed a step, absolute. Default 1e-12. */
  readonly atol?: number;
  /** Steps, rejected ones included, after which the solve gives up. Default 10 000. */
  readonly maxSteps?: number;
}

/** Coefficients of stage k + 1 (row k); the last row is the solution of order 5, whose slope starts the next step. */
const a = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const nodes = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1];
/** Order 5 minus order 4. */
const difference = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

/**
 * Dormand and Prince's method of order 5(4) with its own step size. Six evaluations a step and one at the start; the
 * error is measured in the Euclidean norm. Gives up, as a value, after `maxSteps` or when X stops being finite.
 * [dormand1980family; hairer1993solving II.4]
 */
export function dopri5(options: Dopri5Options = {}): LocalSolver {
  checkKeys("dopri5", options, { rtol: true, atol: true, maxSteps: true });
  const { rtol = 1e-10, atol = 1e-12, maxSteps = 10_000 } = options;
  for (const [name, value] of Object.entries({ rtol, atol, maxSteps }))
    if (!(value > 0)) throw new RangeError(`dopri5: ${name} is ${value}, expected a positive number`);
  return {
    name: "Dormand-Prince 5(4)",
    order: Number.POSITIVE_INFINITY,
    spec: { name: "dopri5", options: { rtol, atol, maxSteps } },
    usualEvaluations: 31,
    solve(problem): LocalSolution {
      const y = startValue(problem);
      if (isTrivial(problem)) return { final: y, applications: 0, errorEstimate: 0, converged: true };
      const size0 = norm(y);
      using frame = workspace().frame();
      const g = problem.field.plan(frame);
      const take = (): Tensor => frame.take(y.shape, y.dtype);
      const slopes = Array.from({ length: 7 }, take);
      const stage = take();
      const error = take();
      const span = problem.t1 - problem.t0;
      let done = 0; // share of the span
      let applications = 1;
      let errorEstimate = 0;
      g(problem.t0, y, slopes[0]!);
      const change = Math.abs(span) * norm(slopes[0]!);
      let share = size0 > 0 && change > 0 ? Math.min(1, Math.max(1e-6, (0.01 * size0) / change)) : 1e-6;
      for (let step = 0; done < 1; step++) {
        if (step === maxSteps || !(share > 1e-14)) return { final: y, applications, errorEstimate, converged: false };
        const last = share >= 1 - done;
        const h = span * (last ? 1 - done : share);
        a.forEach((row, k) => {
          stage.data.set(y.data);
          row.forEach((c, j) => {
            if (c !== 0) axpy({ re: c * h, im: 0 }, slopes[j]!, stage);
          });
          g(problem.t0 + done * span + nodes[k]! * h, stage, slopes[k + 1]!);
        });
        applications += 6;
        error.data.fill(0);
        difference.forEach((c, j) => {
          if (c !== 0) axpy({ re: c * h, im: 0 }, slopes[j]!, error);
        });
        const e = norm(error);
        // however short the step: it is the field that is no number
        if (Number.isNaN(e) && !(share > 1e-12)) {
          y.data.fill(Number.NaN);
          return { final: y, applications, errorEstimate, converged: false };
        }
        const ratio = e / (atol + rtol * Math.max(norm(y), norm(stage)));
        if (ratio <= 1) {
          y.data.set(stage.data);
          errorEstimate += e;
          done = last ? 1 : done + share;
          slopes.unshift(slopes.pop()!);
        }
        const factor = ratio === 0 ? 5 : Math.min(5, Math.max(0.2, 0.9 * ratio ** -0.2));
        share = (Math.abs(h) / Math.abs(span)) * (Number.isNaN(factor) ? 0.2 : factor);
      }
      return { final: y, applications, errorEstimate, converged: allFinite(y) };
    },
  };
}
