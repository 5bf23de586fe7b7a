import type { Op } from "../linalg/backend.ts";
import { exponent, powerOfTwo } from "../linalg/scaling.ts";
import { asDtype, type Dtype, sizeOf, type Tensor, tensor } from "../linalg/tensor.ts";
import { type CheckedProduct, type ContractionKernels, checkedProduct } from "./contraction.ts";
import { Device, type DeviceOptions } from "./device.ts";
import { decode, wordsOf } from "./encoding.ts";
import { Heap } from "./heap.ts";
import { parts } from "./parts.ts";
import { checkPrecision, type Precision } from "./precision.ts";
import { type Strides, Table } from "./table.ts";

export interface WebGpuOptions extends DeviceOptions {
  /** Default "float32". */
  readonly precision?: Precision;
}

/**
 * Batched products on WebGPU. Operands are scaled to a largest entry between 1 and 2 (exactly, by powers of two), written as
 * float32 or pairs of them, multiplied in one dispatch for all products of one scalar type, and read back; the error is
 * within `contractionBound`. Lists that do not fit into the device's buffers are taken in several parts.
 * Throws a GpuError: "no-adapter" here, "device-lost" and "out-of-memory" from the products.
 */
export async function webGpuKernels({
  precision = "float32",
  ...options
}: WebGpuOptions = {}): Promise<ContractionKernels & { readonly device: Device }> {
  checkPrecision("webGpuKernels", precision);
  const device = await Device.open(options);
  return {
    name: `WebGPU, ${device.name}`,
    precision,
    device,
    async contract(products) {
      const checked = products.map(checkedProduct);
      const results: Tensor[] = [];
      for (const dtype of ["float64", "complex128"] as const) {
        const chosen = checked.map((_, i) => i).filter((i) => checked[i]!.dtype === dtype);
        const limit = device.maxBytes / (4 * wordsOf({ dtype, precision }));
        for (const part of parts(chosen, (i) => numbersOf(checked[i]!), limit)) {
          const found = await multiply(
            device,
            dtype,
            precision,
            part.map((i) => checked[i]!),
          );
          part.forEach((i, k) => {
            results[i] = found[k]!;
          });
        }
      }
      return results;
    },
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}

const numbersOf = ({ a, b, shapeOut }: CheckedProduct): number => sizeOf(a.shape) + sizeOf(b.shape) + sizeOf(shapeOut);

async function multiply(
  device: Device,
  dtype: Dtype,
  precision: Precision,
  products: readonly CheckedProduct[],
): Promise<Tensor[]> {
  const kind = { dtype, precision };
  const heap = new Heap(kind);
  const places = new Map<Tensor, { readonly at: number; readonly e: number }>();
  const place = (x: Tensor): { readonly at: number; readonly e: number } => {
    let known = places.get(x);
    if (!known) {
      const e = exponent(x, "batchedContract");
      known = { at: heap.add(asDtype(x, dtype).data, powerOfTwo(-e)), e };
      places.set(x, known);
    }
    return known;
  };
  const operands = products.map(({ a, b }) => ({ a: place(a), b: place(b) }));
  const from = heap.size;
  const results = products.map(({ shapeOut }) => heap.reserve(sizeOf(shapeOut)));
  const count = heap.size - from;
  const table = new Table(kind);
  const jobs = table.addJobs(
    products.map(({ m, n, k, count, opA, opB, batched }, i) => ({
      m,
      n,
      k,
      count,
      segments: [{ a: { at: operands[i]!.a.at }, b: { at: operands[i]!.b.at } }],
      a: strides(opA, m, k, batched.a),
      b: strides(opB, k, n, batched.b),
      c: { at: results[i]!, batch: m * n },
    })),
  );
  const out = products.map(({ shapeOut }) => tensor(shapeOut, dtype));
  if (jobs.count === 0) return out;
  const words = await device.execute({
    kind,
    upload: heap.encoded(),
    numbers: heap.size,
    table: table.words(),
    dispatches: [{ kernel: "products", ...jobs }],
    read: { from, count },
  });
  out.forEach((t, i) => {
    const { a, b } = operands[i]!;
    decode(kind, words, (results[i]! - from) * wordsOf(kind), t.data, 2 ** (a.e + b.e));
  });
  return out;
}

/** Of op(X), rows x columns, where X is row-major. */
function strides(op: Op, rows: number, columns: number, isBatched: boolean): Strides {
  const batch = isBatched ? rows * columns : 0;
  return op === "N" ? { row: columns, column: 1, batch } : { row: 1, column: rows, batch, conjugate: op === "C" };
}
