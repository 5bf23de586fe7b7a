import { dot, norm as size } from "../linalg/level1.ts";
import { add, norm, scale } from "../ttn/arithmetic.ts";
import { centers } from "../ttn/gauge.ts";
import type { TTN } from "../ttn/ttn.ts";
import { type Stepping, type TakenStep, takeStep } from "./attempt.ts";
import { fieldAt } from "./augment.ts";
import type { StepContext } from "./integrator.ts";
import { automatic } from "./local/automatic.ts";
import type { LocalSolver } from "./local/problem.ts";

/** The accuracy asked of a run: its error at the end is to be about atol + rtol |Y|. */
export interface Accuracy {
  readonly rtol: number;
  readonly atol: number;
  /** A solver of the user's own; otherwise its tolerance follows from the accuracy. */
  readonly solver?: LocalSolver | undefined;
}

/** What of the error allowed a step is left to the truncation of ranks, and to the local solvers. */
const truncationShare = 0.1;
const solverShare = 0.01;
/** What of the error allowed a step aims at. */
const aim = 0.7;

/**
 * Steps whose size, truncation tolerance and solver tolerances follow from the accuracy asked for.
 *
 * A step of size h may make the share |h| / T of the whole error. It is taken as two halves and, to compare, in one piece: for a
 * method of order p the difference over 2^p - 1 estimates the error of the halves, which are kept. Truncation gets a tenth of what
 * is allowed, so that its tolerance falls like h^(p+1), as the error theory asks; solvers get a hundredth. A
 * proportional-integral controller chooses the next size from this ratio and the last. Where a shorter step is no better
 * (ranks are limited), it stands. [hairer1993solving II.4; gustafsson1988pi]
 */
export async function* chosenSteps(
  context: StepContext,
  stepping: Stepping,
  y0: TTN,
  [t0, t1]: readonly [number, number],
  stops: readonly number[],
  accuracy: Accuracy,
): AsyncGenerator<TakenStep, void, void> {
  const { rtol, atol } = accuracy;
  const direction = Math.sign(t1 - t0);
  const length = Math.abs(t1 - t0);
  const p = stepping.integrator.promises.order;
  const allowed = (y: TTN, h: number): number => ((atol + rtol * norm(y)) * h) / length;
  const tuned = (y: TTN, h: number): StepContext => {
    const tolerance = allowed(y, h);
    const relative = tolerance / (norm(y) || 1);
    const solver =
      accuracy.solver ??
      automatic({
        tolerance: Math.max(1e-14, solverShare * relative),
        basisTolerance: Math.max(1e-13, solverShare * relative),
      });
    return { ...context, solver, truncation: { ...context.truncation, tolerance: truncationShare * tolerance } };
  };

  let y = y0;
  let t = t0;
  let number = 0;
  let h = firstSize(context, y0, t0, length, p, allowed(y0, length));
  /** Error over what it aims at, of the last step that stood. */
  let before = 1;
  for (const stop of stops) {
    while (direction * (stop - t) > 0) {
      const begin = performance.now();
      context.rhs.beginStep?.(number, t);
      const counts = { rejected: 0, applications: 0 };
      let failed: { readonly h: number; readonly error: number } | null = null;
      for (;;) {
        const left = Math.abs(stop - t);
        const isLast = h >= left * (1 - 1e-9);
        const own = isLast ? left : left < 2 * h ? left / 2 : h; // no tiny rest
        const step = direction * own;
        const fine = tuned(y, own / 2);
        const half = await takeStep(fine, stepping, y, t, step / 2, 2 * number);
        const end = half.ok ? await takeStep(fine, stepping, half.y, t + step / 2, step / 2, 2 * number + 1) : half;
        const whole = end.ok ? await takeStep(tuned(y, own), stepping, y, t, step, 2 * number) : end;
        if (!half.ok || !end.ok || !whole.ok) {
          const failure = [half, end, whole].find((s) => !s.ok) as Exclude<typeof half, { ok: true }>;
          yield { ok: false, failure, h: step };
          return;
        }
        counts.applications += half.applications + end.applications + whole.applications;
        counts.rejected += half.rejected + end.rejected + whole.rejected;
        const error = norm(add(end.y, scale(-1, whole.y))) / (2 ** p - 1);
        const ratio = error / (aim * allowed(y, own));
        const isFloor = failed !== null && own <= 0.5 * failed.h && error > 0.5 * failed.error;
        if (ratio <= 1 / aim || isFloor) {
          const factor = isFloor ? 1 : Math.max(ratio, 1e-12) ** (-0.7 / p) * before ** (0.4 / p);
          before = Math.max(ratio, 1e-4);
          // a step shortened to meet a stop says nothing against longer ones
          h = Math.max(own < h ? h : 0, own * Math.min(4, Math.max(0.2, factor)));
          t = isLast ? stop : t + step;
          y = end.y;
          number++;
          yield {
            ...end,
            ...counts,
            t,
            h: step,
            seconds: (performance.now() - begin) / 1000,
            discarded: Math.hypot(half.discarded, end.discarded),
            solverError: half.solverError + end.solverError,
            tolerance: Math.SQRT2 * truncationShare * allowed(y, own / 2),
            integrationError: error,
          };
          break;
        }
        counts.rejected++;
        failed = { h: own, error };
        h = own * Math.max(0.2, 0.9 * ratio ** (-1 / p));
      }
    }
  }
}

/** A size for the first step, from how fast the state turns away from its own direction, seen from all nodes. */
function firstSize(context: StepContext, y: TTN, t: number, length: number, p: number, error: number): number {
  const at = centers(y);
  const turning = y.tree.nodes.map((_, id) => {
    const x = at[id]!.tensors[id]!;
    const g = fieldAt(context, at[id]!, at[id]!, t);
    const along = dot(x, g);
    const across = size(g) ** 2 - (size(x) > 0 ? (along.re ** 2 + along.im ** 2) / size(x) ** 2 : 0);
    return Math.sqrt(Math.max(0, across));
  });
  const rate = Math.max(...turning) / (norm(y) || 1);
  const relative = error / (norm(y) || 1);
  return rate > 0 ? Math.min(length / 2, (relative / length / rate ** (p + 1)) ** (1 / p)) : length / 10;
}
