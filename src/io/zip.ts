import { inflateSync, zipSync } from "fflate";
import { crc32 } from "./crc32.ts";

/** A zip archive that is damaged, truncated, or uses what this reader does not know. */
export class ZipError extends Error {
  override readonly name = "ZipError";
}

const LARGEST = 2 ** 32 - 1;
/** The zip format begins in 1980; a fixed date makes equal contents equal bytes. */
const DATE = new Date(1980, 0, 1);

/**
 * Packs named files into a zip archive (deflate), deterministically.
 * Throws a ZipError beyond the 4 GiB that archives without the zip64 extension can hold.
 */
export function packZip(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const size = Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0);
  if (size > LARGEST / 2) throw new ZipError(`zip: ${size} bytes are more than the 2 GiB that are supported`);
  return zipSync({ ...files }, { level: 6, mtime: DATE });
}

/**
 * The files of a zip archive, in the order of its directory. Every length is checked against the archive and every
 * file against its checksum; a ZipError says what is wrong. `limit` bounds the total size after unpacking, so that a
 * small malicious archive cannot fill the memory.
 */
export function unpackZip(bytes: Uint8Array, limit = 2 ** 31): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const files = new Map<string, Uint8Array>();
  let at = view.getUint32(end + 16, true);
  let total = 0;
  for (let k = 0; k < count; k++) {
    const entry = readEntry(view, bytes, at, end);
    total += entry.size;
    if (total > limit) throw new ZipError(`zip: unpacks to more than ${limit} bytes`);
    if (files.has(entry.name)) throw new ZipError(`zip: two files are called '${entry.name}'`);
    files.set(entry.name, extract(view, bytes, entry));
    at = entry.next;
  }
  return files;
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly header: number;
  readonly next: number;
}

/** Position of the end record, which a comment of up to 64 KiB may follow. */
function findEnd(view: DataView): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 65535); at--)
    if (view.getUint32(at, true) === 0x06054b50 && at + 22 + view.getUint16(at + 20, true) === view.byteLength)
      return at;
  throw new ZipError("zip: no end record: not a zip archive, or truncated");
}

function readEntry(view: DataView, bytes: Uint8Array, at: number, end: number): Entry {
  if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) throw new ZipError("zip: damaged directory");
  const flags = view.getUint16(at + 8, true);
  const nameEnd = at + 46 + view.getUint16(at + 28, true);
  const next = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  if (next > end) throw new ZipError("zip: damaged directory");
  const name = new TextDecoder().decode(bytes.subarray(at + 46, nameEnd));
  const [crc, packed, size, header] = [
    view.getUint32(at + 16, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 24, true),
    view.getUint32(at + 42, true),
  ] as const;
  if (flags & 1) throw new ZipError(`zip: '${name}' is encrypted`);
  if ([packed, size, header].includes(LARGEST))
    throw new ZipError(`zip: '${name}' needs zip64, which is not supported`);
  return { name, method: view.getUint16(at + 10, true), crc, packed, size, header, next };
}

function extract(view: DataView, bytes: Uint8Array, { name, method, crc, packed, size, header }: Entry): Uint8Array {
  if (header + 30 > bytes.length || view.getUint32(header, true) !== 0x04034b50)
    throw new ZipError(`zip: '${name}' is not where the directory says`);
  const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  if (start + packed > bytes.length) throw new ZipError(`zip: '${name}' is truncated`);
  const raw = bytes.subarray(start, start + packed);
  const file = method === 0 ? new Uint8Array(raw) : method === 8 ? inflate(raw, size, name) : undefined;
  if (!file) throw new ZipError(`zip: '${name}' has compression method ${method}, known: 0 and 8`);
  if (file.length !== size) throw new ZipError(`zip: '${name}' has ${file.length} bytes, the directory says ${size}`);
  if (crc32(file) !== crc) throw new ZipError(`zip: '${name}' is damaged: its checksum differs`);
  return file;
}

function inflate(raw: Uint8Array, size: number, name: string): Uint8Array {
  try {
    // deflate shrinks at most 1032 times: a larger claim is a lie, and not worth the memory
    if (size > 1032 * raw.length + 1032) throw new Error(`${size} bytes cannot come from ${raw.length}`);
    return inflateSync(raw, { out: new Uint8Array(size) });
  } catch (cause) {
    throw new ZipError(`zip: '${name}' is damaged: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
