/** An array as NumPy stores it: row-major, complex entries interleaved (re, im). A `Tensor` is one. */
export type NpyArray =
  | { readonly dtype: "float64" | "complex128"; readonly shape: readonly number[]; readonly data: Float64Array }
  | { readonly dtype: "int32"; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: "string"; readonly shape: readonly number[]; readonly data: readonly string[] };

/** Bytes that are not an npy file, or one that this reader does not support. */
export class NpyError extends Error {
  override readonly name = "NpyError";
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const LONGEST_HEADER = 2 ** 20;
const MOST_DIMENSIONS = 64;

/** What the bytes of one entry mean. Multi-byte numbers are little-endian, as on every machine that runs Node. */
type Layout =
  | { readonly dtype: "float64" | "complex128" | "int32"; readonly bytes: number }
  | { readonly dtype: "string"; readonly bytes: number };

/**
 * The array as an npy file (format 1.0, or 2.0 for a long header), byte for byte what `numpy.save` writes:
 * float64 as `<f8`, complex128 as `<c16`, int32 as `<i4`, strings as `<U`.
 * Throws a RangeError when the shape does not fit the data or a string cannot be stored.
 */
export function encodeNpy(array: NpyArray): Uint8Array {
  const { dtype, shape, data } = array;
  const size = checkedSize(shape);
  const expected = size === undefined ? undefined : size * (dtype === "complex128" ? 2 : 1);
  if (data.length !== expected)
    throw new RangeError(`encodeNpy: shape [${shape.join(", ")}] of ${dtype} does not fit ${data.length} numbers`);
  if (dtype === "string") {
    const points = data.map((text, k) => codePoints(text, k));
    const longest = points.reduce((most, p) => Math.max(most, p.length), 1);
    const words = new Uint32Array(longest * points.length);
    for (const [k, p] of points.entries()) words.set(p, k * longest);
    return join(`<U${longest}`, shape, words);
  }
  return join(dtype === "float64" ? "<f8" : dtype === "complex128" ? "<c16" : "<i4", shape, data);
}

/**
 * The array in an npy file, in memory of its own. Arrays in Fortran order come back row-major.
 * Throws an NpyError that says what is wrong: another magic string, version or type, a header that is too long or
 * cannot be read, a shape that disagrees with the number of bytes.
 */
export function decodeNpy(bytes: Uint8Array): NpyArray {
  const { descr, fortran, shape, start } = readHeader(bytes);
  const layout = layoutOf(descr);
  const size = checkedSize(shape);
  const given = bytes.length - start;
  if (size === undefined || size * layout.bytes !== given)
    throw new NpyError(`npy: shape [${shape.join(", ")}] of ${descr} disagrees with ${given} bytes of data`);
  // a copy, aligned for any entry; a Buffer's own `slice` would only be a view
  const body = new Uint8Array(bytes.subarray(start)).buffer;
  if (layout.dtype === "string") {
    const words = new Uint32Array(body);
    const length = layout.bytes / 4;
    const strings = Array.from({ length: size }, (_, k) => decodeText(words.subarray(k * length, (k + 1) * length)));
    return { dtype: "string", shape, data: fortran ? rowMajor(strings, shape) : strings };
  }
  if (layout.dtype === "int32") {
    const data = new Int32Array(body);
    return { dtype: "int32", shape, data: fortran ? Int32Array.from(rowMajor([...data], shape)) : data };
  }
  const data = new Float64Array(body);
  return { dtype: layout.dtype, shape, data: fortran ? rowMajorNumbers(data, shape, layout.bytes / 8) : data };
}

/** Number of entries; undefined when the shape is not made of non-negative integers or the product overflows. */
function checkedSize(shape: readonly number[]): number | undefined {
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0)) return undefined;
  const size = shape.reduce((p, n) => p * n, 1);
  // every partial product matters: 2^60 * 0 * ... is not a size that the writer meant
  const isSafe = shape.filter((n) => n > 0).reduce((p, n) => p * n, 16) <= Number.MAX_SAFE_INTEGER;
  return isSafe ? size : undefined;
}

function join(descr: string, shape: readonly number[], data: ArrayBufferView): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const prefix = dictionary.length + 1 + 10 + 63 > 65535 ? 12 : 10;
  // the data begin at a multiple of 64, so that the file can be mapped into memory
  const start = Math.ceil((prefix + dictionary.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + data.byteLength).fill(0x20, prefix, start - 1);
  bytes.set(MAGIC);
  bytes[6] = prefix === 12 ? 2 : 1;
  const view = new DataView(bytes.buffer);
  if (prefix === 12) view.setUint32(8, start - prefix, true);
  else view.setUint16(8, start - prefix, true);
  bytes.set(new TextEncoder().encode(dictionary), prefix);
  bytes[start - 1] = 0x0a;
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return bytes;
}

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly start: number;
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < 10 || !MAGIC.every((byte, k) => bytes[k] === byte))
    throw new NpyError("npy: no magic string: not an npy file");
  const [major, minor] = [bytes[6]!, bytes[7]!];
  if (major < 1 || major > 3 || minor !== 0) throw new NpyError(`npy: version ${major}.${minor}, known: 1.0, 2.0, 3.0`);
  const prefix = major === 1 ? 10 : 12;
  if (bytes.length < prefix) throw new NpyError("npy: truncated before the header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER) throw new NpyError(`npy: header of ${length} bytes, at most ${LONGEST_HEADER} are read`);
  if (prefix + length > bytes.length) throw new NpyError("npy: truncated inside the header");
  const text = new TextDecoder().decode(bytes.subarray(prefix, prefix + length));
  return { ...parseDictionary(text), start: prefix + length };
}

/** The three entries of the header's Python dictionary, in any order; nothing else is allowed in it. */
function parseDictionary(text: string): Omit<Header, "start"> {
  const rest = new Map<string, string>();
  const pair = /\s*(?:'(\w+)'|"(\w+)")\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d,\sL]*\))\s*(,|(?=\}))/y;
  const body = text.trimEnd();
  const fail = (why: string): never => {
    throw new NpyError(`npy: ${why} in the header ${JSON.stringify(body.slice(0, 200))}`);
  };
  if (!body.startsWith("{")) fail("no dictionary");
  pair.lastIndex = 1;
  let end = 1;
  for (let m = pair.exec(body); m; m = pair.exec(body)) {
    const key = (m[1] ?? m[2])!;
    if (rest.has(key)) fail(`'${key}' twice`);
    rest.set(key, m[3]!);
    end = pair.lastIndex;
  }
  if (!/^\s*\}$/.test(body.slice(end))) fail("something unreadable");
  const [descr, order, shape] = ["descr", "fortran_order", "shape"].map((key) => rest.get(key) ?? fail(`no '${key}'`));
  if (rest.size !== 3) fail("unknown entries");
  if (!/^['"]/.test(descr!)) fail("a 'descr' that is no text");
  if (!/^(True|False)$/.test(order!)) fail("a 'fortran_order' that is neither True nor False");
  if (!/^\(\s*(\d+\s*,\s*)*(\d+\s*)?\)$/.test(shape!)) fail("a 'shape' that is no tuple of integers");
  const sizes = shape!.match(/\d+/g) ?? [];
  if (sizes.length === 1 && !shape!.includes(",")) fail("a 'shape' that is no tuple");
  if (sizes.length > MOST_DIMENSIONS) fail(`more than ${MOST_DIMENSIONS} dimensions`);
  return { descr: descr!.slice(1, -1), fortran: order === "True", shape: sizes.map(Number) };
}

function layoutOf(descr: string): Layout {
  if (descr === "<f8") return { dtype: "float64", bytes: 8 };
  if (descr === "<c16") return { dtype: "complex128", bytes: 16 };
  if (descr === "<i4") return { dtype: "int32", bytes: 4 };
  const text = /^<U([1-9]\d{0,6})$/.exec(descr);
  if (text) return { dtype: "string", bytes: 4 * Number(text[1]) };
  throw new NpyError(`npy: type '${descr}', known: <f8, <c16, <i4, <U`);
}

function codePoints(text: string, k: number): Uint32Array {
  const points = Uint32Array.from(text, (character) => character.codePointAt(0)!);
  if (points.at(-1) === 0) throw new RangeError(`encodeNpy: string ${k} ends with a NUL, which NumPy would drop`);
  if (points.some((p) => p >= 0xd800 && p < 0xe000))
    throw new RangeError(`encodeNpy: string ${k} has half a character`);
  return points;
}

function decodeText(words: Uint32Array): string {
  let length = words.length;
  while (length > 0 && words[length - 1] === 0) length--;
  const used = [...words.subarray(0, length)];
  const bad = used.find((p) => p > 0x10ffff || (p >= 0xd800 && p < 0xe000));
  if (bad !== undefined) throw new NpyError(`npy: ${bad} is no Unicode character`);
  return used.map((p) => String.fromCodePoint(p)).join("");
}

/** Entries from Fortran order, where the first index runs fastest, to row-major. */
function rowMajor<T>(entries: readonly T[], shape: readonly number[]): T[] {
  const index = shape.map(() => 0);
  return entries.map(() => {
    let at = 0;
    for (let k = shape.length - 1; k >= 0; k--) at = at * shape[k]! + index[k]!;
    for (let k = shape.length - 1; k >= 0 && ++index[k]! === shape[k]; k--) index[k] = 0;
    return entries[at]!;
  });
}

function rowMajorNumbers(data: Float64Array, shape: readonly number[], width: number): Float64Array {
  const order = rowMajor(
    Array.from({ length: data.length / width }, (_, k) => k),
    shape,
  );
  return Float64Array.from(data, (_, p) => data[order[Math.floor(p / width)]! * width + (p % width)]!);
}
