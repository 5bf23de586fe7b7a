import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dlra, scratchFolder, setting } from "../cli/run.ts";

const folder = scratchFolder();

interface Tables {
  readonly landau: { readonly rateError: number; readonly frequencyError: number; readonly drift: { norm: number } };
  readonly "two-stream": { readonly rateError: number };
  readonly burgers: { readonly errorOfE: number; readonly mass: number; readonly exactMass: number };
  readonly "fokker-planck": { readonly runs: readonly { covarianceError: number }[] };
  readonly "henon-heiles": { readonly spectrumError: number; peaks: number[]; referencePeaks: number[] };
}

const resultOf = (out: string) =>
  JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as { status: string; message?: string; problems: Tables };

describe("the quick form of the kinetic gallery", async () => {
  const out = folder("kinetic");
  const { code, stderr } = await dlra(["run", "kinetic-gallery", "--quick", "--out", out]);
  const { status, problems } = resultOf(out);

  test("ends well, with a figure for each problem and two for the beams", () => {
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(status).toBe("completed");
    const figures = readdirSync(out).filter((name) => name.endsWith(".svg"));
    expect(figures.sort()).toEqual(
      [
        "K1-landau-damping",
        "K2-two-stream-growth",
        "K3-two-stream-phase-space",
        "K4-burgers",
        "K5-fokker-planck",
        "K6-henon-heiles",
      ].map((n) => `${n}.svg`),
    );
    for (const name of figures) expect(readFileSync(join(out, name), "utf8")).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("finds the rates of the dispersion relation within a hundredth", () => {
    expect(problems.landau.rateError).toBeLessThan(0.01);
    expect(problems.landau.frequencyError).toBeLessThan(0.01);
    expect(problems["two-stream"].rateError).toBeLessThan(0.01);
  });

  test("finds the mean of the shock, the covariance and the spectrum", () => {
    const { burgers, "fokker-planck": fokkerPlanck, "henon-heiles": henonHeiles } = problems;
    expect(burgers.errorOfE).toBeLessThan(0.01);
    expect(Math.abs(burgers.mass - burgers.exactMass)).toBeLessThan(1e-3 * burgers.exactMass);
    const errors = fokkerPlanck.runs.map((run) => run.covarianceError);
    expect(errors.at(-1)).toBeLessThan(1e-6);
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    expect(henonHeiles.spectrumError).toBeLessThan(1e-4);
    expect(henonHeiles.peaks).toEqual(henonHeiles.referencePeaks.map((e) => expect.closeTo(e, 3)));
  });
});

test("one problem runs alone, by another method", async () => {
  const out = folder("one");
  const done = await dlra([
    "run",
    "kinetic-gallery",
    ...setting({ problems: ["landau"], scale: "quick", integrator: "augmented" }),
    "--out",
    out,
  ]);
  expect(done.code).toBe(0);
  const { problems } = resultOf(out);
  expect(Object.keys(problems)).toEqual(["landau"]);
  expect(problems.landau.rateError).toBeLessThan(0.01);
});

test("a problem in which no rate is found is told, and takes nothing from the others", async () => {
  const out = folder("no-rate");
  const { code, stderr } = await dlra([
    "run",
    "kinetic-gallery",
    ...setting({ problems: ["landau", "burgers"], scale: "quick", maxRank: 1 }),
    "--out",
    out,
  ]);
  expect(code).toBe(3);
  expect(stderr).toMatch(/^dlra: landau: waveOf: \d maxima between 3 and 20, expected three or more/);
  const { status, problems } = resultOf(out);
  expect(status).toBe("failed");
  expect(Object.keys(problems)).toEqual(["landau", "burgers"]);
  const { times, observables } = problems.landau as unknown as {
    times: number[];
    observables: Record<string, number[]>;
  };
  expect(times.at(-1)).toBeCloseTo(20, 10);
  expect(observables["electricEnergy"]).toHaveLength(times.length);
  expect(problems.burgers.errorOfE).toBeGreaterThan(0);
  expect(readdirSync(out)).toContain("K4-burgers.svg");
});

test.each([
  [{ integrator: "lie" }, /integrator is "lie", expected one of the methods predicted/],
  [{ problems: ["landua"] }, /problems is \["landua"\], expected all, or an array of landau/],
  [{ scale: "huge" }, /scale is "huge", expected sizes and accuracies: paper, mid or quick/],
])("refuses %j", async (wrong, message) => {
  const { code, stderr } = await dlra(["run", "kinetic-gallery", ...setting(wrong), "--out", folder("wrong")]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(message);
});
