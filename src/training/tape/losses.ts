import { shapeText, type Tensor, tensor } from "../../linalg/tensor.ts";
import type { Dataset } from "../weights.ts";
import type { Tape, Variable } from "./tape.ts";

/** What is made small: a number from a model's outputs and what they should be. */
export interface Loss {
  readonly name: string;
  /** Throws a RangeError when targets do not fit samples with this many outputs, a TypeError when they are of another type. */
  check(targets: Dataset["targets"], samples: number, outputs: number): void;
  /** The mean over the samples, one number. */
  record(tape: Tape, outputs: Variable, targets: Dataset["targets"]): Variable;
}

/**
 * -log softmax(z)[c], the mean over samples of class c with outputs z; targets are the classes. Computed relative to the
 * largest output, so that it neither overflows nor cancels.
 */
export const crossEntropy = (): Loss => ({
  name: "cross entropy",
  check(targets, samples, outputs) {
    if ("shape" in targets)
      throw new RangeError(
        `crossEntropy: the targets are ${shapeText(targets.shape)}, expected a class for each sample`,
      );
    if (targets.length !== samples)
      throw new RangeError(`crossEntropy: ${targets.length} classes for ${samples} samples`);
    for (let i = 0; i < samples; i++) {
      const c = targets[i]!;
      if (!(Number.isInteger(c) && c >= 0 && c < outputs))
        throw new RangeError(`crossEntropy: sample ${i} has class ${c}, expected an integer from 0 to ${outputs - 1}`);
    }
  },
  record(tape, outputs, targets) {
    const classes = targets as ArrayLike<number>;
    const [rows, columns] = outputs.value.shape as [number, number];
    const z = outputs.value.data;
    const slopes = tensor([rows, columns]);
    let sum = 0;
    for (let i = 0; i < rows; i++) {
      const row = z.subarray(i * columns, (i + 1) * columns);
      const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      let total = 0;
      for (let j = 0; j < columns; j++) total += Math.exp(row[j]! - largest);
      for (let j = 0; j < columns; j++) slopes.data[i * columns + j] = Math.exp(row[j]! - largest) / total / rows;
      slopes.data[i * columns + classes[i]!]! -= 1 / rows;
      sum += Math.log(total) + largest - row[classes[i]!]!;
    }
    return tape.record(tensor([], "float64", Float64Array.of(sum / rows)), outputs.isConstant, (d) =>
      tape.add(outputs, times(d.data[0]!, slopes)),
    );
  },
});

/** The mean over all samples and outputs of (z - y)^2. */
export const meanSquaredError = (): Loss => ({
  name: "mean squared error",
  check(targets, samples, outputs) {
    const shape = "shape" in targets ? targets.shape : [targets.length];
    if (shapeText(shape) !== `${samples}x${outputs}`)
      throw new RangeError(`meanSquaredError: the targets are ${shapeText(shape)}, expected ${samples}x${outputs}`);
    const { dtype } = targets as Tensor;
    if (dtype !== "float64") throw new TypeError(`meanSquaredError: the targets are ${dtype}, expected float64`);
    const bad = (targets as Tensor).data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) throw new RangeError(`meanSquaredError: sample ${Math.floor(bad / outputs)} has a target not finite`);
  },
  record(tape, outputs, targets) {
    const wanted = (targets as Tensor).data;
    const difference = tensor(outputs.value.shape);
    let sum = 0;
    for (let p = 0; p < wanted.length; p++) {
      difference.data[p] = outputs.value.data[p]! - wanted[p]!;
      sum += difference.data[p]! ** 2;
    }
    return tape.record(tensor([], "float64", Float64Array.of(sum / wanted.length)), outputs.isConstant, (d) =>
      tape.add(outputs, times((2 * d.data[0]!) / wanted.length, difference)),
    );
  },
});

const times = (factor: number, x: Tensor): Tensor =>
  tensor(
    x.shape,
    x.dtype,
    x.data.map((v) => factor * v),
  );
