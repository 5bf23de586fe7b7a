import fc, { type Arbitrary } from "fast-check";
import { combine, permute, scaleColumns, scaled } from "../linalg/contract.ts";
import { conj } from "../linalg/level1.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { type Dtype, entry, reshape, type Scalar, sizeOf, type Tensor } from "../linalg/tensor.ts";
import { norm, scale } from "../ttn/arithmetic.ts";
import { asBasis, ttn } from "../ttn/gauge.ts";
import { type ProductTerm, productSum } from "../ttn/operators/product-sum.ts";
import type { TTNO } from "../ttn/operators/ttno.ts";
import { type Nested, type Tree, tree } from "../ttn/tree.ts";
import { largestRanks, modeSizes, type TTN } from "../ttn/ttn.ts";

/** Which trees are drawn. */
export interface TreeOptions {
  /** Fewest leaves. Default 2. */
  readonly minLeaves?: number;
  /** Most leaves. Default 8. */
  readonly maxLeaves?: number;
  /** Most children of a node. Default 4. */
  readonly maxDegree?: number;
}

/** Which states are drawn. */
export interface StateOptions extends TreeOptions {
  /** Smallest mode size. Default 1. */
  readonly minSize?: number;
  /** Largest mode size. Default 6. */
  readonly maxSize?: number;
  /** Largest rank. Default 6. */
  readonly maxRank?: number;
  /** Entries of the largest full tensor. Default 4096. */
  readonly maxEntries?: number;
  /** Scalar types to draw from. Default: both. */
  readonly dtypes?: readonly Dtype[];
  /**
   * Ratios of neighbouring singular values to draw from, for all edges of a state: 1 leaves them as random tensors make them,
   * 0 leaves one of each edge, and null directions. Default [1].
   */
  readonly decays?: readonly number[];
}

/** Which sums of products are drawn. */
export interface TermOptions {
  /** Fewest terms. Default 0. */
  readonly minTerms?: number;
  /** Most terms. Default 6. */
  readonly maxTerms?: number;
  /** Fewest factors of a term. Default 0. */
  readonly minFactors?: number;
  /** Most factors of a term. Default: as many as there are modes. */
  readonly maxFactors?: number;
  /** Scalar types to draw from. Default ["complex128"]. */
  readonly dtypes?: readonly Dtype[];
  /** Hermitian factors with real coefficients. Default: neither. */
  readonly hermitian?: boolean;
}

/** What one leaf and the merging that follows it are made of. */
export const pieces = ({ minLeaves = 2, maxLeaves = 8, maxDegree = 4 }: TreeOptions) =>
  fc.array(fc.record({ key: fc.nat(1000), at: fc.nat(1000), degree: fc.integer({ min: 2, max: maxDegree }) }), {
    minLength: minLeaves,
    maxLength: maxLeaves,
  });

/** Modes sorted by their keys, neighbours merged until one is left. */
export function grown(parts: readonly { key: number; at: number; degree: number }[]): Tree {
  let open: Nested[] = parts.map((_, mode) => mode).sort((a, b) => parts[a]!.key - parts[b]!.key || a - b);
  for (const { at, degree } of parts) {
    if (open.length === 1) break;
    const count = Math.min(degree, open.length);
    const first = at % (open.length - count + 1);
    open = open.toSpliced(first, count, open.slice(first, first + count));
  }
  return tree(open[0]!);
}

/** Dimension trees: any shape and any order of the modes; they shrink to few leaves, merged from the left. */
export const trees = (options: TreeOptions = {}): Arbitrary<Tree> => pieces(options).map(grown);

/**
 * Several states of norm 1 over the same tree and mode sizes, of one scalar type, with ranks of their own that a tensor of this
 * shape can have on every edge. The numbers come from a seed, so that states shrink in shape: to few and small modes and ranks.
 */
export function statesTogether(count: number, options: StateOptions = {}): Arbitrary<readonly TTN[]> {
  const {
    minSize = 1,
    maxSize = 6,
    maxRank = 6,
    maxEntries = 4096,
    dtypes = ["float64", "complex128"],
    decays = [1],
    maxLeaves = 8,
  } = options;
  const nodes = 2 * maxLeaves;
  const numbers = (max: number, length: number, min = 1) =>
    fc.array(fc.integer({ min, max }), { minLength: length, maxLength: length });
  return fc
    .record({
      parts: pieces(options),
      sizes: numbers(maxSize, maxLeaves, minSize),
      ranks: fc.array(numbers(maxRank, nodes), { minLength: count, maxLength: count }),
      seed: fc.integer(),
      dtype: fc.constantFrom(...dtypes),
      decay: fc.constantFrom(...decays),
    })
    .map(({ parts, sizes, ranks, seed, dtype, decay }) => {
      const t = grown(parts);
      const fitting = boundedSizes(sizes.slice(0, t.order), maxEntries);
      return ranks.map((wanted, k) => stateOf(t, fitting, possibleRanks(t, fitting, wanted), seed + k, dtype, decay));
    });
}

/** Random states of norm 1; see `statesTogether`. */
export const states = (options: StateOptions = {}): Arbitrary<TTN> => statesTogether(1, options).map(([y]) => y!);

/** The mode sizes, the largest made smaller until the full tensor has at most so many entries. */
function boundedSizes(sizes: readonly number[], maxEntries: number): readonly number[] {
  let bounded = sizes;
  while (sizeOf(bounded) > maxEntries) {
    const largest = bounded.indexOf(Math.max(...bounded));
    bounded = bounded.with(largest, bounded[largest]! - 1);
  }
  return bounded;
}

/** The largest ranks below those wanted that a tensor of these sizes can have. */
export function possibleRanks(t: Tree, sizes: readonly number[], wanted: readonly number[]): readonly number[] {
  const r = largestRanks(t, sizes).map((most, id) => Math.min(most, wanted[id]!));
  for (let changed = true; changed; ) {
    changed = false;
    t.nodes.forEach(({ children, mode }, id) => {
      if (mode !== null) return;
      const around = [...children, id];
      for (const edge of around) {
        const others = around.reduce((p, other) => (other === edge ? p : p * r[other]!), 1);
        if (r[edge]! <= others) continue;
        r[edge] = others;
        changed = true;
      }
    });
  }
  return r;
}

function stateOf(
  t: Tree,
  sizes: readonly number[],
  r: readonly number[],
  seed: number,
  dtype: Dtype,
  decay: number,
): TTN {
  const random = seeded(seed);
  const tensors = t.nodes.map(({ mode, children }, id) => {
    const c = randomTensor(
      random,
      mode !== null ? [sizes[mode]!, r[id]!] : [...children.map((child) => r[child]!), r[id]!],
      dtype,
    );
    const weights = Array.from({ length: r[id]! }, () => 1);
    for (let j = 1; j < weights.length; j++) weights[j] = weights[j - 1]! * decay;
    return reshape(scaleColumns(asBasis(c), weights), c.shape);
  });
  const y = ttn(t, tensors);
  return scale(1 / norm(y), y);
}

/**
 * Sums of products over modes of these sizes. Each mode has three matrices, the third the sum of the others, so that equal and
 * linearly dependent factors are frequent; a term may have no factor at all.
 */
export function productTerms(sizes: readonly number[], options: TermOptions = {}): Arbitrary<readonly ProductTerm[]> {
  const { minTerms = 0, maxTerms = 6, minFactors = 0, maxFactors = sizes.length } = options;
  const { dtypes = ["complex128"], hermitian = false } = options;
  const modes = sizes.map((_, mode) => mode);
  const term = fc.record({
    on: fc.subarray(modes, { minLength: minFactors, maxLength: Math.min(maxFactors, sizes.length) }),
    letters: fc.array(fc.nat(2), { minLength: sizes.length, maxLength: sizes.length }),
  });
  return fc
    .record({
      terms: fc.array(term, { minLength: minTerms, maxLength: maxTerms }),
      seed: fc.integer(),
      dtype: fc.constantFrom(...dtypes),
    })
    .map(({ terms, seed, dtype }) => {
      const random = seeded(seed);
      const alphabets = sizes.map((n) => alphabet(() => matrix(randomTensor(random, [n, n], dtype), hermitian)));
      return terms.map(({ on, letters }): ProductTerm => {
        const z = entry(randomTensor(random, [1], hermitian ? "float64" : dtype), 0);
        const coefficient: Scalar = hermitian || dtype === "float64" ? z.re : z;
        return { coefficient, factors: on.map((mode) => ({ mode, operator: alphabets[mode]![letters[mode]!]! })) };
      });
    });
}

const matrix = (a: Tensor, hermitian: boolean): Tensor =>
  hermitian
    ? scaled(
        0.5,
        combine([
          [1, a],
          [1, permute(conj(a), [1, 0])],
        ]),
      )
    : a;

function alphabet(draw: () => Tensor): readonly Tensor[] {
  const [a, b] = [draw(), draw()];
  return [
    a,
    b,
    combine([
      [1, a],
      [1, b],
    ]),
  ];
}

/** Operators in tree form with the sum of products that they stand for, over modes of these sizes. */
export const operators = (
  t: Tree,
  sizes: readonly number[],
  options: TermOptions = {},
): Arbitrary<{ readonly operator: TTNO; readonly terms: readonly ProductTerm[] }> =>
  productTerms(sizes, options).map((terms) => ({ terms, operator: productSum(t, sizes, terms) }));

/** A state and an operator that acts on it. */
export const statesWithOperators = (
  stateOptions: StateOptions = {},
  termOptions: TermOptions = {},
): Arbitrary<{ readonly y: TTN; readonly operator: TTNO; readonly terms: readonly ProductTerm[] }> =>
  states(stateOptions).chain((y) => operators(y.tree, modeSizes(y), termOptions).map((h) => ({ y, ...h })));
