import { balanced } from "../../src/index.ts";
import { lineChart } from "../../src/io/index.ts";
import { autocorrelation, henonHeiles, linesOf, spectrum } from "../../src/problems/index.ts";
import { type Case, effort, numbers, relativeError } from "./case.ts";

/** The spectrum of a wave packet in two dimensions beside that of the full matrix. */
export const wavePacket: Case = async ({ scale, method, run }) => {
  const { T, ...stepping } = {
    paper: { T: 60, h: 0.05, tolerance: 1e-6 },
    mid: { T: 30, h: 0.05, tolerance: 1e-6 },
    quick: { T: 10, h: 0.1, tolerance: 1e-5 },
  }[scale];
  const problem = henonHeiles({ tree: balanced(2), T });
  const record = await run(problem, stepping);
  const times = record.times.map((t) => 2 * t);
  const values = record.observables["autocorrelation"] as Float64Array[];
  const [re, im] = [values.map((z) => z[0]!), values.map((z) => z[1]!)];
  const lines = linesOf(problem.hamiltonian, problem.initial);
  const exact = times.map((t) => autocorrelation(lines, t));
  const error = exact.map((z, k) => Math.hypot(z.re - re[k]!, z.im - im[k]!));
  const energies = Array.from({ length: 1201 }, (_, k) => 0.01 * k);
  const measured = spectrum({ times, re, im }, energies);
  const reference = spectrum({ times, re: exact.map((z) => z.re), im: exact.map((z) => z.im) }, energies);
  const strong = Array.from(lines.energies, (energy, n) => ({ energy, share: lines.shares[n]! })).filter(
    ({ energy, share }) => energy < energies.at(-1)! && share > 0.003,
  );
  const peaks = peaksOf(energies, measured);
  const [before, after] = [numbers(record, "energy")[0]!, numbers(record, "energy").at(-1)!];
  return {
    record,
    table: {
      autocorrelationError: Math.max(...error),
      spectrumError: Math.hypot(...measured.map((v, k) => v - reference[k]!)) / Math.hypot(...reference),
      peaks,
      referencePeaks: peaksOf(energies, reference),
      eigenvalues: strong.map(({ energy }) => energy),
      lineWidth: (2 * Math.PI) / times.at(-1)!,
      energyDrift: relativeError(after, before),
      ...effort(record),
    },
    figures: {
      "K6-henon-heiles": await lineChart({
        title: `Wave packet in the Hénon–Heiles potential, d = 2, ${method}`,
        panels: [
          {
            title: "spectrum; an eigenvalue is as high as its line would be alone",
            x: { label: "energy" },
            y: { label: "spectral density" },
            series: [
              { name: method, x: energies, y: measured },
              { name: "full matrix", x: energies, y: reference },
              {
                name: "eigenvalues",
                x: strong.flatMap(({ energy }) => [energy, energy, Number.NaN]),
                y: strong.flatMap(({ share }) => [0, (share * times.at(-1)!) / (2 * Math.PI), Number.NaN]),
              },
            ],
            height: 340,
          },
          {
            title: "error of the autocorrelation",
            x: { label: "t" },
            y: { label: "|C(t) - exact|", log: true },
            series: [{ name: method, x: times.slice(1), y: error.slice(1) }],
          },
        ],
      }),
    },
  };
};

/** Where a spectrum has its maxima above a hundredth of the highest, between samples by parabolas. */
function peaksOf(at: readonly number[], density: Float64Array): number[] {
  const least = Math.max(...density) / 100;
  return at.flatMap((energy, k) => {
    const [left, here, right] = [density[k - 1] ?? Number.NaN, density[k]!, density[k + 1] ?? Number.NaN];
    if (!(here > left && here >= right && here > least)) return [];
    return [energy + (0.5 * (left - right) * (at[1]! - at[0]!)) / (left - 2 * here + right)];
  });
}
