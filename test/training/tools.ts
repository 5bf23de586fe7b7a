import { combine, seeded, type Tensor } from "../../src/linalg/index.ts";
import { norm } from "../../src/linalg/level1.ts";
import {
  type Dataset,
  gaussianClasses,
  type Model,
  type TrainingStep,
  type TrainOptions,
  train,
} from "../../src/training/index.ts";

export {
  block,
  combine,
  fromFunction,
  identity,
  matmul,
  permute,
  randomTensor,
  scaleColumns,
  seeded,
  singularValues,
  svd,
  type Tensor,
} from "../../src/linalg/index.ts";
export { norm } from "../../src/linalg/level1.ts";

/** |a - b|, Frobenius. */
export const difference = (a: Tensor, b: Tensor): number =>
  norm(
    combine([
      [1, a],
      [-1, b],
    ]),
  );

/** Four classes in twelve dimensions, at the same means for every seed. */
export const classes = (samples: number, seed: number, spread = 1): Dataset =>
  gaussianClasses({ samples, features: 12, classes: 4, spread }, seeded(1), seeded(seed));

/** All steps of a training. */
export async function all(model: Model, on: Dataset, options: TrainOptions): Promise<TrainingStep[]> {
  const steps: TrainingStep[] = [];
  for await (const step of train(model, on, options)) steps.push(step);
  return steps;
}
