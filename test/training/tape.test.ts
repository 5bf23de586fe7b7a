import { describe, expect, test } from "vitest";
import { matmul, modeProduct, randomTensor, seeded, type Tensor, tensor } from "../../src/linalg/index.ts";
import {
  activation,
  convolution,
  crossEntropy,
  type Dataset,
  dense,
  lowRank,
  maxPool,
  meanSquaredError,
  relu,
  sequential,
  Tape,
  tanh,
} from "../../src/training/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { checkDerivatives, near, slopeOf } from "./derivatives.ts";

const random = seeded(5);
const inputs = randomTensor(random, [7, 5]);
const classes: Dataset = { inputs, targets: [0, 2, 1, 1, 0, 2, 2] };
const values: Dataset = { inputs, targets: randomTensor(random, [7, 3]) };

const perceptron = (name: "relu" | "tanh" | "gelu") => [
  lowRank(6, { rank: 3, gain: 1 }),
  activation(name),
  lowRank(4, { gain: 1, base: randomTensor(random, [4, 6]), scale: 0.5 }),
  activation(name),
  dense(3),
];
const images: Dataset = { inputs: randomTensor(random, [4, 7 * 6 * 2]), targets: [0, 2, 1, 1] };
const convolutions = [
  convolution({ height: 7, width: 6, channels: 2, filters: 3, kernel: 2, rank: 2, gain: 1 }),
  activation("tanh"),
  maxPool({ height: 6, width: 5, channels: 3 }),
  convolution({ height: 3, width: 2, channels: 3, filters: 4, kernel: 2, rank: 3, gain: 1, format: "tucker" }),
  activation("tanh"),
  dense(3),
];

describe.each([
  ["cross entropy, relu", 5, perceptron("relu"), crossEntropy(), classes],
  ["cross entropy, tanh", 5, perceptron("tanh"), crossEntropy(), classes],
  ["mean squared error, gelu", 5, perceptron("gelu"), meanSquaredError(), values],
  ["convolutions", 84, convolutions, crossEntropy(), images],
] as const)("derivatives: %s", (_, inputs, layers, loss, data) => {
  checkDerivatives(sequential(inputs, layers, loss), data);
});

describe("a tape", () => {
  test("adds up what comes from several uses of a value", () => {
    const x = randomTensor(random, [2, 3]);
    const f = (value: Tensor, back: boolean) => {
      const tape = new Tape();
      const v = tape.variable(value);
      const w = tape.record(matmul(v.value, v.value, "N", "T"), false, (d) => {
        tape.add(v, modeProduct(v.value, 0, d));
        tape.add(v, matmul(d, v.value, "T", "N"));
      });
      const loss = meanSquaredError().record(tape, tanh(tape, w), tensor([2, 2]));
      if (back) tape.backward(loss);
      return { loss: loss.value.data[0]!, derivative: tape.derivative(v) };
    };
    near(
      f(x, true).derivative.data,
      slopeOf((y) => f(y, false).loss, x),
      1e-8,
    );
  });

  test("a value that nothing depends on has derivative zero", () => {
    const tape = new Tape();
    const [a, b] = [tape.variable(tensor([2])), tape.variable(tensor([1, 1]))];
    tape.backward(meanSquaredError().record(tape, relu(tape, b), tensor([1, 1])));
    expect([...tape.derivative(a).data]).toEqual([0, 0]);
  });

  test("goes back from a single number only", () => {
    const tape = new Tape();
    expect(() => tape.backward(tape.variable(tensor([2, 3])))).toThrow("tape: backward from a value of 2x3");
  });
});

test("a convolution is the sum over every patch", () => {
  const [image, kernel] = [randomTensor(random, [1, 4 * 5 * 2]), 3];
  const layer = convolution({ height: 4, width: 5, channels: 2, filters: 2, kernel, rank: 2 });
  const model = sequential(40, [layer], meanSquaredError());
  const weights = model.initial(seeded(1));
  const found = model.predict(weights, image);
  const w = toDense(weights.blocks[0]!);
  expect(found.shape).toEqual([1, 2 * 3 * 2]);
  for (let i = 0; i < 2; i++)
    for (let j = 0; j < 3; j++)
      for (let f = 0; f < 2; f++) {
        let sum = 0;
        for (let a = 0; a < kernel; a++)
          for (let b = 0; b < kernel; b++)
            for (let c = 0; c < 2; c++)
              sum += w.data[f * 18 + (a * kernel + b) * 2 + c]! * image.data[((i + a) * 5 + j + b) * 2 + c]!;
        expect(found.data[(i * 3 + j) * 2 + f]).toBeCloseTo(sum, 14);
      }
});

test("images that do not fit are refused", () => {
  const image = { height: 4, width: 4, channels: 1 };
  expect(() => convolution({ ...image, filters: 2, kernel: 5 })).toThrow(
    "convolution: the kernel is 5x5, the image 4x4",
  );
  expect(() => convolution({ ...image, filters: 0, kernel: 2 })).toThrow("convolution: filters is 0");
  expect(() => convolution({ ...image, filters: 2, kernel: 2, rank: 3 })).toThrow("a kernel of 2x4 has from 1 to 2");
  expect(() => convolution({ ...image, filters: 2, kernel: 2, gain: 0 })).toThrow("convolution: gain is 0");
  expect(() => maxPool({ ...image, height: 1 })).toThrow("maxPool: the image is 1x4, expected 2x2 or more");
  expect(() => sequential(15, [maxPool(image)], meanSquaredError())).toThrow(
    "maxPool: 15 inputs, expected an image of 4x4x1",
  );
});

test("cross entropy neither overflows nor hides what is not finite", () => {
  const lossOf = (values: number[]): number => {
    const tape = new Tape();
    return crossEntropy().record(tape, tape.variable(tensor([1, 3], "float64", Float64Array.from(values))), [1]).value
      .data[0]!;
  };
  expect(lossOf([1e4, 0, -1e4])).toBe(1e4);
  expect(lossOf([1, 1, 1])).toBeCloseTo(Math.log(3), 15);
  expect(lossOf([Number.NaN, 0, 0])).toBeNaN();
});
