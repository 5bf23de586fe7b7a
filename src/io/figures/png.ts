import { zlibSync } from "fflate";
import { crc32 } from "../crc32.ts";

/**
 * A picture of `width` x `height` pixels as a PNG file: row-major indices, from the top left, into up to 256 colors
 * (red, green, blue from 0 to 255). Equal pictures give equal bytes.
 */
export function indexedPng(
  width: number,
  height: number,
  pixels: Uint8Array,
  colors: readonly (readonly [number, number, number])[],
): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 3, 0, 0, 0], 8); // eight bits a pixel, indexed, neither filtered by type nor interlaced
  const rows = new Uint8Array(height * (width + 1)); // each behind a byte 0: no filter
  for (let j = 0; j < height; j++) rows.set(pixels.subarray(j * width, (j + 1) * width), j * (width + 1) + 1);
  return joined([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from(colors.flat())),
    chunk("IDAT", zlibSync(rows, { level: 9 })),
    chunk("IEND", new Uint8Array()),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const checked = joined([new TextEncoder().encode(type), data]);
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, data.length);
  ends.setUint32(4, crc32(checked));
  const bytes = new Uint8Array(ends.buffer);
  return joined([bytes.subarray(0, 4), checked, bytes.subarray(4)]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}
