import { matmul, scaled } from "../../linalg/contract.ts";
import { diagonal } from "../../linalg/matrix.ts";
import { fromFunction, reshape, type Tensor } from "../../linalg/tensor.ts";
import { norm } from "../../ttn/arithmetic.ts";
import { slice } from "../../ttn/contract-modes.ts";
import { orthonormalize } from "../../ttn/gauge.ts";
import { matrixNetwork } from "../../ttn/matrix-rhs.ts";
import { linearRhs } from "../../ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../ttn/operators/product-sum.ts";
import type { Problem } from "../../ttn/problem.ts";
import { applyProduct, quasilinearRhs } from "../../ttn/quasilinear-rhs.ts";
import { sumRhs } from "../../ttn/sum-rhs.ts";
import { balanced } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { allCounts, allNumbers } from "../matrix/checks.ts";
import { withRoom } from "../matrix/room.ts";
import { fourierDerivative, fourierIntegral, periodicGrid } from "./fourier.ts";

export interface VlasovPoissonOptions {
  /** Points in space, over one wave length 2 pi / k. Default 32. */
  readonly nx?: number;
  /** Points in velocity. Default 128. */
  readonly nv?: number;
  /** Wave number of the perturbation. Default 0.5. */
  readonly k?: number;
  /** Its amplitude. Default 0.01. */
  readonly alpha?: number;
  /** Half of the electrons drift at v0, half at -v0. Default 0: Landau damping; 2.4 with k = 0.2 is the two-stream instability. */
  readonly v0?: number;
  /** Velocities are -vmax to vmax. Default 6 + v0. */
  readonly vmax?: number;
  /** f(x, v) at t = 0 as a sum of products g(x) h(v), instead of k, alpha and v0's. Its density has mean one. */
  readonly initial?: readonly (readonly [g: (x: number) => number, h: (v: number) => number])[];
  /** End of the span. Default 30. */
  readonly T?: number;
}

/** What `vlasovPoisson` returns. */
export interface VlasovPoissonProblem extends Problem {
  readonly grid: { readonly x: Float64Array; readonly v: Float64Array };
  /** E on the points in space. */
  readonly electricField: (y: TTN) => Float64Array;
}

/**
 * Electrons in one dimension of space and of velocity before a background of ions,
 *
 *     d_t f + v d_x f - E d_v f = 0,   d_x E = 1 - int f dv,
 *
 * in inverse plasma frequencies, Debye lengths and thermal velocities; f(0) = M(v) (1 + alpha cos kx), M the mean of Maxwellians at v0
 * and -v0. Periodic in x over 2 pi / k and, since f is negligible there, at +-vmax; derivatives by Fourier interpolation in both.
 * The state is the nx x nv matrix of f on the grid: F = -D f diag(v) + diag(E) f Dv^T, whose second part depends on f by E alone,
 * which takes O((nx + nv) r + nx^2) from a factored f. Linear part exactly kept, nonlinear part for solvers such as `dopri5` or `rk4`.
 *
 * Observables: `electricEnergy` = 1/2 int E^2 dx, `mass` = int f, `momentum` = int v f, `energy` = 1/2 int v^2 f + `electricEnergy`,
 * `norm` = (int f^2)^(1/2). All but `electricEnergy` are kept by the equation on the grid, and lost by what truncation cuts.
 * In a linear wave the field goes as exp(i (k x - omega t)) with omega from `plasmaFrequency`, until dv = 2 vmax / nv shows at
 * t = 2 pi / (k dv), or half of it. Throws a RangeError for numbers that make no sense. [einkemmer2018low]
 */
export function vlasovPoisson(options: VlasovPoissonOptions = {}): VlasovPoissonProblem {
  const { nx = 32, nv = 128, k = 0.5, alpha = 0.01, v0 = 0, T = 30 } = options;
  const { vmax = 6 + Math.abs(v0) } = options;
  allCounts("vlasovPoisson", { nx, nv }, 3);
  allNumbers("vlasovPoisson", { alpha, v0, T });
  for (const [name, value] of Object.entries({ k, vmax }))
    if (!(value > 0 && value < Number.POSITIVE_INFINITY))
      throw new RangeError(`vlasovPoisson: ${name} is ${value}, expected a positive number`);
  const maxwell = (v: number): number => Math.exp((-v * v) / 2) / Math.sqrt(2 * Math.PI);
  const { initial = [[(x) => 1 + alpha * Math.cos(k * x), (v) => (maxwell(v - v0) + maxwell(v + v0)) / 2]] } = options;
  if (initial.length === 0) throw new RangeError("vlasovPoisson: initial is empty, expected one or more products");

  const length = (2 * Math.PI) / k;
  const [dx, dv] = [length / nx, (2 * vmax) / nv];
  const x = periodicGrid(nx, 0, length);
  const v = periodicGrid(nv, -vmax, 2 * vmax);
  const tree = balanced(2);
  const start = orthonormalize(
    matrixNetwork(tree, {
      left: fromFunction([nx, initial.length], (i, p) => initial[p!]![0](x[i!]!)),
      right: fromFunction([nv, initial.length], (j, p) => initial[p!]![1](v[j!]!)),
    }),
  );

  const moment = (power: number): Tensor => fromFunction([nv], (j) => dv * v[j!]! ** power);
  const [mass, momentum, kinetic] = [moment(0), moment(1), scaled(0.5, moment(2))];
  const inverse = fourierIntegral(nx, length);
  const field = (y: TTN): Float64Array => {
    const density = slice(y, 0, { 1: mass });
    return matmul(inverse, reshape(scaled(-1, density), [nx, 1])).data; // which takes the constant 1 to zero
  };
  const byVelocity = fourierDerivative(nv, 2 * vmax);
  const transport: ProductTerm = {
    coefficient: -1,
    factors: [
      { mode: 0, operator: fourierDerivative(nx, length) },
      { mode: 1, operator: diagonal(v) },
    ],
  };
  const acceleration = (y: TTN): ProductTerm => ({
    coefficient: 1,
    factors: [
      { mode: 0, operator: diagonal(field(y)) },
      { mode: 1, operator: byVelocity },
    ],
  });
  const moved = [transport, acceleration(start)].reduce((y, term) => withRoom(y, applyProduct(term, start)), start);

  const integral = (weights: Tensor) => (y: TTN) => dx * sumOf(slice(y, 0, { 1: weights }).data);
  const electricEnergy = (y: TTN): number => (dx / 2) * sumOf(field(y).map((e) => e * e));
  return {
    name: "Vlasov-Poisson equations",
    rhs: sumRhs(
      linearRhs([{ operator: productSum(tree, [nx, nv], [transport]) }]),
      quasilinearRhs((_t, y) => [acceleration(y)], { autonomous: true }),
    ),
    initial: moved,
    span: [0, T],
    observables: {
      electricEnergy,
      mass: integral(mass),
      momentum: integral(momentum),
      energy: (y) => integral(kinetic)(y) + electricEnergy(y),
      norm: (y) => Math.sqrt(dx * dv) * norm(y),
    },
    grid: { x, v },
    electricField: field,
  };
}

const sumOf = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
