import type { StepSettings } from "../settings.ts";
import { type LowRankDenseLayer, type LowRankDenseOptions, layerClass } from "./layer.ts";
import { type LowRankOptimizerExtras, optimizerClass } from "./optimizer.ts";
import { Recorder } from "./recorder.ts";
import type { Operations, TensorFlow } from "./types.ts";

/** Layers and optimizers for a module of TensorFlow.js, as that types them. */
export interface TensorFlowAdapter<T extends TensorFlow> {
  /** A dense layer whose kernel has a low rank. */
  lowRankDense(options: LowRankDenseOptions): InstanceType<T["layers"]["Layer"]> & LowRankDenseLayer;
  /** What trains it, for `model.compile`, or by `minimize`. */
  optimizer(options: StepSettings): InstanceType<T["Optimizer"]> & LowRankOptimizerExtras;
}

/**
 * Low-rank training in TensorFlow.js, by the integrators of this library:
 *
 *     const { lowRankDense, optimizer } = tensorflow(tf);
 *     const model = tf.sequential({ layers: [lowRankDense({ units: 128, rank: 32, inputShape: [784] }), ...] });
 *     model.compile({ optimizer: optimizer({ learningRate: 0.2, method: "parallel", tolerance: 0.1 }), loss: "categoricalCrossentropy" });
 *     await model.fit(inputs, targets);
 *
 * The module is handed over, `@tensorflow/tfjs` or `{ ...core, ...layers }`, and not imported: this library does not depend on it. Layers and
 * optimizers of one adapter know each other; both classes are registered with the module, so that saved models are loaded with them.
 * Weights are stepped in float64 and kept in float32. Throws a TypeError when it is given another module.
 */
export function tensorflow<T extends TensorFlow>(tf: T): TensorFlowAdapter<T> {
  for (const name of needed)
    if (typeof (tf as Partial<TensorFlow>)?.[name] !== "function")
      throw new TypeError(
        `tensorflow: the module has no function ${name}, expected @tensorflow/tfjs, or { ...core, ...layers } of its two parts`,
      );
  if (typeof tf.layers?.Layer !== "function")
    throw new TypeError(
      "tensorflow: the module has no layers.Layer, expected @tensorflow/tfjs, or { ...core, ...layers } of its two parts",
    );
  const operations = tf as unknown as Operations;
  const recorder = new Recorder(operations);
  const [Layer, Optimizer] = [layerClass(operations, recorder), optimizerClass(operations, recorder)];
  return {
    lowRankDense: (options) => new Layer(options) as unknown as ReturnType<TensorFlowAdapter<T>["lowRankDense"]>,
    optimizer: (options) => new Optimizer(options) as unknown as ReturnType<TensorFlowAdapter<T>["optimizer"]>,
  };
}

const needed = ["Optimizer", "engine", "tensor", "tidy", "matMul", "customGrad", "variableGrads"] as const;
