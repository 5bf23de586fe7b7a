import { tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { chain } from "../layers/chain.ts";
import type { Layer } from "../layers/layers.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import { attentionWeights, batch, type Heads, mix, scores } from "./operations.ts";
import {
  checkHeads,
  checkSizes,
  fromMaps,
  type SequenceOptions,
  sequenceKeys,
  sizesOf,
  withoutBias,
} from "./token-maps.ts";

/** Tensor-product attention: its tokens and heads, and how many products of a token are added. */
export interface TensorProductAttentionOptions extends SequenceOptions {
  /** Terms of the queries of a token. Default 6. */
  readonly queryRank?: number;
  /** Terms of its keys and of its values. Default 2. */
  readonly keyRank?: number;
  /** As for `attention`. */
  readonly project?: (outputs: number) => Layer;
}

/**
 * Tensor-product attention: attention whose queries, keys and values, heads x d numbers a token, are sums of products
 * that depend on the token,
 *
 *     Q(x) = 1/R sum_r a_r(x) b_r(x)^T,  a_r(x) of one number a head, b_r(x) of d numbers,
 *
 * so that (a, b) is what is kept of a token: 2 keyRank (heads + d) numbers instead of 2 heads d. Activations are factored, not weights; the
 * maps are passengers, or of low rank through `project`: to a and b of queries, of keys, of values, then W_O.
 * Throws a RangeError as `attention` does. [zhang2025tensor]
 */
export function tensorProductAttention(options: TensorProductAttentionOptions): Layer {
  checkKeys("tensorProductAttention", options, { ...sequenceKeys, queryRank: true, keyRank: true, project: true });
  const { tokens, heads, queryRank = 6, keyRank = 2, causal = false, project = withoutBias } = options;
  checkHeads("tensorProductAttention", options);
  checkSizes("tensorProductAttention", { queryRank, keyRank });
  return {
    name: `tensor-product attention of ${heads} heads`,
    sized(inputs) {
      const { width, headSize } = sizesOf("tensorProductAttention", inputs, options);
      const factors = [queryRank, keyRank, keyRank].flatMap((rank) => [rank * heads, rank * headSize]);
      const maps = [
        ...factors.map((outputs) => chain(width, [project(outputs)])),
        chain(heads * headSize, [project(width)]),
      ];
      return fromMaps(inputs, maps, tokens, (tape, x, [aq, bq, ak, bk, av, bv, output]) => {
        const shape: Heads = { tokens, heads, groups: heads };
        const q = tensorProduct(tape, aq!(x), bq!(x), queryRank);
        const k = tensorProduct(tape, ak!(x), bk!(x), keyRank);
        const v = tensorProduct(tape, av!(x), bv!(x), keyRank);
        const p = attentionWeights(tape, scores(tape, q, k, shape), 1 / Math.sqrt(headSize), causal);
        return output!(mix(tape, p, v, shape));
      });
    },
  };
}

/**
 * z = 1/R sum_r a_r b_r^T in every row, n x d numbers: of A (rows x R n) and B (rows x R d), the vectors of r = 1, 2, ... one after the other.
 * O(rows R n d).
 */
export function tensorProduct(tape: Tape, a: Variable, b: Variable, rank: number): Variable {
  const rows = a.value.shape[0]!;
  const [n, d] = [a.value.shape[1]! / rank, b.value.shape[1]! / rank];
  /** 1/R of each product. */
  const scaled = (x: Float64Array): void => {
    for (let p = 0; p < x.length; p++) x[p]! /= rank;
  };
  const value = tensor([rows, n * d]);
  batch("T", "N", rows, n, d, rank, a.value, b.value, value);
  scaled(value.data);
  return tape.record(value, a.isConstant && b.isConstant, (by) => {
    const [byA, byB] = [tensor(a.value.shape), tensor(b.value.shape)];
    batch("N", "T", rows, rank, n, d, b.value, by, byA);
    batch("N", "N", rows, rank, d, n, a.value, by, byB);
    for (const x of [byA, byB]) scaled(x.data);
    tape.add(a, byA);
    tape.add(b, byB);
  });
}
