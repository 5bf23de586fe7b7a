import type { RadiationProblem } from "./problem.ts";
import { checkFloor, planarPulse } from "./pulse.ts";
import { slab } from "./slab.ts";

export interface PlaneSourceOptions {
  /** Grid points. Default 1001. */
  readonly nx?: number;
  /** Legendre moments. Default 500. */
  readonly moments?: number;
  /** The slab is [-extent, extent]. Default 1.5. */
  readonly extent?: number;
  /** sigma_s. Default 1. */
  readonly scattering?: number;
  /** Standard deviation of the pulse. Default 0.03. */
  readonly width?: number;
  /** The pulse is nowhere below this. Default 1e-4. */
  readonly floor?: number;
  /** End of the span. Default 1. */
  readonly T?: number;
  /** dt / dx. Default 1. */
  readonly cfl?: number;
  /** Rank of the start. Default 20. */
  readonly rank?: number;
}

/**
 * The plane source: an isotropic pulse in the middle of a scattering slab, d_t f + mu d_x f = sigma_s (<f> - f), a matrix (space x
 * angle). The equation is that of `slab`, without inputs. Uncollided particles make a front |x| = t that needs high rank: a stress
 * test. [ganapol2001homogeneous; ceruti2024parallel]
 */
export function planeSource(options: PlaneSourceOptions = {}): RadiationProblem {
  const { nx = 1001, moments = 500, extent = 1.5, scattering = 1, width = 0.03, floor = 1e-4 } = options;
  const { T = 1, cfl = 1, rank = 20 } = options;
  checkFloor(floor, "planeSource");
  const pulse = planarPulse(width, "planeSource");
  return slab({
    name: "planeSource",
    interval: [-extent, extent],
    nx,
    moments,
    scattering,
    initial: (x) => Math.max(floor, pulse(x)),
    rank,
    T,
    cfl,
  });
}
