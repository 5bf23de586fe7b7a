import { type BackendName, balanced, centers, exponential, randomState, schroedinger, seeded } from "../src/index.ts";
import { median, useCounting } from "./counting.ts";
import { neighbours } from "./steps.ts";

/** The Krylov solve of one large node (complex, rank x rank x rank): the share of its time inside matrix products. */
export function krylovShare(
  backend: BackendName,
  rank: number,
): { readonly share: number; readonly milliseconds: number } {
  const work = useCounting(backend);
  const d = 32;
  const y = randomState(balanced(d), Array<number>(d).fill(2), rank, seeded(7), "complex128");
  const node = y.tree.nodes.length - 2; // a child of the root: 16 spins below, 16 beside
  const trial = centers(y)[node]!;
  const field = schroedinger(neighbours(d)).bind(trial, node);
  const solver = exponential();
  const problem = { node, field, initial: trial.tensors[node]!, t0: 0, t1: 0.01, seeks: "state" as const };
  const runs = Array.from({ length: 9 }, () => {
    work.gemmSeconds = 0;
    const begin = performance.now();
    solver.solve(problem);
    const total = (performance.now() - begin) / 1000;
    return { share: work.gemmSeconds / total, total };
  }).slice(2);
  return { share: median(runs.map((r) => r.share)), milliseconds: 1000 * median(runs.map((r) => r.total)) };
}
