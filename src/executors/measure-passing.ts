import type { Executor } from "../integrators/executor.ts";
import { exponential } from "../integrators/local/exponential.ts";
import type { LocalProblem } from "../integrators/local/problem.ts";
import { matmul, scaled } from "../linalg/contract.ts";
import type { KroneckerTerm } from "../linalg/kronecker-sum.ts";
import { kroneckerSum } from "../linalg/kronecker-sum.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { copy, type Dtype, type Tensor } from "../linalg/tensor.ts";
import { kroneckerField } from "../ttn/operators/kronecker-field.ts";
import type { Message, Passing } from "./cost-model.ts";

/** Between which places, and how. */
export interface MeasurePassingOptions {
  /** Workers or ranks of the executor. */
  readonly count: number;
  /** Rank around the nodes that are solved at the same time, to see how much longer that takes. Default 32. */
  readonly rank?: number;
  /** How often each is measured; the shortest time counts. Default 15. */
  readonly repeats?: number;
  /** Default "complex128". */
  readonly dtype?: Dtype;
}

/**
 * Measures what it takes an executor to have pieces computed elsewhere, by local problems over no time, which need no work: one of them, many,
 * with few and with many terms, small and large; and by problems that need some, alone and as many as there are places at once. Ranks of
 * MPI all have to call it. Throws a RangeError for numbers that are no positive integers.
 */
export async function measurePassing(executor: Executor, options: MeasurePassingOptions): Promise<Passing> {
  const { count, rank = 32, repeats = 15, dtype = "complex128" } = options;
  for (const [name, value] of Object.entries({ count, rank, repeats }))
    if (!(Number.isSafeInteger(value) && value > 0))
      throw new RangeError(`measurePassing: ${name} is ${value}, expected a positive integer`);
  const solver = exponential({ tolerance: 1e-8 });
  /** The shortest of several times, each long enough to have its share of collecting garbage. */
  const seconds = async (problems: number, of: LocalProblem): Promise<number> => {
    const sets = Math.ceil(8 / problems);
    let best = Number.POSITIVE_INFINITY;
    for (let k = 0; k < repeats + 2; k++) {
      const begin = performance.now();
      for (let i = 0; i < sets; i++) {
        const set = Array.from({ length: problems }, () => ({ ...of, initial: copy(of.initial) }));
        await executor.solveAll(set, solver);
      }
      if (k >= 2) best = Math.min(best, (performance.now() - begin) / 1000 / sets); // two warm up
    }
    return best;
  };

  /** Seconds for one problem, for a round in which every place has one, and for whatever else a set takes. */
  const messages = async (terms: number) => {
    const problem = problemOf(8, terms, dtype, 0);
    const [one, few, many] = [
      await seconds(1, problem),
      await seconds(8 * count, problem),
      await seconds(16 * count, problem),
    ];
    const round = Math.max(1e-9, (many - few) / 8);
    return { one, round, latency: Math.max(0, few - 8 * round) };
  };
  const [short, long] = [
    { terms: 6, ...(await messages(6)) },
    { terms: 96, ...(await messages(96)) },
  ];
  const latency = Math.min(short.latency, short.one);
  const messageOf = (cost: (m: typeof short) => number): Message => {
    const perTerm = Math.max(0, (cost(long) - cost(short)) / (long.terms - short.terms));
    return { seconds: Math.max(0, cost(short) - short.terms * perTerm), secondsPerTerm: perTerm };
  };
  const sending = messageOf(({ round }) => round / count);
  const receiving = messageOf(({ one, round }) => Math.min(round, Math.max(0, one - latency - round / count)));

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
  return { latency, bandwidth, sending, receiving, slowdown };
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
  const phase = dtype === "complex128" ? { re: 0, im: -1 } : { re: -1, im: 0 };
  const field = kroneckerField({
    form: "kronecker",
    phase,
    parts: [{ coefficient: phase, sum: kroneckerSum(shape, terms.slice(0, count), dtype) }],
  });
  const initial = randomTensor(random, shape, dtype);
  return { node: 0, field: { ...field, flops: () => 1e12 }, initial, t0: 0, t1: time, seeks: "state" };
}
