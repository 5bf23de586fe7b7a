import * as z from "zod";
import {
  fromDense,
  randomTensor,
  seeded,
  star,
  type Tensor,
  tensor,
  tProduct,
  tTranspose,
  tubalSingularValues,
  useBackend,
} from "../src/index.ts";
import { ConfigError, experiment, inlineOnly, lineChart, type RunRecord, runSettings } from "../src/io/index.ts";
import { randomTubalProblem, type TubalStep, tubalDescent } from "../src/training/index.ts";
import { pauses } from "./pauses.ts";

const count = z.int().positive();
const positive = z.number().positive();

/** What a scale came to. */
interface Row {
  readonly scale: number;
  readonly steps: number[];
  readonly trainingError: number[];
  readonly testError: number[];
  /** Tubal singular values of the last factor, decreasing. */
  readonly values: number[];
}

/** Factors with more columns than needed, fitted to measurements by gradient descent from starts of several sizes. */
export const trainingTubal = experiment({
  name: "training-tubal",
  summary:
    "an overparametrised tubal factorisation by gradient descent: the smaller the start, the smaller the test error",
  parameters: z.object({
    n: count.default(10).describe("rows and columns, a positive integer"),
    k: count.default(4).describe("length of the tubes, a positive integer"),
    rank: count.default(3).describe("tubal rank of the truth, a positive integer, at most n"),
    columns: count.default(10).describe("columns of the factor, a positive integer"),
    measurements: count.default(254).describe("number of measurements, a positive integer"),
    rate: positive.default(0.0125).describe("learning rate, a positive number"),
    steps: count.default(6000).describe("steps of gradient descent, a positive integer"),
    scales: z
      .array(positive)
      .nonempty()
      .default([0.001, 0.1, 0.5])
      .describe("entries of the start are normal with these deviations, an array of positive numbers"),
    seed: z.int().nonnegative().default(0).describe("seed of the problem and the start, a non-negative integer"),
    backend: runSettings.backend,
    executor: inlineOnly,
  }),
  quick: { steps: 1500 },
  async run(p, host) {
    if (p.rank > p.n) throw new ConfigError(`rank is ${p.rank}, more than n = ${p.n}`);
    useBackend(p.backend);
    const begin = performance.now();
    const pause = pauses(host.signal);
    const random = seeded(p.seed);
    const problem = randomTubalProblem({ n: p.n, k: p.k, rank: p.rank, measurements: p.measurements }, random);
    const start = randomTensor(random, [p.n, p.columns, p.k]);
    const rows: Row[] = [];
    let outcome: Pick<RunRecord, "status" | "message"> = { status: "completed" };
    let product: Tensor = problem.truth;
    const seconds: number[] = [];
    for (const [index, scale] of p.scales.entries()) {
      const row: Row = { scale, steps: [], trainingError: [], testError: [], values: [] };
      const keep = ({ step, trainingError, testError }: TubalStep): void => {
        row.steps.push(step);
        row.trainingError.push(trainingError);
        row.testError.push(testError);
      };
      const since = performance.now();
      let last: TubalStep | null = null;
      try {
        for (const step of tubalDescent(problem, {
          start: tensor(
            start.shape,
            "float64",
            start.data.map((v) => scale * v),
          ),
          rate: p.rate,
          steps: p.steps,
        })) {
          await pause();
          last = step;
          if (isKept(step.step) || step.step === p.steps) keep(step);
          if (step.step % 100 === 0)
            host.progress((index + step.step / p.steps) / p.scales.length, `scale ${scale}, step ${step.step}`);
        }
      } catch (error) {
        outcome = host.signal.aborted
          ? { status: "interrupted", message: `interrupted at scale ${scale}` }
          : { status: "failed", message: `scale ${scale}: ${(error as Error).message}` };
      }
      seconds.push((performance.now() - since) / 1000);
      if (last) {
        row.values.push(...tubalSingularValues(last.factor));
        product = tProduct(last.factor, tTranspose(last.factor));
        rows.push(row);
      }
      if (outcome.status !== "completed") break;
    }
    const ends = rows.map(({ scale, trainingError, testError, values }) => ({
      scale,
      trainingError: trainingError.at(-1)!,
      testError: testError.at(-1)!,
      values,
    }));
    const state = fromDense(star(3), product);
    const zeros = rows.map(() => 0);
    const record: RunRecord = {
      ...outcome,
      times: rows.map((row) => row.scale),
      observables: {
        trainingError: ends.map((e) => e.trainingError),
        testError: ends.map((e) => e.testError),
      },
      ranks: rows.map(() => state.tensors.map((t) => t.shape.at(-1)!)),
      discarded: zeros,
      errors: { modelling: zeros, integration: zeros.map(() => null), solver: zeros, truncation: zeros },
      rejected: zeros,
      applications: rows.map((row) => row.steps.at(-1)!),
      stepSeconds: seconds,
      seconds: (performance.now() - begin) / 1000,
      state,
    };
    return {
      record,
      extra: { scales: ends },
      figures: {
        "T1-errors": await lineChart({
          title: `Tubal factorisation, ${p.n}x${p.n}x${p.k} of rank ${p.rank}, ${p.columns} columns`,
          x: { label: "step", log: true },
          y: { label: "test error, relative", log: true },
          series: rows.map((row) => ({ name: `scale ${row.scale}`, x: row.steps.slice(1), y: row.testError.slice(1) })),
        }),
        "T2-values": await lineChart({
          title: "Tubal singular values of the factor at the end",
          x: { label: "number" },
          y: { label: "singular value", log: true },
          series: rows.map((row) => ({
            name: `scale ${row.scale}`,
            x: row.values.map((_, i) => i + 1),
            y: row.values,
          })),
        }),
      },
    };
  },
});

/** Steps 0, 1, 2, ..., 10, 11, ... spaced by about a tenth: a hundred or so for a logarithmic axis. */
const isKept = (step: number): boolean =>
  step < 10 || Math.floor(25 * Math.log10(step)) > Math.floor(25 * Math.log10(step - 1));
