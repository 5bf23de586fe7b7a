import type { Tree } from "../../ttn/tree.ts";
import { allNumbers } from "../matrix/checks.ts";
import { plane } from "./plane.ts";
import type { RadiationProblem } from "./problem.ts";
import { linePulse } from "./pulse.ts";

/** What line sources share. */
export interface LineSourceOptions {
  /** Grid points a direction on [-1.5, 1.5]. */
  readonly n?: number;
  /** Degree of the spherical harmonics. */
  readonly degree?: number;
  /** sigma_s; with inputs, where they are zero. Default 1. */
  readonly scattering?: number;
  /** sigma_a; with inputs, where they are zero. */
  readonly absorption?: number;
  /** s of the pulse: its standard deviation is s sqrt(2). Default 0.03. */
  readonly width?: number;
  /** Least value of 4 pi u_0 at the start. Default 1e-4. */
  readonly floor?: number;
  /** End of the span. Default: the last full step up to 1. */
  readonly T?: number;
  /** dt / dx. */
  readonly cfl?: number;
  /** Rank of the start. Default 10. */
  readonly rank?: number;
  readonly tree?: Tree;
}

export interface UncertainPlaneOptions extends LineSourceOptions {
  /** Quadrature nodes. Default 100 each. */
  readonly nodesXi?: number;
  readonly nodesEta?: number;
  /** Amplitudes of the two inputs. Default 1 each. */
  readonly sigmaXi?: number;
  readonly sigmaEta?: number;
}

/**
 * A line source in the plane with uncertain scattering sigma_s = scattering - sigmaXi xi and absorption sigma_a = absorption - sigmaEta eta,
 * xi and eta uniform on (-1, 1),
 *
 *     u_0(0) = max(floor, exp(-(x^2 + y^2) / 4 s^2) / (4 pi s^2)) / 4 pi.
 *
 * By default 100 x 100 points on [-1.5, 1.5]^2, degree 31 (528 moments), 100 x 100 nodes, absorption 1, cfl 0.5 and T = 1: 66 steps, with
 * `euler`. The equation is that of `plane`. Even in x and in y; unchanged when they are swapped, up to round-off. Where nothing is cut,
 * eta only enters by exp(-sigma_a t) in continuous time.
 *
 * From a pulse as narrow as the grid spacing, a step of half of it makes directions faster than bases can follow from a tangent space, and
 * those that begin small are cut before they grow: ranks lock in, and no tolerance helps. Truncation should keep more than it must,
 * by `tail: "l1-keep-one"` with `method: "paper"` (the published runs) or, better, a `minRank`. [ceruti2024parallel, section 5.3]
 */
export function uncertainPlane(options: UncertainPlaneOptions = {}): RadiationProblem {
  const { nodesXi = 100, nodesEta = 100, sigmaXi = 1, sigmaEta = 1 } = options;
  const { n = 100, degree = 31, scattering = 1, absorption = 1, cfl = 0.5 } = options;
  allNumbers("uncertainPlane", { scattering, absorption, sigmaXi, sigmaEta });
  return plane({
    ...shared("uncertainPlane", options),
    n,
    degree,
    cfl,
    inputs: [
      { name: "xi", distribution: "uniform", nodes: nodesXi },
      { name: "eta", distribution: "uniform", nodes: nodesEta },
    ],
    scattering: { base: scattering, random: [{ input: "xi", amplitude: -sigmaXi }] },
    absorption: { base: absorption, random: [{ input: "eta", amplitude: -sigmaEta }] },
  });
}

/**
 * The line source with given coefficients, a matrix: modes (space, angle). By default 250 x 250 points on [-1.5, 1.5]^2, degree 39 (820
 * moments), scattering 1, no absorption, cfl 0.7 and T = 1. Known for the waves and rays of its P_N solution, which ranks have to
 * follow. [brunner2002forms; kusch2022robust]
 */
export function lineSource(options: LineSourceOptions = {}): RadiationProblem {
  const { n = 250, degree = 39, scattering = 1, absorption = 0, cfl = 0.7 } = options;
  allNumbers("lineSource", { scattering, absorption });
  return plane({ ...shared("lineSource", options), n, degree, cfl, scattering, absorption });
}

function shared(name: string, { width = 0.03, floor = 1e-4, T, rank = 10, tree }: LineSourceOptions) {
  return {
    name,
    interval: [-1.5, 1.5] as const,
    initial: linePulse(width, floor, name),
    T: T ?? 1,
    wholeSteps: T === undefined,
    rank,
    ...(tree ? { tree } : {}),
  };
}
