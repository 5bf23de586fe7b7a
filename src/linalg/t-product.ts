import { gemmShape } from "./backend.ts";
import { modeProduct, permute } from "./contract.ts";
import { backend } from "./current.ts";
import { singularValues } from "./factor.ts";
import { commonDtype, fromFunction, realPart, shapeText, type Tensor, tensor } from "./tensor.ts";

/**
 * The t-product of tensors of third order, A (m x l x k) and B (l x n x k): the tubes A[i, j, :] are multiplied as numbers are in a matrix
 * product, by circular convolution. The same as multiplying the block-circulant matrix of A's slices with the stacked slices of B.
 * A discrete Fourier transform along the tubes turns it into k products of slices; cost O(k m l n + k^2 (m l + l n + m n)).
 * Throws a RangeError when a tensor is not of third order, or inner sizes or tubes differ. [kilmer2011factorization]
 */
export function tProduct(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length !== 3 || b.shape.length !== 3 || a.shape[1] !== b.shape[0] || a.shape[2] !== b.shape[2])
    throw new RangeError(
      `tProduct: the tensors are ${shapeText(a.shape)} and ${shapeText(b.shape)}, expected m x l x k and l x n x k`,
    );
  const [m, l, k] = a.shape as [number, number, number];
  const n = b.shape[1]!;
  const out = tensor([k, m, n], "complex128");
  const g = { ...gemmShape("complex128", "N", "N", m, n, l), count: k, strideA: m * l, strideB: l * n, strideC: m * n };
  backend().gemm(g, { re: 1, im: 0 }, slicesOf(a).data, slicesOf(b).data, 0, out.data);
  const product = modeProduct(permute(out, [1, 2, 0]), 2, fourier(k, 1));
  return commonDtype(a.dtype, b.dtype) === "float64" ? realPart(product) : product;
}

/** The transpose of a real tensor in the sense of `tProduct`: slices transposed, and all but the first in reverse order. */
export function tTranspose(a: Tensor): Tensor {
  const [m, n, k] = a.shape as [number, number, number];
  const out = tensor([n, m, k]);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++)
      for (let s = 0; s < k; s++) out.data[(j * m + i) * k + s] = a.data[(i * n + j) * k + ((k - s) % k)]!;
  return out;
}

/**
 * The tubal singular values of a tensor of third order: for each index the largest, over all slices after the Fourier transform, of the
 * singular values with that index. The first one is the norm of A as an operator X -> A * X.
 */
export function tubalSingularValues(a: Tensor): Float64Array {
  const [m, n, k] = a.shape as [number, number, number];
  const slices = slicesOf(a);
  const largest = new Float64Array(Math.min(m, n));
  for (let s = 0; s < k; s++) {
    const slice = tensor([m, n], "complex128", slices.data.slice(2 * s * m * n, 2 * (s + 1) * m * n));
    singularValues(slice).forEach((v, i) => {
      largest[i] = Math.max(largest[i]!, v);
    });
  }
  return largest;
}

/** The slices after the Fourier transform, one after the other: k x m x n. */
const slicesOf = (a: Tensor): Tensor => permute(modeProduct(a, 2, fourier(a.shape[2]!, -1)), [2, 0, 1]);

const matrices = new Map<number, Tensor>();

/** exp(sign 2 pi i p q / k), divided by k for the way back (sign 1). */
function fourier(k: number, sign: 1 | -1): Tensor {
  const known = matrices.get(sign * k);
  if (known) return known;
  const size = sign === 1 ? 1 / k : 1;
  const made = fromFunction([k, k], (p, q) => {
    const angle = (sign * 2 * Math.PI * ((p! * q!) % k)) / k;
    return { re: size * Math.cos(angle), im: size * Math.sin(angle) };
  });
  matrices.set(sign * k, made);
  return made;
}
