import { backend, useBackend } from "../../src/linalg/current.ts";
import { plainSparseProduct } from "../../src/linalg/sparse-product.ts";
import { sizeOf } from "../../src/linalg/tensor.ts";

/** Flops of the dense and sparse matrix products that a piece of work makes. */
export function productFlops(work: () => unknown): number {
  const plain = backend();
  let flops = 0;
  useBackend({
    ...plain,
    gemm(g, ...rest) {
      flops += (g.dtype === "complex128" ? 8 : 2) * g.m * g.n * g.k * g.count;
      plain.gemm(g, ...rest);
    },
    sparseProduct(a, before, alpha, x, beta, out) {
      const each = a.dtype === "complex128" || alpha.im !== 0 ? 8 : out.dtype === "complex128" ? 4 : 2;
      flops += each * a.columns.length * (sizeOf(out.shape) / a.shape[0]);
      plainSparseProduct(a, before, alpha, x, beta, out);
    },
  });
  try {
    work();
  } finally {
    useBackend(plain);
  }
  return flops;
}
