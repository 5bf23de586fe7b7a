import { checkKeys } from "../text/known-keys.ts";
import type { Truncation } from "../ttn/truncate.ts";

/** How much of a weight is kept, and between which ranks. */
export interface EnergyOptions extends Pick<Truncation, "minRank" | "maxRank"> {
  /** Share of |W|_F^2 to keep, between 0 and 1. */
  readonly share: number;
}

/**
 * The rank policy that keeps, of every basis, the fewest directions that have a given share of |W|_F^2: a relative tolerance of sqrt(1 - share).
 *
 *     train(model, data, { truncation: energy({ share: 0.99, maxRank: 32 }), ... })
 *
 * Throws a RangeError when the share is not between 0 and 1 or an option is unknown.
 */
export function energy(options: EnergyOptions): Truncation {
  checkKeys("energy", options, { share: true, minRank: true, maxRank: true });
  const { share, ...limits } = options;
  if (!(share > 0 && share < 1)) throw new RangeError(`energy: share is ${share}, expected a number between 0 and 1`);
  return { tolerance: Math.sqrt(1 - share), relative: true, method: "paper", ...limits };
}
