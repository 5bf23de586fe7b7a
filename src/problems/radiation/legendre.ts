import { matmul, scaleColumns } from "../../linalg/contract.ts";
import { fromFunction, type Tensor } from "../../linalg/tensor.ts";
import { gaussLegendre, legendreRecurrence, orthonormalPolynomials } from "../quadrature.ts";
import { banded } from "./structured.ts";

/**
 * The flux matrix of the P_N equations: multiplication by mu in Legendre polynomials of norm one on (-1, 1), degrees 0 to n - 1.
 * n x n, symmetric, tridiagonal, zero diagonal, A[k-1, k] = k / sqrt(4 k^2 - 1). Its eigenvalues are the n Gauss nodes.
 */
export function legendreFlux(n: number) {
  const beta = legendreRecurrence(n).subarray(1);
  return banded(n, { [-1]: beta, 1: beta });
}

/**
 * |A| of `legendreFlux`, dense: the eigenvectors of A are sqrt(w_q) p_k(mu_q) at the Gauss nodes, so that no
 * eigenvalue problem is left to solve. Cost 2 n^3.
 */
export function absLegendreFlux(n: number): Tensor {
  const { nodes, weights } = gaussLegendre(n);
  const beta = legendreRecurrence(n);
  const values = Array.from(nodes, (x) => orthonormalPolynomials(beta, x));
  const vectors = fromFunction([n, n], (k, q) => Math.sqrt(weights[q!]!) * values[q!]![k!]!);
  return matmul(scaleColumns(vectors, nodes.map(Math.abs)), vectors, "N", "T");
}

/** The largest speed in the P_N equations with n moments: the largest Gauss node, below 1. */
export const largestSpeed = (n: number): number => gaussLegendre(n).nodes.at(-1)!;
