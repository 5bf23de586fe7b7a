import { combine, matmul } from "../linalg/contract.ts";
import { norm } from "../linalg/level1.ts";
import { allFinite, identity, shapeText } from "../linalg/tensor.ts";
import { asBasis, orthonormalize } from "../ttn/gauge.ts";
import { nestedOf } from "../ttn/tree.ts";
import { checkTensors, largestRanks, modeSizes, ranks, type TTN } from "../ttn/ttn.ts";
import { atRoots, type Weights } from "./weights.ts";

/** What the weights of a model have in common, as text. */
export interface WeightShapes {
  /** The modes of each block, nested as its tree is. */
  readonly trees: readonly string[];
  /** Mode sizes of each block. */
  readonly blocks: readonly string[];
  readonly passengers: readonly string[];
}

export const shapesOf = ({ blocks, passengers }: Weights): WeightShapes => ({
  trees: blocks.map(({ tree }) => JSON.stringify(nestedOf(tree))),
  blocks: blocks.map((y) => shapeText(modeSizes(y))),
  passengers: passengers.map(({ shape }) => shapeText(shape)),
});

const kinds = { trees: "the tree of block", blocks: "block", passengers: "passenger" } as const;

/** Throws a RangeError when weights are not of the shapes of a model: another number, other trees or sizes. `what` is what they are called. */
export function checkShapes(who: string, what: string, given: Weights, expected: WeightShapes): void {
  for (const kind of ["blocks", "passengers"] as const)
    if (given[kind].length !== expected[kind].length)
      throw new RangeError(`${who}: ${what} has ${given[kind].length} ${kind}, the model has ${expected[kind].length}`);
  const found = shapesOf(given);
  for (const kind of ["trees", "blocks", "passengers"] as const) {
    const bad = found[kind].findIndex((text, k) => text !== expected[kind][k]);
    if (bad >= 0)
      throw new RangeError(
        `${who}: ${kinds[kind]} ${bad} of ${what} is ${found[kind][bad]}, that of the model ${expected[kind][bad]}`,
      );
  }
}

/**
 * Weights to start training from, of the shapes of a model's own: the same weights with orthonormal bases and the centre at the root. Bases that are
 * orthonormal to round-off stay as they are, bit for bit.
 * Throws a RangeError naming the block or passenger whose shape is another, whose tensors or ranks do not fit, or that is not finite, and a
 * TypeError where one is not real.
 */
export function startFrom(given: Weights, own: Weights): Weights {
  given.blocks.forEach((y, k) => {
    checkBlock(`train: block ${k} of initial`, y);
  });
  checkShapes("train", "initial", given, shapesOf(own));
  given.passengers.forEach((p, k) => {
    if (p.dtype !== "float64") throw new TypeError(`train: passenger ${k} of initial is ${p.dtype}, expected float64`);
    if (!allFinite(p)) throw new RangeError(`train: passenger ${k} of initial has entries that are not finite`);
  });
  const { blocks, passengers } = atRoots(given);
  return { blocks: blocks.map((y) => (isOrthonormal(y) ? y : orthonormalize(y))), passengers };
}

function checkBlock(what: string, y: TTN): void {
  try {
    checkTensors(y.tree, y.tensors);
  } catch (cause) {
    throw new RangeError(`${what} is no network: ${(cause as Error).message}`, { cause });
  }
  const [{ dtype }] = y.tensors as [TTN["tensors"][0]];
  if (dtype !== "float64") throw new TypeError(`${what} is ${dtype}, expected float64`);
  const largest = largestRanks(y.tree, modeSizes(y));
  const bad = ranks(y).findIndex((r, id) => r > largest[id]!);
  if (bad >= 0)
    throw new RangeError(
      `${what} has rank ${ranks(y)[bad]} at node ${bad}, a weight of ${shapeText(modeSizes(y))} has at most ${largest[bad]} there`,
    );
}

/** |U^T U - I|_F of bases that are orthonormal to round-off, that of many products too. */
const roundOff = 1e-12;

const isOrthonormal = (y: TTN): boolean =>
  y.tensors.every((t, id) => {
    if (id === y.center) return true;
    const u = asBasis(t);
    const defect = combine([
      [1, matmul(u, u, "T", "N")],
      [-1, identity(u.shape[1]!)],
    ]);
    return norm(defect) <= roundOff;
  });
