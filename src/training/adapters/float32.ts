import { type Tensor, tensor } from "../../linalg/tensor.ts";
import { orthonormalize } from "../../ttn/gauge.ts";
import { factorsOf, matrixNetwork } from "../../ttn/matrix-rhs.ts";
import { tree } from "../../ttn/tree.ts";
import { modeSizes, type TTN } from "../../ttn/ttn.ts";

/** A matrix U S V^T as other runtimes keep it: float32, row-major, all ranks padded with zero columns to one that stays. */
export interface PaddedFactors {
  /** Rows x rank. */
  readonly u: Float32Array;
  /** Rank x rank. */
  readonly s: Float32Array;
  /** Columns x rank. */
  readonly v: Float32Array;
}

/** A tensor of numbers that came from another runtime. */
export const fromFloats = (shape: readonly number[], values: ArrayLike<number>): Tensor =>
  tensor(shape, "float64", Float64Array.from(values));

/** A state over two modes in padded factors. Throws a RangeError when its rank is larger than `rank`. */
export function toPadded(y: TTN, rank: number): PaddedFactors {
  const { u, s, v } = factorsOf(y);
  const most = Math.max(...s.shape);
  if (most > rank) throw new RangeError(`toPadded: the rank is ${most}, there is room for ${rank}`);
  const [rows, columns] = modeSizes(y) as [number, number];
  return { u: widened(u, rows, rank), s: widened(s, rank, rank), v: widened(v, columns, rank) };
}

/**
 * The matrix of padded factors as a state, bases orthonormalised; its rank is the number of columns up to the last of U that is not zero.
 * Throws a RangeError when there are numbers that are not finite, or U is zero.
 */
export function fromPadded({ u, s, v }: PaddedFactors, rows: number, columns: number): TTN {
  const width = u.length / rows;
  if (![u, s, v].every((a) => a.every(Number.isFinite)))
    throw new RangeError("low-rank weight: its factors have numbers that are not finite");
  const rank = rankOfPadded(u, rows);
  if (rank === 0) throw new RangeError("low-rank weight: U is zero, expected a basis");
  const [left, core, right] = [
    corner(u, rows, rank, width),
    corner(s, rank, rank, width),
    corner(v, columns, rank, width),
  ];
  return orthonormalize(matrixNetwork(matrixTree, { left, core, right }));
}

/** The first rows and columns of a padded matrix. */
export function corner(a: ArrayLike<number>, rows: number, columns: number, width: number): Tensor {
  const out = tensor([rows, columns]);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out.data[i * columns + j] = a[i * width + j]!;
  return out;
}

/** The number of columns up to the last that is not zero. */
export function rankOfPadded(u: ArrayLike<number>, rows: number): number {
  const width = u.length / rows;
  for (let j = width - 1; j >= 0; j--) for (let i = 0; i < rows; i++) if (u[i * width + j] !== 0) return j + 1;
  return 0;
}

/**
 * A weight that lives in two places: in float64, where it is stepped, and in the padded factors of another runtime. As long as those are what was
 * written last, reading gives back what was written, not what is left of it in float32; otherwise someone else has changed them.
 */
export class MirroredWeight {
  readonly rows: number;
  readonly columns: number;
  readonly rankMax: number;
  #value: TTN | null = null;
  #written: PaddedFactors | null = null;

  constructor(rows: number, columns: number, rankMax: number) {
    this.rows = rows;
    this.columns = columns;
    this.rankMax = rankMax;
  }

  /** Where the weight is; what someone else has written is made into a weight by `prepare`. */
  read(factors: PaddedFactors, prepare: (y: TTN) => TTN = (y) => y): TTN {
    const known = this.#written;
    const isKnown =
      known && sameEntries(known.s, factors.s) && sameEntries(known.u, factors.u) && sameEntries(known.v, factors.v);
    if (isKnown) return this.#value!;
    return prepare(fromPadded(factors, this.rows, this.columns));
  }

  write(value: TTN): PaddedFactors {
    this.#value = value;
    this.#written = toPadded(value, this.rankMax);
    return this.#written;
  }
}

/** Rows first, columns second. */
const matrixTree = tree([0, 1]);

function widened({ shape, data }: Tensor, rows: number, width: number): Float32Array {
  const [, columns] = shape as [number, number];
  const out = new Float32Array(rows * width);
  for (let i = 0; i < shape[0]!; i++) for (let j = 0; j < columns; j++) out[i * width + j] = data[i * columns + j]!;
  return out;
}

const sameEntries = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, k) => value === b[k]);
