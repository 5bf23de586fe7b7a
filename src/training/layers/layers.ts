import { matmul, permute, scaled } from "../../linalg/contract.ts";
import type { Random } from "../../linalg/random.ts";
import { type Tensor, tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { factorsOf } from "../../ttn/matrix-rhs.ts";
import type { InferenceStep } from "../export/inference.ts";
import { decayingMatrix, heNormal } from "../initial.ts";
import {
  addScaled,
  applyDense,
  applyLowRank,
  gelu,
  type LowRankWeight,
  relu,
  tanh,
  withBias,
} from "../tape/operations.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import type { Weights } from "../weights.ts";
import { applyBase, type Base, checkBase, dequantized } from "./quantized.ts";

/** The weights of one layer on a tape. */
export interface LayerVariables {
  readonly blocks: readonly LowRankWeight[];
  readonly passengers: readonly Variable[];
}

/** A layer for a known number of inputs. */
export interface SizedLayer {
  readonly outputs: number;
  /** How many low-rank weights and how many passengers it has. */
  readonly counts: { readonly blocks: number; readonly passengers: number };
  /** Throws a RangeError when data cannot be its inputs; asked of a model's first layer. Default: all can. */
  check?(inputs: Tensor): void;
  /** For each block the modes whose bases stay complete. Default: none. */
  readonly complete?: readonly (readonly number[])[];
  /** How many numbers fewer it has than with dense matrices, where its passengers are factors of some. Default 0. */
  readonly spared?: number;
  initial(random: Random): Weights;
  /** What it does once its weights stay, for export. Default: not known. */
  inference?(own: Weights): readonly InferenceStep[];
  /** Outputs, samples x outputs, from inputs, samples x inputs. */
  record(tape: Tape, x: Variable, own: LayerVariables): Variable;
}

/** One layer of a model. */
export interface Layer {
  readonly name: string;
  sized(inputs: number): SizedLayer;
}

/** How a layer of low rank starts, and what it is added to. */
export interface LowRankOptions {
  /** Rank to start with. Default: 32, or what the sizes allow. */
  readonly rank?: number;
  /** |W|_F at the start over sqrt(outputs). Default 0.1; see `decayingMatrix` for why small. */
  readonly gain?: number;
  /** Whether a bias is added, a passenger. Default true. */
  readonly bias?: boolean;
  /**
   * A matrix, outputs x inputs, that stays as it is and to which the weight is added: z = (B + scale W) x + b, an adapter. Dense or
   * `quantized`. The weight then starts at zero unless a gain is given. Default: none.
   */
  readonly base?: Base;
  /** What the weight is multiplied by beside a base; alpha / r in the papers. Default 1. */
  readonly scale?: number;
}

/**
 * z = W x + b with W = U S V^T of a rank that training chooses: m outputs, n inputs, O((m + n) r) a sample.
 * Throws a RangeError when a size or the gain is not positive, the rank more than a matrix of these sizes has, a base of other sizes or not finite, or
 * an option unknown, and a TypeError for a base that is not real.
 */
export function lowRank(outputs: number, options: LowRankOptions = {}): Layer {
  const { base, scale = 1, bias = true } = options;
  const sizesFor = lowRankSizes("lowRank", outputs, options);
  return {
    name: `low-rank layer of ${outputs}`,
    sized(inputs) {
      const { rank, gain } = sizesFor(inputs);
      return {
        outputs,
        counts: { blocks: 1, passengers: bias ? 1 : 0 },
        initial: (random) => ({
          blocks: [decayingMatrix(outputs, inputs, rank, random, gain)],
          passengers: bias ? [tensor([outputs])] : [],
        }),
        inference({ blocks, passengers }) {
          const { u, s, v } = factorsOf(blocks[0]!);
          const term = [matmul(v, scaled(scale, s), "N", "T"), transposed(u)];
          const terms = base ? [[transposed("codes" in base ? dequantized(base) : base)], term] : [term];
          return [{ kind: "affine", terms, bias: passengers[0] ?? null }];
        },
        record(tape, x, { blocks, passengers }) {
          if (!base) return applyLowRank(tape, x, blocks[0]!, passengers[0]);
          const z = applyLowRank(tape, x, blocks[0]!);
          return withBias(tape, addScaled(tape, applyBase(tape, x, base), scale, z), passengers[0]);
        },
      };
    },
  };
}

/** Checks the options of a layer of low rank, and, once its inputs are known, gives the rank and the gain that it starts with. */
export function lowRankSizes(
  who: string,
  outputs: number,
  options: LowRankOptions,
): (inputs: number) => { readonly rank: number; readonly gain: number } {
  checkKeys(who, options, { rank: true, gain: true, bias: true, base: true, scale: true });
  const { rank, base, scale, gain = base ? 0 : 0.1 } = options;
  checkCount(`${who}: outputs`, outputs);
  if (rank !== undefined) checkCount(`${who}: rank`, rank);
  if (!(gain < Number.POSITIVE_INFINITY && (gain > 0 || (gain === 0 && base))))
    throw new RangeError(`${who}: gain is ${gain}, expected a positive number${base ? " or zero" : ""}`);
  if (scale !== undefined && !(scale > 0 && scale < Number.POSITIVE_INFINITY))
    throw new RangeError(`${who}: scale is ${scale}, expected a positive number`);
  if (!base && scale !== undefined) throw new RangeError(`${who}: scale was given without a base`);
  return (inputs) => {
    const most = Math.min(inputs, outputs);
    if (rank !== undefined && rank > most)
      throw new RangeError(`${who}: rank is ${rank}, a matrix of ${outputs}x${inputs} has at most ${most}`);
    if (base) checkBase(`${who}: the base`, base, outputs, inputs);
    return { rank: rank ?? Math.min(32, most), gain };
  };
}

/**
 * z = W x + b with a dense W: a passenger, as its bias is. For small output layers, whose rank is the number of classes anyway. Starts
 * with normal entries of variance 2 / inputs, the bias at zero. Throws a RangeError when the size is not positive.
 */
export function dense(outputs: number, options: { readonly bias?: boolean } = {}): Layer {
  checkKeys("dense", options, { bias: true });
  const { bias = true } = options;
  checkCount("dense: outputs", outputs);
  return {
    name: `dense layer of ${outputs}`,
    sized: (inputs) => ({
      outputs,
      counts: { blocks: 0, passengers: bias ? 2 : 1 },
      initial: (random) => ({
        blocks: [],
        passengers: [heNormal(outputs, inputs, random), ...(bias ? [tensor([outputs])] : [])],
      }),
      inference: ({ passengers: [w, b] }) => [{ kind: "affine", terms: [[transposed(w!)]], bias: b ?? null }],
      record: (tape, x, { passengers }) => applyDense(tape, x, passengers[0]!, passengers[1]),
    }),
  };
}

const functions = { relu, tanh, gelu } as const;

/** A function of each entry: "relu", "tanh" or "gelu". Throws a RangeError for another name. */
export function activation(name: keyof typeof functions): Layer {
  if (!Object.hasOwn(functions, name))
    throw new RangeError(
      `activation: name is ${JSON.stringify(name)}, expected one of ${Object.keys(functions).join(", ")}`,
    );
  const f = functions[name];
  return {
    name,
    sized: (inputs) => ({
      outputs: inputs,
      counts: { blocks: 0, passengers: 0 },
      initial: () => ({ blocks: [], passengers: [] }),
      inference: () => [{ kind: name }],
      record: (tape, x) => f(tape, x),
    }),
  };
}

const transposed = (a: Tensor): Tensor => permute(a, [1, 0]);

function checkCount(what: string, n: number): void {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`${what} is ${n}, expected a positive integer`);
}
