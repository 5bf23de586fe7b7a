import type { Tensor } from "../../linalg/tensor.ts";
import type { Sequential } from "../sequential.ts";
import type { Weights } from "../weights.ts";
import type { InferenceStep } from "./inference.ts";
import { Message } from "./protobuf.ts";

/**
 * A trained model as an ONNX file in float32, for onnxruntime and others: `inputs`, samples x inputs, to `outputs`, samples x outputs, any number of
 * samples. A layer of low rank is two matrix products, its core in the first of them, O(r (m + n)) a sample; an adapter adds its base, scaled as in
 * training. Operators of opset 13; 20 where there is a GELU.
 * Throws a RangeError naming the layer that has no such form, such as a convolution.
 */
export function toOnnx(model: Sequential, weights: Weights): Uint8Array {
  const steps = model.inference(weights);
  const graph = new Message();
  const tensors: Message[] = [];
  let names = 0;
  const fresh = (): string => `value${names++}`;
  const node = (
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, string>> = {},
  ): string => {
    const output = fresh();
    const message = new Message();
    for (const name of inputs) message.bytes(1, name);
    message.bytes(2, output).bytes(3, `${operator}_${output}`).bytes(4, operator);
    for (const [name, text] of Object.entries(attributes))
      message.bytes(5, new Message().bytes(1, name).bytes(4, text).integer(20, attributeOfText));
    graph.bytes(1, message);
    return output;
  };
  const constant = (name: string, value: Tensor): string => {
    tensors.push(constantOf(name, value));
    return name;
  };
  const applied = (x: string, step: InferenceStep, k: number): string => {
    if (step.kind !== "affine")
      return node(operators[step.kind], [x], step.kind === "gelu" ? { approximate: "tanh" } : {});
    const parts = step.terms.map((term, i) =>
      term.reduce((v, matrix, j) => node("MatMul", [v, constant(`layer${k}.matrix${i}.${j}`, matrix)]), x),
    );
    const sum = parts.reduce((a, b) => node("Add", [a, b]));
    return step.bias ? node("Add", [sum, constant(`layer${k}.bias`, step.bias)]) : sum;
  };
  const last = steps.reduce(applied, "inputs");
  graph.bytes(1, new Message().bytes(1, last).bytes(2, "outputs").bytes(3, "Identity_outputs").bytes(4, "Identity"));
  graph.bytes(2, "model");
  for (const t of tensors) graph.bytes(5, t);
  graph.bytes(11, matrixOf("inputs", model.inputs)).bytes(12, matrixOf("outputs", model.outputs));
  const opset = steps.some(({ kind }) => kind === "gelu") ? 20 : 13;
  return new Message()
    .integer(1, 8) // version of the format
    .bytes(2, "dlra")
    .bytes(7, graph)
    .bytes(8, new Message().bytes(1, "").integer(2, opset))
    .encoded();
}

const operators = { relu: "Relu", tanh: "Tanh", gelu: "Gelu" } as const;

const float32 = 1;
const attributeOfText = 3;

/** A constant in float32. */
function constantOf(name: string, { shape, data }: Tensor): Message {
  const message = new Message();
  for (const n of shape) message.integer(1, n);
  const raw = new Uint8Array(4 * data.length);
  const view = new DataView(raw.buffer);
  data.forEach((value, k) => {
    view.setFloat32(4 * k, value, true);
  });
  return message.integer(2, float32).bytes(8, name).bytes(9, raw);
}

/** A matrix of any number of rows. */
function matrixOf(name: string, columns: number): Message {
  const shape = new Message().bytes(1, new Message().bytes(2, "samples")).bytes(1, new Message().integer(1, columns));
  const type = new Message().bytes(1, new Message().integer(1, float32).bytes(2, shape));
  return new Message().bytes(1, name).bytes(2, type);
}
