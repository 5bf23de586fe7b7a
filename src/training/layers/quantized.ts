import { block, combine, matmul, permute, place } from "../../linalg/contract.ts";
import { svd } from "../../linalg/factor.ts";
import { axpy } from "../../linalg/level1.ts";
import { fromFunction, shapeText, type Tensor, tensor } from "../../linalg/tensor.ts";
import { toDense } from "../../ttn/arithmetic.ts";
import { orthonormalize } from "../../ttn/gauge.ts";
import { matrixNetwork } from "../../ttn/matrix-rhs.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { applyDense } from "../tape/operations.ts";
import type { Tape, Variable } from "../tape/tape.ts";

/** What numbers are rounded to, as shares of the largest of a block: 255 or 15 equal steps, or 16 quantiles of the normal law. */
const levels = {
  int8: Float64Array.from({ length: 255 }, (_, k) => (k - 127) / 127),
  int4: Float64Array.from({ length: 15 }, (_, k) => (k - 7) / 7),
  // [dettmers2023qlora, appendix E]
  nf4: Float64Array.of(
    ...[-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635],
    ...[-0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634],
    ...[0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1],
  ),
} as const;

/** The smallest number that single precision has to its full accuracy. */
const smallest = 2 ** -126;

/** Bits of an entry and the levels that they stand for. */
export type QuantizedFormat = keyof typeof levels;

/** A matrix in few bits: blocks of entries in the order of rows, each with a scale of its own. */
export interface QuantizedMatrix {
  readonly shape: readonly [number, number];
  readonly format: QuantizedFormat;
  /** Entries that share a scale. */
  readonly block: number;
  /** Numbers of levels, one a byte, or two with four bits, the first in the lower half. */
  readonly codes: Uint8Array;
  /** The largest absolute value of each block. */
  readonly scales: Float32Array;
  /** What codes and scales take together. */
  readonly bytes: number;
}

/** The format, and how many entries share a scale. */
export interface QuantizedOptions {
  /** "int8" (default), "int4" or "nf4". */
  readonly format?: QuantizedFormat;
  /** Entries that share a scale. Default 64. */
  readonly block?: number;
}

/**
 * A matrix rounded to eight or four bits, block by block: an entry is a level times the largest absolute value c of its block. It differs from
 * what it was by at most c / 254 (int8), c / 14 (int4) or 0.152 c (nf4, whose levels are dense around zero), and c in single precision, below 1.2e-38 zero; so 8.5 or
 * 4.5 bits an entry with blocks of 64. For weights that stay as they are, the base of an adapter.
 * Throws a RangeError for another format, a block that is no positive integer, or what is no real matrix or has entries
 * that are not finite in single precision. [dettmers2023qlora; loeschcke2024loqt]
 */
export function quantized(w: Tensor, { format = "int8", block: size = 64 }: QuantizedOptions = {}): QuantizedMatrix {
  if (!Object.hasOwn(levels, format))
    throw new RangeError(
      `quantized: format is ${JSON.stringify(format)}, expected one of ${Object.keys(levels).join(", ")}`,
    );
  if (!Number.isSafeInteger(size) || size < 1)
    throw new RangeError(`quantized: block is ${size}, expected a positive integer`);
  if (w.shape.length !== 2 || w.dtype !== "float64")
    throw new RangeError(`quantized: the weight is ${shapeText(w.shape)} of ${w.dtype}, expected a real matrix`);
  const bad = w.data.findIndex((v) => !Number.isFinite(Math.fround(v)));
  if (bad >= 0)
    throw new RangeError(`quantized: entry ${bad} is ${w.data[bad]}, expected finite numbers of single precision`);
  const known = levels[format];
  const perByte = known.length > 16 ? 1 : 2;
  const codes = new Uint8Array(Math.ceil(w.data.length / perByte));
  const scales = new Float32Array(Math.ceil(w.data.length / size));
  for (let b = 0; b < scales.length; b++) {
    const part = w.data.subarray(b * size, (b + 1) * size);
    scales[b] = part.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);
    if (scales[b]! < smallest) scales[b] = 1; // all zero, or too small for single precision: the level zero
    part.forEach((v, i) => {
      const p = b * size + i;
      const code = nearest(known, v / scales[b]!);
      codes[Math.floor(p / perByte)]! |= code << (4 * (p % perByte));
    });
  }
  return {
    shape: w.shape as [number, number],
    format,
    block: size,
    codes,
    scales,
    bytes: codes.length + 4 * scales.length,
  };
}

/** The matrix that is kept, or some of its rows. */
export function dequantized(q: QuantizedMatrix, from = 0, to = q.shape[0]): Tensor {
  const columns = q.shape[1];
  const known = levels[q.format];
  const out = tensor([to - from, columns]);
  const isByte = known.length > 16;
  for (let i = 0, p = from * columns; i < out.data.length; i++, p++) {
    const code = isByte ? q.codes[p]! : (q.codes[p >> 1]! >> (4 * (p & 1))) & 15;
    out.data[i] = known[code]! * q.scales[Math.floor(p / q.block)]!;
  }
  return out;
}

/** The number of the level nearest to x. */
function nearest(known: Float64Array, x: number): number {
  let [low, high] = [0, known.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (known[middle]! <= x) low = middle;
    else high = middle;
  }
  return x - known[low]! <= known[high]! - x ? low : high;
}

/** A matrix that stays as it is: dense, or in few bits. */
export type Base = Tensor | QuantizedMatrix;

/**
 * Checks a matrix that a weight of rows x columns is added to. Throws a RangeError when it is of another shape or not finite, a TypeError when it is
 * not real.
 */
export function checkBase(what: string, base: Base, rows: number, columns: number): void {
  if (shapeText(base.shape) !== `${rows}x${columns}`)
    throw new RangeError(`${what} is ${shapeText(base.shape)}, expected ${rows}x${columns}`);
  if ("dtype" in base && base.dtype !== "float64") throw new TypeError(`${what} is ${base.dtype}, expected float64`);
  const numbers = "codes" in base ? base.scales : base.data;
  const bad = numbers.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw new RangeError(
      `${what} has ${"codes" in base ? "scale" : "entry"} ${bad} = ${numbers[bad]}, expected finite numbers`,
    );
}

const panel = 64;

/** Z = X B^T for a matrix that stays as it is; of a quantized one no more than 64 rows are unfolded at a time. */
export function applyBase(tape: Tape, x: Variable, base: Base): Variable {
  if (!("codes" in base)) return applyDense(tape, x, tape.constant(base));
  const [rows, samples] = [base.shape[0], x.value.shape[0]!];
  const starts = Array.from({ length: Math.ceil(rows / panel) }, (_, k) => k * panel);
  const part = (from: number): Tensor => dequantized(base, from, Math.min(rows, from + panel));
  const value = tensor([samples, rows]);
  for (const from of starts) place(matmul(x.value, part(from), "N", "T"), value, [0, from]);
  return tape.record(value, x.isConstant, (d) => {
    const sum = tensor(x.value.shape);
    for (const from of starts) {
      const weight = part(from);
      axpy({ re: 1, im: 0 }, matmul(block(d, [0, from], [samples, weight.shape[0]!]), weight), sum);
    }
    tape.add(x, sum);
  });
}

/**
 * Merges an adapter into its base: the new base is B + scale W, quantized as the old one was, and the new weight what that rounding lost, as far as
 * `rank` singular values tell it; so that B + scale W is the same up to the rest. Between runs of training, after some steps or when the rank has
 * grown: what is learnt is not limited to one space of low rank. Cost: an SVD of m x n.
 * Throws a RangeError when the rank is no positive integer or the sizes differ. [loeschcke2024loqt; the singular vectors are those of the loss of rounding]
 */
export function merged<B extends Base>(
  base: B,
  weight: TTN,
  { rank, scale = 1 }: { readonly rank: number; readonly scale?: number },
): { readonly base: B; readonly weight: TTN } {
  if (!Number.isSafeInteger(rank) || rank < 1 || rank > Math.min(...base.shape))
    throw new RangeError(`merged: rank is ${rank}, expected an integer from 1 to ${Math.min(...base.shape)}`);
  const change = toDense(weight);
  if (shapeText(change.shape) !== shapeText(base.shape))
    throw new RangeError(`merged: the base is ${shapeText(base.shape)}, the weight ${shapeText(change.shape)}`);
  const isQuantized = "codes" in base;
  const whole = combine([
    [1, isQuantized ? dequantized(base) : base],
    [scale, change],
  ]);
  const next = (isQuantized ? quantized(whole, base) : whole) as B;
  const lost = combine([
    [1 / scale, whole],
    [-1 / scale, "codes" in next ? dequantized(next) : next],
  ]);
  const { u, s, vh } = svd(lost);
  const [m, n] = base.shape as [number, number];
  const factors = {
    left: block(u, [0, 0], [m, rank]),
    core: fromFunction([rank, rank], (i, j) => (i === j ? s[i!]! : 0)),
    right: permute(block(vh, [0, 0], [rank, n]), [1, 0]),
  };
  return { base: next, weight: orthonormalize(matrixNetwork(weight.tree, factors)) };
}
