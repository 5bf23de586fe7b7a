import { matmul, scaleColumns } from "../../linalg/contract.ts";
import { banded, type SparseMatrix, sparseOf } from "../../linalg/matrix.ts";
import { fromFunction } from "../../linalg/tensor.ts";
import { gaussLegendre, legendreRecurrence, orthonormalPolynomials } from "../quadrature.ts";

/**
 * The flux matrix of the P_N equations: multiplication by mu in Legendre polynomials of norm one on (-1, 1), degrees 0 to n - 1.
 * n x n, symmetric, tridiagonal, zero diagonal, A[k-1, k] = k / sqrt(4 k^2 - 1). Its eigenvalues are the n Gauss nodes.
 */
export function legendreFlux(n: number): SparseMatrix {
  const beta = legendreRecurrence(n).subarray(1);
  return banded(n, { [-1]: beta, 1: beta });
}

/**
 * |A| of `legendreFlux`: sum_q w_q |mu_q| p_j(mu_q) p_k(mu_q) over the Gauss nodes, since the eigenvectors of A are sqrt(w_q) p_k(mu_q).
 * Half of its entries are not zero, those of equal parity. Cost O(n^3).
 */
export function absLegendreFlux(n: number): SparseMatrix {
  const { nodes, weights } = gaussLegendre(n);
  const beta = legendreRecurrence(n);
  const values = Array.from(nodes, (x) => orthonormalPolynomials(beta, x));
  const p = fromFunction([n, n], (k, q) => values[q!]![k!]!);
  const abs = matmul(
    scaleColumns(
      p,
      nodes.map((x, q) => Math.abs(x) * weights[q]!),
    ),
    p,
    "N",
    "T",
  );
  return sparseOf(fromFunction([n, n], (j, k) => ((j! + k!) % 2 === 0 ? abs.data[j! * n + k!]! : 0)));
}

/** The largest speed in the P_N equations with n moments: the largest Gauss node, below 1. */
export const largestSpeed = (n: number): number => gaussLegendre(n).nodes.at(-1)!;
