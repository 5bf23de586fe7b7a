import { block, combine, matmul, permute, scaleColumns } from "../../linalg/contract.ts";
import { svd } from "../../linalg/factor.ts";
import { fromFunction, type Tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { keptRank } from "../../ttn/cut.ts";
import { matrixNetwork } from "../../ttn/matrix-rhs.ts";
import { tree } from "../../ttn/tree.ts";
import type { Weights } from "../weights.ts";
import { type Rule, sgd } from "./rules.ts";

/** What is cut and how often, and the rule between cuts. */
export interface RankPruningOptions {
  /** What a cut may remove of a matrix, relative to its Frobenius norm. */
  readonly tolerance: number;
  /** Steps from one cut to the next. Default 20. */
  readonly every?: number;
  readonly maxRank?: number;
  /** Strength of the nuclear norm, whose subgradient U V^T is added to the gradient after a cut. Default 0. */
  readonly nuclear?: number;
  /** Matrices with a side below this stay dense, as output layers do. Default 16. */
  readonly smallest?: number;
  /** How matrices move between cuts. Default `sgd()`. */
  readonly rule?: Rule;
}

/**
 * Trained rank pruning of dense matrices: every so many steps W becomes its truncated singular value decomposition, the smallest
 * singular values gone as far as the tolerance lets; between, it is trained as a dense matrix by another rule. A step after a cut has the
 * subgradient U V^T of the nuclear norm, sum s_i, added to the gradient, which draws all singular values to zero alike. At the end of training after a
 * multiple of `every` steps the weights are of low rank. Cost of a cut: an SVD of m x n.
 * Throws a RangeError when an option makes no sense or is unknown. [xu2020trp]
 */
export function rankPruning(options: RankPruningOptions): Rule {
  checkKeys("rankPruning", options, {
    tolerance: true,
    every: true,
    maxRank: true,
    nuclear: true,
    smallest: true,
    rule: true,
  });
  const {
    tolerance,
    every = 20,
    maxRank = Number.POSITIVE_INFINITY,
    nuclear = 0,
    smallest = 16,
    rule = sgd(),
  } = options;
  for (const [name, value] of Object.entries({ tolerance, nuclear }))
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
      throw new RangeError(`rankPruning: ${name} is ${value}, expected zero or a positive number`);
  for (const [name, n] of Object.entries({ every, smallest, maxRank }))
    if (!(n >= 1 && (Number.isSafeInteger(n) || n === Number.POSITIVE_INFINITY)))
      throw new RangeError(`rankPruning: ${name} is ${n}, expected a positive integer`);
  const isPruned = (shape: readonly number[]): boolean => shape.length === 2 && Math.min(...shape) >= smallest;
  return {
    ...rule,
    name: `${rule.name}, pruned every ${every} steps`,
    memory: (shape) => rule.memory(shape) + (nuclear > 0 && isPruned(shape) ? 8 * shape[0]! * shape[1]! : 0),
    begin() {
      const inner = rule.begin();
      const steps = new Map<number, number>();
      const directions = new Map<number, Tensor>();
      return {
        solver: inner.solver,
        advance(passenger, x, gradient, rate) {
          const pull = directions.get(passenger);
          directions.delete(passenger);
          const slope = pull
            ? combine([
                [1, gradient],
                [nuclear, pull],
              ])
            : gradient;
          return inner.advance(passenger, x, slope, rate);
        },
        cut(passenger, x) {
          if (!isPruned(x.shape)) return x;
          const step = (steps.get(passenger) ?? 0) + 1;
          steps.set(passenger, step);
          if (step % every !== 0) return x;
          const { left, s, right } = cutSvd(x, tolerance, maxRank);
          if (nuclear > 0) directions.set(passenger, matmul(left, right));
          return matmul(scaleColumns(left, s), right);
        },
      };
    },
  };
}

/**
 * Weights with their dense matrices that are of low rank, to a relative `tolerance` (default 1e-10), in factors where these are smaller: as blocks behind the others,
 * to be counted or stored. Matrices with a side below `smallest` (default 16) stay.
 */
export function prunedWeights(
  { blocks, passengers }: Weights,
  { smallest = 16, tolerance = 1e-10 }: { readonly smallest?: number; readonly tolerance?: number } = {},
): Weights {
  const factors = passengers.map((w) => {
    if (w.shape.length !== 2 || Math.min(...w.shape) < smallest) return null;
    const { left, s, right } = cutSvd(w, tolerance, Number.POSITIVE_INFINITY);
    if (s.length * (w.shape[0]! + w.shape[1]!) >= w.data.length) return null;
    return matrixNetwork(tree([0, 1]), {
      left,
      core: fromFunction([s.length, s.length], (i, j) => (i === j ? s[i!]! : 0)),
      right: permute(right, [1, 0]),
    });
  });
  return {
    blocks: [...blocks, ...factors.filter((y) => y !== null)],
    passengers: passengers.filter((_, p) => factors[p] === null),
  };
}

/** U diag(s) V^T with the smallest singular values left out. */
function cutSvd(w: Tensor, tolerance: number, maxRank: number) {
  const { u, s, vh } = svd(w);
  const rank = keptRank(s, tolerance * Math.hypot(...s), 1, maxRank);
  return {
    left: block(u, [0, 0], [u.shape[0]!, rank]),
    s: s.subarray(0, rank),
    right: block(vh, [0, 0], [rank, vh.shape[1]!]),
  };
}
