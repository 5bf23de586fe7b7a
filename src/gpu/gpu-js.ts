import { permute } from "../linalg/contract.ts";
import { conj } from "../linalg/level1.ts";
import { exponent, powerOfTwo } from "../linalg/scaling.ts";
import { asDtype, reshape, sizeOf, type Tensor, tensor, width } from "../linalg/tensor.ts";
import { type CheckedProduct, type ContractionKernels, checkedProduct } from "./contraction.ts";
import { GpuError } from "./errors.ts";

/** A kernel of gpu.js: called with its arguments, it gives numbers by z, y and x. */
interface GpuJsKernel {
  (...args: readonly unknown[]): ArrayLike<ArrayLike<ArrayLike<number>>>;
  setOutput(size: readonly number[]): unknown;
}

/** The module `gpu.js`, by what is used of it. */
export interface GpuJsModule {
  readonly GPU: new (options?: { readonly mode?: never }) => object;
}

/** Its engine, which takes kernels as text. */
interface GpuJs {
  readonly mode?: string;
  createKernel(source: string, options: object): GpuJsKernel;
  destroy(): unknown;
}

export interface GpuJsOptions {
  /** The module, `await import("gpu.js")`, where the name cannot be found at run time, as in a bundle. Default: imported here. */
  readonly module?: GpuJsModule;
  /** gpu.js's own: "gpu", "webgl2", "webgl", "cpu" ... Default: what it finds best. */
  readonly mode?: string;
}

/** A batch of products of `height` x `inner` matrices with `inner` x `width` ones, all in rows; a complex number is two columns. */
const source = (isComplex: boolean): string =>
  isComplex
    ? `function product(a, b, inner, height, width) {
  let sum = 0;
  const column = Math.floor(this.thread.x / 2);
  const part = this.thread.x - 2 * column;
  const left = 2 * (this.thread.z * height + this.thread.y) * inner;
  const right = 2 * (this.thread.z * inner * width + column);
  for (let l = 0; l < inner; l++) {
    const re = a[left + 2 * l];
    const im = a[left + 2 * l + 1];
    const x = b[right + 2 * l * width];
    const y = b[right + 2 * l * width + 1];
    if (part < 0.5) { sum += re * x - im * y; } else { sum += re * y + im * x; }
  }
  return sum;
}`
    : `function product(a, b, inner, height, width) {
  let sum = 0;
  const left = (this.thread.z * height + this.thread.y) * inner;
  const right = this.thread.z * inner * width + this.thread.x;
  for (let l = 0; l < inner; l++) { sum += a[left + l] * b[right + l * width]; }
  return sum;
}`;

/**
 * Batched products by gpu.js, for browsers with WebGL alone. gpu.js is an optional peer, imported only here; install it with
 * `--omit=optional`, which leaves out the compilation of a WebGL for Node. Float32 only, with the bound of
 * `contractionBound("float32", k)` where WebGL rounds as IEEE 754 asks; one call of a kernel a product. Operands are transposed and scaled
 * to a largest entry between 1 and 2 beforehand, on the CPU; arrays of more than 2^24 numbers are beyond its indices. Throws a GpuError "no-adapter" when the module is not installed.
 */
export async function gpuJsKernels({ module, mode }: GpuJsOptions = {}): Promise<ContractionKernels> {
  const { GPU } = module ?? (await imported());
  const gpu = new (GPU as new (options: object) => object)(mode === undefined ? {} : { mode }) as GpuJs;
  const kernels = [false, true].map((isComplex) =>
    gpu.createKernel(source(isComplex), {
      output: [1, 1, 1],
      dynamicOutput: true,
      dynamicArguments: true,
      loopMaxIterations: 1 << 16,
    }),
  );
  const multiply = (product: CheckedProduct): Tensor => {
    const { dtype, m, n, k, count, shapeOut } = product;
    const out = tensor(shapeOut, dtype);
    if (sizeOf(shapeOut) === 0 || k === 0) return out;
    const w = width(dtype);
    const [a, b] = [operand(product, "a"), operand(product, "b")];
    const kernel = kernels[w - 1]!;
    kernel.setOutput([n * w, m, count]);
    const result = kernel(a.data, b.data, k, m, n);
    const scale = 2 ** (a.e + b.e);
    for (let z = 0, q = 0; z < count; z++)
      for (let y = 0; y < m; y++) for (let x = 0; x < n * w; x++) out.data[q++] = result[z]![y]![x]! * scale;
    return out;
  };
  return {
    name: `gpu.js${gpu.mode ? `, ${gpu.mode}` : ""}`,
    precision: "float32",
    async contract(products) {
      return products.map(checkedProduct).map(multiply);
    },
    async [Symbol.asyncDispose]() {
      await gpu.destroy();
    },
  };
}

/** op(X) for every product of the batch, scaled and rounded. */
function operand(product: CheckedProduct, which: "a" | "b"): { data: Float32Array; e: number } {
  const { count, dtype, batched } = product;
  const x = product[which];
  const op = which === "a" ? product.opA : product.opB;
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const batch = batched[which] ? count : 1;
  const flat = reshape(op === "C" ? conj(x) : x, [batch, rows, columns]);
  const turned = asDtype(op === "N" ? flat : permute(flat, [0, 2, 1]), dtype);
  const e = exponent(x, "batchedContract");
  const factor = powerOfTwo(-e);
  const one = Float32Array.from(turned.data, (value) => value * factor);
  if (batch === count) return { data: one, e };
  const data = new Float32Array(one.length * count);
  for (let z = 0; z < count; z++) data.set(one, z * one.length);
  return { data, e };
}

async function imported(): Promise<GpuJsModule> {
  const name = "gpu.js"; // by a variable, so that bundlers leave it alone
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as GpuJsModule;
  } catch (cause) {
    throw new GpuError("no-adapter", "the package gpu.js is not installed", { cause });
  }
}
