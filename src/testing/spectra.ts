import fc, { type Arbitrary } from "fast-check";
import { matmul, scaleColumns } from "../linalg/contract.ts";
import { qr, svd } from "../linalg/factor.ts";
import { type Random, randomTensor, seeded } from "../linalg/random.ts";
import { asDtype, type Dtype, type Tensor, tensor, width } from "../linalg/tensor.ts";
import { asBasis, centers, fromBasis, moveCenter } from "../ttn/gauge.ts";
import { type NodeId, rootOf, type Tree } from "../ttn/tree.ts";
import { type TTN, withTensor } from "../ttn/ttn.ts";
import { grown, pieces, type StateOptions, states } from "./arbitraries.ts";

/** Singular values that fall geometrically from 1 to `smallest`; with 0, from 1 to 0.1 and the last of them 0. */
export const spectrum = (rank: number, smallest: number): readonly number[] =>
  Array.from({ length: rank }, (_, k) =>
    k === 0 ? 1 : smallest === 0 && k === rank - 1 ? 0 : (smallest || 0.1) ** (k / (rank - 1)),
  );

/**
 * sum_k s_k a_k (x) b_k (x) c_k (x) ... with random orthonormal a_k, b_k, ...: a network with exactly these singular values on every
 * edge, zeros among them included. Every mode has to be at least as large as there are values.
 */
export function stateWithSpectrum(
  tree: Tree,
  sizes: readonly number[],
  values: readonly number[],
  random: Random,
  dtype: Dtype = "float64",
): TTN {
  const r = values.length;
  const short = sizes.findIndex((n) => n < r);
  if (short >= 0)
    throw new RangeError(
      `stateWithSpectrum: mode ${short} has size ${sizes[short]}, fewer than the ${r} singular values`,
    );
  const tensors = tree.nodes.map(({ mode, children, parent }) => {
    if (mode !== null) {
      const { q } = qr(randomTensor(random, [sizes[mode]!, r], dtype));
      return parent === null ? matmul(q, asDtype(tensor([r, 1], "float64", Float64Array.from(values)), dtype)) : q;
    }
    return parent === null
      ? superdiagonal([...children.map(() => r), 1], values, dtype)
      : superdiagonal([...children.map(() => r), r], Array(r).fill(1), dtype);
  });
  return { tree, tensors, center: rootOf(tree) };
}

/** The tensor whose only entries are values[k] at (k, k, ..., k), or (k, ..., k, 0) where the last mode has size 1. */
function superdiagonal(shape: readonly number[], values: readonly number[], dtype: Dtype): Tensor {
  const t = tensor(shape, dtype);
  values.forEach((v, k) => {
    const at = shape.reduce((p, n) => p * n + (n === 1 ? 0 : k), 0);
    t.data[width(dtype) * at] = v;
  });
  return t;
}

/**
 * The state with other singular values on the edge above `edge`, as many as the edge has: nothing else of its decomposition there
 * changes. Other edges follow as they must.
 */
export function withSpectrum(y: TTN, edge: NodeId, values: readonly number[]): TTN {
  const at = centers(y)[edge]!;
  const amplitude = at.tensors[edge]!;
  const { u, s, vh } = svd(asBasis(amplitude));
  if (values.length !== s.length)
    throw new RangeError(`withSpectrum: ${values.length} singular values for an edge with ${s.length}`);
  const changed = fromBasis(matmul(scaleColumns(u, values), vh), amplitude.shape);
  return moveCenter(withTensor(at, edge, changed), rootOf(y.tree));
}

/** Which singular values are drawn. */
export interface SpectrumOptions extends StateOptions {
  /** Smallest singular values to draw from, beside a largest of 1. Default [0.1, 1e-4, 1e-8, 1e-16, 0]. */
  readonly smallest?: readonly number[];
  /** "every" edge has the values, in a state of one sum (`stateWithSpectrum`), or "one" edge of a random state. Default "every". */
  readonly edges?: "every" | "one";
}

/** States with a prescribed smallest singular value: small ones, and exact zeros, are what an integrator has to bear. */
export function statesWithSpectrum(
  options: SpectrumOptions = {},
): Arbitrary<{ readonly y: TTN; readonly edge: NodeId | null; readonly values: readonly number[] }> {
  const { smallest = [0.1, 1e-4, 1e-8, 1e-16, 0], edges = "every", dtypes = ["float64", "complex128"] } = options;
  const sigma = fc.constantFrom(...smallest);
  if (edges === "one")
    return fc.record({ y: states(options), at: fc.nat(1000), sigma }).map(({ y, at, sigma }) => {
      const edge = at % Math.max(1, rootOf(y.tree));
      const shape = asBasis(centers(y)[edge]!.tensors[edge]!).shape;
      const values = spectrum(Math.min(...shape), sigma);
      return { y: withSpectrum(y, edge, values), edge, values };
    });
  const { maxSize = 6, maxRank = 4 } = options;
  return fc
    .record({
      parts: pieces({ maxLeaves: 4, ...options }),
      rank: fc.integer({ min: 1, max: Math.min(maxRank, maxSize) }),
      size: fc.integer({ min: 1, max: maxSize }),
      seed: fc.integer(),
      dtype: fc.constantFrom(...dtypes),
      sigma,
    })
    .map(({ parts, rank, size, seed, dtype, sigma }) => {
      const shape = grown(parts);
      const values = spectrum(rank, sigma);
      const sizes = Array(shape.order).fill(Math.max(size, rank)) as number[];
      return { y: stateWithSpectrum(shape, sizes, values, seeded(seed), dtype), edge: null, values };
    });
}
