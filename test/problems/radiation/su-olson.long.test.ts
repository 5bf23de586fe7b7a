import { expect, test } from "vitest";
import { suOlsonPublished, suOlsonValues } from "./su-olson-runs.ts";

test("the Su-Olson problem is within a grid spacing of the published table up to the end of the source", async () => {
  const options = { nx: 1101, moments: 60, extent: 11, T: 10 };
  const { values, defect, dx } = await suOlsonValues(options);
  const published = suOlsonPublished(options);
  const error = Math.max(...values.map((v, k) => Math.abs(v - published[k]!)));
  console.info(
    `  Su-Olson, dx = ${dx.toFixed(3)}: largest error ${error.toExponential(1)}, energy ${defect.toExponential(1)}`,
  );
  expect(error).toBeLessThan(dx);
  expect(defect).toBeLessThan(1e-5);
});
