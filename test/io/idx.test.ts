import { gzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { IdxError, readIdx } from "../../src/io/index.ts";

/** A file with this type, these sizes and entries. */
const file = (sizes: readonly number[], entries: readonly number[], type = 8): Uint8Array =>
  Uint8Array.from([
    0,
    0,
    type,
    sizes.length,
    ...sizes.flatMap((n) => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]),
    ...entries,
  ]);

describe("arrays of bytes in the IDX format", () => {
  test.each([
    ["as it is", (bytes: Uint8Array) => bytes],
    ["packed", (bytes: Uint8Array) => gzipSync(bytes)],
    [
      "inside a larger buffer",
      (bytes: Uint8Array) => Uint8Array.from([9, 9, ...bytes, 9]).subarray(2, 2 + bytes.length),
    ],
  ])("%s", (_, form) => {
    const { shape, data } = readIdx(form(file([2, 1, 3], [1, 2, 3, 254, 255, 0])));
    expect(shape).toEqual([2, 1, 3]);
    expect([...data]).toEqual([1, 2, 3, 254, 255, 0]);
  });

  test.each<[string, Uint8Array]>([
    ["does not start with two zero bytes", Uint8Array.from([1, 2, 3, 4, 5])],
    ["does not start with two zero bytes", new Uint8Array(0)],
    ["entries have type 13, expected 8", file([1], [0, 0, 0, 0], 13)],
    ["0 sizes in a file of 4 bytes", file([], [])],
    ["the sizes 2x3 need 18 bytes, the file has 17", file([2, 3], [1, 2, 3, 4, 5])],
    ["the sizes 2 need 10 bytes, the file has 11", file([2], [1, 2, 3])],
    ["cannot be unpacked", gzipSync(file([40], Array(40).fill(7))).map((b, i) => (i > 9 && i < 14 ? 255 : b))],
    ["packed bytes claim to be", gzipSync(file([1], [1])).map((b, i, all) => (i === all.length - 1 ? 127 : b))],
    ["packed bytes claim to be", Uint8Array.from([0x1f, 0x8b, 0, 0, 0, 0])],
  ])("%s: refused", (message, bytes) => {
    expect(() => readIdx(bytes)).toThrow(IdxError);
    expect(() => readIdx(bytes)).toThrow(message);
  });
});
