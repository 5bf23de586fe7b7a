/** A message of protocol buffers: its fields in the order in which they are added. */
export class Message {
  readonly #parts: Uint8Array[] = [];

  /** A field of a varint: an integer of zero or more. */
  integer(field: number, value: number): this {
    this.#parts.push(varint(field * 8), varint(value));
    return this;
  }

  /** A field of text, bytes or another message, with its length. */
  bytes(field: number, value: string | Uint8Array | Message): this {
    const content =
      value instanceof Message ? value.encoded() : typeof value === "string" ? new TextEncoder().encode(value) : value;
    this.#parts.push(varint(field * 8 + 2), varint(content.length), content);
    return this;
  }

  encoded(): Uint8Array {
    const out = new Uint8Array(this.#parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

/** Seven bits a byte, the lowest first; the eighth says that there are more. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
