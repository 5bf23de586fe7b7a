import { createHash } from "node:crypto";
import { balanced, type Executor, evolve, type Integrator, methods, type Problem } from "../../src/index.ts";
import { longRangeIsing, spinChain, spinState } from "../../src/problems/index.ts";

/** Eight spins, long-range Ising, all up. */
export const spins = (d = 8, T = 1): Problem => {
  const tree = balanced(d);
  return { ...spinChain("ising", longRangeIsing(tree), spinState(tree, "up", 2), T), observables: {} };
};

/** SHA-256 of all tensors after each step. */
export async function hashes(
  executor: Executor,
  {
    problem = spins(),
    h = 0.05,
    integrator = methods.parallel,
    maxRank = 6,
  }: { problem?: Problem; h?: number; integrator?: Integrator; maxRank?: number } = {},
): Promise<string[]> {
  const all: string[] = [];
  for await (const { y } of evolve(problem, {
    integrator,
    h,
    truncation: { tolerance: 1e-8, maxRank },
    executor,
  })) {
    const hash = createHash("sha256");
    for (const { data } of y.tensors) hash.update(data);
    all.push(hash.digest("hex"));
  }
  return all;
}
