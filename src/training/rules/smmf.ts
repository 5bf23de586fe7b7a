import { copy, sizeOf, type Tensor, tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { type Moments, momentRule } from "./moment-rule.ts";
import type { Rule } from "./rules.ts";

/** How long the means of SMMF remember, and what keeps its quotients finite. */
export interface SmmfOptions {
  /** Decay of the mean of gradients at the first step. Default 0.9. */
  readonly beta?: number;
  /** What that decay is multiplied by from step to step. Default 0.999. */
  readonly growth?: number;
  /** The mean of squares forgets by 1 - t^decay in step t; from -1 to 0. Default -0.5 (-0.8 for transformers). */
  readonly decay?: number;
  /** Added to the root of the latter. Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adam whose means are kept in factors (square-matricised momentum factorisation): a tensor of N entries is taken as a matrix of n x m = N with n
 * and m as close as they can be, and of m its signs, a bit each, and the rank-one factors of |m| are kept, of v the factors alone:
 * row and column sums, n + m numbers instead of n m. For non-negative matrices that keeps all row and column sums.
 *
 *     m = b m + (1 - b) g,  b = beta growth^(t-1);   v = c v + (1 - c) g^2,  c = 1 - t^decay;   x - rate m / (sqrt(v) + epsilon)
 *
 * Cores and bases as in `momentRule`. Worth it for dense layers; a core of r x r has little to save.
 * Throws a RangeError for a decay or epsilon that makes no sense, or an unknown option. [park2025smmf]
 */
export function smmf(options: SmmfOptions = {}): Rule {
  checkKeys("smmf", options, { beta: true, growth: true, decay: true, epsilon: true });
  const { beta = 0.9, growth = 0.999, decay = -0.5, epsilon = 1e-8 } = options;
  for (const [name, value] of Object.entries({ beta, growth }))
    if (!(value >= 0 && value <= 1)) throw new RangeError(`smmf: ${name} is ${value}, expected a number from 0 to 1`);
  if (!(decay >= -1 && decay <= 0)) throw new RangeError(`smmf: decay is ${decay}, expected a number from -1 to 0`);
  if (!(epsilon > 0)) throw new RangeError(`smmf: epsilon is ${epsilon}, expected a positive number`);
  return momentRule<Compressed>({
    name: "SMMF",
    step(x, gradient, { m, v, count }, rate) {
      const next = { x: copy(x), m: tensor(x.shape), v: tensor(x.shape), count: count + 1 };
      const [b, c] = [beta * growth ** count, 1 - next.count ** decay];
      for (let p = 0; p < x.data.length; p++) {
        const g = gradient.data[p]!;
        next.m.data[p] = b * m.data[p]! + (1 - b) * g;
        next.v.data[p] = c * v.data[p]! + (1 - c) * g * g;
        next.x.data[p]! -= (rate * next.m.data[p]!) / (Math.sqrt(next.v.data[p]!) + epsilon);
      }
      return next;
    },
    pack: ({ m, v, count }) => ({ signs: signsOf(m), size: factorsOf(m), squares: factorsOf(v), count }),
    unpack({ signs, size, squares, count }, shape) {
      const m = product(size, shape);
      for (let p = 0; p < m.data.length; p++) if (isNegative(signs, p)) m.data[p] = -m.data[p]!;
      return { m, v: product(squares, shape), count };
    },
    memory(shape) {
      const [rows, columns] = squarest(sizeOf(shape));
      return 16 * (rows + columns) + Math.ceil((rows * columns) / 8);
    },
  });
}

/** Means in factors. */
interface Compressed extends Pick<Moments, "count"> {
  /** A bit for each entry of m: whether it is negative. */
  readonly signs: Uint8Array;
  readonly size: RankOne;
  readonly squares: RankOne;
}

/** rows columns^T. */
interface RankOne {
  readonly rows: Float64Array;
  readonly columns: Float64Array;
}

/** The sizes of the matrix of `count` entries that is nearest to a square. */
function squarest(count: number): readonly [number, number] {
  let rows = Math.floor(Math.sqrt(count));
  while (count % rows !== 0) rows--;
  return [rows, count / rows];
}

/** Row and column sums of the absolute values; the shorter is divided by its sum. */
function factorsOf({ data }: Tensor): RankOne {
  const [n, m] = squarest(data.length);
  const [rows, columns] = [new Float64Array(n), new Float64Array(m)];
  let sum = 0;
  for (let i = 0, p = 0; i < n; i++)
    for (let j = 0; j < m; j++, p++) {
      const size = Math.abs(data[p]!);
      rows[i]! += size;
      columns[j]! += size;
      sum += size;
    }
  if (sum > 0) for (let i = 0; i < n; i++) rows[i]! /= sum;
  return { rows, columns };
}

function product({ rows, columns }: RankOne, shape: readonly number[]): Tensor {
  const out = tensor(shape);
  for (let i = 0, p = 0; i < rows.length; i++)
    for (let j = 0; j < columns.length; j++, p++) out.data[p] = rows[i]! * columns[j]!;
  return out;
}

function signsOf({ data }: Tensor): Uint8Array {
  const bits = new Uint8Array(Math.ceil(data.length / 8));
  for (let p = 0; p < data.length; p++) if (data[p]! < 0) bits[p >> 3]! |= 1 << (p & 7);
  return bits;
}

const isNegative = (bits: Uint8Array, p: number): boolean => (bits[p >> 3]! & (1 << (p & 7))) !== 0;
