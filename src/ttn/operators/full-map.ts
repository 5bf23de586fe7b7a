import { type KroneckerSum, kroneckerSum } from "../../linalg/kronecker-sum.ts";
import type { Dtype } from "../../linalg/tensor.ts";
import type { ProductTerm } from "./product-sum.ts";

/** A sum of products as a linear map of full tensors of this shape, for references: no tree, no compression. */
export const fullMap = (terms: readonly ProductTerm[], shape: readonly number[], dtype: Dtype): KroneckerSum =>
  kroneckerSum(
    shape,
    terms.map(({ coefficient, factors }) => ({
      coefficient,
      matrices: shape.map((_, mode) => factors.find((f) => f.mode === mode)?.operator ?? null),
    })),
    dtype,
  );
