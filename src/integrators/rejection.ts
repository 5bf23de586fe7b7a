import { norm } from "../ttn/arithmetic.ts";
import { edgesOf } from "../ttn/tree.ts";
import type { Truncation } from "../ttn/truncate.ts";
import { largestRanks, modeSizes, ranks, type TTN } from "../ttn/ttn.ts";
import type { StepSuccess } from "./integrator.ts";

/** When a step is tried again from wider bases. */
export interface Rejection {
  /** Reject when h times what the ansatz leaves out exceeds this multiple of the tolerance. Default 10, as in the paper. */
  readonly factor?: number;
  /** Attempts of one step. Default 5. */
  readonly attempts?: number;
}

/**
 * Why a step should be repeated from the same value in wider bases, or null: some edge kept all of an augmented rank at least twice
 * the old one although limit and geometry admit more ("rank-saturated"), or what the method drops is too large ("missed").
 * A step that was repeated already is so again as long as an edge keeps all it gained, be that less than double.
 * [ceruti2024parallel, section 3.4; the last rule is our own]
 */
export function reasonToReject(
  start: TTN,
  result: StepSuccess,
  truncation: Truncation,
  factor: number,
  isRepeated = false,
): "rank-saturated" | "missed" | null {
  if (!result.widened) return null;
  const before = ranks(start);
  const full = ranks(result.widened);
  const after = ranks(result.y);
  const { maxRank = Number.POSITIVE_INFINITY, tolerance, relative = false } = truncation;
  const geometric = largestRanks(start.tree, modeSizes(start));
  const saturated = edgesOf(start.tree).some((id) => {
    const limit = Math.min(typeof maxRank === "number" ? maxRank : maxRank[id]!, geometric[id]!);
    const grew = isRepeated ? full[id]! > before[id]! : full[id]! >= 2 * before[id]!;
    return grew && after[id] === full[id] && full[id]! < limit;
  });
  if (saturated) return "rank-saturated";
  if (tolerance === "off" || result.missed === null) return null;
  const theta = relative ? tolerance * norm(start) : tolerance;
  return result.missed > factor * theta ? "missed" : null;
}
