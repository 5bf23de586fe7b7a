import { type Matrix, matrixFunction, sparseOf } from "../../src/linalg/matrix.ts";
import { matrixSum } from "../../src/linalg/matrix-algebra.ts";
import { multiply } from "../../src/linalg/matrix-product.ts";
import { type Random, randomTensor } from "../../src/linalg/random.ts";
import { asDtype, type Dtype, type Tensor } from "../../src/linalg/tensor.ts";
import { transpose } from "../ttn/dense.ts";

export const forms = ["dense", "sparse", "function", "sum"] as const;
export type Form = (typeof forms)[number];

/** A matrix of this form. Functions are square: other shapes become sparse. */
export function randomMatrix(random: Random, shape: readonly [number, number], dtype: Dtype, form: Form): Matrix {
  const a = randomTensor(random, shape, dtype);
  if (form === "dense") return a;
  if (form === "sparse" || shape[0] !== shape[1]) return sparseOf(a, 0.7);
  const f = byFunction(a);
  return form === "function"
    ? f
    : matrixSum([
        [-0.5, f],
        [2, sparseOf(randomTensor(random, shape, dtype), 0.7)],
      ]);
}

/** The matrix as a function of columns, and its adjoint. */
export function byFunction(a: Tensor, hermitian = false): Matrix {
  const star = adjointOf(a);
  return matrixFunction({
    size: a.shape[0]!,
    dtype: a.dtype,
    hermitian,
    apply: (x, out) => out.data.set(multiply(a, x).data),
    applyAdjoint: (x, out) => out.data.set(multiply(star, x).data),
  });
}

/** The conjugate transpose, of the same type. */
export function adjointOf(a: Tensor): Tensor {
  const t = transpose(a);
  const data = asDtype(t, "complex128").data;
  if (a.dtype === "float64") return { ...t, dtype: "float64", data: data.filter((_, i) => i % 2 === 0) };
  return { ...t, data: data.map((v, i) => (i % 2 === 1 ? -v : v)) };
}
