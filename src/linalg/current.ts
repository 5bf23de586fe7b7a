import type { Backend } from "./backend.ts";
import { openblasBackend } from "./backends/openblas.ts";
import { referenceBackend } from "./backends/reference.ts";
import { wasmBackend } from "./backends/wasm.ts";

export type BackendName = Backend["name"];
export const backendNames: readonly BackendName[] = ["wasm", "openblas", "reference"];

let current: Backend | null = null;

/** The backend that every operation of this process runs on; chosen at the first use, see `useBackend`. */
export function backend(): Backend {
  current ??= choose();
  return current;
}

/**
 * Sets the backend by name, or one of your own, and returns it. Without a call: the environment variable
 * `DLRA_BACKEND` if set, else OpenBLAS when the system has it, else WebAssembly.
 * Throws an Error when the named backend is unknown or cannot be loaded. Tensors made before stay valid.
 */
export function useBackend(which: BackendName | "auto" | Backend): Backend {
  if (typeof which === "object") current = which;
  else current = which === "auto" ? choose() : load(which);
  return current;
}

function choose(): Backend {
  const asked = globalThis.process?.env?.["DLRA_BACKEND"];
  if (asked) return load(asked);
  return openblasBackend() ?? wasmBackend();
}

function load(name: string): Backend {
  if (name === "wasm") return wasmBackend();
  if (name === "reference") return referenceBackend();
  if (name === "openblas") {
    const found = openblasBackend();
    if (found) return found;
    throw new Error(
      "backend openblas: no OpenBLAS library was found (Debian: apt install libopenblas0), or koffi is missing",
    );
  }
  throw new Error(`backend ${JSON.stringify(name)} is unknown; known: ${backendNames.join(", ")}`);
}
