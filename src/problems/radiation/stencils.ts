import { banded, type SparseMatrix } from "../../linalg/matrix.ts";

/**
 * The central difference (D u)_i = (u_{i+1} - u_{i-1}) / (2 dx) on n points with zeros beyond both ends: n x n, skew-symmetric.
 * Throws a RangeError for fewer than 3 points, which the stencil needs.
 */
export function centralDifference(n: number, dx: number): SparseMatrix {
  checkStencil("centralDifference", n, dx);
  return banded(n, { [-1]: -0.5 / dx, 1: 0.5 / dx });
}

/**
 * The diffusion (D2 u)_i = (u_{i+1} - 2 u_i + u_{i-1}) / (2 dx) of upwinding, on n points with zeros beyond both ends: n x n,
 * symmetric, negative definite. For a matrix A with |A| of the same eigenvectors, -D u A + D2 u |A| is the first-order upwind
 * difference in every characteristic variable of u' + A du/dx = 0. Throws a RangeError for fewer than 3 points.
 */
export function upwindDiffusion(n: number, dx: number): SparseMatrix {
  checkStencil("upwindDiffusion", n, dx);
  return banded(n, { [-1]: 0.5 / dx, 0: -1 / dx, 1: 0.5 / dx });
}

function checkStencil(who: string, n: number, dx: number): void {
  if (!Number.isSafeInteger(n) || n < 3)
    throw new RangeError(`${who}: ${n} points, expected an integer of at least 3, the width of the stencil`);
  if (!(dx > 0 && dx < Number.POSITIVE_INFINITY))
    throw new RangeError(`${who}: dx is ${dx}, expected a positive number`);
}
