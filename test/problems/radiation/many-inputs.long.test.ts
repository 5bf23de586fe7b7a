import { expect, test } from "vitest";
import { augmentedBug, rk4, storage } from "../../../src/index.ts";
import { manyInputSlab, slabReference } from "../../../src/problems/index.ts";
import { snapshots } from "../../integrators/support.ts";
import { relativeError } from "./plane-data.ts";

test("six uncertain inputs, a tensor of 2 10^8 entries, to a thousandth", async () => {
  const problem = manyInputSlab();
  const reference = slabReference(
    problem,
    (xi, eta, xi1, eta1, xi2, eta2) =>
      5 + (4 * xi! + eta! + 4 * xi1! ** 2 + eta1! ** 2 + 4 * xi2! ** 3 + eta2! ** 3) / 2,
  );
  const run = await snapshots(problem, {
    integrator: augmentedBug(),
    h: problem.dt,
    solver: rk4(),
    truncation: { tolerance: 1e-4, relative: true, method: "paper", tail: "l1-keep-one" },
    observeAt: [problem.span[1]],
  });
  const { observables, ranks } = run.at(-1)!;
  const { E, Var } = observables as { E: Float64Array; Var: Float64Array };
  const [errorE, errorVar] = [relativeError(E, reference.E), relativeError(Var, reference.Var)];
  const numbers = Math.max(...run.map(({ y }) => storage(y)));
  const seconds = run.reduce((sum, s) => sum + s.seconds, 0);
  console.info(
    `  six inputs: E ${errorE.toExponential(1)}, Var ${errorVar.toExponential(1)}, ranks ${ranks.join()}, ` +
      `at most ${numbers} numbers, ${seconds.toFixed(1)} s`,
  );
  expect(errorE).toBeLessThan(1e-3);
  expect(errorVar).toBeLessThan(1e-3);
  expect(numbers).toBeLessThan(1e5);
});
