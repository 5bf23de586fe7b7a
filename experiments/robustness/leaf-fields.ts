import {
  balanced,
  fromFunction,
  type Problem,
  type ProductTerm,
  productSum,
  schroedinger,
  type Tensor,
  toDense,
  ttn,
} from "../../src/index.ts";
import { exactSolution } from "../../src/problems/index.ts";
import { leafFieldsData } from "./leaf-fields-data.ts";

/** Singular values of the edge at the root: of one size, or down to 1e-12. */
export const sigmas = { flat: [1, 0.5, 0.25, 0.125], tiny: [1, 1e-4, 1e-8, 1e-12] } as const;

const n = 6;
const rank = 4;

/** A stored matrix times a number i^power. */
const matrixOf = (numbers: readonly number[], columns: number, power: 0 | 1 = 0): Tensor =>
  fromFunction([n, columns], (i, j) => {
    const [re, im] = [numbers[2 * (i! * columns + j!)]!, numbers[2 * (i! * columns + j!) + 1]!];
    return power === 0 ? { re, im } : { re: -im, im: re };
  });

/**
 * Four leaves turned by random skew-Hermitian fields, and coupled weakly,
 *
 *     Y' = sum_l W_l Y - i eps (G_0 G_1 + G_1 G_2 + G_0 G_3) Y,   Y(0) = sum_k sigma_k a_k x b_k x c_k x d_k,
 *
 * on the tree ((0, 1), (2, 3)) at rank four: for eps = 0 the solution keeps its rank, and its singular values are sigma for all
 * times, so that the error of a method must not depend on them.
 */
export function leafFields(sigma: readonly number[], eps: number): { problem: Problem; exact: Tensor } {
  const T = 0.4;
  const tree = balanced(4);
  const pair = (a: number, b: number): ProductTerm => ({
    coefficient: eps,
    factors: [a, b].map((mode) => ({ mode, operator: matrixOf(leafFieldsData.g[mode]!, n) })),
  });
  // F = -i H with H = i W_l + eps G G
  const terms: ProductTerm[] = [
    ...leafFieldsData.w.map((w, mode) => ({ coefficient: 1, factors: [{ mode, operator: matrixOf(w, n, 1) }] })),
    ...(eps > 0 ? [pair(0, 1), pair(1, 2), pair(0, 3)] : []),
  ];
  const diagonal = fromFunction([rank, rank, rank], (a, b, c) => ({ re: a === b && b === c ? 1 : 0, im: 0 }));
  const root = fromFunction([rank, rank, 1], (a, b) => ({ re: a === b ? sigma[a!]! : 0, im: 0 }));
  const [a, b, c, d] = leafFieldsData.u0.map((u) => matrixOf(u, rank)) as [Tensor, Tensor, Tensor, Tensor];
  const initial = ttn(tree, [a, b, diagonal, c, d, diagonal, root]);
  const operator = productSum(tree, Array<number>(4).fill(n), terms);
  return {
    problem: {
      name: "leaf fields",
      rhs: schroedinger(operator),
      initial,
      span: [0, T],
      observables: {},
    },
    exact: exactSolution(terms, toDense(initial))(T),
  };
}
