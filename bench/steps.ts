import {
  augmentedBug,
  type BackendName,
  balanced,
  evolve,
  exponential,
  fromFunction,
  type Integrator,
  norm,
  type Problem,
  parallelBug,
  productState,
  productSum,
  scale,
  schroedinger,
  type TTNO,
} from "../src/index.ts";
import { parseSpinExpression, spinChain, spinState } from "../src/problems/index.ts";
import { cpuSeconds, median, useCounting } from "./counting.ts";

/** H = -sum ZZ - sum X on d spins, nearest neighbours. */
export const neighbours = (d: number): TTNO =>
  productSum(balanced(d), Array<number>(d).fill(2), parseSpinExpression("-sum(Z[i]*Z[i+1]) - sum(X[i])", d));

/** All spins up. */
const spins = (d: number): Problem => ({
  ...spinChain("neighbours", neighbours(d), spinState(balanced(d), "up", 2), 10),
  observables: {},
});

/** d oscillators of 20 levels with neighbours coupled, H = sum n + sum x x / 2, displaced: every edge of any tree can have rank 16. */
export function oscillators(d: number): Problem {
  const n = 20;
  const sizes = Array<number>(d).fill(n);
  const level = fromFunction([n, n], (i, j) => (i === j ? i! : 0));
  const x = fromFunction([n, n], (i, j) => (Math.abs(i! - j!) === 1 ? Math.sqrt(Math.max(i!, j!) / 2) : 0));
  const terms = sizes.flatMap((_, mode) => [
    { coefficient: 1, factors: [{ mode, operator: level }] },
    ...(mode + 1 < d ? [{ coefficient: 0.5, factors: [mode, mode + 1].map((m) => ({ mode: m, operator: x })) }] : []),
  ]);
  const displaced = fromFunction([n], (i) => ({ re: Math.exp(-((i! - 2) ** 2) / 4), im: 0 }));
  const start = productState(balanced(d), Array<typeof displaced>(d).fill(displaced));
  return {
    name: "oscillators",
    rhs: schroedinger(productSum(balanced(d), sizes, terms)),
    initial: scale(1 / norm(start), start),
    span: [0, 10],
    observables: {},
  };
}

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

/** Times steps with all ranks saturated: dt = 0.01, spins all up if nothing else is said, no tolerance, ranks capped. */
export async function stepTime(
  backend: BackendName,
  method: StepTime["method"],
  d: number,
  rank: number,
  problemOf: (d: number) => Problem = spins,
  steps = 9,
): Promise<StepTime> {
  const work = useCounting(backend);
  const problem = problemOf(d);
  const cpu: number[] = [];
  let [flops, gemmSeconds] = [0, 0];
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
    if (ranks.join() === before.join()) {
      cpu.push(now - mark);
      flops += work.flops / steps;
      gemmSeconds += work.gemmSeconds / steps;
    }
    work.flops = work.gemmSeconds = 0;
    before = ranks;
    applications = a;
    if (cpu.length === steps) break;
    mark = cpuSeconds();
  }
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
    gemmShare: gemmSeconds / time,
  };
}
