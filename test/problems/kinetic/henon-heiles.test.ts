import { describe, expect, test } from "vitest";
import { augmentedBug, balanced, modeSizes, norm, randomState, seeded, train } from "../../../src/index.ts";
import { eigh } from "../../../src/linalg/factor.ts";
import { fromFunction, type Tensor } from "../../../src/linalg/tensor.ts";
import { autocorrelation, henonHeiles, linesOf, spectrum } from "../../../src/problems/index.ts";
import { rhsContract } from "../../../src/testing/rhs-contract.ts";
import { off, snapshots } from "../../integrators/support.ts";

/** Eigenvalues in products of n^2 eigenfunctions of the harmonic oscillator, by its ladder: another discretisation. */
function oscillatorLevels(n: number, lambda: number): Float64Array {
  const wide = n + 4;
  const q = fromFunction([wide, wide], (a, b) => (Math.abs(a! - b!) === 1 ? Math.sqrt(Math.max(a!, b!) / 2) : 0));
  const times = (a: Tensor, b: Tensor): Tensor =>
    fromFunction([wide, wide], (i, j) => {
      let sum = 0;
      for (let k = 0; k < wide; k++) sum += a.data[i! * wide + k]! * b.data[k * wide + j!]!;
      return sum;
    });
  const q2 = times(q, q);
  const q3 = times(q2, q);
  const of = ({ data }: Tensor, a: number, b: number): number => data[a * wide + b]!;
  const h = fromFunction([n * n, n * n], (p, r) => {
    const [a, b, c, e] = [Math.floor(p! / n), p! % n, Math.floor(r! / n), r! % n];
    const free = p === r ? a + b + 1 : 0;
    return free + lambda * (of(q2, a, c) * of(q, b, e) - (a === c ? of(q3, b, e) / 3 : 0));
  });
  return eigh(h).values as Float64Array;
}

describe("a wave packet in the Henon-Heiles potential", () => {
  const small = henonHeiles({ tree: train(3), n: 5, box: 4, centre: 1 });
  const y = randomState(small.initial.tree, modeSizes(small.initial), 2, seeded(3), "complex128");
  for (const { name, run } of rhsContract(small.rhs, y)) test(name, run);

  test("starts with norm one and the energy of a Gaussian", () => {
    const { initial, observables } = henonHeiles();
    expect(norm(initial)).toBeCloseTo(1, 9);
    // <q^2> = c^2 + 1/2 and <q^3> = c^3 + 3c/2, kinetic energy 1/4 a direction
    const lambda = 0.111803;
    const expected = 2 * (0.25 + (4 + 0.5) / 2) + lambda * ((4 + 0.5) * 2 - (8 + 3) / 3);
    expect(observables["energy"]!(initial, 0)).toBeCloseTo(expected, 4);
    expect(Array.from(observables["autocorrelation"]!(initial, 0) as Float64Array)).toEqual([
      expect.closeTo(1, 9),
      expect.closeTo(0, 12),
    ]);
  });

  test("31 Fourier modes have the low levels of an oscillator basis", () => {
    const problem = henonHeiles();
    const { energies, shares } = linesOf(problem.hamiltonian, problem.initial);
    const levels = oscillatorLevels(20, 0.111803);
    for (let k = 0; k < 12; k++) expect(Math.abs(energies[k]! - levels[k]!)).toBeLessThan(2e-4);
    expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
  });

  test("its autocorrelation and spectrum are those of the full eigenvectors", async () => {
    const problem = henonHeiles({ n: 25, box: 8, T: 6 });
    const tolerance = 1e-6;
    const h = 0.1;
    const all = await snapshots(problem, { h, truncation: { tolerance } });
    const times = all.map((s) => 2 * s.t);
    const [re, im] = [0, 1].map((part) => all.map((s) => (s.observables!["autocorrelation"] as Float64Array)[part]!));
    const lines = linesOf(problem.hamiltonian, problem.initial);
    const exact = times.map((t) => autocorrelation(lines, t));
    const error = Math.max(...exact.map((z, k) => Math.hypot(z.re - re![k]!, z.im - im![k]!)));
    console.info(`Henon-Heiles: autocorrelation ${error.toExponential(1)}, ranks ${all.at(-1)!.ranks}`);
    // twice the error of psi, which is truncated 60 times, besides that of the steps
    expect(error).toBeLessThan(2 * 60 * tolerance);
    const energies = Array.from({ length: 200 }, (_, k) => k * 0.06);
    const [mine, reference] = [
      spectrum({ times, re: re!, im: im! }, energies),
      spectrum({ times, re: exact.map((z) => z.re), im: exact.map((z) => z.im) }, energies),
    ];
    const worst = Math.max(...mine.map((v, k) => Math.abs(v - reference[k]!)));
    expect(worst).toBeLessThan((error * 12) / Math.PI);
    expect(off(all.at(-1)!.observables!["energy"] as number, all[0]!.observables!["energy"] as number)).toBeLessThan(
      1e-6,
    );
  });

  test("runs in more dimensions, with its norm and energy kept", async () => {
    const problem = henonHeiles({ tree: balanced(4), n: 15, box: 6, centre: 1, T: 0.5 });
    const all = await snapshots(problem, { h: 0.1, integrator: augmentedBug(), truncation: { tolerance: 1e-4 } });
    const values = (name: string): number[] => [all[0]!, all.at(-1)!].map((s) => s.observables![name] as number);
    for (const name of ["norm", "energy"]) {
      const [before, after] = values(name);
      expect(off(after!, before!)).toBeLessThan(1e-3);
    }
  });

  test("refuses what makes no sense", () => {
    expect(() => henonHeiles({ n: 30 })).toThrow(/n is 30, expected an odd number/);
    expect(() => henonHeiles({ box: 1 })).toThrow(/box is 1, expected more than the centre of the packet, 2/);
    expect(() => henonHeiles({ lambda: Number.NaN })).toThrow(/lambda is NaN/);
    const big = henonHeiles({ tree: balanced(3) });
    expect(() => linesOf(big.hamiltonian, big.initial)).toThrow(/29791 entries, expected at most 2048/);
  });
});

describe("the spectrum of an autocorrelation", () => {
  test("has lines at the energies, of the shares as areas", () => {
    const lines = { energies: Float64Array.of(1, 3.5), shares: Float64Array.of(0.3, 0.7) };
    const times = Array.from({ length: 2001 }, (_, k) => k * 0.05);
    const values = times.map((t) => autocorrelation(lines, t));
    const step = 0.005;
    const at = Array.from({ length: 1000 }, (_, k) => k * step);
    const density = spectrum({ times, re: values.map((z) => z.re), im: values.map((z) => z.im) }, at);
    const area = (from: number, to: number): number =>
      density.reduce((sum, v, k) => sum + (at[k]! >= from && at[k]! < to ? v * step : 0), 0);
    expect(area(0, 2)).toBeCloseTo(0.3, 2);
    expect(area(2, 5)).toBeCloseTo(0.7, 2);
    const top = density.indexOf(Math.max(...density));
    expect(at[top]).toBeCloseTo(3.5, 2);
  });

  test("needs samples", () => {
    expect(() => spectrum({ times: [0], re: [1], im: [0] }, [1])).toThrow(/1 times with 1 real and 1 imaginary/);
    expect(() => spectrum({ times: [0, 1], re: [1, 1], im: [0] }, [1])).toThrow(/2 times with 2 real and 1 imaginary/);
  });
});
