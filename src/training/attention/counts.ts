import { checkSizes } from "./token-maps.ts";

/** What all kinds have: tokens of `width` numbers, `headSize` of them in the query of a head. */
interface Sizes {
  readonly width: number;
  readonly heads: number;
  readonly headSize: number;
}

/** Numbers of an attention layer. */
export interface AttentionCounts {
  /** Parameters that scores are made with: W_Q and W_K. */
  readonly scores: number;
  /** Parameters that outputs are made with: W_V and W_O. What both need is counted with the scores. */
  readonly values: number;
  /** Numbers of a token that are kept for later ones. */
  readonly cache: number;
}

/** Multi-head attention (keyHeads = heads, the default), grouped-query, multi-query (keyHeads = 1). */
export function groupedCounts({ keyHeads, ...sizes }: Sizes & { readonly keyHeads?: number }): AttentionCounts {
  const { width, heads, headSize } = sizes;
  checkSizes("groupedCounts", { ...sizes, keyHeads: keyHeads ?? heads });
  const shared = (keyHeads ?? heads) * headSize;
  const each = width * (heads * headSize + shared);
  return { scores: each, values: each, cache: 2 * shared };
}

/** Latent attention: queries through `queryRank` numbers a token, keys and values through `keyRank`; without rotary positions. */
export function latentCounts(sizes: Sizes & { readonly queryRank: number; readonly keyRank: number }): AttentionCounts {
  checkSizes("latentCounts", { ...sizes });
  const { width, heads, headSize, queryRank, keyRank } = sizes;
  const all = heads * headSize;
  return { scores: (width + all) * (queryRank + keyRank), values: all * (keyRank + width), cache: keyRank };
}

/** Tensor-product attention: sums of `queryRank` and `keyRank` products, then W_O. */
export function tensorProductCounts(
  sizes: Sizes & { readonly queryRank: number; readonly keyRank: number },
): AttentionCounts {
  checkSizes("tensorProductCounts", { ...sizes });
  const { width, heads, headSize, queryRank, keyRank } = sizes;
  const term = heads + headSize;
  return {
    scores: width * (queryRank + keyRank) * term,
    values: width * (keyRank * term + heads * headSize),
    cache: 2 * keyRank * term,
  };
}

/** Ranks of a tensor of heads x D x D, in the order of its modes. */
export type TuckerRanks = readonly [heads: number, first: number, second: number];

/** Tucker attention: H r_H + D (r_1 + r_2) + r_H r_1 r_2 for each tensor, as `storage` has it; R^T x of T^QK and P^T x of T^VO are kept. */
export function tuckerCounts(
  sizes: Omit<Sizes, "headSize"> & { readonly scores: TuckerRanks; readonly values: TuckerRanks },
): AttentionCounts {
  const { width, heads } = sizes;
  const of = (name: "scores" | "values"): number => {
    const [headRank, first, second] = sizes[name];
    checkSizes(`tuckerCounts: ${name}`, { heads, width, headRank, first, second });
    return heads * headRank + width * (first + second) + headRank * first * second;
  };
  return { scores: of("scores"), values: of("values"), cache: sizes.scores[2] + sizes.values[1] };
}
