import type { Matrix } from "../linalg/matrix.ts";
import { multiply } from "../linalg/matrix-product.ts";
import { asDtype, commonDtype, type Tensor } from "../linalg/tensor.ts";
import { scale } from "./arithmetic.ts";
import { functionRhs } from "./function-rhs.ts";
import type { FunctionOptions } from "./local-rhs.ts";
import type { ProductTerm } from "./operators/product-sum.ts";
import { remembered } from "./remembered.ts";
import type { Rhs } from "./rhs.ts";
import type { TTN } from "./ttn.ts";

/**
 * Y' = A(t, Y) Y for an operator that depends on the state, a sum of products of leaf matrices: `terms` gives them for a state
 * whose centre is at the node that is being solved, as `functionRhs` does.
 *
 *     quasilinearRhs((_t, y) => [{ coefficient: 1, factors: [{ mode: 0, operator: diagonal(field(y)) }, { mode: 1, operator: D }] }])
 *
 * Cost of an evaluation: that of the terms, and for each of them one contraction with the frame of what is new: products of a
 * matrix and a basis that are the same objects as before are remembered, with all that was contracted from them. So keep matrices
 * that do not depend on the state. What is linear in Y is cheaper as `linearRhs`, beside this in a `sumRhs`.
 * Throws a RangeError for a mode that the tree has not or a matrix of another size, and as `functionRhs`.
 */
export const quasilinearRhs = (
  terms: (t: number, y: TTN) => readonly ProductTerm[],
  options: FunctionOptions = {},
): Rhs => functionRhs((t, y) => terms(t, y).map((term) => applyProduct(term, y)), options);

/**
 * One product of leaf matrices applied to a network: ranks stay, and so does every tensor without a factor, the centre apart.
 * In no gauge. Cost of the leaf products.
 */
export function applyProduct({ coefficient, factors }: ProductTerm, y: TTN): TTN {
  const tensors = [...y.tensors];
  for (const { mode, operator } of factors) {
    const leaf = y.tree.leaves[mode];
    if (leaf === undefined)
      throw new RangeError(`product of matrices: mode ${mode}, the tree has modes 0 to ${y.tree.order - 1}`);
    tensors[leaf] = product(operator, tensors[leaf]!);
  }
  const dtype = commonDtype(...tensors.map((t) => t.dtype));
  const image = { ...y, tensors: tensors.map((t) => asDtype(t, dtype)) };
  return coefficient === 1 ? image : scale(coefficient, image);
}

const product = remembered((a: Matrix, u: Tensor): Tensor => multiply(a, u));
