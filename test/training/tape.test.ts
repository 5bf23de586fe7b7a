import { describe, expect, test } from "vitest";
import { matmul, modeProduct, randomTensor, seeded, type Tensor, tensor } from "../../src/linalg/index.ts";
import {
  activation,
  crossEntropy,
  type Dataset,
  dense,
  lowRank,
  meanSquaredError,
  relu,
  sequential,
  Tape,
  tanh,
  type Weights,
} from "../../src/training/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import type { TTN } from "../../src/ttn/ttn.ts";

const random = seeded(5);
const inputs = randomTensor(random, [7, 5]);
const classes: Dataset = { inputs, targets: [0, 2, 1, 1, 0, 2, 2] };
const values: Dataset = { inputs, targets: randomTensor(random, [7, 3]) };

/** The slope of a function of the entries of a tensor, by central differences: error O(h^2) + eps / h. */
const h = 1e-5;
const slopeOf = (f: (x: Tensor) => number, x: Tensor): Float64Array =>
  x.data.map((_, p) => {
    const moved = (by: number): Tensor => ({ ...x, data: x.data.with(p, x.data[p]! + by) });
    return (f(moved(h)) - f(moved(-h))) / (2 * h);
  });

const near = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number): void => {
  expect(a.length).toBe(b.length);
  for (let p = 0; p < a.length; p++) expect(Math.abs(a[p]! - b[p]!)).toBeLessThan(tolerance);
};

describe.each([
  ["cross entropy, relu", crossEntropy(), "relu", classes],
  ["cross entropy, tanh", crossEntropy(), "tanh", classes],
  ["mean squared error, gelu", meanSquaredError(), "gelu", values],
] as const)("derivatives: %s", (_, loss, name, data) => {
  const layers = [
    lowRank(6, { rank: 3, gain: 1 }),
    activation(name),
    lowRank(4, { gain: 1 }),
    activation(name),
    dense(3),
  ];
  const model = sequential(5, layers, loss);
  const start = model.initial(seeded(2));
  const weights: Weights = { ...start, passengers: start.passengers.map((p) => randomTensor(random, p.shape)) };
  const at = model.objective(data);
  const found = at(weights);

  test("by every passenger, as finite differences have them", () => {
    weights.passengers.forEach((p, i) => {
      const f = (x: Tensor): number => at({ ...weights, passengers: weights.passengers.with(i, x) }).loss;
      near(found.passengers[i]!.data, slopeOf(f, p), 1e-8);
    });
  });

  test("by every weight of low rank, entry by entry of the full matrix", () => {
    weights.blocks.forEach((y, k) => {
      const gradient = [found.blocks[k]!].flat().map((g) => toDense(g as TTN));
      expect(gradient).toHaveLength(1);
      // dL/dX for each tensor of the weight is the gradient seen from there: d/de L(W + e D) = <G, D>
      y.tensors.forEach((x, id) => {
        const f = (moved: Tensor): number =>
          at({ ...weights, blocks: weights.blocks.with(k, { ...y, tensors: y.tensors.with(id, moved) }) }).loss;
        const expected = x.data.map((_, p) => {
          const direction = toDense({
            ...y,
            tensors: y.tensors.with(id, { ...x, data: x.data.map((_, q) => +(p === q)) }),
          });
          return direction.data.reduce((sum, d, q) => sum + d * gradient[0]!.data[q]!, 0);
        });
        near(slopeOf(f, x), expected, 1e-8);
      });
    });
  });
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
