import { gatherRows } from "../linalg/contract.ts";
import type { Random } from "../linalg/random.ts";
import { type Tensor, tensor } from "../linalg/tensor.ts";
import type { Frame } from "../linalg/workspace.ts";
import type { Dataset } from "./weights.ts";

/** Of which rows of what sets of samples were made. */
const origins = new WeakMap<Dataset, { readonly inputs: Tensor; readonly order: Int32Array }>();

/** Some samples of a data set, in this order. Their inputs are gathered when they are first asked for. */
export function samplesOf({ inputs, targets }: Dataset, order: Int32Array): Dataset {
  let own: Tensor | undefined;
  const samples: Dataset = {
    get inputs() {
      own ??= rowsOf(inputs, order);
      return own;
    },
    targets: "shape" in targets ? rowsOf(targets, order) : Int32Array.from(order, (i) => targets[i]!),
  };
  origins.set(samples, { inputs, order });
  return samples;
}

/** The inputs of samples, gathered in `memory` if it is given and they are rows of a data set. */
export function inputsOf(samples: Dataset, memory?: Frame): Tensor {
  const origin = memory && origins.get(samples);
  return origin ? rowsOf(origin.inputs, origin.order, memory) : samples.inputs;
}

/** The first `count` samples. Throws a RangeError when there are fewer. */
export function firstSamples(data: Dataset, count: number): Dataset {
  const [samples] = data.inputs.shape as [number];
  if (!Number.isSafeInteger(count) || count < 1 || count > samples)
    throw new RangeError(`firstSamples: count is ${count}, expected an integer from 1 to ${samples}`);
  return count === samples
    ? data
    : samplesOf(
        data,
        Int32Array.from({ length: count }, (_, i) => i),
      );
}

const rowsOf = (a: Tensor, order: Int32Array, memory?: Frame): Tensor =>
  gatherRows({ ...a, shape: [order.length, ...a.shape.slice(1)] }, order, memory);

/** 0 to n - 1 in random order (Fisher and Yates). */
export function shuffled(n: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** The share of samples whose largest output is that of their class; where an output is not a number, none is. */
export function accuracy(outputs: Tensor, classes: ArrayLike<number>): number {
  const [samples, columns] = outputs.shape as [number, number];
  if (classes.length !== samples)
    throw new RangeError(`accuracy: ${classes.length} classes for ${samples} rows of outputs`);
  let right = 0;
  for (let i = 0; i < samples; i++) {
    const row = outputs.data.subarray(i * columns, (i + 1) * columns);
    let best = 0;
    for (let j = 1; j < columns; j++) if (row[j]! > row[best]!) best = j;
    if (best === classes[i] && !row.some(Number.isNaN)) right++;
  }
  return right / samples;
}

/**
 * Samples around one random centre a class, normally distributed: a problem of classes that needs no files. Throws a RangeError when a number of
 * samples, features or classes is no positive integer.
 */
export function gaussianClasses(
  { samples, features, classes, spread = 1 }: { samples: number; features: number; classes: number; spread?: number },
  centers: Random,
  random: Random,
): Dataset {
  for (const [name, n] of Object.entries({ samples, features, classes }))
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`gaussianClasses: ${name} is ${n}, expected a positive integer`);
  const normal = (from: Random): number => Math.sqrt(-2 * Math.log(1 - from())) * Math.cos(2 * Math.PI * from());
  const middle = Array.from({ length: classes }, () => Float64Array.from({ length: features }, () => normal(centers)));
  const inputs = tensor([samples, features]);
  const targets = new Int32Array(samples);
  for (let i = 0; i < samples; i++) {
    const c = Math.floor(random() * classes);
    targets[i] = c;
    for (let j = 0; j < features; j++) inputs.data[i * features + j] = middle[c]![j]! + spread * normal(random);
  }
  return { inputs, targets };
}
