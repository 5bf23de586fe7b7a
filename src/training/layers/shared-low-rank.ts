import { block, matmul, modeProduct, place, scaled } from "../../linalg/contract.ts";
import { qr } from "../../linalg/factor.ts";
import { norm } from "../../linalg/level1.ts";
import { type Random, randomTensor } from "../../linalg/random.ts";
import { fromFunction, identity, reshape, type Tensor, tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { rootOf, star } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { products } from "../tape/covector.ts";
import { addScaled, type LowRankWeight, withBias } from "../tape/operations.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import { activation, type Layer } from "./layers.ts";
import { applyBase, type Base, checkBase } from "./quantized.ts";

/** A row of layers with shared bases: how many, what is between them, and how they start. */
export interface SharedLowRankOptions {
  /** How many square layers there are. */
  readonly layers: number;
  /** What stands between them. Default "relu". */
  readonly activation?: Parameters<typeof activation>[0];
  /** Rank of both bases to start with. Default: 32, or what the size allows. */
  readonly rank?: number;
  /** |W_l|_F of each layer at the start over the root of its size. Default 0.1, with bases 0. */
  readonly gain?: number;
  /** Matrices that stay as they are, one a layer, to which the weights are added: W_l = B_l + scale U M_l V^T. Default: none. */
  readonly bases?: readonly Base[];
  /** See `bases`. Default 1. */
  readonly scale?: number;
}

/**
 * Square layers in a row that share their bases: z_l = W_l x_l + b_l with W_l = U M_l V^T, and a function of each entry between. The weights are one
 * Tucker tensor, layers x n x n, whose basis of layers stays the identity, so that the same integrators train it; it counts
 * r (n + n) + layers r^2 numbers instead of layers 2 r n.
 * Throws a RangeError when a number is not positive, the rank more than the size, or a base does not fit or is not finite, and a
 * TypeError for a base that is not real. [bershatsky2024lotr]
 */
export function sharedLowRank(options: SharedLowRankOptions): Layer {
  checkKeys("sharedLowRank", options, {
    layers: true,
    activation: true,
    rank: true,
    gain: true,
    bases: true,
    scale: true,
  });
  const { layers, activation: name = "relu", rank, bases, scale = 1, gain = bases ? 0 : 0.1 } = options;
  for (const [what, n] of Object.entries({ layers, rank: rank ?? 1 }))
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`sharedLowRank: ${what} is ${n}, expected a positive integer`);
  if (!(gain < Number.POSITIVE_INFINITY && (gain > 0 || (gain === 0 && bases))))
    throw new RangeError(`sharedLowRank: gain is ${gain}, expected a positive number${bases ? " or zero" : ""}`);
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY))
    throw new RangeError(`sharedLowRank: scale is ${scale}, expected a positive number`);
  if (!bases && options.scale !== undefined) throw new RangeError("sharedLowRank: scale was given without bases");
  if (bases && bases.length !== layers)
    throw new RangeError(`sharedLowRank: ${bases.length} bases for ${layers} layers`);
  const between = activation(name);
  return {
    name: `${layers} layers of shared low rank`,
    sized(inputs) {
      if (rank !== undefined && rank > inputs)
        throw new RangeError(`sharedLowRank: rank is ${rank}, a matrix of ${inputs}x${inputs} has at most ${inputs}`);
      bases?.forEach((base, l) => {
        checkBase(`sharedLowRank: base ${l}`, base, inputs, inputs);
      });
      const step = between.sized(inputs);
      return {
        outputs: inputs,
        counts: { blocks: 1, passengers: layers },
        complete: [[0]],
        initial: (random) => ({
          blocks: [sharedStart(layers, inputs, rank ?? Math.min(32, inputs), gain, random)],
          passengers: Array.from({ length: layers }, () => tensor([inputs])),
        }),
        record: (tape, x, { blocks, passengers }) =>
          passengers.reduce((v, bias, l) => {
            const input = l === 0 ? v : step.record(tape, v, { blocks: [], passengers: [] });
            const z = applyShared(tape, input, blocks[0]!, l);
            const base = bases?.[l];
            return withBias(tape, base ? addScaled(tape, applyBase(tape, input, base), scale, z) : z, bias);
          }, x),
      };
    },
  };
}

/** Random orthonormal bases, the identity for the layers, and for each a core that decays as 1 / ((i + 1)(j + 1)). */
function sharedStart(layers: number, n: number, rank: number, gain: number, random: Random): TTN {
  const tree = star(3);
  const [u, v] = [qr(randomTensor(random, [n, rank])).q, qr(randomTensor(random, [n, rank])).q];
  const core = tensor([layers, rank, rank, 1]);
  for (let l = 0; l < layers; l++) {
    const entries = randomTensor(random, [rank, rank]);
    const m: Tensor = fromFunction([rank, rank], (i, j) => entries.data[i! * rank + j!]! / ((i! + 1) * (j! + 1)));
    place(reshape(scaled((gain * Math.sqrt(n)) / norm(m), m), [1, rank, rank, 1]), core, [l, 0, 0, 0]);
  }
  return { tree, tensors: [identity(layers), u, v, core], center: rootOf(tree) };
}

/**
 * Z = X W_l^T for one of the matrices W_l = U M_l V^T of a Tucker tensor, layers x n x n: shared bases and a core for each. dL/dW has the matrix
 * D^T X at l, and is seen through frames as that of a matrix is.
 */
function applyShared(tape: Tape, x: Variable, weight: LowRankWeight, layer: number): Variable {
  const own = shareOf(weight.value, layer);
  const xv = products(x.value);
  const value = matmul(matmul(xv(own.v), own.m, "N", "T"), own.u, "N", "T");
  return tape.record(value, false, (d) => {
    const du = products(d);
    weight.add({
      seen(test, node) {
        const { basis, u, m, v, core } = shareOf(test, layer);
        const mode = test.tree.leaves.indexOf(node);
        if (mode === 1) return matmul(d, matmul(xv(v), m, "N", "T"), "T", "N");
        if (mode === 2) return matmul(x.value, matmul(du(u), m), "T", "N");
        const met = matmul(du(u), xv(v), "T", "N");
        const [layers, rank] = basis.shape as [number, number];
        if (node === rootOf(test.tree)) {
          const share = block(basis, [layer, 0], [1, rank]);
          return reshape(matmul(share, reshape(met, [1, met.data.length]), "T", "N"), core.shape);
        }
        const row = matmul(
          reshape(met, [1, met.data.length]),
          reshape(core, [core.shape[0]!, met.data.length]),
          "N",
          "T",
        );
        const out = tensor([layers, row.shape[1]!]);
        place(row, out, [layer, 0]);
        return out;
      },
    });
    if (!x.isConstant) tape.add(x, matmul(matmul(du(own.u), own.m), own.v, "N", "T"));
  });
}

/** The parts of a stack of matrices over a star of three leaves, and the core of one of them. */
function shareOf({ tensors, tree }: TTN, layer: number) {
  const [basis, u, v] = tree.leaves.map((leaf) => tensors[leaf]!) as [Tensor, Tensor, Tensor];
  const core = tensors[rootOf(tree)]!;
  const m = modeProduct(core, 0, block(basis, [layer, 0], [1, basis.shape[1]!]));
  return { basis, u, v, core, m: reshape(m, core.shape.slice(1, 3)) };
}
