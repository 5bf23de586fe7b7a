import type { WasmBackend } from "../src/linalg/backends/wasm.ts";
import { type Backend, gemmShape } from "../src/linalg/index.ts";

export interface GemmRate {
  readonly backend: string;
  readonly dtype: "float64" | "complex128";
  readonly n: number;
  readonly gflops: number;
  /** Share of the 128-bit SIMD peak, for WebAssembly. */
  readonly ofPeak: number | null;
}

const seconds = (run: () => void): number => {
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 7; repeat++) {
    const begin = performance.now();
    run();
    best = Math.min(best, (performance.now() - begin) / 1000);
  }
  return best;
};

/** GFlop/s of independent multiply-adds in registers, in the same engine: what 128-bit SIMD can do here. */
export function simdPeak({ peak }: WasmBackend): number {
  let flops = 0;
  const best = seconds(() => {
    flops = peak(20_000_000);
  });
  return flops / best / 1e9;
}

/** GFlop/s of square matrix products. */
export function gemmRate(blas: Backend, dtype: "float64" | "complex128", n: number, peak?: number): GemmRate {
  const { allocate, gemm, name, description } = blas;
  const width = dtype === "complex128" ? 2 : 1;
  const [a, b, c] = [1, 2, 3].map((v) => allocate(width * n * n).fill(1 / (v + n))) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const shape = gemmShape(dtype, "N", "N", n, n, n);
  const flops = 2 * width * width * n * n * n;
  const repeats = Math.max(1, Math.round(1e8 / flops));
  const best = seconds(() => {
    for (let k = 0; k < repeats; k++) gemm(shape, { re: 1, im: 0 }, a, b, 0, c);
  });
  const gflops = (flops * repeats) / best / 1e9;
  const backend = description.includes("relaxed") ? `${name} (relaxed)` : name;
  return { backend, dtype, n, gflops, ofPeak: peak ? gflops / peak : null };
}
