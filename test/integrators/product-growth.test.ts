import { describe, expect, test } from "vitest";
import {
  augmentedBug,
  balanced,
  type Integrator,
  parallelBug,
  productSum,
  type Truncation,
  toDense,
} from "../../src/index.ts";
import {
  exactSolution,
  longRangeIsingTerms,
  parseSpinExpression,
  spinChain,
  spinState,
} from "../../src/problems/index.ts";
import { distance } from "../ttn/dense.ts";
import { finalOf } from "./support.ts";

const tree = balanced(8);

/** Parallel BUG after `steps` steps of augmented BUG. */
function startedBy(steps: number): Integrator {
  const parallel = parallelBug({ firstStep: "parallel" });
  let taken = 0;
  return {
    ...parallel,
    step: (context, y, t, h) => (taken++ < steps ? augmentedBug() : parallel).step(context, y, t, h),
  };
}

/*
 * Two-site TDVP of a well-known library stays at 0.31 on this tree. From a product state, all up, d = 8, dt = 0.01, to
 * t = 0.5. The error of a whole run is made in its first steps, and is the same for tolerances from 1e-14 to 1e-8 when the
 * start has rank 1. Bases padded by arbitrary directions (rank 2) do worse unless next to nothing is cut: what the padding
 * finds first has so little amplitude that truncation removes it again, step after step, and the frames lack the
 * direction in which the other half moves.
 */
describe.each([
  ["the quench with neighbours only", longRangeIsingTerms(8, { alpha: Number.POSITIVE_INFINITY })],
  ["-sum ZZ - sum X", parseSpinExpression("-sum(Z[i]*Z[i+1]) - sum(X[i])", 8)],
] as const)("a product state grows: %s", (_, terms) => {
  const hamiltonian = productSum(tree, Array(8).fill(2), terms);

  async function error(integrator: Integrator, rank: number, truncation: Truncation): Promise<number> {
    const initial = spinState(tree, "up", rank);
    const last = await finalOf(spinChain("growth", hamiltonian, initial, 0.5), { integrator, h: 0.01, truncation });
    return distance(toDense(last.y), exactSolution(terms, toDense(initial))(0.5));
  }

  test("augmented BUG from rank 1", async () => {
    expect(await error(augmentedBug(), 1, { tolerance: 1e-8 })).toBeLessThanOrEqual(5e-6);
  });

  test("both methods from rank 2, when only round-off is cut", async () => {
    expect(await error(augmentedBug(), 2, { tolerance: "off" })).toBeLessThanOrEqual(5e-6);
    expect(await error(parallelBug(), 2, { tolerance: "off" })).toBeLessThanOrEqual(5e-6);
  });

  test("parallel BUG from rank 1 after two steps of augmented BUG", async () => {
    expect(await error(startedBy(2), 1, { tolerance: 1e-8 })).toBeLessThanOrEqual(5e-6);
  });

  // after one augmented step ranks are 2; the parallel step from there, in those narrow frames, makes 5e-6 to 1.1e-5
  test("parallel BUG from rank 1 after its one augmented step", async () => {
    expect(await error(parallelBug(), 1, { tolerance: 1e-8 })).toBeLessThanOrEqual(1.5e-5);
  });

  test("both methods from rank 2 at the default tolerance", async () => {
    for (const integrator of [augmentedBug(), parallelBug()])
      expect(await error(integrator, 2, { tolerance: 1e-8 })).toBeLessThanOrEqual(5e-5);
  });
});
