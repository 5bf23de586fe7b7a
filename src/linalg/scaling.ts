import { NonFiniteError } from "./errors.ts";
import type { Tensor } from "./tensor.ts";
import type { Frame } from "./workspace.ts";

/*
 * Scaling by powers of two, which is exact: factorisations work on a largest entry of moderate size, whatever the input's,
 * so that squares neither overflow nor underflow and a scaled input gives bitwise the scaled result.
 */

const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);

/** floor(log2 |x|) for a finite x != 0, exactly. */
function exponentOf(x: number): number {
  bits[0] = x;
  const biased = (words[1]! >>> 20) & 0x7ff;
  if (biased > 0) return biased - 1023;
  bits[0] = x * (4294967296 * 4294967296); // a denormal number: lifted into the normal range by 2^64 first
  return ((words[1]! >>> 20) & 0x7ff) - 1023 - 64;
}

/** 2^e for -1022 <= e <= 1023, exactly. */
export function powerOfTwo(e: number): number {
  words[0] = 0;
  words[1] = (e + 1023) << 20;
  return bits[0]!;
}

/** The exponent e with largest entry in [2^e, 2^(e+1)); 0 for a zero tensor. Throws a NonFiniteError naming `who`. */
export const exponent = (x: Tensor, who: string): number => exponentOfAll(x.data, who);

/** `exponent` of plain numbers. */
export function exponentOfAll(data: Float64Array, who: string): number {
  const n = data.length;
  const rest = n % 4;
  let largest = 0;
  for (let i = 0; i < rest; i++) largest = larger(largest, Math.abs(data[i]!), who);
  for (let i = rest; i < n; i += 4) {
    const a = Math.abs(data[i]!);
    const b = Math.abs(data[i + 1]!);
    const c = Math.abs(data[i + 2]!);
    const d = Math.abs(data[i + 3]!);
    // NaN and infinity are not below anything
    if (a <= largest && b <= largest && c <= largest && d <= largest) continue;
    largest = larger(larger(larger(larger(largest, a, who), b, who), c, who), d, who);
  }
  return largest === 0 ? 0 : exponentOf(largest);
}

function larger(a: number, b: number, who: string): number {
  if (!(b < Number.POSITIVE_INFINITY))
    throw new NonFiniteError(`${who}: the input has entries that are NaN or infinite`);
  return b > a ? b : a;
}

/**
 * By which power of two an input is to be scaled: `exponent` where that is far from 0 (by `limit` or more), else 0, not at all.
 */
export function excess(x: Tensor, who: string, limit = moderate): number {
  const e = exponent(x, who);
  return Math.abs(e) < limit ? 0 : e;
}

/** Squares of numbers within 2^-64 .. 2^64, and of their round-off, are far from underflow and overflow. */
const moderate = 64;

/** The numbers of a tensor times 2^-e: its own where nothing is to be scaled, else a copy in `frame`. */
export function normalised({ data, shape, dtype }: Tensor, e: number, frame: Frame): Float64Array {
  if (e === 0) return data;
  const scaled = frame.take(shape, dtype).data;
  scaleByPower(data, -e, scaled);
  return scaled;
}

/** out := 2^e x. Takes two factors where 2^e alone is no normal number. `out` may be `x`. */
export function scaleByPower(x: Float64Array, e: number, out: Float64Array): void {
  if (e === 0) {
    if (out !== x) out.set(x);
    return;
  }
  const half = Math.trunc(e / 2);
  if (e >= -1022 && e <= 1023) {
    const f = powerOfTwo(e);
    for (let i = 0; i < x.length; i++) out[i] = x[i]! * f;
    return;
  }
  const f = powerOfTwo(half);
  const g = powerOfTwo(e - half);
  // The first factor moves towards the normal range or stays in it, so that only the second one may round.
  for (let i = 0; i < x.length; i++) out[i] = x[i]! * f * g;
}
