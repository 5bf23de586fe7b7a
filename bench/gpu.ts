import { createRequire } from "node:module";
import { Heap } from "../src/gpu/heap.ts";
import { type Commands, type Device, findGpu, gpu, type Precision } from "../src/gpu/index.ts";
import { Table } from "../src/gpu/table.ts";
import {
  balanced,
  type Executor,
  evolve,
  exponential,
  inline,
  norm,
  type Problem,
  parallelBug,
  randomState,
  scale,
  seeded,
} from "../src/index.ts";
import { spinChain } from "../src/problems/index.ts";
import { neighbours } from "./steps.ts";

/** Limits of a device, measured on it: independent multiply-adds in registers, and copies of a buffer. */
export interface DeviceLimits {
  readonly gflops: number;
  readonly gigabytes: number;
}

export interface ContractionRate {
  readonly precision: Precision;
  readonly dtype: "float64" | "complex128";
  readonly n: number;
  readonly batch: number;
  /** Of the kernel alone, counting the operations that float64 would need. */
  readonly gflops: number;
  /** Share of the peak, and of what the bandwidth allows if every operand is read and every result written once. */
  readonly ofPeak: number;
  readonly ofBandwidth: number;
}

export interface GpuStep {
  readonly where: string;
  readonly d: number;
  readonly rank: number;
  readonly seconds: number;
}

/** The adapter: of the library, or of the package among those of the tests in test/peers. */
export async function adapterHere(): Promise<{ gpu: GPU; adapter: GPUAdapter } | null> {
  let found = await findGpu();
  if (!found)
    try {
      const peers = createRequire(new URL("../../test/peers/package.json", import.meta.url));
      const dawn = (await import(peers.resolve("webgpu"))) as { create(flags: string[]): GPU };
      found = dawn.create([]);
    } catch {
      return null;
    }
  const adapter = await found.requestAdapter({ powerPreference: "high-performance" });
  return adapter && { gpu: found, adapter };
}

/** Whether a device is a processor in disguise, so that large cases would take hours. */
export const isSoftware = ({ info }: GPUAdapter): boolean =>
  info.isFallbackAdapter || /swiftshader|llvmpipe/i.test(`${info.architecture} ${info.description} ${info.device}`);

const chains = 8;
const peakKernel = (loops: number): string => /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
@compute @workgroup_size(64) fn peak(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(f32(id.x & 7u)) * 1e-3;
  ${Array.from({ length: chains }, (_, c) => `var a${c} = x + ${c}.0;`).join(" ")}
  for (var l = 0u; l < ${loops}u; l++) {
    ${Array.from({ length: chains }, (_, c) => `a${c} = fma(a${c}, x, x);`).join(" ")}
  }
  out[id.x] = ${Array.from({ length: chains }, (_, c) => `a${c}`).join(" + ")};
}`;

/** Seconds of `run`, the best of some repeats after one that warms up. */
async function best(run: () => Promise<unknown>, repeats = 3): Promise<number> {
  await run();
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < repeats; k++) {
    const begin = performance.now();
    await run();
    least = Math.min(least, (performance.now() - begin) / 1000);
  }
  return least;
}

export async function limitsOf(device: GPUDevice, software: boolean): Promise<DeviceLimits> {
  const groups = software ? 64 : 8192;
  const loops = software ? 256 : 1024;
  const out = device.createBuffer({ size: groups * 64 * 16, usage: 128 });
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: peakKernel(loops) }), entryPoint: "peak" },
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: out } }],
  });
  const peak = await best(async () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  });
  const size = software ? 1 << 25 : 1 << 27;
  const [from, to] = [device.createBuffer({ size, usage: 12 }), device.createBuffer({ size, usage: 12 })];
  const copies = 10;
  const copy = await best(async () => {
    const encoder = device.createCommandEncoder();
    for (let k = 0; k < copies; k++) encoder.copyBufferToBuffer(from, 0, to, 0, size);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  });
  for (const buffer of [out, from, to]) buffer.destroy();
  return { gflops: (groups * 64 * loops * chains * 8) / peak / 1e9, gigabytes: (2 * copies * size) / copy / 1e9 };
}

/** Rate of the products kernel, from what repeated dispatches add to the time of one. */
export async function contractionRate(
  device: Device,
  limits: DeviceLimits,
  precision: Precision,
  dtype: ContractionRate["dtype"],
  n: number,
  batch: number,
): Promise<ContractionRate> {
  const kind = { dtype, precision };
  const w = dtype === "complex128" ? 2 : 1;
  const heap = new Heap(kind);
  const values = Float64Array.from({ length: w * batch * n * n }, (_, i) => Math.sin(i));
  const [a, b] = [heap.add(values), heap.add(values)];
  const c = heap.reserve(batch * n * n);
  const table = new Table(kind);
  const strides = { row: n, column: 1, batch: n * n };
  const segments = [{ a: { at: a }, b: { at: b } }];
  const jobs = table.addJobs([
    { m: n, n, k: n, count: batch, segments, a: strides, b: strides, c: { at: c, batch: n * n } },
  ]);
  const commands = (repeats: number): Commands => ({
    kind,
    upload: heap.encoded(),
    numbers: heap.size,
    table: table.words(),
    dispatches: Array.from({ length: repeats }, () => ({ kernel: "products" as const, ...jobs })),
    read: { from: c, count: 1 },
  });
  const flops = 2 * w * w * batch * n ** 3;
  const once = await best(() => device.execute(commands(1)));
  const repeats = Math.max(2, Math.min(100, Math.round(0.2 / once)));
  const seconds = ((await best(() => device.execute(commands(1 + repeats)))) - once) / repeats;
  const bytes = 3 * batch * n * n * 4 * w * (precision === "float32" ? 1 : 2);
  const gflops = flops / seconds / 1e9;
  return {
    precision,
    dtype,
    n,
    batch,
    gflops,
    ofPeak: gflops / limits.gflops,
    ofBandwidth: bytes / seconds / 1e9 / limits.gigabytes,
  };
}

/** Wall time of a step of parallel BUG with all ranks saturated, H = -sum ZZ - sum X, from a random state; the second of two. */
export async function stepOn(executor: Executor, d: number, rank: number): Promise<GpuStep> {
  const tree = balanced(d);
  const state = randomState(tree, Array<number>(d).fill(2), rank, seeded(1), "complex128");
  const chain = spinChain("neighbours", neighbours(d), state, 0.02);
  const problem: Problem = { ...chain, initial: scale(1 / norm(state), state), observables: {} };
  let seconds = Number.NaN;
  for await (const s of evolve(problem, {
    integrator: parallelBug({ firstStep: "parallel" }),
    h: 0.01,
    truncation: { tolerance: "off", maxRank: rank },
    solver: exponential({ basisTolerance: 1e-6, tolerance: 1e-6 }),
    executor,
  }))
    seconds = s.seconds;
  return { where: executor.name, d, rank, seconds };
}

/** The executors that are compared, on this GPU. */
export const executors = (where: GPU): Executor[] => [
  inline(),
  gpu({ gpu: where }),
  gpu({ gpu: where, precision: "compensated" }),
];
