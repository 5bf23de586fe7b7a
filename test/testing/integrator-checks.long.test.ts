import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { augmentedBug, type Integrator, parallelBug } from "../../src/index.ts";
import {
  attractedOde,
  BrokenPromise,
  type CheckOptions,
  checkConservation,
  checkDescent,
  checkErrorBound,
  checkExactness,
  checkOrder,
  checkPurity,
  checkRanks,
  checkRobustness,
  checkTimeWindow,
  checkWork,
  integratorContract,
  lowRankOde,
  type OdeSpec,
  type Report,
} from "../../src/testing/index.ts";
import * as variants from "./variants.ts";

/** The BrokenPromise that a check throws. */
async function broken(run: Promise<Report>): Promise<BrokenPromise> {
  const outcome = await run.then(
    (report) => report,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(BrokenPromise);
  return outcome as BrokenPromise;
}

describe.each([
  ["augmented BUG", augmentedBug()],
  ["parallel BUG", parallelBug()],
  ["parallel BUG, assembled root", parallelBug({ root: "assembled", firstStep: "parallel" })],
] as [string, Integrator][])("the contract of %s", (_, integrator) => {
  for (const { name, run } of integratorContract(integrator)) test(name, run);
});

const promising = (integrator: Integrator, promises: Partial<Integrator["promises"]>): Integrator => ({
  ...integrator,
  promises: { ...integrator.promises, ...promises },
});

type Check = (integrator: Integrator, options?: CheckOptions) => Promise<Report>;
const twoLeaves = { odes: { maxLeaves: 2, dtypes: ["float64"] } } as const;

describe("a mistake is caught", () => {
  test.each<[string, Check, Integrator]>([
    ["a skipped conjugation, by exactness", checkExactness, variants.skipsConjugation],
    ["a skipped conjugation, by the order", checkOrder, variants.skipsConjugation],
    ["bases that never grow, by exactness", checkExactness, variants.neverAugments],
    ["bases that never grow, by the order", checkOrder, variants.neverAugments],
    ["truncation before augmenting, by exactness", checkExactness, variants.truncatesFirst],
    ["a wrong sign, by exactness", checkExactness, variants.wrongSign],
    ["a wrong sign, by the order", checkOrder, variants.wrongSign],
    ["a wrong sign, by the error bound", checkErrorBound, variants.wrongSign],
    ["a wrong sign, by descent", checkDescent, variants.wrongSign],
    ["steps that are too long, by the error bound", checkErrorBound, variants.overshoots],
    ["steps that are too long, by their evaluations", checkTimeWindow, variants.overshoots],
    ["a dropped basis, by conservation", checkConservation, variants.dropsOldBasis],
    ["a tolerance ignored, by ranks", checkRanks, variants.ignoresTolerance],
    ["a tolerance too large, by conservation", checkConservation, variants.cutsTooMuch],
    ["a tolerance too large, by the error bound", checkErrorBound, variants.cutsTooMuch],
    ["hidden work", checkWork, variants.hidesWork],
    ["a changed input", checkPurity, variants.writesInput],
    ["a memory of earlier steps", checkPurity, variants.remembers()],
    ["a lost gauge", checkRanks, variants.losesGauge],
    ["order two that is one", checkOrder, promising(parallelBug({ root: "assembled" }), { order: 2 })],
    ["exactness that is not", checkExactness, promising(parallelBug(), { exact: true })],
    [
      "conservation that is not",
      checkConservation,
      promising(parallelBug({ root: "assembled" }), { conserves: "norm and energy" }),
    ],
    [
      "an inverse of singular values, by robustness",
      (m, o) => checkRobustness(m, { ...twoLeaves, ...o }),
      variants.naiveFactors,
    ],
    [
      "an inverse of singular values, by the error bound",
      (m, o) => checkErrorBound(m, { ...twoLeaves, ...o }),
      variants.naiveFactors,
    ],
  ])("%s", async (_, check, integrator) => {
    const error = await broken(check(integrator));
    expect(error.subject).toBe(integrator.name);
    expect(error.verdict).toBe("broken");
    const holds = error.sense === "at most" ? error.measured <= error.demanded : error.measured >= error.demanded;
    expect(holds).toBe(false);
    expect(error.message).toContain(error.promise);
    expect(error.message).toContain(`demanded ${error.sense}`);
    expect(error.message).toContain(error.case);
    expect(error.case).toMatch(/tree \[/);
    // the seed and the path lead to the same case, at once
    const again = await broken(check(integrator, { seed: error.seed, path: error.path }));
    expect(again.case).toBe(error.case);
    if (integrator.name !== "remembers earlier steps") expect(again.message).toBe(error.message);
  });

  test("the smallest case is one of two small modes", async () => {
    const error = await broken(checkErrorBound(variants.wrongSign));
    expect(error.case).toMatch(/^tree \[[01],[01]\], sizes 2x2, rank 1, float64/);
  });
});

describe("the order check", () => {
  const spec: OdeSpec = {
    tree: [[0, 1], 2],
    sizes: [3, 4, 3],
    rank: 2,
    smallest: 0.3,
    dtype: "complex128",
    kind: "rotation",
    coupling: 0.5,
    source: 0,
    delta: 0,
    T: 0.5,
    seed: 3,
  };

  test("calls a rank that is too low a floor, and not order zero", async () => {
    const error = await broken(checkOrder(augmentedBug(), { odes: fc.constant(lowRankOde(spec)) }));
    expect(error.verdict).toBe("floor");
    expect(error.message).toContain("cannot be seen");
    expect(error.numbers["floor"]).toBeGreaterThan(1e-4);
  });

  test("does not let an integrator that stands still hide behind a floor", async () => {
    const error = await broken(checkOrder(variants.neverAugments, { odes: fc.constant(attractedOde(spec)) }));
    expect(error.verdict).toBe("broken");
    expect(error.measured).not.toBeGreaterThan(0.2);
  });

  test("measures the slope", async () => {
    const { worst } = await checkOrder(parallelBug({ root: "assembled" }), { odes: fc.constant(attractedOde(spec)) });
    expect(Math.abs(worst.measured - 1)).toBeLessThan(0.1);
  });
});

test("the same seed gives the same report, another seed another one", async () => {
  const run = (seed: number) => checkErrorBound(augmentedBug(), { seed, numRuns: 5 });
  expect(await run(4)).toEqual(await run(4));
  expect((await run(5)).worst).not.toEqual((await run(4)).worst);
});

test("constants of one's own are demanded instead", async () => {
  const none = { c0: 0, c1: 0, c2: 0, c3: 0 };
  const error = await broken(checkErrorBound(augmentedBug(), { constants: () => none }));
  expect(error.demanded).toBeLessThan(1e-9);
});
