import * as gpuJs from "gpu.js";
import { batchedContract, type ContractionKernels, gpu, gpuJsKernels, webGpuKernels } from "../../../src/gpu/index.ts";
import { evolve, exponential, inline, norm } from "../../../src/index.ts";
import { add, scale } from "../../../src/ttn/arithmetic.ts";
import { type Errors, errorsOf, randomProducts } from "./checks.ts";
import { quench } from "./quench.ts";

/** What the tests call in a page. */
const checks = {
  async kernels(precision: "float32" | "compensated", count: number, most: number, seed: number): Promise<Errors> {
    await using kernels: ContractionKernels = await webGpuKernels({ precision });
    return await errorsOf(kernels, randomProducts(count, most, seed));
  },
  async gpuJs(count: number, most: number, seed: number): Promise<Errors & { readonly name: string }> {
    await using kernels = await gpuJsKernels({ module: gpuJs });
    return { name: kernels.name, ...(await errorsOf(kernels, randomProducts(count, most, seed))) };
  },
  /** A short run, its distance from the CPU's, and what was said. */
  async run(precision: "float32" | "compensated") {
    const notices: string[] = [];
    const problem = quench(4, 0.2);
    const end = async (executor: ReturnType<typeof inline>) => {
      let last = problem.initial;
      for await (const { y } of evolve(problem, { h: 0.1, solver: exponential(), executor })) last = y;
      return last;
    };
    await using executor = gpu({ precision, onNotice: (n) => notices.push(n) });
    const [here, there] = [await end(inline()), await end(executor)];
    return { error: norm(add(here, scale(-1, there))), notices, dispatches: executor.device?.traffic.dispatches ?? 0 };
  },
  async contract() {
    const notices: string[] = [];
    const { precision } = await batchedContract(randomProducts(2, 100, 1), { onNotice: (n) => notices.push(n) });
    return { precision, notices };
  },
};

export type Checks = typeof checks;
Reflect.set(globalThis, "checks", checks);
