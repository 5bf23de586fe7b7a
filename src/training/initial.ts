import { scaled } from "../linalg/contract.ts";
import { qr } from "../linalg/factor.ts";
import { norm } from "../linalg/level1.ts";
import { type Random, randomTensor } from "../linalg/random.ts";
import { entry, fromFunction, fromValues, identity, type Tensor, tensor } from "../linalg/tensor.ts";
import { randomState } from "../ttn/construct.ts";
import { asBasis, fromBasis, orthonormalize } from "../ttn/gauge.ts";
import { matrixNetwork } from "../ttn/matrix-rhs.ts";
import { rootOf, star, type Tree, tree } from "../ttn/tree.ts";
import { spreadRanks, type TTN, withTensor } from "../ttn/ttn.ts";

/** A matrix: rows and columns are the two leaves. */
const matrixTree = tree([0, 1]);

/**
 * A random weight to start training from, rows x columns of a rank: random orthonormal bases, singular values the sorted absolute
 * values of normal numbers, |W|_F = gain sqrt(rows).
 *
 * Small and decaying on purpose. What a step adds is about h |dL/dW|; of a flat spectrum of the usual size truncation relative to
 * |W| would cut that again at once and nothing of the old, so that the rank would stay where it was. From a small start the
 * ranks are chosen by training.
 */
export function decayingMatrix(rows: number, columns: number, rank: number, random: Random, gain = 0.1): TTN {
  const [left, right] = [rows, columns].map((n) => qr(randomTensor(random, [n, rank])).q) as [
    TTN["tensors"][0],
    TTN["tensors"][0],
  ];
  const values = randomTensor(random, [rank])
    .data.map(Math.abs)
    .sort((a, b) => b - a);
  const factor = (gain * Math.sqrt(rows)) / norm(tensor([rank], "float64", values));
  const core = tensor([rank, rank]);
  values.forEach((v, i) => {
    core.data[i * (rank + 1)] = factor * v;
  });
  return orthonormalize(matrixNetwork(matrixTree, { left, core, right }));
}

/**
 * The same for a Tucker tensor: random orthonormal bases, and a core of normal numbers that decay as 1/((i+1)(j+1)...);
 * |W|_F = gain sqrt(first size). One rank for all modes, cut to what fits, or one for each, and 1 for the root.
 */
export function decayingTucker(
  sizes: readonly number[],
  rank: number | readonly number[],
  random: Random,
  gain = 0.1,
): TTN {
  const shape = star(sizes.length);
  const y = randomState(shape, sizes, rank, random);
  const root = rootOf(shape);
  const core = y.tensors[root]!;
  const decaying = fromFunction(core.shape, (...index) =>
    index.reduce((p, i) => p / (i + 1), entry(core, ...index).re),
  );
  return withTensor(y, root, scaled((gain * Math.sqrt(sizes[0]!)) / norm(decaying), decaying));
}

/** A dense weight, rows x columns, to start from: normal entries of variance 2 / columns. */
export const heNormal = (rows: number, columns: number, random: Random): Tensor =>
  scaled(Math.sqrt(2 / columns), randomTensor(random, [rows, columns]));

/** What a basis vector's part is multiplied by for each child that is not at its first vector. */
const mixing = 0.3;

/**
 * A random weight on a tree near a product: mode k holds the unit vector `vectors[k]`, 1 x 2, for all modes but the last one, a child of the root, whose size is
 * `outputs` and whose basis is all of it; |W|_F = gain.
 *
 * The first basis vector of every node is the product of the vectors below it. The others are random, and mostly differ from it in few modes:
 * entries are normal times 0.3 for each child that is not at its first vector. So is the root's tensor. W applied to products of the vectors, and to what is
 * near them, is then of the size of `gain`, whatever the number of modes; a random network would be smaller by a power of it.
 */
export function nearlyProduct(
  shape: Tree,
  vectors: readonly Tensor[],
  outputs: number,
  rank: number,
  random: Random,
  gain: number,
): TTN {
  const sizes = [...vectors.map(() => 2), outputs];
  const all = spreadRanks(shape, sizes, rank);
  const [last, root] = [shape.leaves.at(-1)!, rootOf(shape)];
  const ranks = all.with(last, outputs);
  const tensors = shape.nodes.map(({ mode, children }, id) => {
    if (id === last) return identity(outputs);
    if (mode !== null) {
      const [c, s] = vectors[mode]!.data as unknown as [number, number];
      return ranks[id] === 1 ? fromValues([2, 1], [c, s]) : fromValues([2, 2], [c, -s, s, c]);
    }
    const inner = children.filter((child) => child !== last).length;
    const whole = randomTensor(random, [...children.map((child) => ranks[child]!), ranks[id]!]);
    const filled = fromFunction(whole.shape, (...index) => {
      const away = index.slice(0, inner).filter((i) => i > 0).length;
      if (id !== root && index.at(-1) === 0) return away === 0 ? 1 : 0;
      if (id !== root && away === 0) return 0;
      return entry(whole, ...index).re * mixing ** away;
    });
    return id === root ? scaled(gain / norm(filled), filled) : fromBasis(qr(asBasis(filled)).q, filled.shape);
  });
  return { tree: shape, tensors, center: root };
}
