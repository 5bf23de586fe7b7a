import { encode, type NumberKind, wordsOf } from "./encoding.ts";

/** The layout of the array of numbers on the device: what is uploaded stands before what is only reserved. */
export class Heap {
  readonly kind: NumberKind;
  readonly #parts: { readonly data: Float64Array; readonly factor: number; readonly at: number }[] = [];
  #uploaded = 0;
  #size = 0;

  constructor(kind: NumberKind) {
    this.kind = kind;
  }

  /** Numbers so far. */
  get size(): number {
    return this.#size;
  }

  /** Room for data that is uploaded, times `factor`; its offset. */
  add(data: Float64Array, factor = 1): number {
    if (this.#uploaded !== this.#size)
      throw new RangeError("Heap: what is uploaded has to stand before what is reserved");
    const at = this.#size;
    this.#parts.push({ data, factor, at });
    this.#size += data.length / (this.kind.dtype === "complex128" ? 2 : 1);
    this.#uploaded = this.#size;
    return at;
  }

  /** Room for so many numbers; their offset. */
  reserve(numbers: number): number {
    const at = this.#size;
    this.#size += numbers;
    return at;
  }

  /** The uploaded part. */
  encoded(): Float32Array<ArrayBuffer> {
    const words = wordsOf(this.kind);
    const out = new Float32Array(this.#uploaded * words);
    for (const { data, factor, at } of this.#parts) encode(this.kind, data, out, at * words, factor);
    return out;
  }
}
