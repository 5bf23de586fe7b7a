import { qr } from "../linalg/factor.ts";
import { norm } from "../linalg/level1.ts";
import { type Random, randomTensor } from "../linalg/random.ts";
import { tensor } from "../linalg/tensor.ts";
import { orthonormalize } from "../ttn/gauge.ts";
import { matrixNetwork } from "../ttn/matrix-rhs.ts";
import { tree } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";

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
