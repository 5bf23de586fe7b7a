import { matmul } from "../../linalg/contract.ts";
import { dot } from "../../linalg/level1.ts";
import { asDtype, commonDtype, shapeText, type Tensor } from "../../linalg/tensor.ts";
import { norm } from "../../ttn/arithmetic.ts";
import { centers } from "../../ttn/gauge.ts";
import { expectation, type LinearRhs } from "../../ttn/operators/linear-rhs.ts";
import { productSum } from "../../ttn/operators/product-sum.ts";
import type { Observable } from "../../ttn/problem.ts";
import { edgesOf } from "../../ttn/tree.ts";
import { entropy } from "../../ttn/truncate.ts";
import { modeSizes, type TTN } from "../../ttn/ttn.ts";

/*
 * Observables of a state Y are <Y, A Y>, not divided by |Y|^2, so that a drift of the norm shows.
 */

/** <Y, A_k Y> of one operator at every site k: one number a site. Cost of moving the centre through the tree, once a state. */
export const siteExpectations =
  (a: Tensor): Observable =>
  (y) =>
    Float64Array.from(y.tree.leaves, (leaf) => atLeaf(y, leaf, a));

/** The mean of `siteExpectations` over all sites. */
export const meanExpectation =
  (a: Tensor): Observable =>
  (y) =>
    y.tree.leaves.reduce((sum, leaf) => sum + atLeaf(y, leaf, a), 0) / y.tree.order;

function atLeaf(y: TTN, leaf: number, a: Tensor): number {
  const k = centers(y)[leaf]!.tensors[leaf]!;
  if (a.shape[1] !== k.shape[0])
    throw new RangeError(`site expectation: the operator is ${shapeText(a.shape)}, the site has ${k.shape[0]} states`);
  const dtype = commonDtype(k.dtype, a.dtype);
  return dot(asDtype(k, dtype), asDtype(matmul(a, k), dtype)).re;
}

/** <Y, A_i B_j ... Y> of a product of site operators, real part. Cost of one contraction of the tree. */
export function productExpectation(factors: Readonly<Record<number, Tensor>>): Observable {
  const sorted = Object.entries(factors).map(([mode, operator]) => ({ mode: Number(mode), operator }));
  return (y) => expectation(productSum(y.tree, modeSizes(y), [{ coefficient: 1, factors: sorted }]), y).re;
}

/** <Y, A_i B_j Y> for all pairs of sites, a d x d matrix by rows, real part; on the diagonal <Y, A_i B_i Y>. */
export function correlations(a: Tensor, b: Tensor): Observable {
  const product = matmul(a, b);
  return (y) => {
    const d = y.tree.order;
    return Float64Array.from({ length: d * d }, (_, p) => {
      const [i, j] = [Math.floor(p / d), p % d];
      const pair = i === j ? { [i]: product } : { [i]: a, [j]: b };
      return productExpectation(pair)(y, 0) as number;
    });
  };
}

/** <Y, H Y> for the Hamiltonian of a right-hand side, in its own environments, which the next step uses again. */
export const energy =
  (rhs: LinearRhs): Observable =>
  (y, t) =>
    rhs.expectation(y, t).re;

/** |Y|. */
export const stateNorm: Observable = (y) => norm(y);

/** Entanglement entropy of every edge, by its lower node; of one edge, when given. */
export const entropies =
  (node?: number): Observable =>
  (y) =>
    node === undefined ? Float64Array.from(edgesOf(y.tree), (id) => entropy(y, id)) : entropy(y, node);
