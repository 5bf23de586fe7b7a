import { describe, expect, test } from "vitest";
import { dopri5, modeSizes, type Problem, randomState, ranks, seeded, toDense } from "../../../src/index.ts";
import { matmul } from "../../../src/linalg/contract.ts";
import { fromFunction, type Tensor } from "../../../src/linalg/tensor.ts";
import { growthOf, plasmaDispersion, plasmaFrequency, vlasovPoisson, waveOf } from "../../../src/problems/index.ts";
import { fourierDerivative, fourierIntegral } from "../../../src/problems/kinetic/fourier.ts";
import { rhsContract } from "../../../src/testing/rhs-contract.ts";
import { off, snapshots } from "../../integrators/support.ts";
import { distance, product, relative, transpose } from "../../ttn/dense.ts";

describe("derivatives by Fourier interpolation", () => {
  test.each([7, 8])("are exact for the modes that %i points hold, and are undone by the integral", (n) => {
    const period = 3;
    const [d, integral] = [fourierDerivative(n, period), fourierIntegral(n, period)];
    for (let m = 0; 2 * m < n; m++)
      for (const phase of [0, 1]) {
        const k = (2 * Math.PI * m) / period;
        const wave = (shift: number): Tensor =>
          fromFunction([n, 1], (i) => Math.cos((k * i! * period) / n + phase + shift));
        const slope = fromFunction([n, 1], (i) => k * wave(Math.PI / 2).data[i!]!);
        expect(distance(product(d, wave(0)), slope)).toBeLessThan(1e-12);
        if (m > 0) expect(distance(product(integral, slope), wave(0))).toBeLessThan(1e-12);
        else expect(distance(product(integral, wave(0)), slope)).toBeLessThan(1e-12);
      }
    expect(
      distance(
        transpose(d),
        fromFunction([n, n], (i, j) => -d.data[i! * n + j!]!),
      ),
    ).toBeLessThan(1e-13);
  });
});

describe("the dispersion relation", () => {
  test("Z is i sqrt(pi) at 0, solves Z' = -2 (1 + zeta Z), and falls off as -1 / zeta", () => {
    const at = (re: number, im: number) => plasmaDispersion({ re, im });
    expect(at(0, 0).re).toBeCloseTo(0, 13);
    expect(at(0, 0).im).toBeCloseTo(Math.sqrt(Math.PI), 13);
    for (const [re, im] of [
      [1, 0.5],
      [-2, -0.7],
      [3, -1],
      [0.1, 2],
    ] as const) {
      const h = 1e-4;
      const { re: zr, im: zi } = at(re, im);
      const [right, left] = [at(re + h, im), at(re - h, im)];
      expect((right.re - left.re) / 2 / h).toBeCloseTo(-2 * (1 + re * zr - im * zi), 6);
      expect((right.im - left.im) / 2 / h).toBeCloseTo(-2 * (re * zi + im * zr), 6);
    }
    expect(at(20, 1).re).toBeCloseTo(-20 / 401, 3);
  });

  test("gives Landau's damping of the literature, and a growing two-stream wave", () => {
    const landau = plasmaFrequency({ k: 0.5 });
    expect(landau.re).toBeCloseTo(1.41566, 5);
    expect(landau.im).toBeCloseTo(-0.15336, 5);
    expect(plasmaFrequency({ k: 0.3 }).im).toBeCloseTo(-0.0126, 4);
    const beams = plasmaFrequency({ k: 0.2, v0: 2.4 });
    expect(Math.abs(beams.re)).toBeLessThan(1e-12);
    expect(beams.im).toBeCloseTo(0.2258, 4);
    expect(() => plasmaFrequency({ k: 0 })).toThrow(/k is 0/);
  });
});

/** -D f diag(v) + diag(E) f Dv^T for the full matrix, E from sums of sines and cosines of the density. */
function fullField(nx: number, nv: number, k: number, vmax: number): (t: number, f: Tensor) => Tensor {
  const length = (2 * Math.PI) / k;
  const dv = (2 * vmax) / nv;
  const [d, dvelocity] = [fourierDerivative(nx, length), fourierDerivative(nv, 2 * vmax)];
  return (_t, f) => {
    const density = Array.from(
      { length: nx },
      (_, i) => dv * f.data.slice(i * nv, (i + 1) * nv).reduce((a, b) => a + b),
    );
    const field = density.map((_, i) => {
      let sum = 0;
      for (let m = 1; 2 * m < nx; m++)
        density.forEach((rho, j) => {
          sum -= ((2 / nx) * rho * Math.sin((2 * Math.PI * m * (i - j)) / nx)) / (m * k);
        });
      return sum;
    });
    const [inSpace, inVelocity] = [matmul(d, f), matmul(f, dvelocity, "N", "T")];
    return fromFunction(
      [nx, nv],
      (i, j) => (vmax - j! * dv) * inSpace.data[i! * nv + j!]! + field[i!]! * inVelocity.data[i! * nv + j!]!,
    );
  };
}

describe("the Vlasov-Poisson equations", () => {
  const small: Problem = vlasovPoisson({ nx: 8, nv: 10, vmax: 5 });
  const y = randomState(small.initial.tree, modeSizes(small.initial), 3, seeded(3));
  for (const { name, run } of rhsContract(small.rhs, y, { dense: fullField(8, 10, 0.5, 5) })) test(name, run);

  test("start from a perturbed Maxwellian, in bases that hold F as well", () => {
    const { initial, grid } = vlasovPoisson({ nx: 8, nv: 32 });
    expect(ranks(initial)).toEqual([2, 2, 1]);
    const expected = fromFunction(
      [8, 32],
      (i, j) => ((1 + 0.01 * Math.cos(grid.x[i!]! / 2)) * Math.exp(-(grid.v[j!]! ** 2) / 2)) / Math.sqrt(2 * Math.PI),
    );
    expect(relative(toDense(initial), expected)).toBeLessThan(1e-14);
  });

  test("damp a wave as Landau found, and keep mass, momentum and energy", async () => {
    const problem = vlasovPoisson({ nx: 16, nv: 64, T: 20 });
    const solver = dopri5({ rtol: 1e-8, atol: 1e-10 });
    const all = await snapshots(problem, { h: 0.1, solver, truncation: { tolerance: 1e-6 } });
    const values = (name: string): number[] => all.map((s) => s.observables![name] as number);
    const { rate, frequency } = waveOf(
      all.map((s) => s.t),
      values("electricEnergy"),
      [3, 20],
    );
    const exact = plasmaFrequency({ k: 0.5 });
    console.info(`Landau damping: rate ${rate}, frequency ${frequency}, ranks ${all.at(-1)!.ranks}`);
    expect(off(rate, exact.im)).toBeLessThan(0.01);
    expect(off(frequency, exact.re)).toBeLessThan(0.01);
    // kept by the equation on the grid; each of 200 steps may truncate 1e-6, seen by functionals of these norms
    const cell = Math.sqrt(((4 * Math.PI) / 16) * (12 / 64));
    const [area, moment] = [Math.sqrt(4 * Math.PI * 12), (p: number) => Math.sqrt(6 ** (2 * p) / (2 * p + 1))];
    for (const [name, size] of [
      ["mass", area],
      ["momentum", area * moment(1)],
      ["energy", (area * moment(2)) / 2],
    ] as const) {
      const kept = values(name);
      expect(Math.max(...kept.map((v) => Math.abs(v - kept[0]!)))).toBeLessThan(200 * 1e-6 * cell * size);
    }
  });

  test("let two beams grow at the rate of the dispersion relation", async () => {
    const problem = vlasovPoisson({ nx: 16, nv: 64, k: 0.2, v0: 2.4, alpha: 1e-4, T: 34 });
    const all = await snapshots(problem, {
      h: 0.2,
      solver: dopri5({ rtol: 1e-7, atol: 1e-9 }),
      truncation: { tolerance: 1e-6 },
    });
    const energies = all.map((s) => s.observables!["electricEnergy"] as number);
    const rate = growthOf(
      all.map((s) => s.t),
      energies,
      [22, 34],
    );
    const { im } = plasmaFrequency({ k: 0.2, v0: 2.4 });
    console.info(`two streams: rate ${rate}, linear theory ${im}`);
    // the decaying twin of the growing wave, excited as strongly, is exp(-2 im t) of it by then
    expect(off(rate, im)).toBeLessThan(0.01);
  });

  test("refuse what makes no sense", () => {
    expect(() => vlasovPoisson({ nx: 2 })).toThrow(/nx is 2, expected an integer of at least 3/);
    expect(() => vlasovPoisson({ k: 0 })).toThrow(/k is 0, expected a positive number/);
    expect(() => vlasovPoisson({ vmax: Number.NaN })).toThrow(/vmax is NaN/);
    expect(() => vlasovPoisson({ alpha: Number.NaN })).toThrow(/alpha is NaN/);
    expect(() => vlasovPoisson({ initial: [] })).toThrow(/initial is empty/);
    expect(() => waveOf([0, 1, 2], [1, 2, 1], [0, 2])).toThrow(/1 maxima between 0 and 2/);
    expect(() => waveOf([0, 1, 2], [1, 2], [0, 2])).toThrow(
      "waveOf: 3 times with 2 energies, expected as many of both",
    );
    expect(() => growthOf([0, 1, 2], [1, 2], [0, 2])).toThrow("growthOf: 3 times with 2 energies");
    expect(() => growthOf([0, 1], [1, 2], [0, 2])).toThrow(/2 samples between 0 and 2/);
  });
});

test("a damped wave is recovered from samples of its energy", () => {
  const times = Array.from({ length: 400 }, (_, k) => k * 0.05);
  const { rate, frequency, peaks } = waveOf(
    times,
    times.map((t) => Math.exp(-0.3 * t) * Math.cos(2 * t + 0.3) ** 2),
    [0, 20],
  );
  expect(off(rate, -0.15)).toBeLessThan(1e-5);
  expect(off(frequency, 2)).toBeLessThan(1e-4);
  expect(peaks).toHaveLength(12);
});
