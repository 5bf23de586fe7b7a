import { tridiagonalEigen } from "../linalg/tridiagonal.ts";

/** Nodes, ascending, and weights of a quadrature rule. */
export interface QuadratureRule {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

/**
 * The Gauss rule of `count` nodes on (-1, 1) for the weight 1/2: the mean of a uniform distribution, exact for polynomials
 * up to degree 2 count - 1. Weights sum to one. Cost O(count^2).
 */
export const gaussLegendre = (count: number): QuadratureRule =>
  gauss(
    legendreRecurrence(count),
    Array.from({ length: count >> 1 }, (_, k) => Math.cos((Math.PI * (4 * k + 3)) / (4 * count + 2))),
  );

/**
 * The Gauss rule of `count` nodes for the weight exp(-x^2 / 2) / sqrt(2 pi): the mean of a standard normal distribution,
 * exact for polynomials up to degree 2 count - 1. Weights sum to one; those of nodes far out may underflow. Cost O(count^3).
 * Throws a RangeError for more than 700 nodes, where polynomials overflow.
 */
export function gaussHermite(count: number): QuadratureRule {
  if (count > 700) throw new RangeError(`gaussHermite: ${count} nodes, expected at most 700`);
  const beta = Float64Array.from({ length: count }, (_, k) => Math.sqrt(k));
  const { values } = tridiagonalEigen(Array<number>(count).fill(0), [...beta.subarray(1)]);
  const descending = values.sort().reverse();
  return gauss(beta, descending.subarray(0, count >> 1));
}

/**
 * beta_k = k / sqrt(4 k^2 - 1) for k = 1, ..., count - 1 (beta_0 is not used): x p_k = beta_k p_{k-1} + beta_{k+1} p_{k+1} for
 * Legendre polynomials of norm one.
 */
export const legendreRecurrence = (count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, k) => (k === 0 ? 0 : k / Math.sqrt(4 * k * k - 1)));

/** The values p_0(x), ..., p_{n-1}(x) of the polynomials of norm one with this recurrence, even weight and p_0 = 1. */
export function orthonormalPolynomials(beta: ArrayLike<number>, x: number): Float64Array {
  const p = new Float64Array(beta.length);
  p[0] = 1;
  for (let k = 1; k < beta.length; k++) p[k] = (x * p[k - 1]! - (k > 1 ? beta[k - 1]! * p[k - 2]! : 0)) / beta[k]!;
  return p;
}

/**
 * The Gauss rule of an even weight of total one from the recurrence of its orthonormal polynomials. Approximate positive nodes,
 * descending, become exact by Newton's method; the others mirror them. Weights are 1 / sum_k p_k(x)^2. [golub1969calculation]
 */
function gauss(beta: Float64Array, positive: ArrayLike<number>): QuadratureRule {
  const count = beta.length;
  const nodes = new Float64Array(count);
  for (let k = 0; k < positive.length; k++) {
    let x = positive[k]!;
    for (let sweep = 0; sweep < 20; sweep++) {
      const step = newtonStep(beta, x);
      x -= step;
      if (Math.abs(step) <= 1e-16 * Math.max(1, Math.abs(x))) break;
    }
    nodes[k] = -x;
    nodes[count - 1 - k] = x;
  }
  const weights = nodes.map((x) => 1 / orthonormalPolynomials(beta, x).reduce((sum, p) => sum + p * p, 0));
  const total = weights.reduce((sum, w) => sum + w, 0);
  return { nodes, weights: weights.map((w) => w / total) };
}

/** p_n / p_n' at x, for the polynomial p_n whose zeros are the nodes. */
function newtonStep(beta: Float64Array, x: number): number {
  let [before, value] = [0, 1];
  let [slopeBefore, slope] = [0, 0];
  for (let k = 0; k < beta.length; k++) {
    const next = beta[k + 1] ?? 1; // the scale of the last one does not matter
    const last = k > 0 ? beta[k]! : 0;
    [before, value, slopeBefore, slope] = [
      value,
      (x * value - last * before) / next,
      slope,
      (value + x * slope - last * slopeBefore) / next,
    ];
  }
  return value / slope;
}
