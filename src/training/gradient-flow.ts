import { combine, pad, scaled } from "../linalg/contract.ts";
import { norm } from "../linalg/level1.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { copy, type Tensor, tensor } from "../linalg/tensor.ts";
import { type Frame, workspace } from "../linalg/workspace.ts";
import { type CP, contractCP } from "../ttn/cp.ts";
import { centers } from "../ttn/gauge.ts";
import { growthOf } from "../ttn/growth.ts";
import { lentRhs } from "../ttn/local-rhs.ts";
import type { LocalField, Rhs } from "../ttn/rhs.ts";
import type { NodeId } from "../ttn/tree.ts";
import { modeSizes, type TTN, withTensor } from "../ttn/ttn.ts";
import { gradientSeen } from "./tape/covector.ts";
import type { Evaluation, Objective, Weights } from "./weights.ts";

/** Weights that differ by less than this, relative to their size, are the same: round-off of a change of bases. */
const same = 1e-12;

/**
 * W' = -grad L(W) on a product of manifolds: a right-hand side for every block, all of one loss. Frames are isometries, so that the
 * local field of a node is -dL/dX, the gradient by its tensor: what its frame makes of dL/dW, which is never formed. For a matrix these are
 * -G V, -G^T U and -U^T G V with G = D^T X.
 *
 * One pass, forwards and backwards, gives dL/dW of every block at one point. It is kept, and serves all local fields there, in
 * whatever bases and gauge a weight is written: so the K-, L- and S-steps of a step that all start from the same weights
 * cost a single pass. Where a weight has moved there is another. `passes` counts them.
 */
export class GradientFlow {
  /** For each block. `beginStep` of any of them draws the objective of the step. */
  readonly rhs: readonly Rhs[];
  /** Passes so far. */
  passes = 0;
  readonly #draw: (step: number, memory?: Frame) => Objective;
  readonly #probes: readonly CP[];
  readonly #images = new WeakMap<TTN, Tensor>();
  readonly #trials = new WeakMap<LocalField, TTN>();
  #step = -1;
  #objective: Objective | null = null;
  #memory: Frame | undefined;
  /** Where `moveTo` took the weights. */
  #start: Weights;
  #at: Weights;
  #known: { readonly weights: Weights; readonly evaluation: Evaluation } | null = null;
  #first: Evaluation | null = null;
  #drift: readonly (readonly TTN[])[] = [];

  /** `draw(step, memory)` is the objective of a step: the same function for as long as the step lasts. */
  constructor(draw: (step: number, memory?: Frame) => Objective, weights: Weights) {
    this.#draw = draw;
    this.#probes = weights.blocks.map(probesFor);
    this.#start = weights;
    this.#at = weights;
    this.rhs = weights.blocks.map((_, k) => {
      const rhs = lentRhs((trial, node, test) => (_t, x) => this.#fieldAt(k, withTensor(trial, node, x), test, node), {
        autonomous: true,
      });
      return {
        ...rhs,
        beginStep: (step) => this.beginStep(step),
        bind: (trial, node, test) => {
          const field = rhs.bind(trial, node, test);
          this.#trials.set(field, trial);
          return field;
        },
      };
    });
  }

  /** Draws the objective of a step, unless it is the one that is there. With `memory`, its passes may leave there what they found. */
  beginStep(step: number, memory?: Frame): void {
    if (step === this.#step) return;
    this.#step = step;
    this.#memory = memory;
    this.#objective = this.#draw(step, memory);
    this.#known = null;
    this.#first = null;
  }

  /**
   * Takes all weights to a point; blocks and passengers that no local problem speaks of stay there. `drift` is added to the field of each
   * block as long as the weights are not taken elsewhere: the velocity of a heavy ball, the slope of a penalty. Default: none.
   */
  moveTo(weights: Weights, drift: readonly (readonly TTN[])[] = []): void {
    this.#start = weights;
    this.#at = weights;
    this.#drift = drift;
  }

  /** Takes one block to where a local problem of it starts. */
  moveBlock(block: number, field: LocalField, initial: Tensor): void {
    const trial = this.stateOf(field);
    if (trial) this.#at = this.#withBlock(block, withTensor(trial, trial.center, initial));
  }

  /** The state in whose frame a local field of this flow is seen. */
  stateOf(field: LocalField): TTN | undefined {
    return this.#trials.get(field);
  }

  /** Loss and derivatives of the step's latest pass; makes one where there is none. */
  get latest(): Evaluation {
    return this.#known?.evaluation ?? this.#evaluate(this.#at).evaluation;
  }

  /** Loss of the step's first pass: at its start. */
  get loss(): number {
    return (this.#first ?? this.latest).loss;
  }

  /** -dL/dW of a block at the weight `y`, whose centre is lent, the other blocks being where they are, seen through a frame. */
  #fieldAt(block: number, y: TTN, test: TTN, node: NodeId): Tensor {
    const weights = this.#withBlock(block, y);
    const known = this.#known;
    const isKnown = known?.weights.blocks.every((there, k) => this.#isSame(k, there, weights.blocks[k]!));
    const { evaluation } = isKnown ? known! : this.#evaluate(lasting(weights, y));
    const descent = [-1, gradientSeen(evaluation.blocks[block]!, test, node)] as const;
    const drift = this.#drift[block];
    return combine(drift?.length ? [descent, [1, gradientSeen(drift, test, node)]] : [descent], this.#memory);
  }

  #evaluate(weights: Weights) {
    if (!this.#objective) this.beginStep(0);
    this.passes++;
    const evaluation = this.#objective!(weights);
    this.#known = { weights, evaluation };
    this.#first ??= evaluation;
    return this.#known;
  }

  /** The weights with another one for a block; where it is that of the start, as written there, so that a pass finds the bases of all frames. */
  #withBlock(block: number, y: TTN): Weights {
    const start = this.#start.blocks[block]!;
    const own = isRewritten(centers(start)[y.center]!, y) ? start : y;
    return { ...this.#at, blocks: this.#at.blocks.with(block, own) };
  }

  /** Whether two weights of a block are the same to round-off, whatever their bases. */
  #isSame(block: number, a: TTN, b: TTN): boolean {
    if (a === b) return true;
    const image = this.#imageOf(block, a);
    return distance(image, this.#imageOf(block, b)) <= same * norm(image);
  }

  /** A weight applied to fixed random product tensors: what tells weights apart. */
  #imageOf(block: number, y: TTN): Tensor {
    const image = this.#images.get(y) ?? contractCP(this.#probes[block]!, y);
    this.#images.set(y, image);
    return image;
  }
}

/** The weights with a copy of a block's centre tensor, where they have that block. */
const lasting = ({ blocks, passengers }: Weights, lent: TTN): Weights => ({
  blocks: blocks.map((y) => (y === lent ? withTensor(y, y.center, copy(y.tensors[y.center]!)) : y)),
  passengers,
});

/** Whether `b` is `a` as it is written, or in bases that have grown from those of `a`, padded with zeros. */
const isRewritten = (a: TTN, b: TTN): boolean => {
  using frame = workspace().frame();
  const [x, y] = [a.tensors[a.center]!, b.tensors[b.center]!];
  return (
    a.tensors.every((t, id) => id === a.center || isGrownFrom(t, b.tensors[id]!)) &&
    (x === y || sameEntries(pad(x, y.shape, frame).data, y.data))
  );
};

const isGrownFrom = (old: Tensor, basis: Tensor): boolean => {
  const growth = growthOf(basis);
  return basis === old || (growth !== undefined && isGrownFrom(old, growth.old));
};

function sameEntries(a: Float64Array, b: Float64Array): boolean {
  const n = a.length;
  if (b.length !== n) return false;
  const rest = n % 4;
  for (let p = 0; p < rest; p++) if (a[p] !== b[p]) return false;
  for (let p = rest; p < n; p += 4)
    if (a[p] !== b[p] || a[p + 1] !== b[p + 1] || a[p + 2] !== b[p + 2] || a[p + 3] !== b[p + 3]) return false;
  return true;
}

/** Four product tensors of unit vectors. */
const probesFor = (y: TTN): CP => {
  const random = seeded(1);
  return {
    factors: modeSizes(y).map((n) => {
      const rows = Array.from({ length: 4 }, () => randomTensor(random, [n]));
      const data = rows.flatMap((v) => [...scaled(1 / norm(v), v).data]);
      return tensor([rows.length, n], "float64", Float64Array.from(data));
    }),
  };
};

const distance = (a: Tensor, b: Tensor): number =>
  norm(
    combine([
      [1, a],
      [-1, b],
    ]),
  );
