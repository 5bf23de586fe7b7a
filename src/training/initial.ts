import { scaled } from "../linalg/contract.ts";
import { qr } from "../linalg/factor.ts";
import { norm } from "../linalg/level1.ts";
import { type Random, randomTensor } from "../linalg/random.ts";
import { entry, fromFunction, type Tensor, tensor } from "../linalg/tensor.ts";
import { randomState } from "../ttn/construct.ts";
import { orthonormalize } from "../ttn/gauge.ts";
import { matrixNetwork } from "../ttn/matrix-rhs.ts";
import { rootOf, star, tree } from "../ttn/tree.ts";
import { type TTN, withTensor } from "../ttn/ttn.ts";

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
