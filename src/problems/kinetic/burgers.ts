import { banded } from "../../linalg/matrix.ts";
import { fromFunction, fromValues, type Tensor } from "../../linalg/tensor.ts";
import { fromDense, productState } from "../../ttn/construct.ts";
import { marginalSquare, slice } from "../../ttn/contract-modes.ts";
import { functionRhs } from "../../ttn/function-rhs.ts";
import { hadamard } from "../../ttn/hadamard.ts";
import type { ProductTerm } from "../../ttn/operators/product-sum.ts";
import { applyProduct } from "../../ttn/quasilinear-rhs.ts";
import { sourceRhs } from "../../ttn/source-rhs.ts";
import { sumRhs } from "../../ttn/sum-rhs.ts";
import { type Tree, tree as treeOf } from "../../ttn/tree.ts";
import { allCounts, allNumbers } from "../matrix/checks.ts";
import { quadrature } from "../matrix/quadrature.ts";
import type { SolvedProblem } from "../matrix/solved.ts";
import { gaussLegendre } from "../quadrature.ts";
import { stateNorm } from "../quantum/observables.ts";

export interface BurgersOptions {
  /** Three modes: space, xi, eta. Default `[0, [1, 2]]`. */
  readonly tree?: Tree;
  /** Cells of [0, 1]. Default 600. */
  readonly nx?: number;
  /** Gauss nodes of xi, which moves the shock. Default 40. */
  readonly nxi?: number;
  /** Gauss nodes of eta, which sets the state behind it. Default 10. */
  readonly neta?: number;
  /** u at the left. Default 12. */
  readonly left?: number;
  /** u at the right for eta = -1 and eta = 1. Default 1 and 6. */
  readonly right?: readonly [number, number];
  /** Where the shock starts, and how far xi moves it. Default 0.3 and 0.2. */
  readonly position?: number;
  readonly spread?: number;
  /** dt max u / dx of `dt`, at most 1. Default 0.9. */
  readonly cfl?: number;
  /** End of the span. Default 0.01. */
  readonly T?: number;
}

/** Mean and variance at the centre of every cell. */
export interface Statistics {
  readonly E: Float64Array;
  readonly Var: Float64Array;
}

/** What `burgers` returns: `exact` is the mean and variance over the inputs. */
export interface BurgersProblem extends SolvedProblem<Statistics> {
  readonly grid: { readonly x: Float64Array };
  readonly inputs: readonly { readonly name: string; readonly nodes: Float64Array; readonly weights: Float64Array }[];
  /** cfl dx / max u: the step of an explicit method. */
  readonly dt: number;
}

/**
 * Burgers' equation with an uncertain shock, d_t u + d_x (u^2 / 2) = 0 on [0, 1],
 *
 *     u(0, x) = left for x < position + spread xi, else u_R(eta) from right[0] to right[1],   xi, eta independent, uniform in [-1, 1].
 *
 * By cells in space, with Godunov's flux, which is u^2 / 2 of the left cell because u > 0, and at Gauss-Legendre nodes of the
 * inputs: u' = -D (u * u) / 2 + inflow with D = bidiag(-1, 1) / dx and u the tensor of cell averages at all nodes. The square
 * is taken by `hadamard`, exactly: for ranks r in bases of their own where r^2 is less than the number of entries below a node,
 * else multiplied out there, as is right for such sizes: a moving jump has high rank in (x, xi). Cost of an evaluation O(n r^3) at space,
 * O(nx nxi neta r) at most. Nonlinear, for explicit solvers such as `rk4` with steps `dt`.
 *
 * Observables: `E` and `Var` in each cell over the inputs, `mass` (the mean of int u dx) and `norm`. `exact(t)` is that of the equation itself,
 * whose shock moves with speed (left + u_R) / 2: away from it by O(dx), and by the steps between nodes of xi where dx is less.
 * Throws a RangeError for a cfl above one, a state at the right that is not between zero and `left`, a shock that leaves [0, 1]
 * before T, and numbers that make no sense. [kusch2021dynamical]
 */
export function burgers(options: BurgersOptions = {}): BurgersProblem {
  const { tree = treeOf([0, [1, 2]]), nx = 600, nxi = 40, neta = 10, cfl = 0.9, T = 0.01 } = options;
  const { left = 12, right = [1, 6], position = 0.3, spread = 0.2 } = options;
  allCounts("burgers", { nx, nxi, neta }, 2);
  allNumbers("burgers", { left, "right[0]": right[0], "right[1]": right[1], position, spread, T });
  if (tree.order !== 3) throw new RangeError(`burgers: the tree has ${tree.order} modes, expected 3: space, xi, eta`);
  if (!(cfl > 0 && cfl <= 1))
    throw new RangeError(`burgers: cfl is ${cfl}, expected more than 0 and at most 1, the bound of stability`);
  for (const value of right)
    if (!(value > 0 && value < left))
      throw new RangeError(`burgers: u at the right is ${value}, expected more than 0 and less than left, ${left}`);
  const fastest = (left + Math.max(...right)) / 2;
  const [first, last] = [position - Math.abs(spread), position + Math.abs(spread) + fastest * T];
  if (!(first > 0 && last < 1))
    throw new RangeError(`burgers: the shock is in [${first}, ${last}] until T = ${T}, expected inside [0, 1]`);

  const dx = 1 / nx;
  const [xi, eta] = [gaussLegendre(nxi), gaussLegendre(neta)];
  const behind = (at: number): number => ((1 - at) * right[0] + (1 + at) * right[1]) / 2;
  const initial = fromFunction([nx, nxi, neta], (i, p, q) => {
    const share = Math.min(1, Math.max(0, (position + spread * xi.nodes[p!]!) / dx - i!));
    return share * left + (1 - share) * behind(eta.nodes[q!]!);
  });
  const flux: ProductTerm = {
    coefficient: -1 / (2 * dx),
    factors: [{ mode: 0, operator: banded(nx, { [-1]: -1, 0: 1 }) }],
  };
  const inflow = productState(tree, [
    fromFunction([nx], (i) => (i === 0 ? left ** 2 / (2 * dx) : 0)),
    ...[nxi, neta].map((n) => fromFunction([n], () => 1)),
  ]);
  const vectors: Readonly<Record<number, Tensor>> = {
    1: fromValues([nxi], xi.weights),
    2: fromValues([neta], eta.weights),
  };
  const weights = { 1: xi.weights, 2: eta.weights };
  const x = Float64Array.from({ length: nx }, (_, i) => (i + 0.5) * dx);
  return {
    name: "uncertain Burgers equation",
    rhs: sumRhs(
      functionRhs((_t, y) => applyProduct(flux, hadamard(y, y)), { autonomous: true }),
      sourceRhs(inflow),
    ),
    initial: fromDense(tree, initial),
    span: [0, T],
    observables: {
      E: (y) => slice(y, 0, vectors).data,
      Var(y) {
        const mean = slice(y, 0, vectors).data;
        return marginalSquare(y, 0, weights).map((square, i) => square - mean[i]! ** 2);
      },
      mass: (y) => dx * slice(y, 0, vectors).data.reduce((sum, u) => sum + u, 0),
      norm: stateNorm,
    },
    grid: { x },
    inputs: [
      { name: "xi", ...xi },
      { name: "eta", ...eta },
    ],
    dt: (cfl * dx) / left,
    exact: (t) => exactStatistics(x, t, { left, behind, position, spread }),
  };
}

interface Shock {
  readonly left: number;
  readonly behind: (eta: number) => number;
  readonly position: number;
  readonly spread: number;
}

/** E u and Var u of the moving shock: over xi in closed form, over eta by quadrature between kinks, exact for what is a polynomial there. */
function exactStatistics(x: Float64Array, t: number, { left, behind, position, spread }: Shock): Statistics {
  /** Where the shock is for eta and xi = 0: linear in eta. */
  const shock = (eta: number): number => position + (t * (left + behind(eta))) / 2;
  const [slow, fast] = [shock(-1), shock(1)];
  const E = new Float64Array(x.length);
  const Var = new Float64Array(x.length);
  x.forEach((at, i) => {
    const kinks = [at - Math.abs(spread), at + Math.abs(spread)].map((s) => (2 * (s - slow)) / (fast - slow) - 1);
    const ends = [-1, ...kinks.filter((eta) => eta > -1 && eta < 1), 1];
    let [mean, square] = [0, 0];
    for (let k = 0; k + 1 < ends.length; k++)
      for (const { t: eta, w } of quadrature(ends[k]!, ends[k + 1]!, 1)) {
        const share = shareOf(at - shock(eta), Math.abs(spread));
        mean += (w / 2) * (share * left + (1 - share) * behind(eta));
        square += (w / 2) * (share * left ** 2 + (1 - share) * behind(eta) ** 2);
      }
    E[i] = mean;
    Var[i] = Math.max(0, square - mean * mean);
  });
  return { E, Var };
}

/** The probability that the shock, uniform within `spread` of its centre, is to the right of a place at this distance from the centre. */
const shareOf = (distance: number, spread: number): number =>
  spread === 0 ? (distance < 0 ? 1 : 0) : Math.min(1, Math.max(0, (1 - distance / spread) / 2));
