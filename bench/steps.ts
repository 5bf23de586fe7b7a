import {
  augmentedBug,
  type BackendName,
  balanced,
  evolve,
  exponential,
  type Integrator,
  parallelBug,
  productSum,
  type TTNO,
} from "../src/index.ts";
import { parseSpinExpression, spinChain, spinState } from "../src/problems/index.ts";
import { cpuSeconds, median, useCounting } from "./counting.ts";

/** H = -sum ZZ - sum X on d spins, nearest neighbours. */
export const neighbours = (d: number): TTNO =>
  productSum(balanced(d), Array<number>(d).fill(2), parseSpinExpression("-sum(Z[i]*Z[i+1]) - sum(X[i])", d));

export interface StepTime {
  readonly backend: BackendName;
  readonly method: "augmented" | "parallel";
  readonly d: number;
  readonly rank: number;
  /** CPU seconds of a step after all ranks have saturated: median, and the smallest. */
  readonly cpu: number;
  readonly best: number;
  readonly applications: number;
  /** GFlop of matrix products in a step, and the rate over the whole step. */
  readonly gflop: number;
  readonly gflops: number;
  readonly gemmShare: number;
}

const methods: Readonly<Record<StepTime["method"], () => Integrator>> = {
  augmented: augmentedBug,
  parallel: parallelBug,
};

/** Times steps with all ranks saturated: dt = 0.01, start all up, no tolerance, ranks capped. */
export async function stepTime(
  backend: BackendName,
  method: StepTime["method"],
  d: number,
  rank: number,
  steps = 9,
): Promise<StepTime> {
  const work = useCounting(backend);
  const tree = balanced(d);
  const problem = { ...spinChain("neighbours", neighbours(d), spinState(tree, "up", 2), 10), observables: {} };
  const cpu: number[] = [];
  let before: readonly number[] = [];
  let mark = cpuSeconds();
  let applications = 0;
  for await (const { ranks, applications: a } of evolve(problem, {
    integrator: methods[method](),
    h: 0.01,
    truncation: { tolerance: "off", maxRank: rank },
    solver: exponential({ basisTolerance: 1e-8 }), // a tenth of what the cap discards in such a step at d = 32
  })) {
    const now = cpuSeconds();
    if (ranks.join() === before.join()) cpu.push(now - mark);
    else work.flops = work.gemmSeconds = 0;
    before = ranks;
    applications = a;
    if (cpu.length === steps) break;
    mark = cpuSeconds();
  }
  const flops = work.flops / steps;
  const time = median(cpu);
  return {
    backend,
    method,
    d,
    rank,
    cpu: time,
    best: Math.min(...cpu),
    applications,
    gflop: flops / 1e9,
    gflops: flops / time / 1e9,
    gemmShare: work.gemmSeconds / steps / time,
  };
}
