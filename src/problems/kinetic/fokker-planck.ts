import { combine } from "../../linalg/contract.ts";
import { eigh } from "../../linalg/factor.ts";
import { maxAbs } from "../../linalg/level1.ts";
import { banded, diagonal, type SparseMatrix } from "../../linalg/matrix.ts";
import { allFinite, entry, fromFunction, fromValues, shapeText, type Tensor } from "../../linalg/tensor.ts";
import { productState } from "../../ttn/construct.ts";
import { pointValue } from "../../ttn/contract-modes.ts";
import { type LinearRhs, linearRhs } from "../../ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../ttn/operators/product-sum.ts";
import { applyOperator } from "../../ttn/operators/ttno.ts";
import { balanced, type Tree } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { allCounts, allNumbers } from "../matrix/checks.ts";
import { withRoom } from "../matrix/room.ts";
import type { SolvedProblem } from "../matrix/solved.ts";
import { stateNorm } from "../quantum/observables.ts";
import { type Moments, ornsteinUhlenbeck } from "./ornstein-uhlenbeck.ts";

export interface FokkerPlanckOptions {
  /** One mode for each dimension, two or more. Default `balanced(6)`. */
  readonly tree?: Tree;
  /** Hermite functions a dimension, 3 or more. Default 12. */
  readonly n?: number;
  /** B, d x d, real. Default: 1 on the diagonal, 0.3 above it and -0.2 below: coupled neighbours, not symmetric. */
  readonly drift?: Tensor;
  /** D, d x d, symmetric, without negative eigenvalues. Default: diag(1, 0.9, 0.8, ...) down to 0.5, and 0.1 between neighbours. */
  readonly diffusion?: Tensor;
  /** Mean of X(0). Default: 0.5, -0.5, 0.5, ... */
  readonly mean?: ArrayLike<number>;
  /** Variances of the components of X(0), which are independent. Default 0.6 each. */
  readonly variance?: ArrayLike<number>;
  /** Give the start room for where F(0) moves it, with amplitude zero. Default true. */
  readonly room?: boolean;
  /** End of the span. Default 1. */
  readonly T?: number;
}

/** What `fokkerPlanck` returns: `exact` is the mean and covariance. */
export interface FokkerPlanckProblem extends SolvedProblem<Moments> {
  readonly rhs: LinearRhs;
}

/**
 * The density f(t, x) of the Ornstein-Uhlenbeck process dX = -B X dt + sqrt(2 D) dW in d dimensions,
 *
 *     d_t f = sum_ij ( B_ij d_i (x_j f) + D_ij d_i d_j f ).
 *
 * The state holds the coefficients of f in the Hermite functions He_m(x) / sqrt(m!) phi(x), m < n, in each dimension, phi the
 * standard normal density; there d_i = -R_i and x_i = R_i + R_i^T with the raising matrix R (sqrt(1), sqrt(2), ... below the diagonal),
 * so that F = sum_ij ( -B_ij R_i (R_j + R_j^T) + D_ij R_i R_j ): products of banded matrices. The norm of the state is that
 * of f in L2(1 / phi): with it, total mass, mean and covariance are entries of the state. R raises the total degree by one, R^T
 * lowers it, never below where it came from: coefficients of total degree below n are those of the full space, and the moments
 * have no error of discretisation. Variances of the start below two have coefficients that decay, like (1 - variance)^(m / 2).
 *
 * Observables: `mass`, `mean` (d numbers), `covariance` (d x d by rows), `norm`, and `covariance_error`, the largest entry of the
 * difference to the exact covariance. `exact(t)` gives mean e^{-Bt} m and covariance S of the Gaussian, S' = -B S - S B^T + 2 D, by one exponential
 * of size 2 d. Linear, neither symmetric nor normal. Throws a RangeError for sizes that differ or numbers that make no sense.
 * [risken1989fokker]
 */
export function fokkerPlanck(options: FokkerPlanckOptions = {}): FokkerPlanckProblem {
  const { tree = balanced(6), n = 12, room = true, T = 1 } = options;
  const d = tree.order;
  const neighbours = (own: (i: number) => number, above: number, below: number): Tensor =>
    fromFunction([d, d], (i, j) => (i === j ? own(i!) : j === i! + 1 ? above : j === i! - 1 ? below : 0));
  const { drift = neighbours(() => 1, 0.3, -0.2) } = options;
  const { diffusion = neighbours((i) => Math.max(0.5, 1 - 0.1 * i), 0.1, 0.1) } = options;
  const { mean = Float64Array.from({ length: d }, (_, i) => (i % 2 === 0 ? 0.5 : -0.5)) } = options;
  const { variance = Float64Array.from({ length: d }, () => 0.6) } = options;
  allCounts("fokkerPlanck", { n }, 3);
  allCounts("fokkerPlanck", { dimensions: d }, 2);
  allNumbers("fokkerPlanck", { T });
  checkSizes(d, { drift, diffusion }, { mean, variance });

  const root = (m: number): number => Math.sqrt(m + 1);
  const raise = banded(n, { [-1]: Float64Array.from({ length: n - 1 }, (_, m) => root(m)) });
  const raiseTwice = banded(n, { [-2]: Float64Array.from({ length: n - 2 }, (_, m) => root(m) * root(m + 1)) });
  const degree = diagonal(Float64Array.from({ length: n }, (_, m) => m));
  const beside = Float64Array.from({ length: n - 1 }, (_, m) => root(m));
  const position = banded(n, { [-1]: beside, 1: beside });
  const terms: ProductTerm[] = [];
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++) {
      const [b, s] = [entry(drift, i, j).re, entry(diffusion, i, j).re];
      const pair = (other: SparseMatrix): ProductTerm["factors"] =>
        [
          { mode: i, operator: raise },
          { mode: j, operator: other },
        ].sort((p, q) => p.mode - q.mode);
      if (i === j)
        terms.push(
          { coefficient: s - b, factors: [{ mode: i, operator: raiseTwice }] },
          { coefficient: -b, factors: [{ mode: i, operator: degree }] },
        );
      else terms.push({ coefficient: -b, factors: pair(position) }, { coefficient: s, factors: pair(raise) });
    }
  const operator = productSum(
    tree,
    Array.from({ length: d }, () => n),
    terms.filter(({ coefficient }) => coefficient !== 0),
  );
  const start = productState(
    tree,
    Array.from({ length: d }, (_, i) => hermiteCoefficients(n, mean[i]!, variance[i]!)),
  );
  const exact = ornsteinUhlenbeck(drift, diffusion, {
    mean: Float64Array.from(mean),
    covariance: fromFunction([d, d], (i, j) => (i === j ? variance[i!]! : 0)),
  });
  return {
    name: "Fokker-Planck equation",
    rhs: linearRhs([{ operator }]),
    initial: room ? withRoom(start, applyOperator(operator, start)) : start,
    span: [0, T],
    observables: {
      mass: (y) => coefficient(y, []),
      mean: (y) => momentsOf(y).mean,
      covariance: (y) => momentsOf(y).covariance.data,
      covariance_error: (y, t) =>
        maxAbs(
          combine([
            [1, momentsOf(y).covariance],
            [-1, exact(t).covariance],
          ]),
        ),
      norm: stateNorm,
    },
    exact,
  };
}

/** The coefficient whose degree is 1 in each of these dimensions, 2 where one stands twice. */
const coefficient = (y: TTN, dimensions: readonly number[]): number =>
  pointValue(
    y,
    y.tree.leaves.map((_, mode) => dimensions.filter((i) => i === mode).length),
  ).re;

/** Mean and covariance of the density. */
function momentsOf(y: TTN): Moments {
  const d = y.tree.order;
  const mass = coefficient(y, []);
  const mean = Float64Array.from({ length: d }, (_, i) => coefficient(y, [i]) / mass);
  const second = (i: number, j: number): number =>
    i === j ? 1 + (Math.SQRT2 * coefficient(y, [i, i])) / mass : coefficient(y, [i, j]) / mass;
  const covariance = fromFunction([d, d], (i, j) => second(Math.min(i!, j!), Math.max(i!, j!)) - mean[i!]! * mean[j!]!);
  return { mean, covariance };
}

/** E He_m(X) / sqrt(m!) for m < n and a normal X, by the recurrence of the Hermite polynomials. */
function hermiteCoefficients(n: number, mean: number, variance: number): Tensor {
  const c = [1, mean];
  for (let m = 1; m + 1 < n; m++) c.push((mean * c[m]! + Math.sqrt(m) * (variance - 1) * c[m - 1]!) / Math.sqrt(m + 1));
  return fromValues([n], c);
}

/** Throws unless matrices are d x d, vectors of d numbers, all finite, the diffusion symmetric and not negative, variances positive. */
function checkSizes(
  d: number,
  matrices: Record<"drift" | "diffusion", Tensor>,
  vectors: Record<"mean" | "variance", ArrayLike<number>>,
): void {
  for (const [name, matrix] of Object.entries(matrices)) {
    if (shapeText(matrix.shape) !== `${d}x${d}`)
      throw new RangeError(`fokkerPlanck: ${name} is ${shapeText(matrix.shape)}, expected ${d}x${d} for ${d} modes`);
    if (matrix.dtype !== "float64") throw new TypeError(`fokkerPlanck: ${name} is ${matrix.dtype}, expected float64`);
    if (!allFinite(matrix)) throw new RangeError(`fokkerPlanck: ${name} has entries that are not finite`);
  }
  for (const [name, vector] of Object.entries(vectors)) {
    if (vector.length !== d)
      throw new RangeError(`fokkerPlanck: ${name} has ${vector.length} numbers, the tree ${d} modes`);
    allNumbers("fokkerPlanck", Object.fromEntries(Array.from(vector, (v, i) => [`${name} ${i}`, v])));
  }
  Array.from(vectors.variance).forEach((v, i) => {
    if (!(v > 0 && v < 2))
      throw new RangeError(`fokkerPlanck: variance ${i} is ${v}, expected more than 0 and less than 2`);
  });
  const { data } = matrices.diffusion;
  const size = maxAbs(matrices.diffusion);
  for (let i = 0; i < d; i++)
    for (let j = 0; j < i; j++)
      if (Math.abs(data[i * d + j]! - data[j * d + i]!) > 1e-14 * size)
        throw new RangeError(
          `fokkerPlanck: diffusion has ${data[i * d + j]} at (${i}, ${j}) and ${data[j * d + i]} at (${j}, ${i}), expected a symmetric matrix`,
        );
  const least = eigh(matrices.diffusion).values[0]!;
  if (least < -1e-14 * size)
    throw new RangeError(`fokkerPlanck: diffusion has the eigenvalue ${least}, expected none below zero`);
}
