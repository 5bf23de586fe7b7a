import { type KroneckerTerm, kroneckerSum } from "../linalg/kronecker-sum.ts";
import type { Dtype } from "../linalg/tensor.ts";
import { kroneckerField } from "../ttn/operators/kronecker-field.ts";

const decay = { re: -1, im: 0 };

/** The local field X' = -A X of a sum of Kronecker products, to measure with. */
export const trialField = (shape: readonly number[], terms: readonly KroneckerTerm[], dtype: Dtype) =>
  kroneckerField({
    form: "kronecker",
    phase: decay,
    parts: [{ coefficient: decay, sum: kroneckerSum(shape, terms, dtype) }],
  });
