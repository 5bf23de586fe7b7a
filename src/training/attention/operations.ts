import { gemmShape, type Op } from "../../linalg/backend.ts";
import { permute } from "../../linalg/contract.ts";
import { backend } from "../../linalg/current.ts";
import { reshape, type Tensor, tensor } from "../../linalg/tensor.ts";
import type { Tape, Variable } from "../tape/tape.ts";

/**
 * How rows make sequences, and columns heads: a row is a token, `tokens` rows a sample; its columns are `heads` vectors, one after the other.
 * Of keys and values there may be fewer, `groups`: then heads h = 0 .. heads/groups - 1 share the first, and so on. One for all heads
 * is multi-query attention, some are grouped-query attention. [shazeer2019mqa; ainslie2023gqa]
 */
export interface Heads {
  readonly tokens: number;
  readonly heads: number;
  readonly groups: number;
}

/**
 * Scores S[s, h, i, j] = <q_h(i), k_g(h)(j)>, samples x heads x tokens x tokens, of queries (rows x heads c) and keys (rows x groups c).
 * Cost O(samples heads tokens^2 c).
 */
export function scores(tape: Tape, q: Variable, k: Variable, heads: Heads): Variable {
  return tape.record(pairwise(q.value, k.value, heads), q.isConstant && k.isConstant, (d) => {
    if (!q.isConstant) tape.add(q, mixed(d, k.value, heads));
    if (!k.isConstant) tape.add(k, mixedBack(d, q.value, heads));
  });
}

/**
 * Weights P[s, h, i, .] = softmax(factor S[s, h, i, .]), relative to the largest score. When `causal`, over tokens j <= i alone: later ones have
 * weight zero.
 */
export function attentionWeights(tape: Tape, s: Variable, factor: number, causal: boolean): Variable {
  const n = s.value.shape.at(-1)!;
  const value = tensor(s.value.shape);
  const rows = value.data.length / n;
  for (let r = 0; r < rows; r++) {
    const seen = causal ? (r % n) + 1 : n;
    const [from, to] = [s.value.data.subarray(r * n, r * n + seen), value.data.subarray(r * n, r * n + seen)];
    let largest = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < seen; j++) largest = Math.max(largest, from[j]!);
    let total = 0;
    for (let j = 0; j < seen; j++) total += to[j] = Math.exp(factor * (from[j]! - largest));
    for (let j = 0; j < seen; j++) to[j]! /= total;
  }
  return tape.record(value, s.isConstant, (d) => {
    const out = tensor(value.shape);
    for (let p = 0; p < out.data.length; p += n) {
      let mean = 0;
      for (let j = p; j < p + n; j++) mean += value.data[j]! * d.data[j]!;
      for (let j = p; j < p + n; j++) out.data[j] = factor * value.data[j]! * (d.data[j]! - mean);
    }
    tape.add(s, out);
  });
}

/**
 * Means o_h(i) = sum_j P[s, h, i, j] v_g(h)(j), rows x heads c, of values (rows x groups c) by weights (samples x heads x tokens x tokens).
 * Cost O(samples heads tokens^2 c).
 */
export function mix(tape: Tape, p: Variable, v: Variable, heads: Heads): Variable {
  return tape.record(mixed(p.value, v.value, heads), p.isConstant && v.isConstant, (d) => {
    if (!p.isConstant) tape.add(p, pairwise(d, v.value, heads));
    if (!v.isConstant) tape.add(v, mixedBack(p.value, d, heads));
  });
}

/** <a_h(i), b_g(h)(j)> for all i, j of a sample: rows x heads c and rows x groups c to samples x heads x tokens x tokens. */
export function pairwise(a: Tensor, b: Tensor, { tokens, heads, groups }: Heads): Tensor {
  const c = b.shape[1]! / groups;
  const samples = a.shape[0]! / tokens;
  const shared = (heads / groups) * tokens;
  const out = tensor([samples, heads, tokens, tokens]);
  batch(
    "N",
    "T",
    samples * groups,
    shared,
    tokens,
    c,
    headsFirst(a, tokens, heads),
    headsFirst(b, tokens, groups),
    out,
  );
  return out;
}

/** sum_j P[s, h, i, j] v_g(h)(j): rows x heads c. */
export function mixed(p: Tensor, v: Tensor, { tokens, heads, groups }: Heads): Tensor {
  const c = v.shape[1]! / groups;
  const samples = v.shape[0]! / tokens;
  const out = tensor([samples, heads, tokens, c]);
  batch("N", "N", samples * groups, (heads / groups) * tokens, c, tokens, p, headsFirst(v, tokens, groups), out);
  return tokensFirst(out);
}

/** sum over i and the heads h of a group of P[s, h, i, j] a_h(i): rows x groups c. */
export function mixedBack(p: Tensor, a: Tensor, { tokens, heads, groups }: Heads): Tensor {
  const c = a.shape[1]! / heads;
  const samples = a.shape[0]! / tokens;
  const out = tensor([samples, groups, tokens, c]);
  batch("T", "N", samples * groups, tokens, c, (heads / groups) * tokens, p, headsFirst(a, tokens, heads), out);
  return tokensFirst(out);
}

/** (samples tokens) x (heads c) to samples x heads x tokens x c. */
const headsFirst = (x: Tensor, tokens: number, heads: number): Tensor => {
  const [rows, columns] = x.shape as [number, number];
  return permute(reshape(x, [rows / tokens, tokens, heads, columns / heads]), [0, 2, 1, 3]);
};

/** Samples x heads x tokens x c to (samples tokens) x (heads c). */
const tokensFirst = (x: Tensor): Tensor => {
  const [samples, heads, tokens, c] = x.shape as [number, number, number, number];
  return reshape(permute(x, [0, 2, 1, 3]), [samples * tokens, heads * c]);
};

/** Products of as many pairs of matrices, each lying after the one before. */
export function batch(
  opA: Op,
  opB: Op,
  count: number,
  m: number,
  n: number,
  k: number,
  a: Tensor,
  b: Tensor,
  out: Tensor,
): void {
  const strides = { count, strideA: m * k, strideB: k * n, strideC: m * n };
  backend().gemm(
    { ...gemmShape("float64", opA, opB, m, n, k), ...strides },
    { re: 1, im: 0 },
    a.data,
    b.data,
    0,
    out.data,
  );
}
