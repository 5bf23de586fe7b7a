import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../../src/io/npy.ts";
import { type NpyArray, NpyError, readNpz, writeNpz, ZipError } from "../../src/io/npz.ts";

const bits = (array: NpyArray): unknown =>
  array.dtype === "string"
    ? array.data
    : Buffer.from(array.data.buffer, array.data.byteOffset, array.data.byteLength).toString("hex");

const expectSame = (actual: NpyArray | undefined, expected: NpyArray): void => {
  expect(actual?.dtype).toBe(expected.dtype);
  expect(actual?.shape).toEqual(expected.shape);
  expect(bits(actual!)).toEqual(bits(expected));
};

const special = fc.constantFrom(
  0,
  -0,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Infinity,
  -Infinity,
  NaN,
);
const numbers = (length: number) =>
  fc.array(fc.oneof(fc.double(), special), { minLength: length, maxLength: length }).map((x) => Float64Array.from(x));
const text = fc.string({ unit: "grapheme", maxLength: 8 }).filter((s) => !s.endsWith("\0"));
const array: fc.Arbitrary<NpyArray> = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }).chain((shape) => {
  const n = shape.reduce((p, k) => p * k, 1);
  return fc.oneof(
    numbers(n).map((data): NpyArray => ({ dtype: "float64", shape, data })),
    numbers(2 * n).map((data): NpyArray => ({ dtype: "complex128", shape, data })),
    fc
      .array(fc.integer(), { minLength: n, maxLength: n })
      .map((x): NpyArray => ({ dtype: "int32", shape, data: Int32Array.from(x) })),
    fc.array(text, { minLength: n, maxLength: n }).map((data): NpyArray => ({ dtype: "string", shape, data })),
  );
});

const examples: Readonly<Record<string, NpyArray>> = {
  real: { dtype: "float64", shape: [2, 3], data: Float64Array.of(1, -0, 5e-324, Number.MAX_VALUE, Math.PI, -Infinity) },
  complex: { dtype: "complex128", shape: [2, 1], data: Float64Array.of(1, 2, -0, 4e-310) },
  integers: { dtype: "int32", shape: [3], data: Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1) },
  names: { dtype: "string", shape: [2, 2], data: ["", "energy", "⟨σz⟩", "𝔥"] },
  "ranks/edge 1": { dtype: "float64", shape: [], data: Float64Array.of(7) },
  empty: { dtype: "complex128", shape: [3, 0, 2], data: new Float64Array(0) },
};

describe("an npz archive", () => {
  it("gives back every array bit for bit", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.stringMatching(/^[A-Za-z][\w/ .-]{0,11}$/).filter((s) => !s.includes("..")),
          array,
          { maxKeys: 4 },
        ),
        (arrays) => {
          const back = readNpz(writeNpz(arrays));
          expect(Object.keys(back).sort()).toEqual(Object.keys(arrays).sort());
          for (const [name, expected] of Object.entries(arrays)) expectSame(back[name], expected);
        },
      ),
    );
  });

  it("writes only the part of a buffer that an array views, and returns memory of its own", () => {
    const data = new Float64Array([9, 1, 2, 9]).subarray(1, 3);
    const bytes = writeNpz({ a: { dtype: "float64", shape: [2], data } });
    const back = readNpz(bytes)["a"]!;
    expect(back.data).toEqual(Float64Array.of(1, 2));
    expect((back.data as Float64Array).buffer.byteLength).toBe(16);
    const padded = new Uint8Array(bytes.length + 3);
    padded.set(bytes, 3);
    expectSame(readNpz(padded.subarray(3))["a"], back);
    expectSame(readNpz(Buffer.from(bytes))["a"], back);
    expectSame(decodeNpy(Buffer.from(encodeNpy(back))), back);
  });

  it("has the same bytes for the same arrays", () => {
    expect(writeNpz(examples)).toEqual(writeNpz(examples));
  });

  it("notices any damaged byte of the contents", () => {
    const bytes = writeNpz({ a: examples["real"]! });
    const body = bytes.length - 22 - 46 - 5;
    for (let k = 30 + 5; k < body; k++) {
      const damaged = bytes.slice();
      damaged[k]! ^= 0x10;
      expect(() => readNpz(damaged), `byte ${k}`).toThrow(/damaged|bytes|checksum/);
    }
  });

  it("fails with a typed error, whatever the bytes are", () => {
    const bytes = writeNpz(examples);
    const typed = (f: () => unknown): void => {
      try {
        f();
      } catch (error) {
        expect(error instanceof ZipError || error instanceof NpyError, String(error)).toBe(true);
      }
    };
    for (let n = 0; n < bytes.length; n += 7) expect(() => readNpz(bytes.subarray(0, n))).toThrow(ZipError);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (edits) => {
          const damaged = bytes.slice();
          for (const [k, value] of edits) damaged[k] = value;
          typed(() => readNpz(damaged));
        },
      ),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => typed(() => readNpz(noise))));
  });

  it("refuses to unpack beyond the limit", () => {
    const bytes = writeNpz({ a: { dtype: "float64", shape: [100000], data: new Float64Array(100000) } });
    expect(bytes.length).toBeLessThan(5000);
    expect(() => readNpz(bytes, 100000)).toThrow(/more than 100000 bytes/);
  });

  it("refuses names that are no array's", () => {
    const a = examples["real"]!;
    for (const name of ["", "../a", "/a", "a\0", "b\\a"]) expect(() => writeNpz({ [name]: a })).toThrow(RangeError);
    expect(() => writeNpz(JSON.parse('{"__proto__": 1}'))).toThrow(RangeError);
    expect(() => readNpz(zipSync({ "notes.txt": new Uint8Array(3) }))).toThrow(
      /'notes.txt' is not the file of an array/,
    );
    expect(() => readNpz(zipSync({ "a.npy": new Uint8Array(30) }))).toThrow(/array 'a': npy: no magic string/);
  });
});

describe("an npy file", () => {
  const forge = (header: string, body = new Uint8Array(0), version = 1): Uint8Array => {
    const head = new TextEncoder().encode(header);
    const size =
      version === 1
        ? [head.length & 255, head.length >> 8]
        : [head.length & 255, (head.length >> 8) & 255, (head.length >> 16) & 255, head.length >>> 24];
    return Uint8Array.from([0x93, ...new TextEncoder().encode("NUMPY"), version, 0, ...size, ...head, ...body]);
  };
  const good = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n";
  const eight = new Uint8Array(8);

  it("begins its data at a multiple of 64 bytes", () => {
    for (const a of Object.values(examples)) {
      const bytes = encodeNpy(a);
      const start = 10 + bytes[8]! + 256 * bytes[9]!;
      expect(start % 64).toBe(0);
      expect(bytes[start - 1]).toBe(10);
    }
  });

  it("is read in versions 1, 2 and 3, with its entries in any order", () => {
    for (const version of [1, 2, 3]) expect(decodeNpy(forge(good, eight, version)).data).toEqual(Float64Array.of(0));
    expect(
      decodeNpy(forge(`{"shape": (1, 1), "descr": "<i4", "fortran_order": False}`, new Uint8Array(4))).shape,
    ).toEqual([1, 1]);
  });

  it("comes back row-major from Fortran order", () => {
    const columns = new Uint8Array(Float64Array.of(11, 21, 12, 22, 13, 23).buffer);
    const header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n";
    expect(decodeNpy(forge(header, columns)).data).toEqual(Float64Array.of(11, 12, 13, 21, 22, 23));
    const complexHeader = "{'descr': '<c16', 'fortran_order': True, 'shape': (1, 3), }\n";
    expect(decodeNpy(forge(complexHeader, columns)).data).toEqual(Float64Array.of(11, 21, 12, 22, 13, 23));
  });

  it.each([
    ["another magic string", Uint8Array.from({ length: 80 }), "no magic string"],
    ["a future version", forge(good, eight, 4), "version 4.0"],
    [
      "a header beyond 1 MiB",
      Uint8Array.from([...forge(good, eight, 2).slice(0, 8), 1, 0, 16, 0, 32]),
      "at most 1048576",
    ],
    ["a truncated header", forge(good).slice(0, 40), "truncated inside the header"],
    ["missing data", forge(good, new Uint8Array(7)), "disagrees with 7 bytes"],
    ["trailing bytes", forge(good, new Uint8Array(9)), "disagrees with 9 bytes"],
    ["a shape whose product overflows", forge(good.replace("(1,)", "(4294967296, 4294967296, 0)")), "disagrees"],
    ["an unknown type", forge(good.replace("<f8", "<f4"), eight), "type '<f4', known"],
    ["big-endian numbers", forge(good.replace("<f8", ">f8"), eight), "type '>f8'"],
    ["Python objects", forge(good.replace("<f8", "|O"), eight), "type '|O'"],
    ["a negative size", forge(good.replace("(1,)", "(-1,)"), eight), "unreadable"],
    ["a shape without a comma", forge(good.replace("(1,)", "(1)"), eight), "no tuple"],
    ["a missing entry", forge("{'descr': '<f8', 'shape': (1,)}", eight), "no 'fortran_order'"],
    ["a repeated entry", forge("{'descr': '<f8', 'descr': '<f8'}", eight), "'descr' twice"],
    ["an unknown entry", forge(good.replace("{", "{'x': True, "), eight), "unknown entries"],
    ["code after the dictionary", forge(`${good.trim()}; import os`, eight), "unreadable"],
    ["an impossible character", forge(good.replace("<f8", "<U1"), Uint8Array.of(0, 0, 0, 1)), "no Unicode character"],
  ])("with %s is refused", (_, bytes, message) => {
    expect(() => decodeNpy(bytes)).toThrow(NpyError);
    expect(() => decodeNpy(bytes)).toThrow(message);
  });

  it("cannot be written from data of another size, or from strings that would change", () => {
    expect(() => encodeNpy({ dtype: "complex128", shape: [2], data: new Float64Array(2) })).toThrow(/does not fit 2/);
    expect(() => encodeNpy({ dtype: "float64", shape: [1.5], data: new Float64Array(1) })).toThrow(RangeError);
    expect(() => encodeNpy({ dtype: "string", shape: [1], data: ["a\0"] })).toThrow(/NUL/);
    expect(() => encodeNpy({ dtype: "string", shape: [1], data: ["\ud800"] })).toThrow(/half a character/);
  });
});

const hasNumpy = spawnSync("python3", ["-c", "import numpy"]).status === 0;

describe.skipIf(!hasNumpy)(`NumPy${hasNumpy ? "" : " (skipped: python3 with numpy not found)"}`, () => {
  const inFolder = (body: (folder: string) => void): void => {
    const folder = mkdtempSync(join(tmpdir(), "dlra-npz-"));
    try {
      body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it("reads what is written, bit for bit", () =>
    inFolder((folder) => {
      writeFileSync(join(folder, "a.npz"), writeNpz(examples));
      const script = `
import numpy, json, sys
z = numpy.load(sys.argv[1], allow_pickle=False)
print(json.dumps({k: [z[k].dtype.str, list(z[k].shape), z[k].tolist() if z[k].dtype.kind == "U" else z[k].tobytes().hex()] for k in z.files}))`;
      const seen = JSON.parse(execFileSync("python3", ["-c", script, join(folder, "a.npz")], { encoding: "utf8" }));
      for (const [name, a] of Object.entries(examples)) {
        const [descr, shape, content] = seen[name];
        expect(shape).toEqual(a.shape);
        expect(descr).toBe(
          a.dtype === "string" ? "<U6" : { float64: "<f8", complex128: "<c16", int32: "<i4" }[a.dtype],
        );
        expect(a.dtype === "string" ? content.flat() : content).toEqual(bits(a));
      }
    }));

  it("writes what is read, Fortran order and both kinds of archive included", () =>
    inFolder((folder) => {
      const script = `
import numpy, sys
a = dict(r=numpy.arange(6.).reshape(2, 3), f=numpy.arange(24.).reshape(2, 3, 4).transpose(2, 0, 1).copy(order="F"), c=numpy.array([1+2j, 3]), i=numpy.array(5, dtype="i4"), s=numpy.array(["ab", "⟨"]))
numpy.savez(sys.argv[1] + "/stored.npz", **a)
numpy.savez_compressed(sys.argv[1] + "/packed.npz", **a)`;
      execFileSync("python3", ["-c", script, folder]);
      for (const name of ["stored.npz", "packed.npz"]) {
        const { r, f, c, i, s } = readNpz(readFileSync(join(folder, name)));
        expectSame(r, { dtype: "float64", shape: [2, 3], data: Float64Array.of(0, 1, 2, 3, 4, 5) });
        const expected = Float64Array.from({ length: 24 }, (_, p) => (p % 6) * 4 + Math.floor(p / 6));
        expectSame(f, { dtype: "float64", shape: [4, 2, 3], data: expected });
        expectSame(c, { dtype: "complex128", shape: [2], data: Float64Array.of(1, 2, 3, 0) });
        expectSame(i, { dtype: "int32", shape: [], data: Int32Array.of(5) });
        expectSame(s, { dtype: "string", shape: [2], data: ["ab", "⟨"] });
      }
    }));

  it("writes the same npy bytes as encodeNpy", () => {
    const script =
      "import numpy, io, sys; f = io.BytesIO(); numpy.save(f, numpy.arange(6.).reshape(2, 3)); sys.stdout.buffer.write(f.getvalue())";
    const theirs = execFileSync("python3", ["-c", script]);
    const ours = encodeNpy({ dtype: "float64", shape: [2, 3], data: Float64Array.of(0, 1, 2, 3, 4, 5) });
    expect(Buffer.from(ours).toString("latin1")).toBe(theirs.toString("latin1"));
  });
});
