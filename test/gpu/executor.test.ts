import { expect, test, vi } from "vitest";
import { gpu } from "../../src/gpu/index.ts";
import { balanced, evolve, inline, type Snapshot } from "../../src/index.ts";
import { executorOf, record } from "../../src/io/index.ts";
import { longRangeIsing, spinChain, spinState } from "../../src/problems/index.ts";

const tree = balanced(4);
const problem = spinChain("quench", longRangeIsing(tree, { alpha: 2 }), spinState(tree, "up"), 0.2);

test("without a GPU a run goes on on the CPU, with the CPU's bits and one notice", async () => {
  const notices: string[] = [];
  await using executor = gpu({ onNotice: (n) => notices.push(n) });
  let last: Snapshot | undefined;
  let expected: Snapshot | undefined;
  for await (const s of evolve(problem, { h: 0.1, executor })) last = s;
  for await (const s of evolve(problem, { h: 0.1, executor: inline() })) expected = s;
  expect(last!.y.tensors.map((t) => t.data)).toEqual(expected!.y.tensors.map((t) => t.data));
  expect(executor.device).toBeNull();
  expect(notices).toEqual([expect.stringMatching(/^gpu: .*no WebGPU here.*the CPU goes on$/)]);
});

test("without a GPU and without a fallback the run ends before its first step", async () => {
  await using executor = gpu({ fallback: "none" });
  await expect(executor.start()).rejects.toMatchObject({ name: "GpuError", code: "no-adapter" });
});

test("options that mean nothing are refused, and so is work after the end", async () => {
  expect(() => gpu({ precision: "double" as "float32" })).toThrow('gpu: precision is "double"');
  expect(() => gpu({ fallback: "later" as "cpu" })).toThrow('gpu: fallback is "later"');
  expect(() => gpu({ maxBytes: 0 })).toThrow("gpu: maxBytes is 0");
  const executor = gpu();
  await executor[Symbol.asyncDispose]();
  await expect(executor.start()).rejects.toThrow("gpu: the executor was disposed");
});

test("the setting names both precisions, and a record says which was used: float64, when there is no GPU", async () => {
  const told = vi.spyOn(console, "warn").mockImplementation(() => {});
  for (const [setting, name] of [
    ["gpu", "gpu, float32"],
    ["gpu:compensated", "gpu, compensated"],
  ] as const) {
    await using executor = executorOf(setting);
    expect(executor.name).toBe(name);
    expect((await record(problem, { h: 0.1, every: 1, executor })).precision).toBe("float64");
  }
  expect(told).toHaveBeenCalledTimes(2);
  told.mockRestore();
  expect(() => executorOf("gpu:double")).toThrow('executor = gpu:double: gpu: precision is "double"');
});
