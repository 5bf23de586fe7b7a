/** Explicit schemes, by the radius of the largest disc |z + r| <= r inside their region of stability. */
export const stabilityRadius = { euler: 1, rk4: 1.3926467817026467 } as const;

export type ExplicitScheme = keyof typeof stabilityRadius;

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
export function checkCfl(
  who: string,
  cfl: number,
  scheme: ExplicitScheme,
  { speed, dx, decay }: { readonly speed: number; readonly dx: number; readonly decay: number },
): void {
  const radius = stabilityRadius[scheme];
  if (radius === undefined)
    throw new RangeError(
      `${who}: scheme is ${JSON.stringify(scheme)}, known: ${Object.keys(stabilityRadius).join(", ")}`,
    );
  const bound = radius / (speed + (dx * decay) / 2);
  if (!(cfl > 0 && cfl <= bound))
    throw new RangeError(
      `${who}: cfl is ${cfl}, expected a positive number of at most ${bound.toPrecision(6)}: ` +
        `beyond, ${scheme} is not stable on this grid with scattering and absorption up to ${decay}`,
    );
}
