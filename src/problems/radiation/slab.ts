import { diagonal, type Matrix } from "../../linalg/matrix.ts";
import { fromFunction, fromValues, type Tensor } from "../../linalg/tensor.ts";
import type { ProductTerm } from "../../ttn/operators/product-sum.ts";
import type { Tree } from "../../ttn/tree.ts";
import { allCounts, allNumbers } from "../matrix/checks.ts";
import { type Coefficient, decayTerms, type Profile, tabulate } from "./coefficients.ts";
import { collocate, type UncertainInput } from "./distributions.ts";
import { absLegendreFlux, largestSpeed, legendreFlux } from "./legendre.ts";
import { momentProblem, radiationTree } from "./moment-problem.ts";
import { moment } from "./observables.ts";
import type { RadiationProblem } from "./problem.ts";
import { checkCfl, type ExplicitScheme } from "./stability.ts";
import { centralDifference, upwindDiffusion } from "./stencils.ts";

/** An isotropic source: its profile is added to the zeroth moment up to the time `until`, where a step should end. */
export interface Source {
  readonly profile: Profile;
  /** Default: for ever. */
  readonly until?: number;
}

export interface SlabOptions {
  readonly name: string;
  /** The ends of the slab; the first and the last grid point lie on them. */
  readonly interval: readonly [number, number];
  /** Grid points, 3 or more. */
  readonly nx: number;
  /** Legendre moments in angle, 2 or more. */
  readonly moments: number;
  /** Uncertain inputs, any number of them. Default: none. */
  readonly inputs?: readonly UncertainInput[];
  /** sigma_s, isotropic. */
  readonly scattering: Coefficient;
  /** sigma_a. Default 0. */
  readonly absorption?: Coefficient;
  readonly source?: Source;
  /** The zeroth moment at t = 0, by a function or at the grid points; all others are zero. Default: zero everywhere. */
  readonly initial?: ((x: number) => number) | ArrayLike<number>;
  /** Rank of the start, of which all directions but the first have amplitude zero. */
  readonly rank: number;
  /** End of the span. */
  readonly T: number;
  /** dt / dx. */
  readonly cfl: number;
  /** The explicit scheme that `cfl` is checked for. Default "rk4". */
  readonly scheme?: ExplicitScheme;
  /** Default ((space, angle), (inputs, balanced)). */
  readonly tree?: Tree;
}

/**
 * Linear transport in slab geometry with uncertain coefficients,
 *
 *     d_t f + mu d_x f = sigma_s (<f> - f) - sigma_a f + q,   sigma = base(x) + sum_k amplitude_k(x) f_k(xi_k),
 *
 * by P_N moments u (Legendre polynomials of norm one), upwind differences and collocation in the inputs:
 *
 *     u' = -D u A + D2 u |A| - sigma_s u G - sigma_a u + q e_0,   G = diag(0, 1, ..., 1),
 *
 * with zeros beyond the ends. Modes (space, angle, input 1, ...). The norm never grows without a source. Observables: see
 * `radiationObservables`. For solvers of fixed steps `dt` such as `rk4`.
 * Throws a RangeError for a coefficient that is negative at a point and node, a CFL number beyond stability, a grid too small for
 * the stencil, and numbers that make no sense.
 */
export function slab(options: SlabOptions): RadiationProblem {
  const { name, nx, moments, scattering, absorption = 0, source, initial, rank, T, cfl } = options;
  allCounts(name, { nx }, 3);
  allCounts(name, { moments }, 2);
  const inputs = collocate(name, options.inputs ?? []);
  const { x, dx } = gridOf(name, nx, options.interval);
  const sigmaS = tabulate(name, "the scattering coefficient", scattering, [x], inputs);
  const sigmaA = tabulate(name, "the absorption coefficient", absorption, [x], inputs);
  const decay = sigmaS.largest + sigmaA.largest;
  checkCfl(name, cfl, options.scheme ?? "rk4", { speed: largestSpeed(moments), dx, decay });
  const terms = [
    ...transportTerms(nx, dx, legendreFlux(moments), absLegendreFlux(moments)),
    ...decayTerms(sigmaS, diagonal(Float64Array.from({ length: moments }, (_, k) => (k === 0 ? 0 : 1)))),
    ...decayTerms(sigmaA, null),
  ];
  const vectors = (u0: Tensor): Tensor[] => [
    u0,
    moment(moments),
    ...inputs.map(({ nodes }) => fromFunction([nodes.length], () => 1)),
  ];
  if (typeof initial === "object" && initial.length !== nx)
    throw new RangeError(`${name}: initial has ${initial.length} values, the grid ${nx} points`);
  const onGrid = (profile: Profile | ArrayLike<number>): Tensor =>
    fromValues(
      [nx],
      typeof profile === "object"
        ? Array.from(profile)
        : Array.from(x, typeof profile === "number" ? () => profile : (v) => profile(v)),
    );
  return momentProblem({
    name,
    tree: options.tree ?? radiationTree(inputs.length),
    x,
    dx,
    moments,
    inputs,
    terms,
    start: initial === undefined ? null : vectors(onGrid(initial)),
    source: source
      ? { vectors: vectors(onGrid(source.profile)), until: source.until ?? Number.POSITIVE_INFINITY }
      : null,
    rank,
    T,
    dt: cfl * dx,
  });
}

/** n points from one end to the other, and their distance. */
export function gridOf(
  who: string,
  nx: number,
  [low, high]: readonly [number, number],
): { x: Float64Array; dx: number } {
  allNumbers(who, { low, high });
  if (!(low < high)) throw new RangeError(`${who}: the interval is [${low}, ${high}], expected its ends in order`);
  const dx = (high - low) / (nx - 1);
  return { x: Float64Array.from({ length: nx }, (_, i) => low + i * dx), dx };
}

/** -D u A + D2 u |A| on modes 0 and 1. */
export const transportTerms = (nx: number, dx: number, flux: Matrix, absFlux: Matrix): ProductTerm[] => [
  {
    coefficient: -1,
    factors: [
      { mode: 0, operator: centralDifference(nx, dx) },
      { mode: 1, operator: flux },
    ],
  },
  {
    coefficient: 1,
    factors: [
      { mode: 0, operator: upwindDiffusion(nx, dx) },
      { mode: 1, operator: absFlux },
    ],
  },
];
