import { checkKeys } from "../../text/known-keys.ts";
import { chain } from "../layers/chain.ts";
import type { Layer } from "../layers/layers.ts";
import { attentionWeights, type Heads, mix, scores } from "./operations.ts";
import {
  checkHeads,
  checkSizes,
  fromMaps,
  type SequenceOptions,
  sequenceKeys,
  sizesOf,
  withoutBias,
} from "./token-maps.ts";

/** Multi-head attention: its tokens and heads, and what its maps are made of. */
export interface AttentionOptions extends SequenceOptions {
  /** Keys and values of a token; each serves heads / keyHeads heads: fewer than heads is grouped-query, 1 multi-query attention. Default: heads. */
  readonly keyHeads?: number;
  /**
   * Makes the maps to queries, keys and values and the one that puts heads together, given their outputs. Default: `dense` without bias;
   * `(outputs) => lowRank(outputs, { bias: false })` makes each a weight of low rank.
   */
  readonly project?: (outputs: number) => Layer;
}

/**
 * Multi-head attention: with queries q_h = W_Q^h x, keys k_g = W_K^g x and values v_g = W_V^g x of every token x, d numbers each,
 *
 *     z(i) = W_O [o_1(i); o_2(i); ...],  o_h(i) = sum_j p_h(i, j) v_g(h)(j),  p_h(i, .) = softmax(<q_h(i), k_g(h)(.)> / sqrt(d)).
 *
 * Its maps, in this order: W_Q (heads d) x D, W_K and W_V (keyHeads d) x D, W_O D x (heads d). O(tokens D heads d + tokens^2 heads d) a
 * sample. Throws a RangeError when sizes are not positive integers, the inputs no multiple of the tokens, D none of the heads (unless headSize is
 * given), or heads none of keyHeads. [vaswani2017attention; shazeer2019mqa; ainslie2023gqa]
 */
export function attention(options: AttentionOptions): Layer {
  checkKeys("attention", options, { ...sequenceKeys, keyHeads: true, project: true });
  const { tokens, heads, keyHeads = heads, causal = false, project = withoutBias } = options;
  checkHeads("attention", options);
  checkSizes("attention", { keyHeads });
  if (heads % keyHeads !== 0)
    throw new RangeError(`attention: heads is ${heads}, expected a multiple of keyHeads, ${keyHeads}`);
  return {
    name: `attention of ${heads} heads`,
    sized(inputs) {
      const { width, headSize } = sizesOf("attention", inputs, options);
      const [all, shared] = [heads * headSize, keyHeads * headSize];
      const maps = [
        chain(width, [project(all)]),
        chain(width, [project(shared)]),
        chain(width, [project(shared)]),
        chain(all, [project(width)]),
      ];
      return fromMaps(inputs, maps, tokens, (tape, x, [query, key, value, output]) => {
        const shape: Heads = { tokens, heads, groups: keyHeads };
        const p = attentionWeights(tape, scores(tape, query!(x), key!(x), shape), 1 / Math.sqrt(headSize), causal);
        return output!(mix(tape, p, value!(x), shape));
      });
    },
  };
}
