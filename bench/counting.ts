import {
  type Backend,
  type BackendName,
  backend,
  plainSparseProduct,
  sizeOf,
  useBackend,
} from "../src/linalg/index.ts";

/** Work of the matrix products that ran since the last reset, dense and sparse. */
export interface Work {
  flops: number;
  gemmSeconds: number;
  sparseFlops: number;
  sparseSeconds: number;
}

/** Switches to a backend that also counts what its matrix products do. */
export function useCounting(name: BackendName): Work {
  const plain: Backend = useBackend(name);
  const work: Work = { flops: 0, gemmSeconds: 0, sparseFlops: 0, sparseSeconds: 0 };
  useBackend({
    ...plain,
    gemm(g, alpha, a, b, beta, c) {
      const begin = performance.now();
      plain.gemm(g, alpha, a, b, beta, c);
      work.gemmSeconds += (performance.now() - begin) / 1000;
      work.flops += (g.dtype === "complex128" ? 8 : 2) * g.m * g.n * g.k * g.count;
    },
    sparseProduct(a, before, alpha, x, beta, out) {
      const begin = performance.now();
      (plain.sparseProduct ?? plainSparseProduct)(a, before, alpha, x, beta, out);
      work.sparseSeconds += (performance.now() - begin) / 1000;
      const scalar = out.dtype === "float64" ? 1 : a.dtype === "float64" && alpha.im === 0 ? 2 : 4;
      work.sparseFlops += 2 * scalar * a.columns.length * (sizeOf(out.shape) / (a.shape[0] || 1));
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
