import {
  type BackendName,
  balanced,
  type Executor,
  evolve,
  exponential,
  type Integrator,
  inline,
  useBackend,
} from "../src/index.ts";
import { longRangeIsing, spinChain, spinState } from "../src/problems/index.ts";
import { median } from "./counting.ts";

export interface Overhead {
  readonly backend: BackendName;
  readonly method: string;
  /** Wall seconds of a step, and of the local solves in it. */
  readonly step: number;
  readonly solves: number;
  readonly ratio: number;
}

/**
 * What a step costs beside its local solves: environments, augmentation, truncation. The long-range Ising model, alpha = 1, d = 32 at
 * rank 32 everywhere, dt = 0.01, bases as accurate as the state (1e-12).
 */
export async function overhead(backend: BackendName, integrator: Integrator, steps = 5): Promise<Overhead> {
  useBackend(backend);
  const tree = balanced(32);
  const problem = { ...spinChain("ising", longRangeIsing(tree), spinState(tree, "up", 2), 10), observables: {} };
  const plain = inline();
  let solving = 0;
  const executor: Executor = {
    ...plain,
    async solveAll(...all) {
      const begin = performance.now();
      const solutions = await plain.solveAll(...all);
      solving += (performance.now() - begin) / 1000;
      return solutions;
    },
  };
  const rows: { step: number; solves: number }[] = [];
  let before = "";
  const options = { integrator, h: 0.01, solver: exponential(), executor };
  for await (const { ranks, seconds } of evolve(problem, {
    ...options,
    truncation: { tolerance: "off", maxRank: 32 },
  })) {
    if (ranks.join() === before) rows.push({ step: seconds, solves: solving });
    before = ranks.join();
    solving = 0;
    if (rows.length === steps) break;
  }
  const [step, solves] = [median(rows.map((r) => r.step)), median(rows.map((r) => r.solves))];
  return { backend, method: integrator.name, step, solves, ratio: median(rows.map((r) => r.step / r.solves)) };
}
