import fc from "fast-check";
import type { Integrator } from "../integrators/integrator.ts";
import { rootOf } from "../ttn/tree.ts";
import { largestRanks, modeSizes, ranks, type TTN } from "../ttn/ttn.ts";
import { figure, type Report } from "./broken-promise.ts";
import type { LowRankOde } from "./low-rank-ode.ts";
import { lowRankOdes, type OdeOptions } from "./low-rank-odes.ts";
import { march, type RunOptions, tolerated } from "./march.ts";
import { orthonormalityDefect } from "./orthonormality.ts";
import { type CheckOptions, search } from "./search.ts";

/** Options of `checkRanks`. */
export interface RanksOptions extends CheckOptions, RunOptions {
  /** Whether ranks may change. Default: as promised. */
  readonly rankAdaptive?: boolean;
  /** Which low-rank ODEs are drawn. */
  readonly odes?: OdeOptions;
}

/**
 * States between steps: centre at the root, all other nodes orthonormal to 1e-12, ranks that tensors of these sizes can have and that
 * keep their limit. Without rank adaptivity they stay what they were. The measured number is the rank in excess, or the defect.
 */
export function checkRanks(integrator: Integrator, options: RanksOptions = {}): Promise<Report> {
  const { rankAdaptive = integrator.promises.rankAdaptive, solver } = options;
  return search<{ readonly ode: LowRankOde; readonly maxRank: number; readonly tolerance: number }>(
    {
      promise: rankAdaptive ? "ranks within their limits" : "ranks that stay",
      subject: integrator.name,
      cases: fc.record({
        ode: lowRankOdes({ smallest: [0.1, 1e-8, 0], ...options.odes }),
        maxRank: fc.constantFrom(Number.POSITIVE_INFINITY, 4, 3),
        tolerance: fc.constantFrom(1e-6, 1e-12),
      }),
      numRuns: 20,
      describe: ({ ode, maxRank, tolerance }) => `${ode.text}, tolerance ${figure(tolerance)}, largest rank ${maxRank}`,
      async measure({ ode, maxRank, tolerance }) {
        const { initial } = ode.problem;
        const limit = maxRank < Number.POSITIVE_INFINITY ? { maxRank } : {};
        const truncation = { ...tolerated(integrator, tolerance), ...limit };
        const all = await march(ode.problem, { integrator, h: 0.1, truncation, ...(solver ? { solver } : {}) });
        const largest = largestRanks(initial.tree, modeSizes(initial));
        const limits = rankAdaptive ? largest.map((r) => Math.min(r, maxRank)) : ranks(initial);
        const states = all.slice(1).map((s) => s.y);
        const excess = Math.max(...states.map((y) => rankExcess(y, limits, rankAdaptive)));
        const defect = Math.max(...states.map(orthonormalityDefect));
        const misplaced = states.filter((y) => y.center !== rootOf(y.tree)).length;
        const numbers = {
          "rank in excess": excess,
          "departure from orthonormality": defect,
          "centre elsewhere": misplaced,
        };
        return { measured: Math.max(0, excess, misplaced, defect), demanded: 1e-12, numbers };
      },
    },
    options,
  );
}

/** By how much a rank is above its limit; or off it, where it may not change. */
const rankExcess = (y: TTN, limits: readonly number[], mayFall: boolean): number =>
  Math.max(...ranks(y).map((r, id) => (mayFall ? r - limits[id]! : Math.abs(r - limits[id]!))));
