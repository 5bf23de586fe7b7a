import { type SparseMatrix, sparse } from "../../linalg/matrix.ts";
import { fromValues } from "../../linalg/tensor.ts";
import { slice } from "../../ttn/contract-modes.ts";
import { tree } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { allCounts } from "../matrix/checks.ts";
import { absLegendreFlux, largestSpeed, legendreFlux } from "./legendre.ts";
import { momentProblem } from "./moment-problem.ts";
import { moment } from "./observables.ts";
import type { RadiationProblem } from "./problem.ts";
import { transportTerms } from "./slab.ts";
import { checkCfl } from "./stability.ts";
import { gridOf } from "./transport.ts";

export interface SuOlsonOptions {
  /** Grid points. Default 1001. */
  readonly nx?: number;
  /** Legendre moments. Default 100. */
  readonly moments?: number;
  /** The slab is [-extent, extent], in mean free paths. Default 10. */
  readonly extent?: number;
  /** c_a: the share of absorption in the opacity, the rest is scattering; above 0, at most 1. Default 1. */
  readonly absorption?: number;
  /** End of the span, in mean free times. Default 3.16. */
  readonly T?: number;
  /** dt / dx. Default 0.99. */
  readonly cfl?: number;
  /** Rank of the start. Default 20. */
  readonly rank?: number;
}

/**
 * Thermal radiative transfer that is linear because the heat capacity is proportional to T^3, the benchmark of Su and Olson:
 *
 *     d_t f + mu d_x f = c_a (B - U) / 2 + U / 2 - f + Q / 2,   d_t B = c_a (U - B),   U = int f dmu,
 *
 * with Q = 1 for |x| <= 1/2 and t <= 10, zero at the start. Units are mean free paths and times, and the energy of the source.
 * Moments are those of sqrt(2) f, so that the zeroth is U; B is the last entry of the angular mode: a matrix (space x angle). The norm never
 * grows without the source. Observables: `E`, the radiation energy U, and `material`, B, at every grid point; `mass`, the sum of U, and
 * `energy`, that of U + B, times dx; `norm`. U + B only changes by the source and what leaves.
 * Throws a RangeError as `slab` does. [su1997analytical]
 */
export function suOlson(options: SuOlsonOptions = {}): RadiationProblem {
  const { nx = 1001, moments = 100, extent = 10, absorption = 1, T = 3.16, cfl = 0.99, rank = 20 } = options;
  const name = "suOlson";
  allCounts(name, { nx }, 3);
  allCounts(name, { moments }, 2);
  if (!(absorption > 0 && absorption <= 1))
    throw new RangeError(`${name}: absorption is ${absorption}, expected a share above 0, at most 1`);
  const { x, dx } = gridOf(name, nx, [-extent, extent]);
  // eigenvalues of the collisions: 0 and -2 c_a of U and B, -1 of all other moments
  checkCfl(name, cfl, "rk4", { speed: largestSpeed(moments), dx, decay: Math.max(1, 2 * absorption) });
  const size = moments + 1;
  const material = moment(size, moments);
  /** The part of each cell in the source. */
  const covered = Array.from(x, (v) => Math.max(0, Math.min(v + dx / 2, 0.5) - Math.max(v - dx / 2, -0.5)) / dx);
  const problem = momentProblem({
    name,
    tree: tree([0, 1]),
    x,
    dx,
    moments: size,
    inputs: [],
    terms: [
      ...transportTerms(nx, dx, bordered(legendreFlux(moments)), bordered(absLegendreFlux(moments))),
      { coefficient: 1, factors: [{ mode: 1, operator: collisions(moments, absorption) }] },
    ],
    start: null,
    source: { vectors: [fromValues([nx], covered), moment(size)], until: 10 },
    rank,
    T,
    dt: cfl * dx,
  });
  const fieldOf = (y: TTN): Float64Array => slice(y, 0, { 1: material }).data;
  const total = (values: Float64Array): number => dx * values.reduce((sum, v) => sum + v, 0);
  return {
    ...problem,
    observables: {
      ...problem.observables,
      material: fieldOf,
      energy: (y, t) => (problem.observables["mass"]!(y, t) as number) + total(fieldOf(y)),
    },
  };
}

/** The matrix with a row and a column of zeros more. */
function bordered({ shape: [n], rowStart, columns, values }: SparseMatrix): SparseMatrix {
  return sparse(
    [n + 1, n + 1],
    Array.from(columns, (column, p) => [rowStart.findLastIndex((start) => start <= p), column, values[p]!] as const),
  );
}

/** Absorption, emission and scattering: symmetric, with U + B in its kernel. */
const collisions = (moments: number, absorption: number): SparseMatrix =>
  sparse(
    [moments + 1, moments + 1],
    [
      ...Array.from({ length: moments - 1 }, (_, k) => [k + 1, k + 1, -1] as const),
      [0, 0, -absorption],
      [0, moments, absorption],
      [moments, 0, absorption],
      [moments, moments, -absorption],
    ],
  );
