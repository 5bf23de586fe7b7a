import { type BackendName, seeded } from "../src/index.ts";
import {
  activation,
  crossEntropy,
  type Dataset,
  dense,
  gaussianClasses,
  lowRank,
  sequential,
  type TrainOptions,
  train,
} from "../src/training/index.ts";
import { cpuSeconds, median, useCounting } from "./counting.ts";

/** The two nets of the papers: 784-128-128-10 in batches of 128, and 784-500-500-10 in batches of 256. */
export const nets = {
  small: { hidden: 128, batch: 128 },
  large: { hidden: 500, batch: 256 },
} as const;
export type Net = keyof typeof nets;

export interface TrainingTime {
  readonly backend: BackendName;
  readonly net: Net;
  readonly weights: "dense" | "low rank";
  /** CPU seconds of a step: median, and the smallest. */
  readonly cpu: number;
  readonly best: number;
  /** CPU seconds of the last epoch, without the drawing of samples. */
  readonly epoch: number;
  readonly ranks: readonly number[];
  /** GFlop of matrix products in a step, and the rate over the whole step. */
  readonly gflop: number;
  readonly gflops: number;
}

/** Ten classes in 784 dimensions: what a step costs depends on sizes and ranks alone. */
export const samples = (count: number): Dataset =>
  gaussianClasses({ samples: count, features: 784, classes: 10, spread: 3 }, seeded(1), seeded(2));

/** Times the steps of training after the first epoch, dense or by parallel BUG: `tau` decides ranks, or `rank` keeps them. */
export async function trainingTime(
  backend: BackendName,
  net: Net,
  data: Dataset,
  { rank, tau, epochs }: { readonly rank?: number; readonly tau?: number; readonly epochs: number },
): Promise<TrainingTime> {
  const work = useCounting(backend);
  const { hidden, batch } = nets[net];
  const isDense = rank === undefined && tau === undefined;
  const layer = () => (isDense ? dense(hidden) : lowRank(hidden, { rank: rank ?? 32 }));
  const model = sequential(784, [layer(), activation("relu"), layer(), activation("relu"), dense(10)], crossEntropy());
  const truncation: TrainOptions["truncation"] =
    rank === undefined
      ? { tolerance: tau ?? 0.1, relative: true, method: "paper", maxRank: 64 }
      : { tolerance: 1e-9, relative: true, method: "paper", minRank: rank, maxRank: rank };
  const cpu: number[] = [];
  const flops: number[] = [];
  let ranks: readonly number[] = [];
  let epoch = 0;
  let mark = cpuSeconds();
  for await (const step of train(model, data, { epochs, batch, rate: 0.1, truncation })) {
    const now = cpuSeconds();
    // the first epoch begins with two steps of another method and has its code compiled, on threads whose time counts
    if (step.epoch > 0) {
      cpu.push(now - mark);
      flops.push(work.flops);
    }
    if (step.epoch === epochs - 1) epoch += now - mark;
    ranks = step.ranks.map((r) => Math.max(...r));
    work.flops = 0;
    mark = cpuSeconds();
  }
  const time = median(cpu);
  const gflop = median(flops) / 1e9;
  return {
    backend,
    net,
    weights: isDense ? "dense" : "low rank",
    cpu: time,
    best: Math.min(...cpu),
    epoch,
    ranks,
    gflop,
    gflops: gflop / time,
  };
}
