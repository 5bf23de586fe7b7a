import { dot, norm as size } from "../linalg/level1.ts";
import { seeded } from "../linalg/random.ts";
import { add, norm, scale } from "../ttn/arithmetic.ts";
import { randomState } from "../ttn/construct.ts";
import { centers } from "../ttn/gauge.ts";
import { roomFor } from "../ttn/room.ts";
import { rootOf } from "../ttn/tree.ts";
import { truncate } from "../ttn/truncate.ts";
import { dtypeOfState, modeSizes, type TTN } from "../ttn/ttn.ts";
import { type Stepping, type TakenStep, takeStep } from "./attempt.ts";
import { fieldAt } from "./augment.ts";
import type { RunContext } from "./integrator.ts";
import { automatic } from "./local/automatic.ts";
import type { LocalSolver } from "./local/problem.ts";

/** The accuracy asked of a run: its error at the end is to be about atol + rtol |Y|. */
export interface Accuracy {
  readonly rtol: number;
  readonly atol: number;
  /** A solver of the user's own; otherwise its tolerance follows from the accuracy. */
  readonly solver?: LocalSolver | undefined;
}

/**
 * What of the error allowed a step is left to the truncation of ranks, and to the local solvers. Where one of them makes all of the error (a
 * matrix of full rank has no other than that of its solver), its share is what remains of the accuracy asked for.
 */
const truncationShare = 0.15;
const solverShare = 0.07;
/** What of the error allowed a step aims at. */
const aim = 0.8;
/** Steps in a row that go without a check while the size hardly changes, where the right-hand side is linear and autonomous. */
const trusted = 4;
/** How much longer than chosen a step may be to arrive at a stop: its error then is what steps are repeated for, or less. */
const stretch = 1.1;
/** The smallest step, as a share of the span. */
const smallest = 1e-10;
/** Differences of states that are so small, as a share of their norm, are round-off. */
const roundOff = 64 * Number.EPSILON;

/**
 * Steps whose size, truncation tolerance and solver tolerances follow from the accuracy asked for.
 *
 * A step of size h may make the share |h| / T of the whole error. It is taken as two halves, which are kept, and to compare in one
 * piece: for a method of order p the difference over 2^p - 1 estimates the error of the halves. Truncation gets a part of what is
 * allowed, so that its tolerance falls like h^(p+1), as the error theory asks; solvers get another. A proportional-integral
 * controller chooses the next size from this ratio and the last; while it hardly changes the size, and nothing but the state can change, only
 * every fifth step is compared.
 *
 * Methods see the right-hand side through frames of the state, and none sees what leads out of these on two sides of an edge at once. So
 * the one piece begins with a random direction of amplitude zero on every edge, through which it sees that too. A step that is hardly
 * better for being shorter lacks directions: it is repeated from a start with room for where both led. Where a limit of ranks cuts more
 * than the tolerance, errors up to a tenth of that are allowed as well. [hairer1993solving II.4; gustafsson1988pi; the probe is our own]
 */
export async function* chosenSteps(
  context: RunContext,
  stepping: Stepping,
  y0: TTN,
  [t0, t1]: readonly [number, number],
  stops: readonly number[],
  accuracy: Accuracy,
): AsyncGenerator<TakenStep, void, void> {
  const { rtol, atol } = accuracy;
  const direction = Math.sign(t1 - t0);
  const length = Math.abs(t1 - t0);
  const { order, usualOrder: p = order } = stepping.integrator.promises;
  const allowed = (y: TTN, h: number): number => ((atol + rtol * norm(y)) * h) / length;
  const tuned = (y: TTN, h: number): RunContext => {
    const tolerance = allowed(y, h);
    const relative = (solverShare * tolerance) / (norm(y) || 1);
    const solver =
      accuracy.solver ?? automatic({ tolerance: Math.max(1e-14, relative), basisTolerance: Math.max(1e-13, relative) });
    return { ...context, solver, truncation: { ...context.truncation, tolerance: truncationShare * tolerance } };
  };

  let y = y0;
  let t = t0;
  let number = 0;
  context.rhs.beginStep?.(0, t0);
  let h = firstSize(context, y0, t0, length, p, allowed(y0, length));
  const { kind, autonomous } = context.rhs.bind(y0, rootOf(y0.tree));
  const trusts = kind !== "nonlinear" && autonomous ? trusted : 0;
  /** Error over what it aims at, of the last step that was compared. */
  let before = 1;
  let unchecked = 0;
  for (const stop of stops) {
    while (direction * (stop - t) > 0) {
      const begin = performance.now();
      if (number > 0) context.rhs.beginStep?.(number, t);
      let rejected = 0;
      let applications = number === 0 ? y.tree.nodes.length : 0; // those of the first size
      const take = async (from: TTN, start: number, size: number, k: number) => {
        const taken = await takeStep(tuned(from, size), stepping, from, start, direction * size, k);
        if (taken.ok) {
          applications += taken.applications;
          rejected += taken.rejected;
        }
        return taken;
      };
      /** The last size that was too long, and its ratio. */
      let failed: { readonly size: number; readonly ratio: number } | null = null;
      let start = y;
      for (;;) {
        const left = Math.abs(stop - t);
        const isLast = stretch * h >= left;
        const own = isLast ? left : left < 2 * h ? left / 2 : h; // no tiny rest
        const compares = unchecked === 0;
        const half = await take(start, t, own / 2, 2 * number);
        const end = half.ok ? await take(half.y, t + (direction * own) / 2, own / 2, 2 * number + 1) : half;
        const whole = end.ok && compares ? await take(probing(start, number), t, own, 2 * number) : end;
        if (!half.ok || !end.ok || !whole.ok) {
          // a local solve may fail for a step that is too long
          rejected++;
          h = own / 4;
          unchecked = 0;
          if (h > smallest * length) continue;
          const failure = [half, end, whole].find((s) => !s.ok) as Exclude<typeof half, { ok: true }>;
          yield { ok: false, failure, h: direction * own };
          return;
        }
        const tolerances = truncationShare * allowed(y, own / 2);
        const cut = Math.hypot(...[half, end].map((s) => Math.max(0, s.discarded - tolerances)));
        const goal = Math.max(aim * allowed(y, own), 0.1 * cut, roundOff * norm(y));
        const error = compares ? norm(add(end.y, scale(-1, whole.y))) / (2 ** p - 1) : before * goal;
        const ratio = error / goal;
        if (compares && ratio > 1 / aim) {
          rejected++;
          // the ratio should fall like h^p
          if (failed && ratio > failed.ratio * (own / failed.size) ** (p / 2))
            start = roomFor(start, truncate(add(end.y, whole.y), { tolerance: tolerances }).y);
          failed = { size: own, ratio };
          h = own * Math.max(0.1, 0.9 * ratio ** (-1 / p));
          if (h > smallest * length) continue;
          yield { ok: false, failure: { ok: false, why: "step-too-small", node: rootOf(y.tree) }, h: direction * own };
          return;
        }
        if (compares) {
          // far from the goal the last ratio tells nothing
          const steady = ratio > 0.2 && before > 0.2;
          const change = steady ? ratio ** (-0.7 / p) * before ** (0.4 / p) : 0.9 * Math.max(ratio, 1e-12) ** (-1 / p);
          const factor = Math.min(number === 0 ? 20 : 5, Math.max(0.2, change));
          unchecked = number > 0 && failed === null && factor > 0.7 && factor < 1.4 ? trusts : 0;
          before = ratio;
          // a step shortened to meet a stop says nothing against longer ones
          h = Math.max(own < h ? h : 0, own * factor);
        } else unchecked--;
        t = isLast ? stop : t + direction * own;
        y = end.y;
        number++;
        yield {
          ...end,
          applications,
          rejected,
          t,
          h: direction * own,
          seconds: (performance.now() - begin) / 1000,
          discarded: Math.hypot(half.discarded, end.discarded),
          solverError: half.solverError + end.solverError,
          tolerance: Math.SQRT2 * truncationShare * allowed(y, own / 2),
          integrationError: error,
        };
        break;
      }
    }
  }
}

/** The same tensor with one more direction on every edge, any, of amplitude zero. */
const probing = (y: TTN, seed: number): TTN =>
  roomFor(y, randomState(y.tree, modeSizes(y), 1, seeded(seed), dtypeOfState(y)));

/** A size for the first step, from how fast the state turns away from its own direction, seen from all nodes. */
function firstSize(context: RunContext, y: TTN, t: number, length: number, p: number, error: number): number {
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
