import { modeSizes } from "../../ttn/ttn.ts";
import { allCounts, allNumbers } from "../matrix/checks.ts";
import { gaussLegendre } from "../quadrature.ts";
import type { CollocatedInput } from "./distributions.ts";
import { chebyshevPoints, lagrangeMeans, meanAndVariance } from "./interpolation.ts";
import { largestSpeed } from "./legendre.ts";
import type { RadiationProblem } from "./problem.ts";
import { stableSteps } from "./stability.ts";

/** Mean and variance of the zeroth moment at every grid point, without any low-rank approximation. */
export interface Reference {
  readonly E: Float64Array;
  readonly Var: Float64Array;
  /** Where the full solution was computed: values of the coefficient that interpolation is over. */
  readonly points: Float64Array;
  /** The zeroth moment there, one field for each point. */
  readonly fields: readonly Float64Array[];
  /** Time steps that were taken. */
  readonly steps: number;
}

/** How a full solution is computed. */
export interface ReferenceOptions {
  /** Time steps in the span. Default: those of the problem, or the least that is stable where that is more. */
  readonly steps?: number;
  /** Chebyshev points that the solution is computed at. Default 24 in a slab, 12 in a plane. */
  readonly points?: number;
  /** Ends the work early, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told the share of the work that is done. */
  readonly progress?: (share: number) => void;
}

/** Does all of the work at once, as the options have it. */
export function atOnce<T>(work: Generator<number, T>, { signal, progress }: ReferenceOptions): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    signal?.throwIfAborted();
    progress?.(value);
  }
}

/** Tensor grids of inputs beyond this size are not walked through. */
const mostNodes = 1e7;

/**
 * The full-rank solution of a slab whose scattering coefficient is the same everywhere: a function `sigma` of any number of inputs
 * (their values, in order), on which the solution then depends through that number alone. Solved at Chebyshev points over its range, by the
 * classical Runge-Kutta method, and interpolated to all nodes. Absorption is the same number at all of them.
 *
 * N moments are propagated as the N discrete ordinates of the Gauss quadrature with them, to which they are equivalent: there
 * transport is upwind along each ordinate, and scattering a rank-one product. Cost 8 nx N points an evaluation, without
 * anything of size N x N; nothing is taken from the problem's operator, but its grid, inputs, step and start (zeroth moment).
 * Takes 24 points for the interval [0, 10] and T = 2 to round-off; an error shows as a change with `points`.
 * Throws a RangeError for a problem in the plane, a coefficient that is negative, at a node or as absorption, more than 10^7 nodes,
 * or too few steps for stability.
 */
export function slabReference(
  problem: RadiationProblem,
  sigma: (...values: number[]) => number,
  options: ReferenceOptions & { readonly absorption?: number } = {},
): Reference {
  return atOnce(slabReferenceSteps(problem, sigma, options), options);
}

/**
 * The work of `slabReference` step by step: yields the share that is done after each, so that a caller can do other things in between.
 * Leaves `signal` and `progress` to that.
 */
export function* slabReferenceSteps(
  problem: RadiationProblem,
  sigma: (...values: number[]) => number,
  options: Omit<ReferenceOptions, "signal" | "progress"> & { readonly absorption?: number } = {},
): Generator<number, Reference> {
  const { grid, inputs, initial } = problem;
  const { points: count = 24, absorption = 0 } = options;
  if ("y" in grid) throw new RangeError(`slabReference: ${problem.name} is a problem in the plane, expected a slab`);
  allCounts("slabReference", { points: count });
  allNumbers("slabReference", { absorption });
  if (absorption < 0) throw new RangeError(`slabReference: absorption is ${absorption}, expected zero or more`);
  const distribution = [...distributionOf(inputs, sigma)];
  const range = [Math.min, Math.max].map((f) => distribution.reduce((m, [s]) => f(m, s), distribution[0]![0]));
  const [low, high] = range as [number, number];
  if (!(low >= 0 && high < Number.POSITIVE_INFINITY))
    throw new RangeError(`slabReference: the scattering coefficient is from ${low} to ${high}, expected zero or more`);
  const points = chebyshevPoints(count, low, high);
  const start = problem.observables["E"]!(initial, 0) as Float64Array;
  const [t0, t1] = problem.span;
  const moments = modeSizes(initial)[1]!;
  const dx = (grid.x.at(-1)! - grid.x[0]!) / (grid.x.length - 1);
  const steps = stableSteps("slabReference", options.steps, problem.steps, "rk4", t1 - t0, {
    speed: largestSpeed(moments),
    dx,
    decay: high + absorption,
  });
  const slab = {
    start,
    moments,
    dx,
    absorption,
    dt: (t1 - t0) / steps,
    steps,
  };
  const fields: Float64Array[] = [];
  for (const [k, s] of points.entries()) {
    const work = ordinates(slab, s);
    let next = work.next();
    for (; !next.done; next = work.next()) yield (k + next.value) / points.length;
    fields.push(next.value);
  }
  return { ...meanAndVariance(lagrangeMeans(points, distribution), [{ weight: 1, fields }]), points, fields, steps };
}

/** The values of a function of the inputs at all nodes, with weights. */
export function* distributionOf(
  inputs: readonly CollocatedInput[],
  f: (...values: number[]) => number,
): Generator<readonly [value: number, weight: number]> {
  const count = inputs.reduce((product, { nodes }) => product * nodes.length, 1);
  if (count > mostNodes)
    throw new RangeError(`slabReference: the inputs have ${count} nodes in all, expected at most ${mostNodes}`);
  for (let p = 0; p < count; p++) {
    let rest = p;
    let weight = 1;
    const values = inputs.map(({ nodes, weights }) => {
      const j = rest % nodes.length;
      rest = Math.floor(rest / nodes.length);
      weight *= weights[j]!;
      return nodes[j]!;
    });
    yield [f(...values), weight];
  }
}

interface Slab {
  readonly start: Float64Array;
  readonly moments: number;
  readonly dx: number;
  readonly absorption: number;
  readonly dt: number;
  readonly steps: number;
}

/** The stages of the classical Runge-Kutta method: weight in the step, and how far the next stage is carried. */
const stages = [
  [1 / 6, 1 / 2],
  [1 / 3, 1 / 2],
  [1 / 3, 1],
  [1 / 6, 0],
] as const;

/** The zeroth moment at the end for one scattering coefficient, by ordinates psi (moments x grid points); yields the share of the steps. */
function* ordinates(
  { start, moments, dx, absorption, dt, steps }: Slab,
  sigma: number,
): Generator<number, Float64Array> {
  const nx = start.length;
  const { nodes, weights } = gaussLegendre(moments);
  const amplitudes = weights.map(Math.sqrt); // u_0 = sum_q sqrt(w_q) psi_q
  const psi = Float64Array.from({ length: moments * nx }, (_, p) => amplitudes[Math.floor(p / nx)]! * start[p % nx]!);
  const stage = psi.slice();
  const sum = psi.slice();
  const zeroth = (of: Float64Array): Float64Array => {
    const rho = new Float64Array(nx);
    for (let q = 0, p = 0; q < moments; q++) for (let i = 0; i < nx; i++, p++) rho[i]! += amplitudes[q]! * of[p]!;
    return rho;
  };
  for (let step = 0; step < steps; step++) {
    for (const [weight, carry] of stages) {
      const rho = zeroth(stage);
      for (let q = 0; q < moments; q++) {
        const rate = Math.abs(nodes[q]!) / dx;
        const decay = rate + sigma + absorption;
        const gain = sigma * amplitudes[q]!;
        const forward = nodes[q]! > 0;
        const first = q * nx;
        let upwind = 0; // beyond the ends
        for (let i = 0; i < nx; i++) {
          const at = forward ? i : nx - 1 - i;
          const p = first + at;
          const here = stage[p]!;
          const slope = dt * (rate * upwind - decay * here + gain * rho[at]!);
          upwind = here;
          sum[p]! += weight * slope;
          stage[p] = psi[p]! + carry * slope;
        }
      }
    }
    psi.set(sum);
    stage.set(sum);
    yield (step + 1) / steps;
  }
  return zeroth(psi);
}
