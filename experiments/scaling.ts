import * as z from "zod";
import {
  balanced,
  type Executor,
  exponential,
  inline,
  type Kernel,
  type Machine,
  type MpiExecutor,
  machineOf,
  measureMachine,
  measurePassing,
  mpi,
  type Passing,
  type Places,
  parallelBug,
  predictStep,
  randomState,
  seeded,
  spreadRanks,
  stepWork,
  useBackend,
  usualSmallest,
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
  workerCount,
} from "../src/io/index.ts";
import { longRangeIsing, spinChain } from "../src/problems/index.ts";

const counts = (usual: number[], what: string) =>
  z
    .union([z.int().positive(), z.array(z.int().positive()).min(1)])
    .default(usual)
    .describe(what);
const listOf = (value: number | number[]): number[] => [value].flat();

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
    d: counts([16, 32, 64, 128], "numbers of spins, a positive integer or an array of them"),
    rank: counts([8, 16, 32], "ranks, a positive integer or an array of them"),
    workers: counts(
      [1, 2],
      "numbers of workers, a positive integer or an array of them; ranks of MPI are as many as there are",
    ),
    steps: z
      .int()
      .positive()
      .default(5)
      .describe(
        "steps of which the shortest counts, a positive integer; short ones go on for ten times the calibration",
      ),
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
    listOf(p.workers).forEach(workerCount);
    useBackend(p.backend);
    host.progress(0, "the machine's kernels");
    const largest = 2 * Math.max(...listOf(p.rank)); // bases double before they are cut
    const measured = (): Machine =>
      measureMachine({ seconds: p.calibration, ranks: [2, 4, 8, 16, 32, 64, 128].filter((r) => r < 2 * largest) });
    const machine = p.executor === "inline" ? measured() : await sharedBy(mpi(), measured);
    const places = p.executor !== "inline" ? [0] : [0, ...listOf(p.workers)];
    const cases = listOf(p.rank).flatMap((rank) =>
      listOf(p.d).flatMap((d) => places.map((count) => ({ d, rank, count }))),
    );
    const passing = new Map<string, Passing>();
    const rows: Row[] = [];
    let last: RunRecord | null = null;
    for (const [k, { d, rank, count }] of cases.entries()) {
      host.progress((k + 1) / (cases.length + 1), `d = ${d}   rank ${rank}   ${count} workers`);
      const ranks = p.executor !== "inline" ? mpi() : null;
      await using own = ranks ?? (count === 0 ? inline() : workers({ count }));
      await own.start?.();
      const size = ranks?.communicator.size ?? count;
      const places: Places = {
        count: Math.max(1, size),
        divided,
        smallest: ranks ? 0 : usualSmallest,
        isApart: count > 0,
      };
      const key = `${size} ${rank}`;
      if (size > 0 && !passing.has(key))
        passing.set(
          key,
          await measurePassing(own, {
            count: size,
            rank,
            isCollective: ranks !== null,
            repeats: Math.ceil(100 * p.calibration),
          }),
        );
      const { made, row } = await measure(
        { d, rank, count: size, executor: own, machine, steps: p.steps, seconds: 10 * p.calibration },
        { ...places, ...(size > 0 ? { passing: passing.get(key)! } : {}) },
        host.signal,
      );
      last = made;
      if (made.status !== "completed") break;
      rows.push(row);
    }
    const head = ["d", "rank", "places", "measured s", "predicted s", "predicted / measured", "speed-up"];
    const table = [head, ...rows.map((row) => cellsOf(row, rows))];
    return {
      record: last!.message ? { ...last!, message: `${last!.message}, in measurement ${rows.length + 1}` } : last!,
      extra: { table, rows, kernels: machine.measured, passing: Object.fromEntries(passing) },
      figures: rows.length > 0 ? await figures(rows) : {},
    };
  },
});

/** What the first rank measures while the others wait, on all of them: they have to go the same way, and would slow each other down. */
async function sharedBy({ communicator }: MpiExecutor, measured: () => Machine): Promise<Machine> {
  const [first] = await communicator.texts(communicator.rank === 0 ? JSON.stringify(measured().measured) : "");
  return machineOf(JSON.parse(first!));
}

interface Case {
  readonly d: number;
  readonly rank: number;
  readonly count: number;
  readonly executor: Executor;
  readonly machine: Machine;
  readonly steps: number;
  /** Steps are done for so long at least, since an engine takes its time to compile what it runs. */
  readonly seconds: number;
}

/**
 * Steps from a random state with every edge at its rank, cut to that rank again: what a step costs once ranks have grown. Only what the local solvers
 * need in evaluations is taken from the run for the prediction.
 */
async function measure(
  { d, rank, count, executor, machine, steps, seconds }: Case,
  places: Places,
  signal: AbortSignal,
): Promise<{ made: RunRecord; row: Row }> {
  const tree = balanced(d);
  const sizes = Array<number>(d).fill(2);
  const hamiltonian = longRangeIsing(tree);
  const start = randomState(tree, sizes, rank, seeded(1), "complex128");
  const h = 0.01;
  const sizesOf = { ranks: spreadRanks(tree, sizes, rank) };
  const expected = predictStep(stepWork(hamiltonian, sizesOf), machine, { count: 1 }).seconds;
  const repeated = Math.max(steps, Math.ceil(seconds / expected));
  const problem = { ...spinChain("scaling", hamiltonian, start, (repeated + 1) * h), observables: {} };
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
    ...sizesOf,
    evaluations: seen.basisEvaluations / Math.max(1, seen.bases),
    rootEvaluations: seen.rootEvaluations / (repeated + 1),
  });
  const measured = Math.min(...made.stepSeconds.slice(2)); // the start, and a step that warms up
  const predicted = predictStep(work, machine, places).seconds;
  return { made, row: { d, rank, places: count, measured, predicted } };
}

/** What executors divide; edges are cut in the calling thread, or by every rank alike. */
const divided: readonly Kernel[] = ["evaluate", "contract", "split", "augment"];

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

/** A panel for each rank: measured and predicted, over the sites. */
const figures = async (rows: readonly Row[]): Promise<Record<string, string>> => {
  const distinct = (pick: (row: Row) => number): number[] => [...new Set(rows.map(pick))];
  const series = (rank: number, pick: (row: Row) => number, what: string): Series[] =>
    distinct(({ places }) => places).map((places) => {
      const own = rows.filter((row) => row.rank === rank && row.places === places);
      const where = places === 0 ? "inline" : places === 1 ? "1 place" : `${places} places`;
      return { name: `${what}, ${where}`, x: own.map(({ d }) => d), y: own.map(pick) };
    });
  return {
    "F1-scaling": await lineChart({
      title: "Time of a step",
      panels: distinct(({ rank }) => rank).map((rank) => ({
        x: { label: "sites", log: true },
        y: { label: `seconds, rank ${rank}`, log: true },
        series: [...series(rank, (r) => r.measured, "measured"), ...series(rank, (r) => r.predicted, "predicted")],
      })),
    }),
  };
};
