import type { Tensor } from "../../linalg/tensor.ts";

/** One step from a matrix of samples, a row each, to the next, as plain data: what is left of layers once their weights stay. */
export type InferenceStep =
  | {
      /** X -> sum over the terms of X A1 A2 ..., plus a bias in every row. */
      readonly kind: "affine";
      readonly terms: readonly (readonly Tensor[])[];
      readonly bias: Tensor | null;
    }
  | { readonly kind: "relu" | "tanh" | "gelu" };
