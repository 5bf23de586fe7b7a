import fc, { type Arbitrary } from "fast-check";
import type { Integrator } from "../integrators/integrator.ts";
import { fromDense } from "../ttn/construct.ts";
import { type Truncation, truncate } from "../ttn/truncate.ts";
import { attractedOde } from "./attracted-ode.ts";
import type { Report } from "./broken-promise.ts";
import { type KnownOde, lowRankOde, truncationFor } from "./low-rank-ode.ts";
import { odeSpecs } from "./low-rank-odes.ts";
import { errorOf, type RunOptions } from "./march.ts";
import { type CheckOptions, checkLength, search } from "./search.ts";

/** Options of `checkOrder`. */
export interface OrderOptions extends CheckOptions, RunOptions {
  /** Demanded order. Default: the promised one. */
  readonly order?: number;
  /** What the fitted slope may fall short by. Default 0.2. */
  readonly slack?: number;
  /** Numbers of steps, two or more of them; where something else limits the error, four points have to be left. Default [5, 10, 20, 40]. */
  readonly steps?: readonly number[];
  /** Problems to draw from. Default: tangent to the manifold, or attracted by a moving solution. */
  readonly odes?: Arbitrary<KnownOde>;
  /** How ranks are cut. Default: as the problem says; never, if it says nothing. */
  readonly truncation?: Truncation;
}

/** What solvers and round-off add to the error in a step. */
const roundOff = 1e-12;

/**
 * Order in the step size: the slope of log(error) over log(h), fitted to the errors between 100 times the floor and 0.1. The floor
 * is what no step size cures: the distance of the exact solution from tensors of the ranks allowed, the tolerance of every
 * step, round-off. Where ranks or tolerance leave fewer than four points the verdict is "floor": the slope is unknown, not
 * zero. Where round-off does, the integrator is exact or nearly so, and the points that are left, if any, decide. A method that is started by another is checked
 * without its starter.
 */
export function checkOrder(integrator: Integrator, options: OrderOptions = {}): Promise<Report> {
  const { order = integrator.promises.order, slack = 0.2, steps = [5, 10, 20, 40], solver } = options;
  checkLength("checkOrder", "steps", steps, 2);
  return search<KnownOde>(
    {
      promise: `order ${order}`,
      subject: integrator.name,
      cases: options.odes ?? defaultOdes(),
      numRuns: 4,
      shrinks: 15,
      describe: ({ text }) => text,
      async measure(ode) {
        const [t0, t1] = ode.problem.span;
        const truncation = options.truncation ?? truncationFor(ode);
        const solverFloor = roundOff * Math.max(...steps);
        const floor = Math.max(floorOf(ode, truncation, Math.max(...steps)), solverFloor);
        const hs = steps.map((n) => Math.abs(t1 - t0) / n);
        const errors: number[] = [];
        for (const h of hs) errors.push(await errorOf(ode, unstarted(integrator), h, truncation, solver));
        const counted = hs
          .map((h, k) => ({ h, error: errors[k]! }))
          .filter(({ error }) => error > 100 * floor && error <= 0.1);
        const isLost = errors.some((e) => !Number.isFinite(e)) || errors.at(-1)! > Math.max(0.1, 100 * floor);
        const isLimited = floor > solverFloor && counted.length < Math.min(4, steps.length);
        const isExact = floor === solverFloor && counted.length < 2;
        return {
          measured: isLost ? Number.NaN : isExact ? Number.POSITIVE_INFINITY : slope(counted),
          demanded: order - slack,
          sense: "at least",
          floor: isLimited && !isLost,
          numbers: { h: hs, error: errors, floor },
        };
      },
    },
    options,
  );
}

/** The method itself: one that is started by another has another error in its first steps, which a few steps do not outweigh. */
const unstarted = ({ starter: _, ...method }: Integrator): Integrator => method;

/** The error that no step size cures. */
function floorOf({ problem, exact }: KnownOde, truncation: Truncation, steps: number): number {
  const { maxRank, tolerance } = truncation;
  const best = maxRank
    ? truncate(fromDense(problem.initial.tree, exact(problem.span[1])), { tolerance: "off", maxRank }).discarded
    : 0;
  return Math.max(best, tolerance === "off" ? 0 : steps * tolerance);
}

/** Least-squares slope of log(error) over log(h); NaN for fewer than two points. */
export function slope(points: readonly { readonly h: number; readonly error: number }[]): number {
  const xs = points.map((p) => Math.log(p.h));
  const ys = points.map((p) => Math.log(p.error));
  const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
  const [mx, my] = [mean(xs), mean(ys)];
  return xs.reduce((s, x, i) => s + (x - mx) * (ys[i]! - my), 0) / xs.reduce((s, x) => s + (x - mx) * (x - mx), 0);
}

/** Problems that show an order at the rank of their solutions: tangent to the manifold, and attracted by a moving solution. */
function defaultOdes(): Arbitrary<KnownOde> {
  const common = { minRank: 2, spare: 1, smallest: [0.3], sources: [0], T: 0.5 };
  return fc.oneof(
    odeSpecs({ ...common, couplings: [0] }).map(lowRankOde),
    odeSpecs({ ...common, couplings: [0.5] }).map(attractedOde),
  );
}
