import { gemmShape, type Op } from "../linalg/backend.ts";
import { backend } from "../linalg/current.ts";
import { asDtype, commonDtype, type Dtype, shapeText, sizeOf, type Tensor, tensor } from "../linalg/tensor.ts";
import type { Precision } from "./precision.ts";

/**
 * A batch of matrix products C_b = op(A_b) op(B_b). `a` and `b` have their matrices in the last two modes; the modes before count the
 * batch: the same for both, or none for one of them, which then takes part in every product.
 */
export interface Product {
  readonly a: Tensor;
  readonly b: Tensor;
  /** "N" as it is (default), "T" transposed, "C" conjugate-transposed. */
  readonly opA?: Op;
  readonly opB?: Op;
}

/** An implementation of batched products: WebGPU, gpu.js, or the backends of the CPU. */
export interface ContractionKernels extends AsyncDisposable {
  /** What runs, in words. */
  readonly name: string;
  readonly precision: Precision | "float64";
  /** The results, in the order of the products; all of them in few submissions. Throws a GpuError. */
  contract(products: readonly Product[]): Promise<readonly Tensor[]>;
}

/** A product whose sizes were checked: m x k times k x n, `count` times. */
export interface CheckedProduct {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly opA: Op;
  readonly opB: Op;
  readonly dtype: Dtype;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly count: number;
  /** Whether each operand has a matrix for every product, or one for all. */
  readonly batched: { readonly a: boolean; readonly b: boolean };
  readonly shapeOut: readonly number[];
}

/** Throws a RangeError, naming both shapes, when operands do not fit or have entries that are not finite. */
export function checkedProduct({ a, b, opA = "N", opB = "N" }: Product, index: number): CheckedProduct {
  const who = `batchedContract: product ${index}`;
  const text = `a is ${shapeText(a.shape)} (${opA}), b ${shapeText(b.shape)} (${opB})`;
  if (a.shape.length < 2 || b.shape.length < 2)
    throw new RangeError(`${who}: ${text}, expected matrices, or batches of them`);
  for (const op of [opA, opB])
    if (op !== "N" && op !== "T" && op !== "C")
      throw new RangeError(`${who}: an op is ${JSON.stringify(op)}, expected "N", "T" or "C"`);
  const [m, ka] = oriented(a.shape, opA);
  const [kb, n] = oriented(b.shape, opB);
  if (ka !== kb) throw new RangeError(`${who}: ${text}: inner sizes differ`);
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  if (batchA.length > 0 && batchB.length > 0 && shapeText(batchA) !== shapeText(batchB))
    throw new RangeError(`${who}: ${text}: the batches differ`);
  const batch = batchA.length > 0 ? batchA : batchB;
  return {
    a,
    b,
    opA,
    opB,
    dtype: commonDtype(a.dtype, b.dtype),
    m,
    n,
    k: ka,
    count: sizeOf(batch),
    batched: { a: batchA.length > 0, b: batchB.length > 0 },
    shapeOut: [...batch, m, n],
  };
}

function oriented(shape: readonly number[], op: Op): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return op === "N" ? [rows, columns] : [columns, rows];
}

/** Products by the CPU's backend, in float64. */
export function cpuKernels(): ContractionKernels {
  return {
    name: `CPU, ${backend().name}`,
    precision: "float64",
    async contract(products) {
      return products.map(checkedProduct).map(({ a, b, opA, opB, dtype, m, n, k, count, batched, shapeOut }) => {
        const out = tensor(shapeOut, dtype);
        const g = {
          ...gemmShape(dtype, opA, opB, m, n, k),
          count,
          strideA: batched.a ? m * k : 0,
          strideB: batched.b ? k * n : 0,
          strideC: m * n,
        };
        if (sizeOf(shapeOut) > 0)
          backend().gemm(g, { re: 1, im: 0 }, asDtype(a, dtype).data, asDtype(b, dtype).data, 0, out.data);
        return out;
      });
    },
    async [Symbol.asyncDispose]() {},
  };
}
