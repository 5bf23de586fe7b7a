import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { planeReference, slabReference, uncertainPlane, uncertainSlab } from "../../../src/problems/index.ts";
import { original } from "../../integrators/references.ts";
import { quadrant, relativeError } from "./plane-data.ts";

test("the slab at the paper's scale, 801 steps, is the collocation solution to 1e-12", () => {
  const data = JSON.parse(
    readFileSync(new URL("../../data/radiation_1d_full801.json", import.meta.url), "utf8"),
  ) as Record<"E" | "Var", readonly number[]>;
  const { E, Var } = slabReference(uncertainSlab(), (xi, eta) => 5 + 4 * xi + eta, { steps: 801 });
  expect(relativeError(E, data.E)).toBeLessThan(1e-12);
  expect(relativeError(Var, data.Var)).toBeLessThan(1e-12);
}, 600_000);

const full = original("radiation_2d_full.json");

test.runIf(full)(
  "the plane at the paper's scale is the full-rank solution to 1e-11",
  () => {
    const data = full as unknown as Record<"E_quadrant" | "Var_quadrant", readonly (readonly number[])[]>;
    const { E, Var } = planeReference(uncertainPlane(), { scattering: (xi) => 1 - xi, absorption: (eta) => 1 - eta });
    expect(relativeError(quadrant(E, 100), data.E_quadrant.flat())).toBeLessThan(1e-11);
    expect(relativeError(quadrant(Var, 100), data.Var_quadrant.flat())).toBeLessThan(1e-11);
  },
  600_000,
);
