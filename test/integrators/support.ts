import {
  type EvolveOptions,
  evolve,
  type Integrator,
  type Problem,
  type Snapshot,
  type Tensor,
  type Tree,
  type Truncation,
  toDense,
} from "../../src/index.ts";
import {
  exactSolution,
  type IsingOptions,
  longRangeIsing,
  longRangeIsingTerms,
  spinChain,
  spinState,
} from "../../src/problems/index.ts";
import { distance } from "../ttn/dense.ts";

type Options = Omit<EvolveOptions, "executor"> & Partial<Pick<EvolveOptions, "executor">>;

/** All snapshots of a run. */
export async function snapshots(problem: Problem, options: Options): Promise<Snapshot[]> {
  const all: Snapshot[] = [];
  for await (const s of evolve(problem, options)) all.push(s);
  return all;
}

/** The last snapshot of a run. */
export const finalOf = async (problem: Problem, options: Options): Promise<Snapshot> =>
  (await snapshots(problem, options)).at(-1)!;

/** The quench of ising.md: all up (rank 2), with the full solution beside it. */
export function quench(tree: Tree, options: IsingOptions, T: number, rank = 2) {
  const d = tree.order;
  const initial = spinState(tree, "up", rank);
  const problem = spinChain("quench", longRangeIsing(tree, options), initial, T);
  const exact = exactSolution(longRangeIsingTerms(d, options), toDense(initial));
  return { problem, exact, errorOf: (s: Snapshot): number => distance(toDense(s.y), exact(s.t)) };
}

/** Ranks cut to a limit, by the methods that would grow them. */
export const cutTo = ({ promises }: Integrator, maxRank: number): Truncation => ({
  tolerance: "off",
  ...(promises.rankAdaptive ? { maxRank } : {}),
});

/** A method that is not started by another one. */
export const unstarted = (integrator: Integrator): Integrator => {
  const { starter: _, ...rest } = integrator;
  return rest;
};

/** |a - b| / |b|. */
export const off = (a: number, b: number): number => Math.abs(a - b) / Math.abs(b);

export const maxOf = (values: Iterable<number>): number => Math.max(...values);

export { slope as slopeOf } from "../../src/testing/check-order.ts";
export type { Tensor };
