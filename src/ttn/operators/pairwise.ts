import type { Matrix } from "../../linalg/matrix.ts";
import { entry, shapeText, type Tensor } from "../../linalg/tensor.ts";
import type { Tree } from "../tree.ts";
import { type ProductTerm, productSum } from "./product-sum.ts";
import type { TTNO } from "./ttno.ts";

/**
 * The terms of sum_{i < j} beta[i, j] A_i A_j + sum_i D_i, with one matrix A_i (the coupled operator) and optionally one D_i
 * (the local term) for each mode. Only the upper triangle of beta is read. Throws a RangeError when the counts differ.
 */
export function pairTerms(
  beta: Tensor,
  coupled: readonly Matrix[],
  local: readonly (Matrix | null)[] = [],
): ProductTerm[] {
  const d = coupled.length;
  if (shapeText(beta.shape) !== `${d}x${d}`)
    throw new RangeError(`pairTerms: the coupling matrix is ${shapeText(beta.shape)}, ${d} operators were given`);
  const terms: ProductTerm[] = local.flatMap((operator, mode) =>
    operator ? [{ coefficient: 1, factors: [{ mode, operator }] }] : [],
  );
  for (let i = 0; i < d; i++)
    for (let j = i + 1; j < d; j++) {
      const factors = [i, j].map((mode) => ({ mode, operator: coupled[mode]! }));
      terms.push({ coefficient: entry(beta, i, j), factors });
    }
  return terms;
}

/**
 * The operator sum_{i < j} beta[i, j] A_i A_j + sum_i D_i for any coupling matrix, compressed as by `productSum`: its edge
 * ranks are two more than the ranks of beta between a subtree and the rest.
 */
export const pairwise = (
  tree: Tree,
  beta: Tensor,
  coupled: readonly Matrix[],
  local: readonly (Matrix | null)[] = [],
  tolerance?: number,
): TTNO =>
  productSum(
    tree,
    coupled.map((a) => a.shape[0]!),
    pairTerms(beta, coupled, local),
    tolerance,
  );
