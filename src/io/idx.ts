import { gunzipSync } from "fflate";

/** A file in the IDX format that is damaged, or of a kind this reader does not know. */
export class IdxError extends Error {
  override readonly name = "IdxError";
}

/** An array of bytes, row-major. */
export interface ByteArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Bytes after unpacking that are still believed. */
const largest = 2 ** 30;

/**
 * Reads an array of unsigned bytes in the IDX format (images and labels of the MNIST family), packed by gzip or not: two zero bytes, the
 * type 8, the number of modes, their sizes as big-endian 32-bit integers, the entries.
 * Throws an IdxError that says what is wrong; every size is checked against the file.
 */
export function readIdx(file: Uint8Array): ByteArray {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? unpacked(file) : file;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0) throw new IdxError("idx: does not start with two zero bytes");
  const [type, order] = [bytes[2]!, bytes[3]!];
  if (type !== 8) throw new IdxError(`idx: entries have type ${type}, expected 8 (unsigned bytes)`);
  const start = 4 + 4 * order;
  if (order === 0 || bytes.length < start) throw new IdxError(`idx: ${order} sizes in a file of ${bytes.length} bytes`);
  const shape = Array.from({ length: order }, (_, k) => view.getUint32(4 + 4 * k));
  const size = shape.reduce((p, n) => p * n, 1);
  if (bytes.length !== start + size)
    throw new IdxError(`idx: the sizes ${shape.join("x")} need ${start + size} bytes, the file has ${bytes.length}`);
  return { shape, data: bytes.slice(start) };
}

function unpacked(file: Uint8Array): Uint8Array {
  const size = new DataView(file.buffer, file.byteOffset, file.byteLength).getUint32(file.length - 4, true);
  // deflate shrinks at most 1032 times: a larger claim is a lie, and not worth the memory
  if (file.length < 18 || size > largest || size > 1032 * file.length)
    throw new IdxError(`idx: ${file.length} packed bytes claim to be ${size}`);
  try {
    const bytes = gunzipSync(file, { out: new Uint8Array(size) });
    if (bytes.length !== size) throw new Error(`${bytes.length} bytes, expected ${size}`);
    return bytes;
  } catch (cause) {
    throw new IdxError(`idx: cannot be unpacked: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
