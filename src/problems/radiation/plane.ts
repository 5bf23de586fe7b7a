import { banded, diagonal, kroneckerProduct, type SparseMatrix } from "../../linalg/matrix.ts";
import type { ProductTerm } from "../../ttn/operators/product-sum.ts";
import { allCounts, allNumbers } from "../matrix/checks.ts";
import type { Profile } from "./coefficients.ts";
import type { RadiationProblem } from "./problem.ts";
import { harmonicFlux } from "./spherical-harmonics.ts";
import { gridOf, mediumOf, profileAt, streaming, type TransportOptions, transportProblem } from "./transport.ts";

/** Coefficients, source and start are functions of x and y. */
export interface PlaneOptions extends TransportOptions {
  /** The ends of the square in both directions; the outermost grid points lie on them. */
  readonly interval: readonly [number, number];
  /** Grid points a direction, 3 or more. */
  readonly n: number;
  /** N: degree of the spherical harmonics, 1 or more. */
  readonly degree: number;
  /** The zeroth moment at t = 0; all others are zero. */
  readonly initial: Profile;
  /** End of the span; steps are a little shorter than the CFL number has them where they do not fit. */
  readonly T: number;
  /** Whether the span ends with the last full step up to T instead, as published. Default false. */
  readonly wholeSteps?: boolean;
}

/**
 * Linear transport in the plane of x and of the polar axis z, drawn as y, with uncertain coefficients,
 *
 *     d_t f + Omega_x d_x f + Omega_z d_y f = sigma_s (<f> - f) - sigma_a f + q,   sigma = base(x, y) + sum_k amplitude_k(x, y) f_k(xi_k),
 *
 * by P_N moments u in real spherical harmonics (`harmonicFlux`), upwind differences and collocation in the inputs:
 *
 *     u' = -D_x u A_x + D2_x u |A_x| - D_y u A_z + D2_y u |A_z| - sigma_s u G - sigma_a u + q e_0,   G = diag(0, 1, ..., 1).
 *
 * Nothing is transported into boundary points, which only scatter and absorb. Modes (space, angle, input 1, ...), the point (x_i, y_j)
 * at i n + j; (N+1)(N+2)/2 moments, since those odd in Omega_y stay zero. Observables: see `radiationObservables`.
 *
 * For solvers of fixed steps `dt` such as `euler`, which lets the norm of a periodic solution never grow when
 *
 *     cfl (sqrt(2) + dx (sigma_s + sigma_a) / 2) <= 1.
 *
 * For its step is a sum of shifts by one point, times the four positive matrices cfl (|A| +- A) / 2, which add up to
 * cfl (|A_x| + |A_z|) <= cfl sqrt(2), and of what stays; such sums have norm one at most. Here boundary points feed what they hold to
 * those inside: a floor is an inflow. [ceruti2024parallel, section 5.3]
 * Throws a RangeError for a coefficient that is negative at a point and node, a CFL number beyond stability, a grid too small for
 * the stencil, a degree below 1, and numbers that make no sense.
 */
export function plane(options: PlaneOptions): RadiationProblem {
  const { name, n, degree, initial } = options;
  allCounts(name, { n }, 3);
  allCounts(name, { degree }, 1);
  const { x, dx } = gridOf(name, n, options.interval);
  const points = [
    Float64Array.from({ length: n * n }, (_, p) => x[Math.floor(p / n)]!),
    Float64Array.from({ length: n * n }, (_, p) => x[p % n]!),
  ];
  const medium = mediumOf(options, points, { speed: Math.SQRT2, dx, scheme: "euler" });
  const flux = harmonicFlux(degree);
  const { steps, dt } = stepsOf(options, dx);
  const motion = { x, y: x, dx, moments: flux.harmonics.length, terms: transport(n, dx, flux) };
  return transportProblem(options, medium, motion, profileAt(initial, points), steps * dt, dt);
}

/** The steps of the span. Where full ones fit, up to round-off, they are what the CFL number gives to the last bit. */
function stepsOf({ name, T, cfl, wholeSteps = false }: PlaneOptions, dx: number): { steps: number; dt: number } {
  allNumbers(name, { T });
  if (!(T > 0)) throw new RangeError(`${name}: T is ${T}, expected a positive number`);
  const dt = cfl * dx;
  const full = Math.floor(T / dt + 1e-9);
  if (full >= 1 && (wholeSteps || T / dt <= full + 1e-9)) return { steps: full, dt };
  if (wholeSteps) throw new RangeError(`${name}: T is ${T}, expected a time step, ${dt}, or more`);
  return { steps: full + 1, dt: T / (full + 1) };
}

/** Upwind transport in both directions, with zero rows at boundary points. */
function transport(n: number, dx: number, { x, z, absX, absZ }: ReturnType<typeof harmonicFlux>): ProductTerm[] {
  const inside = diagonal(inner(n, 1));
  const difference = stencil(n, -0.5 / dx, 0, 0.5 / dx);
  const diffusion = stencil(n, 0.5 / dx, -1 / dx, 0.5 / dx);
  return [
    streaming(-1, kroneckerProduct(difference, inside), x),
    streaming(1, kroneckerProduct(diffusion, inside), absX),
    streaming(-1, kroneckerProduct(inside, difference), z),
    streaming(1, kroneckerProduct(inside, diffusion), absZ),
  ];
}

/** A constant at all n points but the first and the last, which have zero. */
const inner = (n: number, value: number): Float64Array => new Float64Array(n).fill(value, 1, n - 1);

/** The three-point stencil on a line, with zeros in the first and the last row. */
const stencil = (n: number, below: number, at: number, above: number): SparseMatrix =>
  banded(n, { [-1]: inner(n, below).subarray(1), 0: inner(n, at), 1: inner(n, above).subarray(0, n - 1) });
