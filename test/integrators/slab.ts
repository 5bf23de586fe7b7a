import {
  applyOperator,
  type Functional,
  fromFunction,
  linearRhs,
  type Nested,
  type Problem,
  type ProductTerm,
  productState,
  productSum,
  roomFor,
  type Tensor,
  tree,
} from "../../src/index.ts";
import { eigh } from "../../src/linalg/factor.ts";
import { term } from "../ttn/dense.ts";

/** A slab with two uncertain inputs, small enough for full tensors; modes: space, angle, xi, eta. */
export interface Slab extends Problem {
  readonly terms: readonly ProductTerm[];
  /** The terms without collisions. */
  readonly streaming: readonly ProductTerm[];
  readonly dx: number;
  /** Constant in angle. */
  readonly e0: Tensor;
  /** Probabilities of the nodes of each input. */
  readonly weights: readonly [Tensor, Tensor];
  /** sum dx E[u_0]. */
  readonly mass: Functional;
  /** E[u_0] at every point. */
  readonly density: Functional;
  /** u_0 at every point and node. */
  readonly everyDensity: Functional;
}

const vector = (n: number, f: (i: number) => number): Tensor => fromFunction([n], (i) => f(i!));
const matrix = (n: number, f: (i: number, j: number) => number): Tensor => fromFunction([n, n], (i, j) => f(i!, j!));
const diagonal = (v: Tensor): Tensor => matrix(v.data.length, (i, j) => (i === j ? v.data[i]! : 0));

/** Q f(Lambda) Q^T. */
function ofSymmetric(a: Tensor, f: (lambda: number) => number): Tensor {
  const { values, vectors } = eigh(a);
  const n = values.length;
  return matrix(n, (i, j) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += vectors.data[i * n + k]! * f(values[k]!) * vectors.data[j * n + k]!;
    return sum;
  });
}

/** Multiplication by mu in normalised Legendre polynomials: the nodes of Gauss's rule are its eigenvalues. */
const jacobi = (n: number): Tensor =>
  matrix(n, (i, j) => (Math.abs(i - j) === 1 ? Math.max(i, j) / Math.sqrt(4 * Math.max(i, j) ** 2 - 1) : 0));

const gauss = (n: number): { nodes: Tensor; weights: Tensor } => {
  const { values, vectors } = eigh(jacobi(n));
  return { nodes: vector(n, (i) => values[i]!), weights: vector(n, (i) => vectors.data[i]! ** 2) };
};

export interface SlabOptions {
  readonly nx?: number;
  readonly moments?: number;
  readonly nodes?: readonly [number, number];
  readonly T?: number;
  readonly nested?: Nested;
  /** sigma = constant + xi part + eta part. */
  readonly sigma?: readonly [number, number, number];
  /** Whether the ends are joined, so that nothing leaves. */
  readonly periodic?: boolean;
}

/** u' = -D u A^T + D2 u |A|^T - sigma(xi, eta) u G over [-1, 1], from a Gaussian of the same width for all inputs. */
export function slab({
  nx = 21,
  moments = 6,
  nodes = [4, 3],
  T = 0.5,
  nested = [
    [0, 1],
    [2, 3],
  ],
  sigma = [5, 4, 1],
  periodic = false,
}: SlabOptions = {}): Slab {
  const dx = 2 / (nx - 1);
  const neighbour = (i: number, j: number): number =>
    j - i === 1 || (periodic && i === nx - 1 && j === 0)
      ? 1
      : i - j === 1 || (periodic && j === nx - 1 && i === 0)
        ? -1
        : 0;
  const skew = matrix(nx, (i, j) => -neighbour(i, j) / (2 * dx));
  const upwind = matrix(nx, (i, j) => (i === j ? -2 : Math.abs(neighbour(i, j))) / (2 * dx));
  const a = jacobi(moments);
  const collides = diagonal(vector(moments, (k) => (k > 0 ? 1 : 0)));
  const inputs = nodes.map(gauss);
  const [constant, xi, eta] = sigma;
  const terms = [
    term(1, [0, skew], [1, a]),
    term(1, [0, upwind], [1, ofSymmetric(a, Math.abs)]),
    term(-constant, [1, collides]),
    term(-xi, [1, collides], [2, diagonal(inputs[0]!.nodes)]),
    term(-eta, [1, collides], [3, diagonal(inputs[1]!.nodes)]),
  ];
  const shape = tree(nested);
  const sizes = [nx, moments, ...nodes];
  const s = 0.15;
  const e0 = vector(moments, (k) => (k === 0 ? 1 : 0));
  const ones = nodes.map((n) => vector(n, () => 1));
  const start = vector(nx, (i) => Math.exp(-((-1 + i * dx) ** 2) / (2 * s * s)) / Math.sqrt(2 * Math.PI * s * s));
  const weights = [inputs[0]!.weights, inputs[1]!.weights] as const;
  const operator = productSum(shape, sizes, terms);
  const pulse = productState(shape, [start, e0, ...ones]);
  return {
    name: "slab",
    rhs: linearRhs([{ operator }]),
    initial: roomFor(pulse, applyOperator(operator, pulse)), // streaming leaves a product state into both modes at once
    span: [0, T],
    observables: {},
    terms,
    streaming: terms.slice(0, 2),
    dx,
    e0,
    weights,
    mass: { vectors: [vector(nx, () => dx), e0, ...weights] },
    density: { vectors: [null, e0, ...weights] },
    everyDensity: { vectors: [null, e0, null, null] },
  };
}
