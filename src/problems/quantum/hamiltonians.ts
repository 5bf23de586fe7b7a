import { combine, scaled } from "../../linalg/contract.ts";
import { fromFunction, type Tensor } from "../../linalg/tensor.ts";
import { pairTerms } from "../../ttn/operators/pairwise.ts";
import { type ProductTerm, productSum } from "../../ttn/operators/product-sum.ts";
import type { TTNO } from "../../ttn/operators/ttno.ts";
import type { Tree } from "../../ttn/tree.ts";
import { allNumbers } from "../matrix/checks.ts";
import { spinOperators } from "./spin-operators.ts";

const { X, Y, Z, n } = spinOperators as Readonly<Record<"X" | "Y" | "Z" | "n", Tensor>>;

export interface IsingOptions {
  /** Transverse field. Default 1. */
  readonly Omega?: number;
  /** Longitudinal detuning. Default 1. */
  readonly Delta?: number;
  /** Strength of the interaction. Default 2. */
  readonly nu?: number;
  /** Its decay; Infinity couples nearest neighbours only. Default 1. */
  readonly alpha?: number;
}

/**
 * Long-range Ising chain in a transverse field, as Rydberg atoms realise it,
 *
 *     H = Omega sum_k X_k + Delta sum_k n_k + nu sum_{i<k} |i - k|^(-alpha) n_i n_k,   n = |up><up| = diag(1, 0),
 *
 * open ends, sites in the order of the modes; as a list of terms. Throws a RangeError for numbers that make no sense.
 * [sulz2024numerical; the example of ceruti2024parallel, section 5.1]
 */
export function longRangeIsingTerms(d: number, options: IsingOptions = {}): ProductTerm[] {
  const { Omega = 1, Delta = 1, nu = 2, alpha = 1 } = options;
  allNumbers("longRangeIsing", { Omega, Delta, nu });
  if (!(alpha >= 0)) throw new RangeError(`longRangeIsing: alpha is ${alpha}, expected zero or more, or Infinity`);
  const local = combine([
    [Omega, X],
    [Delta, n],
  ]);
  const coupled = Array<Tensor>(d).fill(n);
  return pairTerms(powerLaw(d, nu, alpha), coupled, Array<Tensor>(d).fill(local));
}

/** The same Hamiltonian on a tree, compressed at `tolerance` (see `productSum`). */
export const longRangeIsing = (tree: Tree, options: IsingOptions = {}, tolerance?: number): TTNO =>
  productSum(tree, Array<number>(tree.order).fill(2), longRangeIsingTerms(tree.order, options), tolerance);

/** The matrix nu / |i - j|^alpha, zero on the diagonal; alpha = Infinity keeps neighbours only. */
export const powerLaw = (d: number, nu: number, alpha: number): Tensor =>
  fromFunction([d, d], (i, j) => {
    const distance = Math.abs(i - j);
    if (distance === 0) return 0;
    return alpha === Number.POSITIVE_INFINITY ? (distance === 1 ? nu : 0) : nu / distance ** alpha;
  });

export interface XxzOptions {
  /** Coupling of the x and y components. Default 1. */
  readonly J?: number;
  /** Anisotropy: J Delta couples the z components; 1 is the Heisenberg chain. Default 1. */
  readonly Delta?: number;
  /** Field along x and z: one number, or one for each site. Default 0. */
  readonly hx?: number | readonly number[];
  readonly hz?: number | readonly number[];
}

/**
 * XXZ chain of spins 1/2 with fields, open ends,
 *
 *     H = J sum_i (Sx_i Sx_{i+1} + Sy_i Sy_{i+1} + Delta Sz_i Sz_{i+1}) + sum_i (hx_i Sx_i + hz_i Sz_i),   S = half Pauli.
 *
 * Throws a RangeError for numbers that are not finite, and for as many fields as there are not sites.
 */
export function xxz(tree: Tree, options: XxzOptions = {}): TTNO {
  const { J = 1, Delta = 1, hx = 0, hz = 0 } = options;
  const d = tree.order;
  allNumbers("xxz", { J, Delta });
  const field = (name: string, h: number | readonly number[], site: number): number => {
    if (typeof h !== "number" && h.length !== d)
      throw new RangeError(`xxz: ${name} has ${h.length} entries, the chain ${d} sites`);
    const value = typeof h === "number" ? h : h[site]!;
    allNumbers("xxz", { [`${name} at site ${site}`]: value });
    return value;
  };
  const half = (a: Tensor): Tensor => scaled(0.5, a);
  const [Sx, Sy, Sz] = [half(X), half(Y), half(Z)];
  const terms: ProductTerm[] = [];
  for (let i = 0; i < d; i++) {
    terms.push({ coefficient: field("hx", hx, i), factors: [{ mode: i, operator: Sx }] });
    terms.push({ coefficient: field("hz", hz, i), factors: [{ mode: i, operator: Sz }] });
    if (i + 1 === d) break;
    for (const [coefficient, s] of [
      [J, Sx],
      [J, Sy],
      [J * Delta, Sz],
    ] as const)
      terms.push({
        coefficient,
        factors: [
          { mode: i, operator: s },
          { mode: i + 1, operator: s },
        ],
      });
  }
  return productSum(tree, Array<number>(d).fill(2), terms);
}

/** The Heisenberg chain J sum_i S_i . S_{i+1} with fields: `xxz` with Delta = 1. */
export const heisenberg = (tree: Tree, options: Omit<XxzOptions, "Delta"> = {}): TTNO =>
  xxz(tree, { ...options, Delta: 1 });
