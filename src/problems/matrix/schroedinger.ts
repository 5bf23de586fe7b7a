import { scaleColumns, scaled } from "../../linalg/contract.ts";
import { asDtype, fromFunction, identity, type Tensor } from "../../linalg/tensor.ts";
import { toDense } from "../../ttn/arithmetic.ts";
import { orthonormalize } from "../../ttn/gauge.ts";
import { matrixNetwork } from "../../ttn/matrix-rhs.ts";
import { type LinearRhs, schroedinger } from "../../ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../ttn/operators/product-sum.ts";
import { balanced } from "../../ttn/tree.ts";
import { exactSolution } from "../quantum/exact.ts";
import { energy, stateNorm } from "../quantum/observables.ts";
import { allCounts, allNumbers } from "./checks.ts";
import type { SolvedProblem } from "./solved.ts";
import { secondDifference } from "./stencils.ts";

export interface MatrixSchroedingerOptions {
  /** Grid points a direction. Default 64. */
  readonly n?: number;
  /** Rank at which the start is cut. Default: the number of singular values. */
  readonly rank?: number;
  /** Singular values of the start, decreasing. Default 10^0, 10^-1, ..., 10^-12. */
  readonly singularValues?: readonly number[];
  /** End of the span. Default 0.5. */
  readonly T?: number;
}

/**
 * The matrix Schroedinger equation with small singular values,
 *
 *     Y' = i (D Y + Y D^T) - i V Y V,   D = tridiag(-1/2, 1, -1/2) on a ring,   V = diag(1 - cos x_j),   x_j = 2 pi (j / n - 1/2),
 *
 * from U0 diag(sigma) V0^T cut to a rank, with cosines U0[:, k] = dct_k and V0[:, k] = dct_{k+3}; Y is n x n and complex. In
 * Hermitian form Y' = -i H Y, with observables `norm` and `energy`. The start has singular values down to 1e-12, on which the
 * error of a method must not depend. `exact(t)` starts from all singular values, so that the error at t = 0 is what the cut
 * removed; it takes n up to 64. Throws a RangeError for numbers that make no sense. The test of the papers on matrix integrators.
 */
export function matrixSchroedinger(
  options: MatrixSchroedingerOptions = {},
): SolvedProblem & { readonly rhs: LinearRhs } {
  const { n = 64, T = 0.5, singularValues = Array.from({ length: 13 }, (_, k) => Number(`1e-${k}`)) } = options;
  const { rank = singularValues.length } = options;
  allCounts("matrixSchroedinger", { n, rank });
  allNumbers("matrixSchroedinger", { T });
  if (rank > singularValues.length || singularValues.length + 3 > n)
    throw new RangeError(
      `matrixSchroedinger: rank ${rank} with ${singularValues.length} singular values on ${n} points, expected rank <= values <= points - 3`,
    );
  const D = scaled(-0.5, secondDifference(n, "periodic"));
  const V = fromFunction([n, n], (i, j) => (i === j ? 1 - Math.cos(2 * Math.PI * (i! / n - 0.5)) : 0));
  const terms: ProductTerm[] = [
    ...[0, 1].map((mode) => ({ coefficient: -1, factors: [{ mode, operator: D }] })),
    { coefficient: 1, factors: [0, 1].map((mode) => ({ mode, operator: V })) },
  ];
  const factors = (count: number) => ({
    left: asDtype(cosines(n, 0, count), "complex128"),
    core: scaleColumns(identity(count), singularValues),
    right: cosines(n, 3, count),
  });
  const tree = balanced(2);
  const rhs = schroedinger(productSum(tree, [n, n], terms));
  let solution: ((t: number) => Tensor) | undefined;
  return {
    name: "matrix Schroedinger equation",
    rhs,
    initial: orthonormalize(matrixNetwork(tree, factors(rank))),
    span: [0, T],
    observables: { norm: stateNorm, energy: energy(rhs) },
    exact: (t) => {
      solution ??= exactSolution(terms, toDense(matrixNetwork(tree, factors(singularValues.length))));
      return solution(t);
    },
  };
}

/** Columns first, ..., first + count - 1 of the orthonormal cosine transform. */
const cosines = (n: number, first: number, count: number): Tensor =>
  fromFunction([n, count], (p, k) => {
    const order = first + k!;
    return Math.sqrt((order === 0 ? 1 : 2) / n) * Math.cos((Math.PI * (p! + 0.5) * order) / n);
  });
