import { expect, test } from "vitest";
import { augmentedBug, rk4 } from "../../../src/index.ts";
import { denseOf } from "../../../src/linalg/matrix-product.ts";
import { absLegendreFlux, planeSource } from "../../../src/problems/index.ts";
import { finalOf } from "../../integrators/support.ts";

test("the plane source spreads as persistent random walks do, and upwinding adds a known diffusion", async () => {
  const [scattering, T, moments, extent, nx] = [2, 1, 20, 3, 301];
  const problem = planeSource({ nx, moments, extent, scattering, T, width: 0.1, floor: 0, cfl: 0.5 });
  const { x } = problem.grid;
  const dx = x[1]! - x[0]!;
  const meanSquare = (rho: Float64Array): number =>
    rho.reduce((sum, v, i) => sum + v * x[i]! ** 2, 0) / rho.reduce((a, b) => a + b, 0);
  const start = problem.observables["E"]!(problem.initial, 0) as Float64Array;
  const end = await finalOf(problem, {
    integrator: augmentedBug(),
    h: problem.dt,
    solver: rk4(),
    truncation: { tolerance: 1e-10 },
  });
  // velocities are forgotten at the rate of scattering: <x^2>'' = 2/3 - sigma <x^2>' for mean squares of mu of 1/3
  const walk = (2 / 3) * (T / scattering - (1 - Math.exp(-scattering * T)) / scattering ** 2);
  const numerical = dx * denseOf(absLegendreFlux(moments)).data[0]! * T;
  const spread = meanSquare(end.observables!["E"] as Float64Array) - meanSquare(start);
  console.info(`  <x^2>: ${spread}, expected ${walk + numerical}, rank ${end.ranks[0]}`);
  expect(Math.abs(spread / (walk + numerical) - 1)).toBeLessThan(1e-6);
  expect(end.observables!["mass"]).toBeCloseTo(1, 6);
  expect(end.observables).not.toHaveProperty("Var");
});

test("a floor below zero and a width that is not positive are refused", () => {
  expect(() => planeSource({ floor: -1 })).toThrow("planeSource: floor is -1, expected zero or more");
  expect(() => planeSource({ width: 0 })).toThrow("planeSource: width is 0, expected a positive number");
});
