/**
 * How numbers are kept on the GPU, which has no float64: "float32", or "compensated", a pair of float32 numbers whose sum has about
 * 48 bits.
 */
export type Precision = "float32" | "compensated";

/** Throws a RangeError for anything but a precision. */
export function checkPrecision(who: string, precision: Precision): void {
  if (precision !== "float32" && precision !== "compensated")
    throw new RangeError(`${who}: precision is ${JSON.stringify(precision)}, expected "float32" or "compensated"`);
}

const u = 2 ** -24;

/**
 * The factor c of the bound |fl(A B) - A B| <= c |A| |B|, entry by entry, for inner size `k`; u = 2^-24.
 *
 * - "float32": c = (k + 2) u, to first order in u: one rounding of each factor, k of the sum.
 * - "compensated": c = 4 (k + 3)^2 u^2. Products and sums carry their rounding errors along (Dot2), and these, of size
 *   (k + 3) u |A| |B|, are added up in float32 by 3 k additions; factors are rounded to two floats.
 *
 * A complex product counts twice: k is then 2 k. Valid while no number leaves [1e-30, 1e30]: smaller ones lose bits, or vanish.
 * [ogita2005accurate]
 */
export function contractionBound(precision: Precision, k: number, isComplex = false): number {
  const terms = isComplex ? 2 * k : k;
  return precision === "float32" ? (terms + 2) * u : 4 * (terms + 3) ** 2 * u * u;
}

/** What a local solution loses to rounding, relative to its norm: what solvers report at least. */
export const solveRoundOff = (precision: Precision): number => (precision === "float32" ? 16 * u : 2 ** -40);
