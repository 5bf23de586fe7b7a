import type { Random } from "../linalg/random.ts";
import type { Tensor } from "../linalg/tensor.ts";
import type { Frame } from "../linalg/workspace.ts";
import { moveCenter } from "../ttn/gauge.ts";
import { rootOf } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";
import type { Gradient } from "./tape/covector.ts";

/** A point of a product of manifolds: all that a model learns. A value, as a state is. */
export interface Weights {
  /** Weights of low rank, each a network of its own; that of a dense map is a matrix, (outputs) x (inputs). */
  readonly blocks: readonly TTN[];
  /** Everything else, stepped once in a step, in its last pass: biases, dense layers. */
  readonly passengers: readonly Tensor[];
}

/** The same weights with the centre of every block at its root, as integrators and projections take them. */
export const atRoots = ({ blocks, passengers }: Weights): Weights => ({
  blocks: blocks.map((y) => moveCenter(y, rootOf(y.tree))),
  passengers,
});

/** A loss and its derivatives at one point. */
export interface Evaluation {
  readonly loss: number;
  /** dL/dW of every block, as frames see it: never a full matrix. */
  readonly blocks: readonly Gradient[];
  /** dL/db of every passenger. */
  readonly passengers: readonly Tensor[];
}

/**
 * L and its gradient, a function of the weights alone: whatever is random in it (the samples, masks) is fixed, since a step
 * may evaluate it more than once, and descent holds for one function only.
 */
export type Objective = (weights: Weights) => Evaluation;

/** What is learnt from: a row of `inputs` a sample. */
export interface Dataset {
  /** Samples x features. */
  readonly inputs: Tensor;
  /** A class for each sample, from 0, or the outputs wanted, samples x outputs. */
  readonly targets: Tensor | ArrayLike<number>;
}

/** What can be trained: where it starts, and its loss on a set of samples. `sequential` makes one of layers. */
export interface Model {
  readonly name: string;
  /** For each block the modes whose bases stay complete, whatever is truncated: those that only number things. Default: none. */
  readonly complete?: readonly (readonly number[])[];
  /** Weights to start from. */
  initial(random: Random): Weights;
  /** Throws, naming both sides, when data do not fit: their width, a class out of range, numbers that are not finite. */
  check(data: Dataset): void;
  /**
   * The mean loss over some samples. With `memory`, derivatives and all that they are made of may lie there: they are then read before it
   * ends, and whoever keeps some copies them.
   */
  objective(samples: Dataset, memory?: Frame): Objective;
}
