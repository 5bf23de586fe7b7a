import * as z from "zod";
import {
  balanced,
  centers,
  type Executor,
  exponential,
  inline,
  type Kernel,
  type LocalProblem,
  type Machine,
  measureMachine,
  mpi,
  type Places,
  parallelBug,
  predictStep,
  productSum,
  randomState,
  schroedinger,
  seeded,
  spreadRanks,
  stepWork,
  tensor,
  useBackend,
  workers,
} from "../src/index.ts";
import {
  ConfigError,
  experiment,
  lineChart,
  type RunRecord,
  record,
  runSettings,
  type Series,
} from "../src/io/index.ts";
import { longRangeIsing, spinChain } from "../src/problems/index.ts";

const counts = (example: string) => z.union([z.int().positive(), z.array(z.int().positive()).min(1)]).describe(example);
const listOf = (value: number | number[]): number[] => [value].flat();

/** Operations of what workers are not asked to do, as is usual for them. */
const smallest = 5e6;

/** One measured step beside its prediction. */
interface Row {
  readonly d: number;
  readonly rank: number;
  /** Workers or ranks; 0 is the calling thread alone. */
  readonly places: number;
  readonly measured: number;
  readonly predicted: number;
}

/** How steps of parallel BUG scale: with sites, ranks, and workers or ranks of MPI; and how well the cost model knows. */
export const scaling = experiment({
  name: "scaling",
  summary: "time of a step for sites, ranks and workers, measured and predicted by the cost model",
  parameters: z.object({
    d: counts("numbers of spins, a positive integer or an array of them").default([16, 32, 64, 128]),
    rank: counts("ranks, a positive integer or an array of them").default([8, 16, 32]),
    workers: counts(
      "numbers of workers, a positive integer or an array of them; ranks of MPI are as many as there are",
    ).default([1, 2]),
    steps: z
      .int()
      .positive()
      .default(5)
      .describe("steps of which the shortest counts, a positive integer; one more warms up"),
    calibration: z
      .number()
      .positive()
      .default(0.15)
      .describe("seconds for each measurement of a kernel, a positive number"),
    executor: runSettings.executor,
    backend: runSettings.backend,
  }),
  quick: { d: [4, 8], rank: 4, workers: 2, steps: 2, calibration: 0.01 },
  async run(p, host) {
    if (p.executor !== "inline" && !/^mpi(:|$)/.test(p.executor))
      throw new ConfigError(
        `executor is ${p.executor}, expected inline or mpi; numbers of workers are given by workers`,
      );
    useBackend(p.backend);
    host.progress(0, "the machine's kernels");
    const largest = 2 * Math.max(...listOf(p.rank)); // bases double before they are cut
    const machine = measureMachine({
      seconds: p.calibration,
      ranks: [2, 4, 8, 16, 32, 64, 128].filter((r) => r < 2 * largest),
    });
    const places = p.executor !== "inline" ? [0] : [0, ...listOf(p.workers)];
    const cases = listOf(p.rank).flatMap((rank) =>
      listOf(p.d).flatMap((d) => places.map((count) => ({ d, rank, count }))),
    );
    const rows: Row[] = [];
    let last: RunRecord | null = null;
    for (const [k, { d, rank, count }] of cases.entries()) {
      host.signal.throwIfAborted();
      host.progress((k + 1) / (cases.length + 1), `d = ${d}   rank ${rank}   ${count} workers`);
      const ranks = p.executor !== "inline" ? mpi() : null;
      await using own = ranks ?? (count === 0 ? inline() : workers({ count, smallest }));
      await own.start?.();
      const size = ranks?.communicator.size ?? count;
      const { made, row } = await measure(
        { d, rank, count: size, executor: own, smallest: ranks ? 0 : smallest, machine, steps: p.steps },
        host.signal,
      );
      last = made;
      rows.push(row);
    }
    const head = ["d", "rank", "places", "measured s", "predicted s", "predicted / measured", "speed-up"];
    const table = [head, ...rows.map((row) => cellsOf(row, rows))];
    return { record: last!, extra: { table, rows, kernels: machine.rates }, figures: await figures(rows) };
  },
});

interface Case {
  readonly d: number;
  readonly rank: number;
  readonly count: number;
  readonly executor: Executor;
  /** Operations of pieces that the executor does not divide. */
  readonly smallest: number;
  readonly machine: Machine;
  readonly steps: number;
}

/**
 * Steps from a random state with every edge at its rank, cut to that rank again: what a step costs once ranks have grown. Only what the local solvers
 * need in evaluations is taken from the run for the prediction.
 */
async function measure(
  { d, rank, count, executor, smallest, machine, steps }: Case,
  signal: AbortSignal,
): Promise<{ made: RunRecord; row: Row }> {
  const tree = balanced(d);
  const sizes = Array<number>(d).fill(2);
  const hamiltonian = longRangeIsing(tree);
  const start = randomState(tree, sizes, rank, seeded(1), "complex128");
  const h = 0.01;
  const problem = { ...spinChain("scaling", hamiltonian, start, (steps + 1) * h), observables: {} };
  const seen = { bases: 0, basisEvaluations: 0, rootEvaluations: 0 };
  const counting: Executor = {
    ...executor,
    async solveAll(problems, solver, stop) {
      const solutions = await executor.solveAll(problems, solver, stop);
      solutions.forEach(({ applications }, k) => {
        if (problems[k]!.seeks === "state") seen.rootEvaluations += applications;
        else {
          seen.bases++;
          seen.basisEvaluations += applications;
        }
      });
      return solutions;
    },
  };
  const made = await record(problem, {
    integrator: parallelBug({ firstStep: "parallel" }),
    h,
    every: 1,
    solver: exponential({ basisTolerance: 1e-8 }),
    truncation: { tolerance: "off", maxRank: rank },
    executor: counting,
    signal,
  });
  const work = stepWork(hamiltonian, {
    ranks: spreadRanks(tree, sizes, rank),
    evaluations: seen.basisEvaluations / Math.max(1, seen.bases),
    rootEvaluations: seen.rootEvaluations / (steps + 1),
  });
  const measured = Math.min(...made.stepSeconds.slice(2)); // the start, and a step that warms up
  const passing = count === 0 ? {} : await measurePassing(executor);
  const predicted = predictStep(work, machine, { count: Math.max(1, count), divided, smallest, ...passing }).seconds;
  return { made, row: { d, rank, places: count, measured, predicted } };
}

/** What executors divide; edges are cut in the calling thread, or by every rank alike. */
const divided: readonly Kernel[] = ["evaluate", "contract", "split", "augment"];

/**
 * Latency and bandwidth of an executor: what it takes to have problems solved that need no work since no time passes, small ones and large
 * ones; all of them look as if they were worth sending.
 */
async function measurePassing(executor: Executor): Promise<Pick<Places, "latency" | "bandwidth">> {
  const solver = exponential();
  const seconds = async (n: number): Promise<number> => {
    const tree = balanced(2);
    const operator = tensor([n, n]);
    operator.data.fill(1);
    const terms = [0, 1].map((mode) => ({ coefficient: 1, factors: [{ mode, operator }] }));
    const rhs = schroedinger(productSum(tree, [n, n], terms));
    const y = randomState(tree, [n, n], n, seeded(1), "complex128");
    const at = centers(y);
    const problems = [0, 1].map(
      (node): LocalProblem => ({
        node,
        field: rhs.bind(at[node]!, node),
        initial: at[node]!.tensors[node]!,
        t0: 0,
        t1: 0,
        seeks: "state",
      }),
    );
    let best = Number.POSITIVE_INFINITY;
    for (let k = 0; k < 10; k++) {
      const begin = performance.now();
      await executor.solveAll(problems, solver);
      best = Math.min(best, (performance.now() - begin) / 1000);
    }
    return best;
  };
  const [small, large] = [await seconds(64), await seconds(512)];
  return { latency: small, bandwidth: (2 * 16 * (512 ** 2 - 64 ** 2)) / Math.max(1e-9, large - small) };
}

function cellsOf(row: Row, rows: readonly Row[]): string[] {
  const alone = rows.find((r) => r.d === row.d && r.rank === row.rank && r.places < 2);
  return [
    `${row.d}`,
    `${row.rank}`,
    row.places === 0 ? "inline" : `${row.places}`,
    row.measured.toPrecision(3),
    row.predicted.toPrecision(3),
    (row.predicted / row.measured).toFixed(2),
    alone ? (alone.measured / row.measured).toFixed(2) : "",
  ];
}

const figures = async (rows: readonly Row[]): Promise<Record<string, string>> => {
  const series = (pick: (row: Row) => number, what: string): Series[] =>
    [...new Set(rows.map(({ rank, places }) => `${rank} ${places}`))].map((key) => {
      const own = rows.filter(({ rank, places }) => key === `${rank} ${places}`);
      const { rank, places } = own[0]!;
      return {
        name: `${what}, rank ${rank}, ${places === 0 ? "inline" : `${places} workers`}`,
        x: own.map(({ d }) => d),
        y: own.map(pick),
      };
    });
  return {
    "F1-scaling": await lineChart({
      title: "Time of a step",
      x: { label: "sites", log: true },
      y: { label: "seconds", log: true },
      series: [...series((r) => r.measured, "measured"), ...series((r) => r.predicted, "predicted")],
    }),
  };
};
