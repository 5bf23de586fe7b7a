import { expect, test } from "vitest";
import { differences, runs } from "./tubal-reference.ts";

test.each(runs)("from scale $alpha, the test error falls as in the independent implementation", (run) => {
  const found = differences(run, 6000);
  expect(found).toHaveLength(run.hist.length);
  for (const difference of found) expect(Math.abs(difference)).toBeLessThan(0.2);
});
