import { afterEach, expect, test, vi } from "vitest";

vi.mock("../../src/linalg/tensor.ts", async (original) => (await import("./made.ts")).recording(await original()));

import { augmentedBug, type Integrator, parallelBug, seeded } from "../../src/index.ts";
import { randomTensor } from "../../src/linalg/random.ts";
import {
  convolution,
  crossEntropy,
  type Dataset,
  dense,
  maxPool,
  sequential,
  train,
} from "../../src/training/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { made } from "./made.ts";

const [height, width, channels, filters, kernel] = [7, 8, 11, 13, 5];
const [samples, patches] = [6, (height - kernel + 1) * (width - kernel + 1)];
const fullKernel = filters * kernel * kernel * channels;
const fullPatches = samples * patches * kernel * kernel * channels;
const image = { height, width, channels };
const data: Dataset = {
  inputs: randomTensor(seeded(1), [samples, height * width * channels]),
  targets: [0, 1, 2, 0, 1, 2],
};
const modelOf = (format: "tucker" | "matrix") =>
  sequential(
    height * width * channels,
    [
      convolution({ ...image, filters, kernel, format, rank: 2, gain: 1 }),
      maxPool({ height: height - kernel + 1, width: width - kernel + 1, channels: filters }),
      dense(3),
    ],
    crossEntropy(),
  );

afterEach(() => made.clear());

async function passesOf(format: "tucker" | "matrix", integrator: Integrator): Promise<readonly number[]> {
  const passes: number[] = [];
  const steps = train(modelOf(format), data, {
    epochs: 3,
    rate: 0.05,
    integrator,
    truncation: { tolerance: "off", maxRank: 2 },
  });
  for await (const step of steps) passes.push(step.passes);
  return passes.slice(1);
}

test.each([
  ["parallel, Galerkin root", () => parallelBug({ firstStep: "parallel" })],
  ["parallel, assembled root", () => parallelBug({ root: "assembled", firstStep: "parallel" })],
  ["augmented", () => augmentedBug()],
] as const)(
  "%s: a Tucker kernel is trained in one pass a step, and nothing of its full size is made",
  async (_, method) => {
    expect(await passesOf("tucker", method())).toEqual([1, 1, 1]);
    expect(made.size).toBeGreaterThan(20);
    expect(made).not.toContain(fullKernel);
    expect(made).not.toContain(fullPatches);
  },
);

test("the count sees what the unfolded kernel needs: all patches", async () => {
  await passesOf("matrix", parallelBug());
  expect(made).toContain(fullPatches);
  expect(made).not.toContain(fullKernel);
});

test("in three stages it is the convolution with the full kernel", () => {
  const model = sequential(
    height * width * channels,
    [convolution({ ...image, filters, kernel, format: "tucker", rank: 4, gain: 1 })],
    crossEntropy(),
  );
  const weights = model.initial(seeded(2));
  const w = toDense(weights.blocks[0]!).data;
  const x = data.inputs.data;
  const found = model.predict(weights, data.inputs).data;
  for (let s = 0, q = 0; s < samples; s++)
    for (let i = 0; i + kernel <= height; i++)
      for (let j = 0; j + kernel <= width; j++)
        for (let f = 0; f < filters; f++, q++) {
          let sum = 0;
          for (let a = 0, p = f * kernel * kernel * channels; a < kernel; a++)
            for (let b = 0; b < kernel; b++)
              for (let c = 0; c < channels; c++, p++)
                sum += w[p]! * x[((s * height + i + a) * width + j + b) * channels + c]!;
          expect(Math.abs(found[q]! - sum)).toBeLessThan(1e-13);
        }
});
