import { describe, expect, test } from "vitest";
import { growthOf, waveOf } from "../../../src/problems/index.ts";

const times = Float64Array.from({ length: 2001 }, (_, k) => 0.01 * k);

describe("rates from an energy", () => {
  test("damping and frequency of a wave come back", () => {
    const wave = waveOf(
      times,
      times.map((t) => Math.exp(-0.3 * t) * Math.cos(1.4 * t) ** 2),
      [1, 20],
    );
    expect(wave.rate).toBeCloseTo(-0.15, 5);
    expect(wave.frequency).toBeCloseTo(1.4, 5);
  });

  test("ripples of round-off are no wave, faint ones above it are", () => {
    const ripples = (height: number) => times.map((t) => 1e-3 * (1 + height * Math.sin(40 * t)));
    expect(() => waveOf(times, ripples(1e-15), [0, 20])).toThrow("waveOf: 0 maxima between 0 and 20");
    expect(waveOf(times, ripples(1e-9), [0, 20]).peaks.length).toBeGreaterThan(100);
  });

  test("growth is the slope of the logarithm", () => {
    const rate = growthOf(
      times,
      times.map((t) => 3 * Math.exp(0.5 * t)),
      [2, 9],
    );
    expect(rate).toBeCloseTo(0.25, 12);
  });
});
