import { type NumberKind, wordsOf } from "./encoding.ts";
import { GpuError, type GpuFailure } from "./errors.ts";
import { productsKernel } from "./wgsl/products.ts";
import { solveKernels } from "./wgsl/solve.ts";

export type KernelName = "products" | "load" | "begin" | "orthogonalize" | "exponential" | "polynomial";

/** One dispatch. Dispatches of a command list see what earlier ones wrote. */
export interface Dispatch {
  readonly kernel: KernelName;
  readonly groups: number;
  readonly iteration?: number;
  readonly first: number;
  readonly count: number;
  readonly vectors?: number;
  readonly window?: number;
  readonly passes?: number;
}

/** Commands on one array of numbers: what is written at its start, what is done, and how much of it is read at the end. */
export interface Commands {
  readonly kind: NumberKind;
  readonly upload: Float32Array<ArrayBuffer>;
  /** Numbers in all; behind those uploaded they hold anything. */
  readonly numbers: number;
  readonly table: Uint32Array<ArrayBuffer>;
  readonly dispatches: readonly Dispatch[];
  /** Numbers to read. */
  readonly read: { readonly from: number; readonly count: number };
}

/** Where the device comes from. */
export interface DeviceOptions {
  /** Where to look for an adapter. Default: `navigator.gpu`, or in Node `create([])` of the package `webgpu`. */
  readonly gpu?: GPU;
  /** A device that is in use already, of the page or another library. It is not destroyed at the end. */
  readonly device?: GPUDevice;
}

const usage = { mapRead: 1, copyFrom: 4, copyTo: 8, uniform: 64, storage: 128 };
const runBytes = 256;

/** Kept for the life of the process: Node ends with a crash when the object behind its devices is collected. */
let gpuOfNode: Promise<GPU | null> | undefined;

/** The GPU of the page, else that of the package `webgpu`, an optional peer, else null. */
export async function findGpu(): Promise<GPU | null> {
  if (typeof navigator !== "undefined" && navigator.gpu) return navigator.gpu;
  if (typeof process === "undefined" || !process.versions?.node) return null;
  gpuOfNode ??= (async () => {
    const name = "webgpu"; // by a variable, so that bundlers leave it alone
    try {
      const dawn = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as {
        create(flags: string[]): GPU;
      };
      return dawn.create([]);
    } catch {
      return null;
    }
  })();
  return gpuOfNode;
}

/**
 * A GPU with the kernels of this library: buffers that grow as needed, kernels compiled when first used, commands one after
 * the other, each with one upload and one readback.
 */
export class Device implements AsyncDisposable {
  readonly name: string;
  readonly maxBytes: number;
  /** What was transferred so far, and how often. */
  readonly traffic = { uploads: 0, readbacks: 0, bytesUp: 0, bytesDown: 0, dispatches: 0 };
  readonly #device: GPUDevice;
  readonly #isOwn: boolean;
  readonly #layout: GPUBindGroupLayout;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #buffers = new Map<string, GPUBuffer>();
  #lost: string | null = null;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(device: GPUDevice, name: string, isOwn: boolean) {
    this.#device = device;
    this.name = name;
    this.#isOwn = isOwn;
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    this.maxBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    device.lost.then(({ message }) => {
      this.#lost = message || "no reason was given";
    });
    const buffer = (binding: number, type: GPUBufferBindingType): GPUBindGroupLayoutEntry => ({
      binding,
      visibility: 4,
      buffer: { type, hasDynamicOffset: type === "uniform" },
    });
    this.#layout = device.createBindGroupLayout({
      entries: [buffer(0, "storage"), buffer(1, "read-only-storage"), buffer(2, "uniform")],
    });
  }

  /** Throws a GpuError "no-adapter" when there is no GPU, or none that gives a device. */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    if (options.device) return new Device(options.device, nameOf(options.device.adapterInfo), false);
    const gpu = options.gpu ?? (await findGpu());
    if (!gpu)
      throw new GpuError(
        "no-adapter",
        "no WebGPU here: a browser needs to offer navigator.gpu, Node the package `webgpu`",
      );
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) throw new GpuError("no-adapter", "WebGPU is here, but no adapter: no driver, or it is blocked");
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
    try {
      const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
      return new Device(device, nameOf(adapter.info), true);
    } catch (cause) {
      throw new GpuError("no-adapter", `the adapter ${nameOf(adapter.info)} gave no device`, { cause });
    }
  }

  /** Runs the commands after all earlier ones; the numbers asked for, as float32 words. Throws a GpuError. */
  execute(commands: Commands): Promise<Float32Array> {
    const result = this.#last.then(() => this.#execute(commands));
    this.#last = result.catch(() => {});
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
    if (this.#isOwn) this.#device.destroy();
  }

  async #execute({ kind, upload, numbers, table, dispatches, read }: Commands): Promise<Float32Array> {
    this.#throwIfLost();
    const bytes = 4 * wordsOf(kind);
    const pipelines = await Promise.all(dispatches.map(({ kernel }) => this.#pipeline(kind, kernel)));
    const device = this.#device;
    const [heap, jobs, runs, staging] = await this.#guarded("out-of-memory", () => [
      this.#buffer("heap", numbers * bytes, usage.storage | usage.copyTo | usage.copyFrom),
      this.#buffer("table", table.byteLength, usage.storage | usage.copyTo),
      this.#buffer("runs", dispatches.length * runBytes, usage.uniform | usage.copyTo),
      this.#buffer("staging", read.count * bytes, usage.mapRead | usage.copyTo),
    ]);
    const words = new Uint32Array((dispatches.length * runBytes) / 4);
    dispatches.forEach((d, i) => {
      words.set(
        [0, d.iteration ?? 0, d.first, d.count, d.groups, d.vectors ?? 0, d.window ?? 0, d.passes ?? 0],
        (i * runBytes) / 4,
      );
    });
    await this.#guarded("refused", () => {
      device.queue.writeBuffer(heap!, 0, upload);
      device.queue.writeBuffer(jobs!, 0, table);
      device.queue.writeBuffer(runs!, 0, words);
      const group = device.createBindGroup({
        layout: this.#layout,
        entries: [
          { binding: 0, resource: { buffer: heap!, size: numbers * bytes } },
          { binding: 1, resource: { buffer: jobs! } },
          { binding: 2, resource: { buffer: runs!, size: 32 } },
        ],
      });
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      dispatches.forEach(({ groups }, i) => {
        if (groups === 0) return;
        pass.setPipeline(pipelines[i]!);
        pass.setBindGroup(0, group, [i * runBytes]);
        pass.dispatchWorkgroups(Math.min(groups, 32768), Math.ceil(groups / 32768));
      });
      pass.end();
      encoder.copyBufferToBuffer(heap!, read.from * bytes, staging!, 0, read.count * bytes);
      device.queue.submit([encoder.finish()]);
    });
    try {
      await staging!.mapAsync(1, 0, read.count * bytes);
    } catch (cause) {
      this.#throwIfLost();
      // a device that is lost may say so a moment later
      await Promise.race([device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      this.#throwIfLost();
      throw new GpuError("refused", "the GPU did not give its results", { cause });
    }
    const result = new Float32Array(staging!.getMappedRange(0, read.count * bytes).slice(0));
    staging!.unmap();
    const { traffic } = this;
    traffic.uploads++;
    traffic.readbacks++;
    traffic.bytesUp += upload.byteLength + table.byteLength + words.byteLength;
    traffic.bytesDown += read.count * bytes;
    traffic.dispatches += dispatches.length;
    this.#throwIfLost();
    return result;
  }

  /** A buffer of at least this size; the old one of that name goes. */
  #buffer(name: string, size: number, use: number): GPUBuffer {
    const old = this.#buffers.get(name);
    if (old && old.size >= size) return old;
    old?.destroy();
    this.#buffers.delete(name);
    const limit = name === "heap" ? this.maxBytes : this.#device.limits.maxBufferSize;
    if (size > limit) throw new GpuError("out-of-memory", `the GPU allows ${limit} bytes, ${size} are needed`);
    const grown = Math.min(limit, Math.max(1024, 2 ** Math.ceil(Math.log2(size))));
    const buffer = this.#device.createBuffer({ size: grown, usage: use });
    this.#buffers.set(name, buffer);
    return buffer;
  }

  #pipeline(kind: NumberKind, kernel: KernelName): Promise<GPUComputePipeline> {
    const key = `${kernel} ${kind.dtype} ${kind.precision}`;
    let known = this.#pipelines.get(key);
    if (!known) {
      const code = kernel === "products" ? productsKernel(kind) : solveKernels(kind);
      known = this.#guarded("refused", () =>
        this.#device.createComputePipelineAsync({
          layout: this.#device.createPipelineLayout({ bindGroupLayouts: [this.#layout] }),
          compute: { module: this.#device.createShaderModule({ code }), entryPoint: kernel },
        }),
      );
      this.#pipelines.set(key, known);
    }
    return known;
  }

  /** What `action` gives, or a GpuError with what the device had to say. */
  async #guarded<T>(code: GpuFailure, action: () => T | Promise<T>): Promise<T> {
    const device = this.#device;
    device.pushErrorScope("validation");
    device.pushErrorScope("out-of-memory");
    let result: T | undefined;
    let cause: unknown;
    try {
      result = await action();
    } catch (error) {
      cause = error;
    }
    const [memory, validation] = await Promise.all([device.popErrorScope(), device.popErrorScope()]).catch(() => [
      null,
      null,
    ]);
    this.#throwIfLost();
    if (memory) {
      this.#forget();
      throw new GpuError("out-of-memory", `the GPU has no memory left: ${memory.message}`);
    }
    if (validation) throw new GpuError("refused", validation.message);
    if (cause instanceof GpuError) throw cause;
    if (cause !== undefined) throw new GpuError(code, String(cause), { cause });
    return result as T;
  }

  /** Buffers of a failed allocation are no buffers. */
  #forget(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
  }

  #throwIfLost(): void {
    if (this.#lost !== null) throw new GpuError("device-lost", `the GPU ${this.name} was lost: ${this.#lost}`);
  }
}

const nameOf = (info: GPUAdapterInfo | undefined): string =>
  [info?.vendor, info?.architecture, info?.description || info?.device].filter(Boolean).join(" ") || "without a name";
