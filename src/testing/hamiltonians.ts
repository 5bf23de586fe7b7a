import type { Arbitrary } from "fast-check";
import { singularValues } from "../linalg/factor.ts";
import { denseOf } from "../linalg/matrix-product.ts";
import { complex, type Scalar, shapeText } from "../linalg/tensor.ts";
import { type LinearRhs, linearRhs } from "../ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../ttn/operators/product-sum.ts";
import { nestedOf } from "../ttn/tree.ts";
import { modeSizes, ranks, type TTN } from "../ttn/ttn.ts";
import { productTerms, type StateOptions, states } from "./arbitraries.ts";
import type { RunOptions } from "./march.ts";
import type { CheckOptions } from "./search.ts";

/** What the checks of energies let the caller choose. */
export interface EnergyOptions extends CheckOptions, RunOptions {
  /** Steps of a run. Default 40. */
  readonly steps?: number;
  /** Step size, in units of 1 / |H|. Default 0.05, in gradient flows 0.2. */
  readonly h?: number;
  /** Truncation tolerance. Default 1e-12, in gradient flows 1e-6. */
  readonly tolerance?: number;
  /** Which states are drawn. */
  readonly states?: StateOptions;
}

/** A Hermitian operator as a sum of products, and a state. */
export interface Hamiltonian {
  readonly y: TTN;
  readonly terms: readonly ProductTerm[];
}

/** Small states: at full ranks nothing is left to lose. */
export const smallStates: StateOptions = {
  minLeaves: 2,
  maxLeaves: 5,
  minSize: 2,
  maxSize: 4,
  maxRank: 2,
  maxEntries: 256,
};

/** Random states with a Hermitian sum of products of spectral norm at most one. */
export const hamiltonians = (options: StateOptions): Arbitrary<Hamiltonian> =>
  states(options).chain((y) =>
    productTerms(modeSizes(y), {
      hermitian: true,
      minTerms: 2,
      minFactors: 1,
      maxFactors: 2,
      dtypes: [y.tensors[0]!.dtype],
    }).map((terms) => ({
      y,
      terms: normalised(terms),
    })),
  );

/** The terms with coefficients divided by the sum of their spectral norms. */
function normalised(terms: readonly ProductTerm[]): readonly ProductTerm[] {
  const size = ({ coefficient, factors }: ProductTerm): number => {
    const { re, im } = complex(coefficient);
    return factors.reduce((p, { operator }) => p * singularValues(denseOf(operator))[0]!, Math.hypot(re, im));
  };
  const total = terms.reduce((sum, t) => sum + size(t), 0);
  return terms.map((t) => ({ ...t, coefficient: complex(t.coefficient).re / (total || 1) }));
}

/** F(Y) = factor * H Y. */
export const hamiltonianRhs = ({ y, terms }: Hamiltonian, factor: Scalar): LinearRhs =>
  linearRhs([{ operator: productSum(y.tree, modeSizes(y), terms) }], { factor, hermitian: true });

/** The case in words. */
export const describeHamiltonian = ({ y, terms }: Hamiltonian): string =>
  `tree ${JSON.stringify(nestedOf(y.tree))}, sizes ${shapeText(modeSizes(y))}, ranks ${ranks(y).join(" ")}, ${y.tensors[0]!.dtype}, ` +
  `H on modes ${terms.map(({ factors }) => `(${factors.map((f) => f.mode).join(" ")})`).join(" + ") || "none"}`;
