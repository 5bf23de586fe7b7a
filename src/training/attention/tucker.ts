import { gramAllBut, matmul, modeProduct, permute } from "../../linalg/contract.ts";
import { reshape, type Tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { rootOf } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { decayingTucker } from "../initial.ts";
import { reshaped } from "../layers/chain.ts";
import type { Layer } from "../layers/layers.ts";
import { type Covector, products, remembered } from "../tape/covector.ts";
import type { LowRankWeight } from "../tape/operations.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import { attentionWeights, type Heads, mixed, mixedBack, pairwise } from "./operations.ts";
import { checkHeads, checkSizes, type SequenceOptions, sequenceKeys, sizesOf } from "./token-maps.ts";

/** Tucker attention: its tokens and heads, and the ranks to start with. */
export interface TuckerAttentionOptions extends SequenceOptions {
  /** Rank to start with of the two modes of tokens, in both tensors. Default: 16, or D. */
  readonly rank?: number;
  /** Rank to start with of the mode of heads. Default: heads. */
  readonly headRank?: number;
  /** |T|_F of both tensors at the start over the root of the heads. Default 1; see `decayingMatrix` for why small. */
  readonly gain?: number;
}

/**
 * Attention whose weights are two Tucker tensors, heads x D x D, of ranks that training chooses. All that attention takes from W_Q and W_K is
 * T^QK[h] = (W_Q^h)^T W_K^h, and all from W_V and W_O is T^VO[h] = (W_O^h W_V^h)^T:
 *
 *     z(i) = sum_h sum_j p_h(i, j) T^VO[h]^T x(j),   p_h(i, .) = softmax(x(i)^T T^QK[h] x(.) / sqrt(headSize)).
 *
 * With T = C x_1 A x_2 P x_3 R, a score is (x_i^T P) M_h (R^T x_j), M_h = sum_a A[h, a] C[a], so that of a token only R^T x and, of the
 * other tensor, P^T x are kept: one vector each for all heads. Neither T nor its gradient is formed, which is handed on through frames; a sample
 * costs O(tokens (D + heads r) r + tokens^2 heads r), as does each node of a step. The two blocks are trees of three leaves and trained as
 * such, in one pass a step by parallel BUG.
 *
 * Throws a RangeError when sizes are not positive integers, the inputs no multiple of the tokens, D none of the heads (unless headSize is
 * given), a rank more than its mode has, headRank more than rank^2, or the gain not positive. [klein2026tucker]
 */
export function tuckerAttention(options: TuckerAttentionOptions): Layer {
  checkKeys("tuckerAttention", options, { ...sequenceKeys, rank: true, headRank: true, gain: true });
  const { tokens, heads, rank, headRank, gain = 1, causal = false } = options;
  checkHeads("tuckerAttention", options);
  for (const [name, n] of Object.entries({ rank, headRank }))
    if (n !== undefined) checkSizes("tuckerAttention", { [name]: n });
  if (headRank !== undefined && headRank > heads)
    throw new RangeError(`tuckerAttention: headRank is ${headRank}, there are ${heads} heads`);
  if (!(gain > 0 && gain < Number.POSITIVE_INFINITY))
    throw new RangeError(`tuckerAttention: gain is ${gain}, expected a positive number`);
  return {
    name: `Tucker attention of ${heads} heads`,
    sized(inputs) {
      const { width, headSize } = sizesOf("tuckerAttention", inputs, options);
      const r = rank ?? Math.min(16, width);
      if (r > width) throw new RangeError(`tuckerAttention: rank is ${r}, tokens have ${width} numbers`);
      const first = headRank ?? Math.min(heads, r * r);
      if (first > r * r)
        throw new RangeError(`tuckerAttention: headRank is ${first}, ranks ${r} and ${r} allow at most ${r * r}`);
      return {
        outputs: inputs,
        counts: { blocks: 2, passengers: 0 },
        initial: (random) => ({
          blocks: [0, 1].map(() => decayingTucker([heads, width, width], [first, r, r, 1], random, gain)),
          passengers: [],
        }),
        record(tape, x, { blocks }) {
          const samples = x.value.shape[0]!;
          const rows = reshaped(tape, x, [samples * tokens, width]);
          const s = tuckerScores(tape, rows, blocks[0]!, tokens);
          const p = attentionWeights(tape, s, 1 / Math.sqrt(headSize), causal);
          return reshaped(tape, tuckerMix(tape, p, rows, blocks[1]!, tokens), [samples, inputs]);
        },
      };
    },
  };
}

/**
 * S[s, h, i, j] = x_i^T T[h] x_j for the tokens of each sample, `tokens` rows of x: as <q_h(i), k(j)> with q_h = M_h^T P^T x and keys
 * k = R^T x that all heads share.
 */
export function tuckerScores(tape: Tape, x: Variable, weight: LowRankWeight, tokens: number): Variable {
  const own = factorsOf(weight.value);
  const { p, m, r } = own;
  const heads: Heads = { tokens, heads: m.shape[0]!, groups: 1 };
  const times = products(x.value);
  const queries = (f: Factors): Tensor => matmul(times(f.p), besideEachOther(f.m));
  return tape.record(pairwise(queries(own), times(r), heads), false, (d) => {
    const keys = remembered((basis) => mixed(d, times(basis), heads));
    const toP = (f: Factors): Tensor => matmul(keys(f.r), besideEachOther(f.m), "N", "T");
    const toR = (f: Factors): Tensor => mixedBack(d, queries(f), heads);
    weight.add(
      tuckerGradient({
        first: (f) => matmul(x.value, toP(f), "T", "N"),
        last: (f) => matmul(x.value, toR(f), "T", "N"),
        between(f) {
          const [b, c] = [f.p.shape[1]!, f.r.shape[1]!];
          return permute(reshape(matmul(times(f.p), keys(f.r), "T", "N"), [b, heads.heads, c]), [1, 0, 2]);
        },
      }),
    );
    if (x.isConstant) return;
    tape.add(x, matmul(toP(own), p, "N", "T"));
    tape.add(x, matmul(toR(own), r, "N", "T"));
  });
}

/**
 * z_i = sum_h sum_j W[s, h, i, j] T[h]^T x_j for the tokens of each sample, W the weights of attention: means of values P^T x that all heads
 * share, then M_h and R.
 */
export function tuckerMix(tape: Tape, weights: Variable, x: Variable, weight: LowRankWeight, tokens: number): Variable {
  const own = factorsOf(weight.value);
  const { p, m, r } = own;
  const heads: Heads = { tokens, heads: m.shape[0]!, groups: 1 };
  const times = products(x.value);
  const means = remembered((basis) => mixed(weights.value, times(basis), heads));
  const mapped = (f: Factors): Tensor => matmul(means(f.p), oneBelowTheOther(f.m));
  return tape.record(matmul(mapped(own), r, "N", "T"), false, (d) => {
    const back = products(d);
    const toMeans = (f: Factors): Tensor => matmul(back(f.r), oneBelowTheOther(f.m), "N", "T");
    const toP = (f: Factors): Tensor => mixedBack(weights.value, toMeans(f), heads);
    weight.add(
      tuckerGradient({
        first: (f) => matmul(x.value, toP(f), "T", "N"),
        last: (f) => matmul(d, mapped(f), "T", "N"),
        between: (f) => reshape(matmul(means(f.p), back(f.r), "T", "N"), [heads.heads, f.p.shape[1]!, f.r.shape[1]!]),
      }),
    );
    if (!weights.isConstant) tape.add(weights, pairwise(toMeans(own), times(p), heads));
    if (!x.isConstant) tape.add(x, matmul(toP(own), p, "N", "T"));
  });
}

/** A Tucker tensor C x_1 A x_2 P x_3 R, and M = C x_1 A. */
interface Factors {
  readonly a: Tensor;
  readonly p: Tensor;
  readonly r: Tensor;
  readonly core: Tensor;
  readonly m: Tensor;
}

function factorsOf({ tree, tensors }: TTN): Factors {
  const [a, p, r] = tree.leaves.map((leaf) => tensors[leaf]!) as [Tensor, Tensor, Tensor];
  const root = tensors[rootOf(tree)]!;
  const core = reshape(root, root.shape.slice(0, 3));
  return { a, p, r, core, m: modeProduct(core, 0, a) };
}

/** M_1, M_2, ... side by side, and below each other. */
const besideEachOther = (m: Tensor): Tensor => {
  const [heads, rows, columns] = m.shape as [number, number, number];
  return reshape(permute(m, [1, 0, 2]), [rows, heads * columns]);
};
const oneBelowTheOther = (m: Tensor): Tensor => reshape(m, [m.shape[0]! * m.shape[1]!, m.shape[2]!]);

/** What a pass knows of dL/dT, in terms of the factors of a frame. */
interface Pass {
  /** By P, through all the rest: D x (rank of P). */
  first(f: Factors): Tensor;
  /** By R. */
  last(f: Factors): Tensor;
  /** dL/dT x_2 P^T x_3 R^T, a mode of heads left. */
  between(f: Factors): Tensor;
}

/** dL/dT of heads x D x D through frames: tokens are taken into the bases of a frame before they meet. */
const tuckerGradient = ({ first, last, between }: Pass): Covector => ({
  seen(test, node) {
    const frame = factorsOf(test);
    const mode = test.tree.leaves.indexOf(node);
    if (mode === 1) return first(frame);
    if (mode === 2) return last(frame);
    const met = between(frame);
    if (mode === 0) return gramAllBut(met, frame.core, 0);
    const inner = modeProduct(met, 0, permute(frame.a, [1, 0]));
    return reshape(inner, [...inner.shape, 1]);
  },
});
