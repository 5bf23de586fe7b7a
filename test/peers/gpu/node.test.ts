import { existsSync } from "node:fs";
import * as gpuJs from "gpu.js";
import { describe, expect, test } from "vitest";
import { create } from "webgpu";
import { gpu, gpuJsKernels, webGpuKernels } from "../../../src/gpu/index.ts";
import {
  augmentedBug,
  evolve,
  exponential,
  inline,
  norm,
  parallelBug,
  rk4,
  type Snapshot,
} from "../../../src/index.ts";
import { add, scale } from "../../../src/ttn/arithmetic.ts";
import type { TTN } from "../../../src/ttn/ttn.ts";
import { errorsOf, randomProducts } from "./checks.ts";
import { quench } from "./quench.ts";

// the CPU of Chromium's graphics, where there is no card
const swiftShader = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (existsSync(swiftShader)) process.env["VK_ICD_FILENAMES"] ??= swiftShader;
const dawn = create([]);
const adapter = await dawn.requestAdapter();

const distance = (a: TTN, b: TTN): number => norm(add(a, scale(-1, b)));

async function end(problem: ReturnType<typeof quench>, options: Omit<Parameters<typeof evolve>[1], "h">, h = 0.1) {
  let last: Snapshot | undefined;
  for await (const s of evolve(problem, { h, solver: exponential(), ...options })) last = s;
  return last!.y;
}

describe.runIf(adapter)("on a device of the package webgpu", () => {
  test("kernels on 1000 random shapes are right to float32, and pairs 100 times better", async () => {
    const products = randomProducts(1000, 20_000, 21);
    await using single = await webGpuKernels({ gpu: dawn, precision: "float32" });
    await using pairs = await webGpuKernels({ gpu: dawn, precision: "compensated" });
    const of = { single: await errorsOf(single, products), pairs: await errorsOf(pairs, products) };
    expect(Math.max(...of.single.ratios)).toBeLessThan(30);
    expect(Math.max(...of.single.ofBound)).toBeLessThanOrEqual(1);
    expect(Math.max(...of.pairs.ratios)).toBeLessThan(Math.max(...of.single.ratios) / 100);
    expect(Math.max(...of.pairs.ofBound)).toBeLessThanOrEqual(1);
  });

  test("numbers of any size are multiplied to the same relative accuracy", async () => {
    await using kernels = await webGpuKernels({ gpu: dawn });
    const product = randomProducts(1, 1000, 5)[0]!;
    const times = (x: typeof product.a, c: number) => ({ ...x, data: x.data.map((v) => v * c) });
    const scaled = { ...product, a: times(product.a, 2 ** 200), b: times(product.b, 2 ** -180) };
    const [plain, wide] = await kernels.contract([product, scaled]);
    expect(wide!.data).toEqual(plain!.data.map((v) => v * 2 ** 20));
  });

  test.each([
    ["float32", 1e-4],
    ["compensated", 1e-7],
  ] as const)(
    "an Ising chain of 16 spins to t = 1 in %s agrees with the CPU to %d",
    async (precision, tolerance) => {
      const problem = quench(16, 1);
      const options = { integrator: parallelBug(), truncation: { tolerance: 1e-5, maxRank: 6 } };
      const notices: string[] = [];
      await using executor = gpu({ gpu: dawn, precision, onNotice: (n) => notices.push(n) });
      const there = await end(problem, { ...options, executor });
      const here = await end(problem, { ...options, executor: inline() });
      expect(distance(here, there)).toBeLessThan(tolerance);
      expect(notices).toEqual([]);
      const { uploads, readbacks } = executor.device!.traffic;
      expect(readbacks).toBe(uploads);
      // two sets of problems a step, six in each of the first two; and what is solved again in larger spaces
      expect(uploads).toBeLessThan(40);
    },
    300_000,
  );

  test("Runge-Kutta steps on the device are those of the CPU", async () => {
    const problem = quench(4, 0.2);
    await using executor = gpu({ gpu: dawn, precision: "compensated" });
    const options = { integrator: augmentedBug(), solver: rk4({ substeps: 2 }) };
    const there = await end(problem, { ...options, executor });
    const here = await end(problem, { ...options, executor: inline() });
    expect(executor.precision).toBe("compensated");
    expect(distance(here, there)).toBeLessThan(1e-10);
  });

  test("sets that do not fit into a buffer are solved in parts", async () => {
    const problem = quench(6, 0.1);
    await using whole = gpu({ gpu: dawn });
    await using small = gpu({ gpu: dawn, maxBytes: 150_000 });
    const [a, b] = [await end(problem, { executor: whole }), await end(problem, { executor: small })];
    expect(small.device!.traffic.uploads).toBeGreaterThan(whole.device!.traffic.uploads);
    expect(distance(a, b)).toBeLessThan(1e-4);
  });

  describe("when the device goes away in mid-run", () => {
    const lossy = async (fallback: "cpu" | "none") => {
      const device = await (await dawn.requestAdapter())!.requestDevice();
      const notices: string[] = [];
      const executor = gpu({ device, fallback, onNotice: (n) => notices.push(n) });
      const snapshots: Snapshot[] = [];
      const run = async () => {
        for await (const s of evolve(quench(4, 0.4), { h: 0.1, solver: exponential(), executor })) {
          snapshots.push(s);
          if (s.step === 2) device.destroy();
        }
      };
      return { run, notices, snapshots };
    };

    test("the CPU goes on, with one notice", async () => {
      const { run, notices, snapshots } = await lossy("cpu");
      await run();
      expect(notices).toEqual([expect.stringMatching(/^gpu: the GPU .* was lost: .*; the CPU goes on$/)]);
      expect(snapshots).toHaveLength(5);
      const here = await end(quench(4, 0.4), { executor: inline() });
      expect(distance(here, snapshots.at(-1)!.y)).toBeLessThan(1e-4);
    });

    test("or the run ends with a GpuError, and the steps before it stand", async () => {
      const { run, snapshots } = await lossy("none");
      await expect(run()).rejects.toMatchObject({ name: "GpuError", code: "device-lost" });
      expect(snapshots.at(-1)!.step).toBe(2);
      expect(norm(snapshots.at(-1)!.y)).toBeCloseTo(1, 4);
    });
  });

  describe("when memory ends", () => {
    /** A device that has so many bytes. */
    const scarce = async (bytes: number): Promise<GPUDevice> => {
      const device = await (await dawn.requestAdapter())!.requestDevice();
      let failed = false;
      const createBuffer = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        if (descriptor.size > bytes) failed = true;
        return createBuffer(descriptor);
      };
      const pop = device.popErrorScope.bind(device);
      device.popErrorScope = async () => {
        const error = await pop();
        if (!failed) return error;
        failed = false;
        return { message: `only ${bytes} bytes` };
      };
      return device;
    };

    test("sets are halved", async () => {
      const notices: string[] = [];
      await using executor = gpu({ device: await scarce(1 << 17), onNotice: (n) => notices.push(n) });
      const there = await end(quench(6, 0.1), { executor });
      expect(notices).toEqual([]);
      expect(distance(await end(quench(6, 0.1), { executor: inline() }), there)).toBeLessThan(1e-4);
    });

    test("and where a single problem does not fit, the CPU goes on, or the run ends with a GpuError", async () => {
      const notices: string[] = [];
      await using executor = gpu({ device: await scarce(1 << 11), onNotice: (n) => notices.push(n) });
      expect(
        distance(await end(quench(4, 0.1), { executor: inline() }), await end(quench(4, 0.1), { executor })),
      ).toBeLessThan(1e-14);
      expect(notices).toEqual([expect.stringContaining("only 2048 bytes; the CPU goes on")]);
      await using strict = gpu({ device: await scarce(1 << 11), fallback: "none" });
      await expect(end(quench(4, 0.1), { executor: strict })).rejects.toMatchObject({ code: "out-of-memory" });
    });
  });
});

test("gpu.js multiplies random shapes to float32", async () => {
  await using kernels = await gpuJsKernels({ module: gpuJs, mode: "cpu" });
  const { ratios, ofBound } = await errorsOf(kernels, randomProducts(200, 20_000, 31));
  expect(Math.max(...ratios)).toBeLessThan(30);
  expect(Math.max(...ofBound)).toBeLessThanOrEqual(1);
});
