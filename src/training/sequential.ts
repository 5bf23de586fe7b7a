import { seeded } from "../linalg/random.ts";
import { allFinite, shapeText, type Tensor } from "../linalg/tensor.ts";
import { checkShapes, shapesOf, type WeightShapes } from "./check-weights.ts";
import { inputsOf } from "./data.ts";
import type { InferenceStep } from "./export/inference.ts";
import { chain, namesOf, sharesOf } from "./layers/chain.ts";
import type { Layer } from "./layers/layers.ts";
import type { Loss } from "./tape/losses.ts";
import { LowRankWeight } from "./tape/operations.ts";
import { Tape, type Variable } from "./tape/tape.ts";
import type { Dataset, Model, Weights } from "./weights.ts";

/** A model of layers, each fed with the outputs of the one before. */
export interface Sequential extends Model {
  readonly inputs: number;
  readonly outputs: number;
  /** How many numbers fewer it has than with dense matrices, beside what its blocks tell: for `parameterCounts`. */
  readonly spared: number;
  /**
   * Outputs, samples x outputs, for inputs, samples x inputs. Throws a RangeError when there are not as many inputs, the first layer does not take them, or
   * weights are not of the model's shapes.
   */
  predict(weights: Weights, inputs: Tensor): Tensor;
  /** The mean loss over a data set; forwards only. Throws as `predict`, and where targets do not fit. */
  lossOf(weights: Weights, data: Dataset): number;
  /**
   * What it does with these weights, step by step, for export. Throws a RangeError naming the layer that has no such form: convolutions,
   * attention, and whatever else is not a product with matrices, a bias or an activation.
   */
  inference(weights: Weights): readonly InferenceStep[];
  /** Both, from one pass forwards. */
  scores(weights: Weights, data: Dataset): { readonly outputs: Tensor; readonly loss: number };
}

/**
 * A model of layers with a loss on top:
 *
 *     sequential(784, [lowRank(128), activation("relu"), lowRank(128), activation("relu"), dense(10)], crossEntropy())
 *
 * Throws a RangeError when the inputs are not a positive integer, there is no layer, or a layer does not fit its inputs.
 */
export function sequential(inputs: number, layers: readonly Layer[], loss: Loss): Sequential {
  if (!Number.isSafeInteger(inputs) || inputs < 1)
    throw new RangeError(`sequential: inputs is ${inputs}, expected a positive integer`);
  if (layers.length === 0) throw new RangeError("sequential: no layers were given, expected one or more");
  const layer = chain(inputs, layers);
  const { outputs } = layer;

  const outputsOf = (tape: Tape, { blocks, passengers }: Weights, x: Tensor): Variable =>
    layer.record(tape, tape.constant(x), {
      blocks: blocks.map((y) => new LowRankWeight(y)),
      passengers: passengers.map((p) => tape.constant(p)),
    });

  const checkInputs = (x: Tensor): void => {
    if (x.shape.length !== 2 || x.shape[1] !== inputs)
      throw new RangeError(`data: the inputs are ${shapeText(x.shape)}, expected samples x ${inputs}`);
    if (x.dtype !== "float64") throw new TypeError(`data: the inputs are ${x.dtype}, expected float64`);
  };

  let shapes: WeightShapes | undefined;
  /** What is given to passes forwards: weights of the model's shapes, and inputs that its first layer takes. */
  const checkGiven = (weights: Weights, x: Tensor): void => {
    shapes ??= shapesOf(layer.initial(seeded(0)));
    checkShapes("sequential", "weights", weights, shapes);
    checkInputs(x);
    layer.check?.(x);
  };

  const scores: Sequential["scores"] = (weights, { inputs: x, targets }) => {
    checkGiven(weights, x);
    loss.check(targets, x.shape[0]!, outputs);
    const tape = new Tape();
    const found = outputsOf(tape, weights, x);
    return { outputs: found.value, loss: loss.record(tape, found, targets).value.data[0]! };
  };

  return {
    name: namesOf(layers),
    inputs,
    outputs,
    complete: layer.complete ?? [],
    spared: layer.spared ?? 0,
    initial: (random) => layer.initial(random),
    inference: (weights) =>
      sharesOf(layer.parts, weights).flatMap((own, k) => {
        const steps = layer.parts[k]!.inference?.(own);
        if (!steps) throw new RangeError(`inference: layer ${k}, ${layers[k]!.name}, has no form for export`);
        return steps;
      }),
    check({ inputs: x, targets }) {
      checkInputs(x);
      if (x.shape[0] === 0) throw new RangeError("data: there are no samples, expected one or more");
      if (!allFinite(x))
        throw new RangeError(
          `data: sample ${Math.floor(x.data.findIndex((v) => !Number.isFinite(v)) / inputs)} has an input not finite`,
        );
      layer.check?.(x);
      loss.check(targets, x.shape[0]!, outputs);
    },
    objective(samples, memory) {
      const { targets } = samples;
      const x = inputsOf(samples, memory);
      return ({ blocks, passengers }) => {
        const tape = new Tape(memory);
        const weights = blocks.map((y) => new LowRankWeight(y));
        const variables = passengers.map((p) => tape.variable(p));
        const result = loss.record(
          tape,
          layer.record(tape, tape.constant(x), { blocks: weights, passengers: variables }),
          targets,
        );
        tape.backward(result);
        return {
          loss: result.value.data[0]!,
          blocks: weights.map((w) => w.derivative),
          passengers: variables.map((v) => tape.derivative(v)),
        };
      };
    },
    predict(weights, x) {
      checkGiven(weights, x);
      return outputsOf(new Tape(), weights, x).value;
    },
    lossOf: (weights, data) => scores(weights, data).loss,
    scores,
  };
}
