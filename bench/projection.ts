import { balanced, type Machine, predictStep, productSum, spreadRanks, stepWork } from "../src/index.ts";
import { parseSpinExpression } from "../src/problems/index.ts";

/** A network between ranks: seconds for a message to any other, and bytes a second into each rank. */
export interface Network {
  readonly latency: number;
  readonly bandwidth: number;
}

/** 100 Gbit/s with microseconds of latency, as clusters have it. */
export const usualNetwork: Network = { latency: 2e-6, bandwidth: 1e10 };

export interface Projected {
  readonly d: number;
  readonly rank: number;
  readonly ranks: number;
  /** Seconds of a step, and shares of it: receiving what others did. */
  readonly seconds: number;
  readonly passing: number;
  readonly speedUp: number;
}

/** What the cost model expects of a chain with nearest neighbours on many ranks: each set of results takes log2(P) messages, all bytes to all. */
export function projection(
  machine: Machine,
  { latency, bandwidth }: Network,
  sizes: readonly number[],
  rank: number,
  ranks: readonly number[],
): Projected[] {
  return sizes.flatMap((d) => {
    const tree = balanced(d);
    const modes = Array<number>(d).fill(2);
    const h = productSum(tree, modes, parseSpinExpression("-sum(Z[i]*Z[i+1]) - sum(X[i])", d));
    const work = stepWork(h, { ranks: spreadRanks(tree, modes, rank) });
    const alone = predictStep(work, machine, { count: 1 }).seconds;
    return ranks.map((count) => {
      const network = { latency: latency * Math.ceil(Math.log2(Math.max(2, count))), bandwidth };
      const { seconds, passing } = predictStep(work, machine, { count, passing: network });
      return { d, rank, ranks: count, seconds, passing, speedUp: alone / seconds };
    });
  });
}
