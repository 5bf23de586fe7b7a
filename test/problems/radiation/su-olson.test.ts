import { expect, test } from "vitest";
import { randomTensor, seeded } from "../../../src/index.ts";
import { realPart } from "../../../src/linalg/tensor.ts";
import { suOlson } from "../../../src/problems/index.ts";
import { denseImage } from "../../ttn/dense.ts";
import { suOlsonPublished, suOlsonValues } from "./su-olson-runs.ts";

const largest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((v, k) => Math.abs(v - b[k]!)));

test("the Su-Olson problem converges to the published table, in first order of the grid", async () => {
  const common = { moments: 40, extent: 4, T: 3.16228 };
  const published = suOlsonPublished(common);
  const coarse = await suOlsonValues({ ...common, nx: 201 });
  const fine = await suOlsonValues({ ...common, nx: 401 });
  const extrapolated = fine.values.map((v, k) => 2 * v - coarse.values[k]!);
  const errors = [coarse.values, fine.values, extrapolated].map((v) => largest(v, published));
  console.info(
    `  Su-Olson: errors with dx = 0.04, 0.02, extrapolated: ${errors.map((e) => e.toExponential(1)).join(" ")}`,
  );
  expect(fine.dx).toBeCloseTo(0.02, 12);
  expect(errors[1]).toBeLessThan(fine.dx / 2);
  expect(errors[1]! / errors[0]!).toBeLessThan(0.6);
  expect(errors[2]).toBeLessThan(4e-3);
  // the source puts in one unit of energy in a unit of time; each of the 160 steps may discard a tensor of norm 1e-6, of which the
  // energy is at most dx sqrt(2 nx) = 0.57 times that
  expect(fine.defect).toBeLessThan(1e-4);
});

test("its collisions exchange energy between radiation and material and damp all else", () => {
  const [nx, moments, share] = [3, 3, 0.25];
  const { terms } = suOlson({ nx, moments, extent: 1, absorption: share, T: 1, cfl: 0.1 });
  const u = randomTensor(seeded(3), [nx, moments + 1]);
  const image = realPart(denseImage(terms.slice(2), u));
  for (let i = 0; i < nx; i++) {
    const [u0, u1, u2, b] = u.data.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const exchange = share * (b - u0);
    [exchange, -u1, -u2, -exchange].forEach((v, k) => {
      expect(image.data[4 * i + k]).toBeCloseTo(v, 14);
    });
  }
});

test.each<[Parameters<typeof suOlson>[0], RegExp]>([
  [{ nx: 2 }, /suOlson: nx is 2, expected an integer of at least 3/],
  [{ absorption: 0 }, /suOlson: absorption is 0, expected a share above 0, at most 1/],
  [{ absorption: 1.5 }, /absorption is 1.5/],
  [{ cfl: 1.6 }, /cfl is 1.6, expected a positive number of at most 1\.\d+/],
])("suOlson(%j) is refused", (options, message) => {
  expect(() => suOlson(options)).toThrow(message);
});
