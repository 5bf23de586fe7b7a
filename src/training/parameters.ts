import { sizeOf } from "../linalg/tensor.ts";
import { rootOf } from "../ttn/tree.ts";
import { modeSizes, storage, type TTN } from "../ttn/ttn.ts";
import type { Weights } from "./weights.ts";

/** Numbers that a model takes; biases (passengers of one mode) apart. */
export interface ParameterCounts {
  /** To apply it: r (m + n) for each matrix of low rank, its core multiplied into a basis, and all dense matrices. */
  readonly inference: number;
  /** As kept between steps: r (m + n) + r^2. */
  readonly stored: number;
  /** At the peak of a step, bases doubled: 2 r (m + n) + 4 r^2. What rules remember comes on top. */
  readonly training: number;
  /** Of the same model with dense matrices. */
  readonly full: number;
  readonly biases: number;
  /** 1 - inference / full. */
  readonly compression: number;
}

/**
 * Counts the parameters of weights, in the one convention that all results of this library state. `spared` is what dense matrices would have
 * more where passengers are factors of some, as a model tells (`Sequential.spared`).
 */
export function parameterCounts({ blocks, passengers }: Weights, spared = 0): ParameterCounts {
  const sizes = (isBias: boolean): number =>
    sum(passengers.filter((p) => p.shape.length < 2 === isBias).map((p) => sizeOf(p.shape)));
  const dense = sizes(false);
  const inference = dense + sum(blocks.map(applied));
  const full = dense + spared + sum(blocks.map((y) => sizeOf(modeSizes(y))));
  return {
    inference,
    stored: dense + sum(blocks.map(storage)),
    training: dense + sum(blocks.map(doubled)),
    full,
    biases: sizes(true),
    compression: 1 - inference / full,
  };
}

/** A matrix's core goes into one of its bases, and square bases into their neighbours; deeper trees are applied as they are. */
function applied(y: TTN): number {
  const root = rootOf(y.tree);
  const square = y.tree.leaves.map((leaf) => y.tensors[leaf]!.shape as [number, number]).filter(([n, r]) => n === r);
  if (y.tree.order === 2) return storage(y) - sizeOf(y.tensors[root]!.shape);
  return storage(y) - sum(square.map(([n, r]) => n * r));
}

const doubled = (y: TTN): number =>
  sum(
    y.tree.nodes.map(({ mode, parent }, id) => {
      const { shape } = y.tensors[id]!;
      const ranks = shape.length - (mode === null ? 0 : 1) - (parent === null ? 1 : 0);
      return sizeOf(shape) * 2 ** ranks;
    }),
  );

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
