import { scaled } from "../../linalg/contract.ts";
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
    const slopes = tape.room([rows, columns]);
    const into = slopes.data;
    let sum = 0;
    for (let start = 0, i = 0; i < rows; i++, start += columns) {
      const end = start + columns;
      let largest = Number.NEGATIVE_INFINITY;
      for (let p = start; p < end; p++) largest = Math.max(largest, z[p]!);
      let total = 0;
      for (let p = start; p < end; p++) {
        into[p] = Math.exp(z[p]! - largest);
        total += into[p]!;
      }
      for (let p = start; p < end; p++) into[p]! /= total * rows;
      const own = start + classes[i]!;
      into[own]! -= 1 / rows;
      sum += Math.log(total) + largest - z[own]!;
    }
    return tape.record(tensor([], "float64", Float64Array.of(sum / rows)), outputs.isConstant, (d) =>
      tape.add(outputs, scaled(d.data[0]!, slopes, tape.memory)),
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
    const difference = tape.room(outputs.value.shape);
    let sum = 0;
    for (let p = 0; p < wanted.length; p++) {
      difference.data[p] = outputs.value.data[p]! - wanted[p]!;
      sum += difference.data[p]! ** 2;
    }
    return tape.record(tensor([], "float64", Float64Array.of(sum / wanted.length)), outputs.isConstant, (d) =>
      tape.add(outputs, scaled((2 * d.data[0]!) / wanted.length, difference, tape.memory)),
    );
  },
});
