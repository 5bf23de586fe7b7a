import { expect, test } from "vitest";
import { suOlsonPublished, suOlsonValues } from "./su-olson-runs.ts";

test("the Su-Olson problem converges to the published table up to the end of the source, in first order", async () => {
  const common = { moments: 60, extent: 11, T: 10 };
  const published = suOlsonPublished(common);
  const coarse = await suOlsonValues({ ...common, nx: 551 });
  const { values, defect, dx } = await suOlsonValues({ ...common, nx: 1101 });
  const extrapolated = values.map((v, k) => 2 * v - coarse.values[k]!);
  const errors = [coarse.values, values, extrapolated].map((all) =>
    Math.max(...all.map((v, k) => Math.abs(v - published[k]!))),
  ) as [number, number, number];
  console.info(
    `  Su-Olson, dx = ${(2 * dx).toFixed(3)}, ${dx.toFixed(3)}, extrapolated: largest errors ${errors.map((e) => e.toExponential(1)).join(" ")}, energy ${defect.toExponential(1)}`,
  );
  expect(errors[1] / errors[0]).toBeLessThan(0.6);
  expect(errors[2]).toBeLessThan(4e-3); // as up to T = 3.2
  expect(errors[1]).toBeLessThan(dx);
  expect(defect).toBeLessThan(1e-5);
});
