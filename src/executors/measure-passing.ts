import type { Executor } from "../integrators/executor.ts";
import { exponential } from "../integrators/local/exponential.ts";
import type { LocalProblem } from "../integrators/local/problem.ts";
import { matmul, scaled } from "../linalg/contract.ts";
import type { KroneckerTerm } from "../linalg/kronecker-sum.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { copy, type Dtype, type Tensor } from "../linalg/tensor.ts";
import { type Contraction, contraction, contractionTask } from "../ttn/operators/contraction.ts";
import type { Message, Passing } from "./cost-model.ts";
import { trialField } from "./trial-field.ts";

/** Between which places, and how. */
export interface MeasurePassingOptions {
  /** Workers or ranks of the executor. */
  readonly count: number;
  /** Whether the results of a set come in one message, as with ranks of MPI. Default: each piece has messages of its own. */
  readonly isCollective?: boolean;
  /** Rank around the nodes that are solved at the same time, to see how much longer that takes. Default 32. */
  readonly rank?: number;
  /** How often each is measured; the shortest time counts. Default 15. */
  readonly repeats?: number;
  /** Default "complex128". */
  readonly dtype?: Dtype;
}

/**
 * Measures what it takes an executor to have pieces computed elsewhere. The calling thread's part: local problems over no time, which need no
 * work, many of them at once. All of it: an environment alone, with few terms and with many, less the time that it takes here. Bandwidth: small problems
 * and large ones. And how much longer problems take when all places are at one. Ranks of MPI all have to call it. Throws a
 * RangeError for numbers that are no positive integers.
 */
export async function measurePassing(executor: Executor, options: MeasurePassingOptions): Promise<Passing> {
  const { count, isCollective = false, rank = 32, repeats = 15, dtype = "complex128" } = options;
  for (const [name, value] of Object.entries({ count, rank, repeats }))
    if (!(Number.isSafeInteger(value) && value > 0))
      throw new RangeError(`measurePassing: ${name} is ${value}, expected a positive integer`);
  const solver = exponential({ tolerance: 1e-8 });
  /** The shortest of several times, each long enough to have its share of collecting garbage. */
  const shortest = async (each: number, run: () => unknown): Promise<number> => {
    let best = Number.POSITIVE_INFINITY;
    for (let k = 0; k < repeats + 2; k++) {
      const begin = performance.now();
      for (let i = 0; i < each; i++) await run();
      if (k >= 2) best = Math.min(best, (performance.now() - begin) / 1000 / each); // two warm up
    }
    return best;
  };
  const seconds = (problems: number, of: LocalProblem): Promise<number> =>
    shortest(Math.ceil(8 / problems), () =>
      executor.solveAll(
        Array.from({ length: problems }, () => ({ ...of, initial: copy(of.initial) })),
        solver,
      ),
    );

  const [few, many] = [6, 96];
  const line = async (cost: (terms: number) => Promise<number>): Promise<Message> => {
    const [a, b] = [await cost(few), await cost(many)];
    const secondsPerTerm = Math.max(0, (b - a) / (many - few));
    return { seconds: Math.max(0, a - few * secondsPerTerm), secondsPerTerm };
  };
  const sending = await line(async (terms) => {
    const problem = problemOf(8, terms, dtype, 0);
    return ((await seconds(16 * count, problem)) - (await seconds(8 * count, problem))) / (8 * count);
  });
  const both = await line(async (terms) => {
    if (!executor.runAll) return seconds(1, problemOf(8, terms, dtype, 0));
    const input = environmentOf(8, terms, dtype);
    const made = () => ({ ...contractionTask(input, 0), flops: 1e12 });
    const away = await shortest(8, () => executor.runAll!([made()]));
    return away - (await shortest(8, made)) - (await shortest(8, () => contraction.run(input)));
  });
  const receiving = {
    seconds: Math.max(0, both.seconds - sending.seconds),
    secondsPerTerm: Math.max(0, both.secondsPerTerm - sending.secondsPerTerm),
  };

  const [small, large] = [8, 64];
  const ofSize = async (n: number): Promise<number> => seconds(count, problemOf(n, 6, dtype, 0));
  const bytes =
    count * 8 * (problemOf(large, 1, dtype, 0).initial.data.length - problemOf(small, 1, dtype, 0).initial.data.length);
  const bandwidth = bytes / Math.max(1e-9, (await ofSize(large)) - (await ofSize(small)));

  const busy = problemOf(rank, 12, dtype, 0.05);
  const idle = problemOf(rank, 12, dtype, 0);
  const work = async (problems: number): Promise<number> =>
    (await seconds(problems, busy)) - (await seconds(problems, idle));
  const slowdown = count === 1 ? 1 : Math.max(1, (await work(count)) / (await work(1)));
  const others = { bandwidth, sending, slowdown };
  return isCollective
    ? { ...others, latency: receiving.seconds, receiving: { seconds: 0, secondsPerTerm: receiving.secondsPerTerm } }
    : { ...others, latency: 0, receiving };
}

/** A local problem with products of two matrices out of a few, as many as said, that any executor takes for worth sending. */
function problemOf(rank: number, count: number, dtype: Dtype, time: number): LocalProblem {
  const random = seeded(rank);
  const shape = [rank, rank, rank];
  const matrices = Array.from({ length: 3 }, () =>
    Array.from({ length: Math.ceil(Math.sqrt(count / 3)) }, (): Tensor => {
      const a = randomTensor(random, [rank, rank], dtype);
      return scaled(1 / (8 * rank), matmul(a, a, "C", "N"));
    }),
  );
  const terms: KroneckerTerm[] = [];
  for (const [k, l] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const)
    for (const a of matrices[k]!)
      for (const b of matrices[l]!)
        terms.push({ coefficient: 1, matrices: [0, 1, 2].map((mode) => (mode === k ? a : mode === l ? b : null)) });
  const field = trialField(shape, terms.slice(0, count), dtype);
  const initial = randomTensor(random, shape, dtype);
  return { node: 0, field: { ...field, flops: () => 1e12 }, initial, t0: 0, t1: time, seeks: "state" };
}

/** An environment with two terms in each component, as many terms and components together as said. */
function environmentOf(rank: number, count: number, dtype: Dtype): Contraction {
  const random = seeded(rank);
  const ket = randomTensor(random, [rank, rank, rank], dtype);
  const matrices = Array.from({ length: 8 }, () => randomTensor(random, [rank, rank], dtype));
  const term = (k: number, l: number): KroneckerTerm => ({
    coefficient: 1,
    matrices: [matrices[k % 8]!, matrices[l % 8]!, null],
  });
  const components = Array.from({ length: count / 3 }, (_, k) => ({
    terms: [term(k, 3 * k), term(k + 1, 3 * k + 1)],
    symmetry: 0 as const,
    old: null,
  }));
  return { ket, bra: ket, open: 2, dtype, fresh: null, components };
}
