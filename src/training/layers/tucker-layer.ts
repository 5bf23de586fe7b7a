import { gramAllBut, matmul, modeProduct, permute } from "../../linalg/contract.ts";
import { reshape, sizeOf, type Tensor, tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { rootOf } from "../../ttn/tree.ts";
import { decayingTucker } from "../initial.ts";
import { products } from "../tape/covector.ts";
import { type LowRankWeight, withBias } from "../tape/operations.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import type { Layer } from "./layers.ts";

/** A dense layer as a Tucker tensor: the grid of its inputs, and how it starts. */
export interface TuckerLayerOptions {
  /** Sizes of the modes that an input is made of, in the order of its entries: rows and columns of an image. */
  readonly modes: readonly number[];
  /** Rank to start with, of each mode. Default: 32, or what the sizes allow. */
  readonly rank?: number;
  /** |W|_F at the start over sqrt(outputs). Default 0.1. */
  readonly gain?: number;
}

/**
 * z = W x + b with W a Tucker tensor, outputs x (modes of the input), with an orthonormal basis for each mode: a dense layer whose inputs
 * lie on a grid. With one mode a low-rank matrix. Trained by the same integrators (TDLRT); neither W nor its gradient is formed.
 * Throws a RangeError when a size or the gain is not positive, or the modes are not those of the inputs. [zangrando2023tucker]
 */
export function tuckerLayer(outputs: number, options: TuckerLayerOptions): Layer {
  checkKeys("tuckerLayer", options, { modes: true, rank: true, gain: true });
  const { modes, rank = 32, gain = 0.1 } = options;
  const sizes = [["outputs", outputs], ["rank", rank], ...modes.map((n) => ["a mode", n] as const)] as const;
  for (const [name, n] of sizes)
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`tuckerLayer: ${name} is ${n}, expected a positive integer`);
  if (!(gain > 0 && gain < Number.POSITIVE_INFINITY))
    throw new RangeError(`tuckerLayer: gain is ${gain}, expected a positive number`);
  return {
    name: `Tucker layer of ${outputs}`,
    sized(inputs) {
      if (modes.length === 0 || sizeOf(modes) !== inputs)
        throw new RangeError(`tuckerLayer: the modes are ${modes.join("x") || "none"}, for ${inputs} inputs`);
      return {
        outputs,
        counts: { blocks: 1, passengers: 1 },
        initial: (random) => ({
          blocks: [decayingTucker([outputs, ...modes], rank, random, gain)],
          passengers: [tensor([outputs])],
        }),
        record: (tape, x, { blocks, passengers }) =>
          withBias(tape, applyTucker(tape, x, blocks[0]!, modes), passengers[0]),
      };
    },
  };
}

/**
 * Z = X W^T for the matricisation of a Tucker tensor (a star of leaves) along its first mode: every row of X, a tensor of `modes`, is taken into their
 * bases, then through the core, then to the outputs.
 */
function applyTucker(tape: Tape, x: Variable, weight: LowRankWeight, modes: readonly number[]): Variable {
  const samples = x.value.shape[0]!;
  const grid = reshape(x.value, [samples, ...modes]);
  /** The rows in the bases of all modes but one. */
  const narrow = (bases: readonly Tensor[], except?: number): Tensor =>
    bases.reduce((t, basis, k) => (k === except ? t : modeProduct(t, k + 1, transposed(basis))), grid);
  const asRows = (t: Tensor): Tensor => reshape(t, [samples, t.data.length / samples]);
  const own = partsOf(weight.value.tensors, weight.value.tree.leaves);
  const [r] = own.core.shape as [number];
  const wide = reshape(own.core, [r, own.core.data.length / r]);
  const value = matmul(matmul(asRows(narrow(own.bases)), wide, "N", "T"), own.left, "N", "T");
  return tape.record(value, false, (d) => {
    const du = products(d);
    weight.add({
      seen(test, node) {
        const { left, bases, core } = partsOf(test.tensors, test.tree.leaves);
        const mode = test.tree.leaves.indexOf(node);
        const rank = core.shape[0]!;
        if (mode === 0) {
          const through = reshape(core, [rank, core.data.length / rank]);
          return matmul(d, matmul(asRows(narrow(bases)), through, "N", "T"), "T", "N");
        }
        const seen = narrow(bases, mode < 0 ? undefined : mode - 1);
        const met = reshape(matmul(du(left), asRows(seen), "T", "N"), [rank, ...seen.shape.slice(1), 1]);
        return node === rootOf(test.tree) ? met : gramAllBut(met, core, mode);
      },
    });
    if (x.isConstant) return;
    const back = reshape(matmul(du(own.left), wide), [samples, ...own.core.shape.slice(1, -1)]);
    const dx = own.bases.reduce((t, basis, k) => modeProduct(t, k + 1, basis), back);
    tape.add(x, reshape(dx, x.value.shape));
  });
}

/** The basis of the outputs, those of the modes of the inputs, and the core, of a star of leaves. */
const partsOf = (tensors: readonly Tensor[], leaves: readonly number[]) => {
  const [left, ...bases] = leaves.map((leaf) => tensors[leaf]!) as [Tensor, ...Tensor[]];
  return { left, bases, core: tensors.at(-1)! };
};

const transposed = (a: Tensor): Tensor => permute(a, [1, 0]);
