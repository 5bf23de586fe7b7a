import { matmul, permute } from "../../linalg/contract.ts";
import { identity, shapeText, type Tensor, tensor } from "../../linalg/tensor.ts";
import { ttn } from "../../ttn/gauge.ts";
import { star } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { checkSizes } from "./token-maps.ts";

/** Weights of attention with as many keys as heads (multi-head), fewer (grouped-query) or one (multi-query), d numbers a head. */
export interface GroupedWeights {
  readonly heads: number;
  /** Default: heads. */
  readonly keyHeads?: number;
  /** (heads d) x D. */
  readonly query: Tensor;
  /** (keyHeads d) x D. */
  readonly key: Tensor;
  /** (keyHeads d) x D. */
  readonly value: Tensor;
  /** D x (heads d). */
  readonly output: Tensor;
}

/** Weights of latent attention: queries from d_q, keys and values from d_c numbers that a token is first taken to. */
export interface LatentWeights {
  readonly heads: number;
  /** d_q x D, then (heads d) x d_q. */
  readonly queryDown: Tensor;
  readonly queryUp: Tensor;
  /** d_c x D, for keys and values; then (heads d) x d_c for each of them. */
  readonly keyDown: Tensor;
  readonly keyUp: Tensor;
  readonly valueUp: Tensor;
  /** D x (heads d). */
  readonly output: Tensor;
}

/** T^QK[h] = (W_Q^h)^T W_K^h and T^VO[h] = (W_O^h W_V^h)^T, heads x D x D: the blocks of `tuckerAttention`, in its order. */
export interface TuckerWeights {
  readonly scores: TTN;
  readonly values: TTN;
}

/**
 * Multi-head, grouped-query or multi-query attention as Tucker attention, exactly. Bases are the ranges of W_Q^T, W_K^T, W_V^T and W_O, so that the
 * ranks are heads, heads d and keyHeads d for T^QK, heads, keyHeads d and heads d for T^VO, or D where that is less: the point to
 * truncate from. Without rotary positions. Cost O(D (heads d)^2 + heads^2 keyHeads d^2 (heads d)).
 * Throws a RangeError when the sizes do not fit. [klein2026tucker]
 */
export function tuckerOfAttention(weights: GroupedWeights): TuckerWeights {
  const { heads, keyHeads = heads, query, key, value, output } = weights;
  checkSizes("tuckerOfAttention", { heads, keyHeads });
  if (heads % keyHeads !== 0)
    throw new RangeError(`tuckerOfAttention: heads is ${heads}, expected a multiple of keyHeads, ${keyHeads}`);
  const [all, width] = query.shape as [number, number];
  checkMultiple("tuckerOfAttention: query", query, heads);
  const d = all / heads;
  const shapes = [
    ["key", key, [keyHeads * d, width]],
    ["value", value, [keyHeads * d, width]],
    ["output", output, [width, all]],
  ] as const;
  checkShapes("tuckerOfAttention", shapes);
  const own = (h: number): Tensor => selection(heads, h, d);
  const shared = (h: number): Tensor => selection(keyHeads, Math.floor((h * keyHeads) / heads), d);
  return {
    scores: tuckerOf(heads, query, key, (h) => matmul(own(h), shared(h), "T", "N")),
    values: tuckerOf(heads, value, permute(output, [1, 0]), (h) => matmul(shared(h), own(h), "T", "N")),
  };
}

/**
 * Latent attention as Tucker attention, exactly: ranks heads, d_q and d_c for T^QK, heads, d_c and heads d (or D) for T^VO. Keys and values of both
 * have one basis, so that d_c numbers of a token are kept. Without the part of keys that carries rotary positions.
 * Throws a RangeError when the sizes do not fit. [klein2026tucker; deepseek2024v2]
 */
export function tuckerOfLatentAttention(weights: LatentWeights): TuckerWeights {
  const { heads, queryDown, queryUp, keyDown, keyUp, valueUp, output } = weights;
  checkSizes("tuckerOfLatentAttention", { heads });
  const [dq, width] = queryDown.shape as [number, number];
  const [dc] = keyDown.shape as [number];
  checkMultiple("tuckerOfLatentAttention: queryUp", queryUp, heads);
  const [all] = queryUp.shape as [number];
  const shapes = [
    ["queryUp", queryUp, [all, dq]],
    ["keyDown", keyDown, [dc, width]],
    ["keyUp", keyUp, [all, dc]],
    ["valueUp", valueUp, [all, dc]],
    ["output", output, [width, all]],
  ] as const;
  checkShapes("tuckerOfLatentAttention", shapes);
  const own = (h: number): Tensor => selection(heads, h, all / heads);
  const ofHead = (a: Tensor, h: number): Tensor => matmul(own(h), a);
  return {
    scores: tuckerOf(heads, queryDown, keyDown, (h) => matmul(ofHead(queryUp, h), ofHead(keyUp, h), "T", "N")),
    values: tuckerOf(heads, keyDown, permute(output, [1, 0]), (h) => matmul(ofHead(valueUp, h), own(h), "T", "N")),
  };
}

/** T[h] = A^T C_h B as a Tucker tensor in canonical form. */
function tuckerOf(heads: number, a: Tensor, b: Tensor, coreOf: (h: number) => Tensor): TTN {
  const core = tensor([heads, a.shape[0]!, b.shape[0]!, 1]);
  const size = a.shape[0]! * b.shape[0]!;
  for (let h = 0; h < heads; h++) core.data.set(coreOf(h).data, h * size);
  return ttn(star(3), [identity(heads), permute(a, [1, 0]), permute(b, [1, 0]), core]);
}

/** Takes the d numbers of one of several groups: d x (groups d). */
function selection(groups: number, group: number, d: number): Tensor {
  const out = tensor([d, groups * d]);
  for (let c = 0; c < d; c++) out.data[c * groups * d + group * d + c] = 1;
  return out;
}

function checkMultiple(what: string, a: Tensor, heads: number): void {
  if (a.shape.length !== 2 || a.shape[0]! % heads !== 0)
    throw new RangeError(
      `${what} is ${shapeText(a.shape)}, expected a matrix with a multiple of the ${heads} heads as rows`,
    );
}

function checkShapes(what: string, shapes: readonly (readonly [string, Tensor, readonly number[]])[]): void {
  for (const [name, { shape }, expected] of shapes)
    if (shapeText(shape) !== shapeText(expected))
      throw new RangeError(`${what}: ${name} is ${shapeText(shape)}, expected ${shapeText(expected)}`);
}
