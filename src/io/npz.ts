import { decodeNpy, encodeNpy, type NpyArray, NpyError } from "./npy.ts";
import { packZip, unpackZip } from "./zip.ts";

export { type NpyArray, NpyError } from "./npy.ts";
export { ZipError } from "./zip.ts";

/**
 * Named arrays as an `.npz` archive that `numpy.load` reads; equal arrays give equal bytes.
 * Throws a RangeError for a name that cannot be a file's, or an array whose shape does not fit its data.
 */
export function writeNpz(arrays: Readonly<Record<string, NpyArray>>): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  for (const [name, array] of Object.entries(arrays)) {
    if (!isUsable(name)) throw new RangeError(`writeNpz: '${name}' cannot be the name of an array`);
    files[`${name}.npy`] = encodeNpy(array);
  }
  return packZip(files);
}

/**
 * The arrays of an `.npz` archive by name, each in memory of its own. Strict: every member must be a whole npy file
 * of a known type with a right checksum. Throws a ZipError or an NpyError that says what is wrong, the latter with
 * the name of the array. `limit` bounds the bytes after unpacking.
 */
export function readNpz(bytes: Uint8Array, limit = 2 ** 31): Record<string, NpyArray> {
  const arrays: Record<string, NpyArray> = {};
  for (const [file, content] of unpackZip(bytes, limit)) {
    const name = file.replace(/\.npy$/, "");
    if (name === file || !isUsable(name)) throw new NpyError(`npz: '${file}' is not the file of an array`);
    try {
      arrays[name] = decodeNpy(content);
    } catch (cause) {
      if (!(cause instanceof NpyError)) throw cause;
      throw new NpyError(`npz: array '${name}': ${cause.message}`, { cause });
    }
  }
  return arrays;
}

/** `__proto__` would set the record's prototype; an absolute path or `..` would leave a folder when unpacked. */
const isUsable = (name: string): boolean =>
  name !== "" && name !== "__proto__" && !/[\0\\]|^\/|(^|\/)\.\.(\/|$)|[\ud800-\udfff]/u.test(name);
