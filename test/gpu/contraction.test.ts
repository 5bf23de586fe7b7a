import { expect, test } from "vitest";
import { decode, encode, wordsOf } from "../../src/gpu/encoding.ts";
import { batchedContract, contractionBound, cpuKernels, gpuJsKernels, webGpuKernels } from "../../src/gpu/index.ts";
import { block, matmul, randomTensor, reshape, seeded } from "../../src/linalg/index.ts";

const random = seeded(7);

test("pairs of float32 numbers keep 2^-48 of a number", () => {
  const kind = { dtype: "complex128", precision: "compensated" } as const;
  const x = randomTensor(random, [50], "complex128").data;
  const words = new Float32Array(50 * wordsOf(kind) + 3);
  encode(kind, x, words, 3, 4);
  const back = new Float64Array(x.length);
  decode(kind, words, 3, back, 0.25);
  x.forEach((value, i) => {
    expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(2 ** -48 * Math.abs(value));
  });
});

test("without a GPU batchedContract gives the CPU's products, in float64, with a notice", async () => {
  const a = randomTensor(random, [3, 4, 5], "complex128");
  const b = randomTensor(random, [6, 5], "complex128");
  const notices: string[] = [];
  const options = { onNotice: (n: string) => notices.push(n) };
  const { values, precision, where } = await batchedContract([{ a, b, opB: "C" }], options);
  expect(precision).toBe("float64");
  expect(where).toContain("CPU");
  expect(notices).toHaveLength(1);
  expect(values[0]!.shape).toEqual([3, 4, 6]);
  for (let k = 0; k < 3; k++)
    expect(block(values[0]!, [k, 0, 0], [1, 4, 6]).data).toEqual(
      matmul(reshape(block(a, [k, 0, 0], [1, 4, 5]), [4, 5]), b, "N", "C").data,
    );
});

test("products that do not fit are refused with both shapes", async () => {
  const m = (...shape: number[]) => randomTensor(random, shape);
  const refused = (product: Parameters<typeof batchedContract>[0][0]) => expect(batchedContract([product])).rejects;
  await refused({ a: m(2, 3), b: m(2, 3) }).toThrow("product 0: a is 2x3 (N), b 2x3 (N): inner sizes differ");
  await refused({ a: m(2, 2, 3), b: m(3, 3, 4) }).toThrow("the batches differ");
  await refused({ a: m(3), b: m(3, 4) }).toThrow("expected matrices");
  await refused({ a: m(2, 3), b: m(3, 4), opA: "H" as "C" }).toThrow('an op is "H"');
});

test("bounds grow with the inner size, and as squares for pairs", () => {
  expect(contractionBound("float32", 10)).toBeCloseTo(12 * 2 ** -24, 20);
  expect(contractionBound("compensated", 10, true)).toBeCloseTo(4 * 23 ** 2 * 2 ** -48, 25);
});

test("kernels that cannot be had say what is missing", async () => {
  await expect(webGpuKernels()).rejects.toMatchObject({ name: "GpuError", code: "no-adapter" });
  await expect(gpuJsKernels()).rejects.toThrow("gpu.js is not installed");
  await expect(webGpuKernels({ precision: "float16" as "float32" })).rejects.toThrow('precision is "float16"');
  expect((await cpuKernels().contract([])).length).toBe(0);
});
