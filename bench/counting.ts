import { type Backend, type BackendName, backend, useBackend } from "../src/linalg/index.ts";

/** Work of the matrix products that ran since the last reset. */
export interface Work {
  flops: number;
  gemmSeconds: number;
}

/** Switches to a backend that also counts what its matrix products do. */
export function useCounting(name: BackendName): Work {
  const plain: Backend = useBackend(name);
  const work: Work = { flops: 0, gemmSeconds: 0 };
  useBackend({
    ...plain,
    gemm(g, alpha, a, b, beta, c) {
      const begin = performance.now();
      plain.gemm(g, alpha, a, b, beta, c);
      work.gemmSeconds += (performance.now() - begin) / 1000;
      work.flops += (g.dtype === "complex128" ? 8 : 2) * g.m * g.n * g.k * g.count;
    },
  });
  return work;
}

/** Which backends this machine has. */
export function available(): BackendName[] {
  const found = (["openblas", "wasm"] as const).filter((name) => {
    try {
      return useBackend(name).name === name;
    } catch {
      return false;
    }
  });
  return found;
}

export const currentDescription = (): string => backend().description;

/** CPU seconds of this process, all threads. */
export const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
