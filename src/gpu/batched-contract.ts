import type { Tensor } from "../linalg/tensor.ts";
import { type ContractionKernels, checkedProduct, cpuKernels, type Product } from "./contraction.ts";
import { GpuError } from "./errors.ts";
import { type WebGpuOptions, webGpuKernels } from "./webgpu-kernels.ts";

export interface BatchedContractOptions extends WebGpuOptions {
  /** Kernels that are open already: for more than one call. Default: those of WebGPU, opened and closed again. */
  readonly kernels?: ContractionKernels;
  /** Told where there is no GPU, or it gave up. Default: a warning on the console, once for each reason. */
  readonly onNotice?: (notice: string) => void;
}

/** Results, with what made them and how accurately. */
export interface Contraction {
  /** In the order of the products. */
  readonly values: readonly Tensor[];
  readonly precision: ContractionKernels["precision"];
  /** What ran, in words. */
  readonly where: string;
}

const told = new Set<string>();

/**
 * Many matrix products in one go, C_b = op(A_b) op(B_b): batches of one shape, products of different shapes, real and complex, on a GPU.
 * One upload, one dispatch and one readback for all products of a scalar type, as long as they fit into the device's buffers.
 *
 *     const { values, precision } = await batchedContract([{ a, b }, { a: u, b: v, opA: "C" }]);
 *
 * Meant for ensembles, for layers of many samples, for anything with thousands of small products or a few large ones. Operands go
 * there and results come back each time: a product is worth it from about 100 operations a number on. `precision` says what the
 * results are: "float32", within `contractionBound("float32", k)`, "compensated", or "float64" where there is no GPU, or it is lost
 * or full, and the CPU did the work, with one notice. Throws a RangeError, naming the shapes, for operands that do not fit, a
 * NonFiniteError for entries that are not finite.
 */
export async function batchedContract(
  products: readonly Product[],
  options: BatchedContractOptions = {},
): Promise<Contraction> {
  products.forEach(checkedProduct);
  const { kernels, onNotice = warnOnce, ...rest } = options;
  try {
    if (kernels) return await contraction(kernels, products);
    const own = await webGpuKernels(rest);
    try {
      return await contraction(own, products);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  } catch (error) {
    if (!(error instanceof GpuError) || error.code === "refused") throw error;
    onNotice(`batchedContract: ${error.message}; the CPU does the work`);
    return contraction(cpuKernels(), products);
  }
}

const contraction = async (kernels: ContractionKernels, products: readonly Product[]): Promise<Contraction> => ({
  values: await kernels.contract(products),
  precision: kernels.precision,
  where: kernels.name,
});

function warnOnce(notice: string): void {
  if (told.has(notice)) return;
  told.add(notice);
  console.warn(notice);
}
