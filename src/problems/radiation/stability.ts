import { allCounts } from "../matrix/checks.ts";

/** Explicit schemes, by the radius of the largest disc |z + r| <= r inside their region of stability. */
export const stabilityRadius = { euler: 1, rk4: 1.3926467817026467 } as const;

/** Name of an explicit scheme with a known region of stability. */
export type ExplicitScheme = keyof typeof stabilityRadius;

/** What the stability of a discrete transport equation depends on: the sum of the largest speeds of all directions, and sigma_s + sigma_a. */
export interface TransportScales {
  readonly speed: number;
  readonly dx: number;
  readonly decay: number;
}

const bound = (scheme: ExplicitScheme, { speed, dx, decay }: TransportScales): number =>
  stabilityRadius[scheme] / (speed + (dx * decay) / 2);

/**
 * Throws a RangeError when `cfl` is more than the bound
 *
 *     cfl (speed + dx (sigma_s + sigma_a) / 2) <= radius of the scheme.
 *
 * Upwind transport with time step dt satisfies |dt L + rho| <= rho for rho = dt speed / dx in the Euclidean norm, where `speed` adds the
 * largest speeds of all directions; scattering and absorption add dt (sigma_s + sigma_a) / 2 to rho. A scheme whose region
 * of stability contains the disc |z + rho| <= rho then never lets the norm grow (von Neumann's inequality), and neither
 * in any local problem, whose operator is a compression of L.
 */
export function checkCfl(who: string, cfl: number, scheme: ExplicitScheme, scales: TransportScales): void {
  if (stabilityRadius[scheme] === undefined)
    throw new RangeError(
      `${who}: scheme is ${JSON.stringify(scheme)}, known: ${Object.keys(stabilityRadius).join(", ")}`,
    );
  const most = bound(scheme, scales);
  if (!(cfl > 0 && cfl <= most))
    throw new RangeError(
      `${who}: cfl is ${cfl}, expected a positive number of at most ${most.toPrecision(6)}: ` +
        `beyond, ${scheme} is not stable on this grid with scattering and absorption up to ${scales.decay}`,
    );
}

/**
 * The number of steps over a span: the one asked for, else the usual one or, where that is too few, the least that is stable.
 * Throws a RangeError when the number asked for is no positive integer, or beyond the bound of `checkCfl`.
 */
export function stableSteps(
  who: string,
  asked: number | undefined,
  usual: number,
  scheme: ExplicitScheme,
  span: number,
  scales: TransportScales,
): number {
  const least = Math.max(1, Math.ceil(span / (scales.dx * bound(scheme, scales)) - 1e-9));
  if (asked === undefined) return Math.max(usual, least);
  allCounts(who, { steps: asked });
  if (asked < least)
    throw new RangeError(
      `${who}: steps is ${asked}, expected ${least} or more: ` +
        `with fewer, ${scheme} is not stable on this grid with scattering and absorption up to ${scales.decay}`,
    );
  return asked;
}
