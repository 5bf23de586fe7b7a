import { type Dtype, width } from "../linalg/tensor.ts";
import type { Precision } from "./precision.ts";

/** The kinds of number that kernels are written for. */
export interface NumberKind {
  readonly dtype: Dtype;
  readonly precision: Precision;
}

/** float32 words of one number: real or complex, each part alone or as a pair (high, low). */
export const wordsOf = ({ dtype, precision }: NumberKind): number => width(dtype) * (precision === "float32" ? 1 : 2);

/** Writes `count` numbers, from `from` on and times `factor`, as float32 words; high = fl(x), low = fl(x - high). */
export function encode(kind: NumberKind, data: Float64Array, into: Float32Array, at: number, factor = 1): void {
  if (kind.precision === "float32") {
    for (let i = 0; i < data.length; i++) into[at + i] = data[i]! * factor;
    return;
  }
  for (let i = 0; i < data.length; i++) {
    const x = data[i]! * factor;
    const high = Math.fround(x);
    into[at + 2 * i] = high;
    into[at + 2 * i + 1] = x - high;
  }
}

/** Reads back what `encode` wrote, times `factor`. */
export function decode(kind: NumberKind, words: Float32Array, at: number, into: Float64Array, factor = 1): void {
  if (kind.precision === "float32") for (let i = 0; i < into.length; i++) into[i] = words[at + i]! * factor;
  else for (let i = 0; i < into.length; i++) into[i] = (words[at + 2 * i]! + words[at + 2 * i + 1]!) * factor;
}
