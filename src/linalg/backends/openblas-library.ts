/** A foreign function; pointers are typed arrays or addresses. */
export type Foreign = (...args: readonly (number | Float64Array | Int32Array)[]) => number | string;

/** The loaded library: functions by symbol, and where an array lies. */
export interface Native {
  readonly description: string;
  func(symbol: string, result: string, parameters: readonly string[]): Foreign;
  address(array: Float64Array | Int32Array | Uint8Array): number;
}

interface Koffi {
  load(path: string): { func(symbol: string, result: string, parameters: readonly string[]): Foreign };
  address(array: ArrayBufferView): bigint;
}

const names = [
  "libopenblas.so.0",
  "libopenblas.so",
  "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
  "/usr/local/opt/openblas/lib/libopenblas.dylib",
  "libopenblas.dylib",
  "libopenblas.dll",
  "openblas.dll",
];

/** OpenBLAS with one thread, or null where koffi or the library is missing. */
export function loadOpenblas(): Native | null {
  const host = globalThis.process;
  const require = host?.getBuiltinModule?.("module")?.createRequire(import.meta.url);
  if (!require) return null;
  let koffi: Koffi;
  try {
    koffi = require("koffi") as Koffi;
  } catch {
    return null;
  }
  // OpenBLAS starts its threads while it is being loaded, before openblas_set_num_threads can be called.
  const asked = host.env["OPENBLAS_NUM_THREADS"];
  host.env["OPENBLAS_NUM_THREADS"] = "1";
  try {
    const preferred = host.env["DLRA_OPENBLAS"];
    for (const name of preferred ? [preferred, ...names] : names) {
      const native = attempt(koffi, name);
      if (native) return native;
    }
    return null;
  } finally {
    if (asked === undefined) delete host.env["OPENBLAS_NUM_THREADS"];
    else host.env["OPENBLAS_NUM_THREADS"] = asked;
  }
}

function attempt(koffi: Koffi, path: string): Native | null {
  try {
    const library = koffi.load(path);
    for (const symbol of ["cblas_zgemm", "dgesdd_"]) library.func(symbol, "void", []);
    library.func("openblas_set_num_threads", "void", ["int"])(1);
    const version = String(library.func("openblas_get_config", "str", [])())
      .split(" ")
      .slice(0, 2)
      .join(" ");
    const core = String(library.func("openblas_get_corename", "str", [])());
    return {
      description: `${version} (${core}) from ${path}, one thread`,
      func: (symbol, result, parameters) => library.func(symbol, result, parameters),
      // Asking for an address moves a small array off V8's heap for good, so that it stays where it is.
      address: (array) => Number(koffi.address(array)),
    };
  } catch {
    return null;
  }
}
