import type { Matrix } from "../../linalg/matrix.ts";
import { fromValues } from "../../linalg/tensor.ts";
import type { ProductTerm } from "../../ttn/operators/product-sum.ts";
import { allCounts } from "../matrix/checks.ts";
import { absLegendreFlux, largestSpeed, legendreFlux } from "./legendre.ts";
import type { RadiationProblem } from "./problem.ts";
import { centralDifference, upwindDiffusion } from "./stencils.ts";
import { gridOf, mediumOf, profileAt, streaming, type TransportOptions, transportProblem } from "./transport.ts";

/** Coefficients, source and start are functions of x. */
export interface SlabOptions extends TransportOptions {
  /** The ends of the slab; the first and the last grid point lie on them. */
  readonly interval: readonly [number, number];
  /** Grid points, 3 or more. */
  readonly nx: number;
  /** Legendre moments in angle, 2 or more. */
  readonly moments: number;
  /** The zeroth moment at t = 0, by a function or at the grid points; all others are zero. Default: zero everywhere. */
  readonly initial?: ((x: number) => number) | ArrayLike<number>;
  /** End of the span. */
  readonly T: number;
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
  const { name, nx, moments, initial, T } = options;
  allCounts(name, { nx }, 3);
  allCounts(name, { moments }, 2);
  const { x, dx } = gridOf(name, nx, options.interval);
  const medium = mediumOf(options, [x], { speed: largestSpeed(moments), dx, scheme: "rk4" });
  if (typeof initial === "object" && initial.length !== nx)
    throw new RangeError(`${name}: initial has ${initial.length} values, the grid ${nx} points`);
  const start =
    typeof initial === "object" ? fromValues([nx], Array.from(initial)) : initial && profileAt(initial, [x]);
  const terms = transportTerms(nx, dx, legendreFlux(moments), absLegendreFlux(moments));
  return transportProblem(options, medium, { x, dx, moments, terms }, start ?? null, T);
}

/** -D u A + D2 u |A| on modes 0 and 1. */
export const transportTerms = (nx: number, dx: number, flux: Matrix, absFlux: Matrix): ProductTerm[] => [
  streaming(-1, centralDifference(nx, dx), flux),
  streaming(1, upwindDiffusion(nx, dx), absFlux),
];
