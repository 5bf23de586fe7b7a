import { dopri5, toDense } from "../../src/index.ts";
import { type Field, heatMap, lineChart, type Panel, type RunRecord, type Series } from "../../src/io/index.ts";
import { growthOf, plasmaFrequency, vlasovPoisson, waveOf } from "../../src/problems/index.ts";
import { type Case, effort, numbers, relativeError } from "./case.ts";

const solver = dopri5({ rtol: 1e-8, atol: 1e-10 });
const time = { label: "t (inverse plasma frequencies)" };
const kept = ["mass", "momentum", "energy", "norm"] as const;

/** Landau damping: the electric energy beside the dispersion relation. */
export const landau: Case = async ({ scale, method, run }) => {
  const k = 0.5;
  const { h, tolerance, ...size } = {
    paper: { nx: 32, nv: 128, T: 30, h: 0.05, tolerance: 1e-7 },
    mid: { nx: 32, nv: 128, T: 25, h: 0.1, tolerance: 1e-6 },
    quick: { nx: 16, nv: 64, T: 20, h: 0.1, tolerance: 1e-6 },
  }[scale];
  const problem = vlasovPoisson({ k, ...size });
  const record = await run(problem, { h, tolerance, solver });
  const energy = numbers(record, "electricEnergy");
  const window = [3, problem.span[1]] as const; // before, other roots of the dispersion relation are not yet damped
  const { rate, frequency, peaks } = waveOf(record.times, energy, window);
  const exact = plasmaFrequency({ k });
  const [first, value] = peaks[0]!;
  const line = (name: string, slope: number): Series => ({
    name,
    x: record.times,
    y: record.times.map((t) => value * Math.exp(2 * slope * (t - first))),
  });
  return {
    record,
    table: {
      rate,
      exactRate: exact.im,
      rateError: relativeError(rate, exact.im),
      frequency,
      exactFrequency: exact.re,
      frequencyError: relativeError(frequency, exact.re),
      fitted: window,
      drift: driftOf(record),
      ...effort(record),
    },
    figures: {
      "K1-landau-damping": await lineChart({
        title: `Landau damping, k = ${k}, ${method}`,
        panels: [
          energyPanel(
            record,
            `fitted rate ${rate.toFixed(4)} and frequency ${frequency.toFixed(4)}; linear theory ${exact.im.toFixed(4)} and ${exact.re.toFixed(4)}`,
            [line("fit to its peaks", rate), line("linear theory", exact.im)],
          ),
          driftPanel(record),
        ],
      }),
    },
  };
};

/** Two streams: growth beside the dispersion relation, and the vortex in phase space. */
export const twoStream: Case = async ({ scale, method, run }) => {
  const [k, v0] = [0.2, 2.4];
  const { h, ...size } = {
    paper: { nx: 64, nv: 256, h: 0.1 },
    mid: { nx: 64, nv: 128, h: 0.1 },
    quick: { nx: 32, nv: 64, h: 0.2 },
  }[scale];
  const problem = vlasovPoisson({ k, v0, alpha: 1e-4, T: 48, ...size });
  const times = [36, 42, 48];
  const panels: Field[] = [];
  const { x, v } = problem.grid;
  const record = await run(problem, {
    h,
    tolerance: 1e-6,
    solver,
    onStep({ t, y }) {
      if (times.some((at) => Math.abs(t - at) < h / 2))
        panels.push({ title: `t = ${t.toFixed(0)}`, x, y: v, values: toDense(y).data });
    },
  });
  const energy = numbers(record, "electricEnergy");
  const window = [22, 36] as const; // after the waves that are damped, before saturation
  const rate = growthOf(record.times, energy, window);
  const exact = plasmaFrequency({ k, v0 });
  const at = record.times.findIndex((t) => t >= window[0]);
  const inside = record.times.filter((t) => t >= 5 && t <= 44);
  const line = (name: string, slope: number): Series => ({
    name,
    x: inside,
    y: inside.map((t) => energy[at]! * Math.exp(2 * slope * (t - record.times[at]!))),
  });
  return {
    record,
    table: {
      rate,
      exactRate: exact.im,
      rateError: relativeError(rate, exact.im),
      fitted: window,
      drift: driftOf(record),
      ...effort(record),
    },
    figures: {
      "K2-two-stream-growth": await lineChart({
        title: `Two-stream instability, k = ${k}, beams at ±${v0}, ${method}`,
        panels: [
          energyPanel(record, `fitted growth rate ${rate.toFixed(4)}, linear theory ${exact.im.toFixed(4)}`, [
            line("fit to its growth", rate),
            line("linear theory", exact.im),
          ]),
          driftPanel(record),
        ],
      }),
      "K3-two-stream-phase-space": await heatMap({
        title: `Two-stream instability in phase space, ${method}`,
        x: { label: "x (Debye lengths)" },
        y: { label: "v (thermal velocities)" },
        color: { label: "f(x, v)" },
        aspect: "square",
        panels,
      }),
    },
  };
};

/** The electric energy beside straight lines in a logarithmic plot. */
const energyPanel = (record: RunRecord, title: string, lines: readonly Series[]): Panel => ({
  title,
  x: time,
  y: { label: "electric energy", log: true },
  series: [{ name: "electric energy", x: record.times, y: numbers(record, "electricEnergy") }, ...lines],
  height: 340,
});

/** Largest distance of what the equations keep from its start: of the momentum absolute, of the others relative. */
const driftOf = (record: RunRecord): Readonly<Record<string, number>> =>
  Object.fromEntries(driftsOf(record).map(([name, values]) => [name, Math.max(...values)]));

const driftsOf = (record: RunRecord): (readonly [string, number[]])[] =>
  kept.map((name) => {
    const values = numbers(record, name);
    const size = name === "momentum" ? 1 : Math.abs(values[0]!);
    return [name, values.map((v) => Math.abs(v - values[0]!) / size)];
  });

const driftPanel = (record: RunRecord) => ({
  title: "what the equations keep",
  x: time,
  y: { label: "drift, relative (momentum: absolute)", log: true },
  series: driftsOf(record).map(([name, y]) => ({ name, x: record.times, y })),
});
