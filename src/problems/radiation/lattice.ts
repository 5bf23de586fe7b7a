import { allNumbers } from "../matrix/checks.ts";
import { plane } from "./plane.ts";
import type { RadiationProblem } from "./problem.ts";

export interface LatticeOptions {
  /** Grid points a direction on [0, 7]. Default 350. */
  readonly n?: number;
  /** Degree of the spherical harmonics. Default 21. */
  readonly degree?: number;
  /** sigma_s between the absorbers. Default 1. */
  readonly scattering?: number;
  /** sigma_a of the absorbers and of the square of the source. Default 10. */
  readonly absorption?: number;
  /** Source of u_0 in the square in the middle. Default 1. */
  readonly source?: number;
  /** u_0 at the start. Default 1e-9. */
  readonly initial?: number;
  /** End of the span. Default: the last full step up to 3.2. */
  readonly T?: number;
  /** dt / dx. Default 0.5. */
  readonly cfl?: number;
  /** Rank of the start. Default 10. */
  readonly rank?: number;
}

/**
 * What fills the unit square at (column, row) of the lattice, both from 0 to 6: eleven absorbers in a checkerboard around the source in the
 * middle, which absorbs too, with a gap at (3, 1).
 */
export function latticeSquare(column: number, row: number): "source" | "absorber" | "background" {
  if (column === 3 && row === 3) return "source";
  const isInside = column >= 1 && column <= 5 && row >= 1 && row <= 5;
  return isInside && (column + row) % 2 === 0 && !(column === 3 && row === 1) ? "absorber" : "background";
}

/**
 * The lattice (checkerboard): particles from a source in the middle of [0, 7]^2 leak between strong absorbers, from nearly nothing. The
 * background scatters and does not absorb, absorbers and source absorb and do not scatter. A matrix: modes (space, angle), with
 * coefficients that are diagonal matrices over space and a source. By default 350 x 350 points, degree 21 (253 moments), cfl 0.5 and
 * T = 3.2. A point on an edge of a square belongs to that of the larger coordinates. The equation is that of `plane`. [brunner2002forms]
 */
export function lattice(options: LatticeOptions = {}): RadiationProblem {
  const { n = 350, degree = 21, scattering = 1, absorption = 10, source = 1, initial = 1e-9 } = options;
  const { T, cfl = 0.5, rank = 10 } = options;
  allNumbers("lattice", { scattering, absorption, source, initial });
  if (!(initial > 0)) throw new RangeError(`lattice: initial is ${initial}, expected a positive number`);
  const at = (x: number, y: number) => latticeSquare(Math.floor(x), Math.floor(y));
  return plane({
    name: "lattice",
    interval: [0, 7],
    n,
    degree,
    scattering: (x = 0, y = 0) => (at(x, y) === "background" ? scattering : 0),
    absorption: (x = 0, y = 0) => (at(x, y) === "background" ? 0 : absorption),
    source: { profile: (x = 0, y = 0) => (at(x, y) === "source" ? source : 0) },
    initial,
    rank,
    T: T ?? 3.2,
    wholeSteps: T === undefined,
    cfl,
  });
}
