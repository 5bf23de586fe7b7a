import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DOMParser } from "linkedom";
import { describe, expect, test } from "vitest";
import { type NpyArray, readNpz } from "../../src/io/index.ts";
import { dlra, scratchFolder, setting } from "../cli/run.ts";

const folder = scratchFolder();

interface Result {
  readonly status: string;
  readonly times: number[];
  readonly ranks: number[][];
  readonly edges: string[];
  readonly observables: { readonly mass: number[]; readonly norm: number[] };
  readonly largestNormGrowth: number;
  readonly massChange: number;
  readonly peakMemory: number;
  readonly comparison?: { readonly integrator: string; readonly norm: number[]; readonly ranks: number[][] };
  readonly referenceErrors?: Readonly<Record<string, { readonly E: number; readonly Var: number }>>;
}

let count = 0;
async function run(name: string, parameters: Readonly<Record<string, unknown>>, flags: readonly string[] = []) {
  const out = folder(`run-${count++}`);
  const { code, stderr } = await dlra(["run", name, ...flags, ...setting(parameters), "--out", out]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const result = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as Result;
  return { out, result, arrays: readNpz(readFileSync(join(out, "result.npz"))) };
}

const stored = (name: string) =>
  JSON.parse(readFileSync(new URL(`../data/${name}.json`, import.meta.url), "utf8")) as Record<string, unknown>;
const numbers = (array: NpyArray | undefined): number[] => Array.from(array!.data as Float64Array);
const relative = (a: readonly number[], b: readonly number[]): number => {
  expect(a).toHaveLength(b.length);
  return Math.hypot(...a.map((v, i) => v - b[i]!)) / Math.hypot(...b);
};
const texts = (file: string): string[] =>
  [...new DOMParser().parseFromString(readFileSync(file, "utf8"), "image/svg+xml").querySelectorAll("text")].map(
    (t) => t.textContent ?? "",
  );
const figures = ["R1-mean.svg", "R2-variance.svg", "R3-ranks.svg", "R4-mass-norm.svg"];

describe("the uncertain slab in its quick form", async () => {
  const { out, result, arrays } = await run("radiation-slab", {}, ["--quick"]);
  const data = stored("radiation_1d_small") as { x: number[]; E: number[]; Var: number[] };

  test("comes as close to the stored full solution as its tolerance of 1e-3 lets expect, with both methods", () => {
    expect(result.status).toBe("completed");
    expect(relative(numbers(arrays["x"]), data.x)).toBeLessThan(1e-14);
    for (const suffix of ["", "_comparison"]) {
      expect(relative(numbers(arrays[`E${suffix}`]), data.E)).toBeLessThan(1e-3);
      expect(relative(numbers(arrays[`Var${suffix}`]), data.Var)).toBeLessThan(5e-3);
    }
  });

  test("has made its own full solution, to round-off the stored one, and says how far the runs are from it", () => {
    expect(relative(numbers(arrays["E_reference"]), data.E)).toBeLessThan(1e-12);
    expect(relative(numbers(arrays["Var_reference"]), data.Var)).toBeLessThan(1e-12);
    const errors = result.referenceErrors!;
    expect(Object.keys(errors)).toEqual(["parallel BUG, Galerkin root", "augmented BUG"]);
    expect(errors["augmented BUG"]!.Var).toBeCloseTo(relative(numbers(arrays["Var_comparison"]), data.Var), 10);
  });

  test("the norm never grows, mass hardly changes, and ranks have names", () => {
    for (const norm of [result.observables.norm, result.comparison!.norm])
      expect(norm.slice(1).every((v, k) => v <= norm[k]!)).toBe(true);
    expect(result.largestNormGrowth).toBe(0);
    expect(Math.abs(result.massChange)).toBeLessThan(1e-3);
    expect(result.observables.mass).toHaveLength(41);
    expect(result.edges).toEqual(["space", "angle", "(space, angle)", "xi", "eta", "(xi, eta)", ""]);
    expect(arrays["edges"]!.data).toEqual(result.edges);
    expect(result.ranks.every((row) => row.slice(0, 6).every((r) => r >= 2 && r <= 50))).toBe(true);
    expect(result.peakMemory).toBeGreaterThan(1e7);
  });

  test("its figures have axes and every series", () => {
    expect(readdirSync(out).sort()).toEqual([...figures, "result.json", "result.npz"]);
    expect(texts(join(out, "R1-mean.svg"))).toEqual(
      expect.arrayContaining(["x", "E[ρ]", "parallel BUG, Galerkin root", "augmented BUG", "reference"]),
    );
    expect(texts(join(out, "R3-ranks.svg"))).toEqual(
      expect.arrayContaining(["time", "rank", "space", "angle", "(space, angle)", "xi", "eta", "(xi, eta)"]),
    );
    expect(texts(join(out, "R4-mass-norm.svg"))).toEqual(expect.arrayContaining(["time", "norm of the state"]));
  });
});

describe("the uncertain plane in its quick form", async () => {
  const { out, result, arrays } = await run("radiation-plane", {}, ["--quick"]);
  const data = stored("radiation_2d_small") as { E_quadrant: number[][]; Var_quadrant: number[][] };
  const quadrant = (name: string): number[] => {
    const { shape, data: field } = arrays[name]!;
    expect(shape).toEqual([20, 20]);
    return Array.from({ length: 100 }, (_, p) => field[(10 + Math.floor(p / 10)) * 20 + 10 + (p % 10)] as number);
  };

  test("E and Var are as near to the stored full solution as at the paper's scale", () => {
    expect(relative(quadrant("E"), data.E_quadrant.flat())).toBeLessThan(8e-2);
    expect(relative(quadrant("Var"), data.Var_quadrant.flat())).toBeLessThan(1.2e-1);
    expect(relative(quadrant("E_comparison"), data.E_quadrant.flat())).toBeLessThan(3e-2);
    expect(relative(quadrant("Var_comparison"), data.Var_quadrant.flat())).toBeLessThan(4e-2);
    expect(relative(quadrant("E_reference"), data.E_quadrant.flat())).toBeLessThan(1e-11);
    expect(relative(quadrant("Var_reference"), data.Var_quadrant.flat())).toBeLessThan(1e-11);
    expect(numbers(arrays["y"])).toEqual(numbers(arrays["x"]));
  });

  test("the norm never grows, and the maps have one scale each with its label", () => {
    expect(result.largestNormGrowth).toBe(0);
    expect(readdirSync(out).sort()).toEqual([...figures, "result.json", "result.npz"]);
    const seen = texts(join(out, "R1-mean.svg"));
    for (const text of ["x", "y", "4π√2 E[ρ]", "parallel BUG, Galerkin root", "augmented BUG", "reference"])
      expect(seen).toContain(text);
    expect(seen.filter((text) => text.startsWith("4π√2"))).toHaveLength(1);
  });
});

describe("parameters of radiation", () => {
  const small = { scale: "quick", nx: 21, T: 0.1, moments: 6, nodesXi: 4, nodesEta: 4 };

  test("expressions stand for the same numbers", async () => {
    const plain = await run("radiation-slab", { ...small, sigmaXi: 2 });
    const given = await run("radiation-slab", {
      ...small,
      scattering: "(10 + 4*xi + 2*eta) / 2",
      initial: "exp(-x^2/(2*0.15^2))/sqrt(2*pi*0.15^2)",
    });
    for (const name of ["E", "Var"])
      expect(relative(numbers(given.arrays[name]), numbers(plain.arrays[name]))).toBeLessThan(1e-10);
    const plane = { scale: "quick", n: 12, degree: 3, T: 0.3, nodesXi: 4, nodesEta: 4 };
    const line = await run("radiation-plane", plane);
    const written = await run("radiation-plane", { ...plane, scattering: "1 - xi", absorption: "1 - eta" });
    expect(relative(numbers(written.arrays["Var"]), numbers(line.arrays["Var"]))).toBeLessThan(1e-10);
    expect(numbers(line.arrays["times"]).at(-1)).toBeCloseTo(0.3, 14);
  });

  test("scattering may depend on the position, and six inputs make a tensor of order eight", async () => {
    const wall = await run("radiation-slab", { ...small, scattering: "x > 0 ? 5*(1 + xi/2) : 1 + eta" });
    const e = numbers(wall.arrays["E"]);
    expect(e[12]!).not.toBeCloseTo(e[8]!, 5);
    const { result } = await run("radiation-slab", {
      scale: "quick",
      inputs: 6,
      reference: true,
      integrator: "augmented",
    });
    expect(result.edges).toContain("xi2");
    expect(Object.values(result.referenceErrors!)[0]!.E).toBeLessThan(1e-3);
    expect(Object.values(result.referenceErrors!)[0]!.Var).toBeLessThan(1e-2);
  });

  test("conserved mass follows the scheme whatever is cut", async () => {
    const coarse = { ...small, T: 0.05, tolerance: 0.05, tail: "l2", solver: "euler" };
    const free = await run("radiation-slab", coarse);
    const kept = await run("radiation-slab", { ...coarse, conserve: true });
    expect(Math.abs(kept.result.massChange)).toBeLessThan(1e-12); // nothing has come to the ends
    expect(Math.abs(free.result.massChange)).toBeGreaterThan(1e-8);
  });

  test("methods that keep their ranks are run without limits of truncation", async () => {
    const { result } = await run("radiation-slab", { ...small, integrator: "fixed-rank", rank: 4 });
    expect(result.status).toBe("completed");
  });

  test.each([
    ["radiation-slab", { integrator: "fixed-rank", minRank: 3 }, /minRank = 3 was given, but integrator=fixed-rank/],
    ["radiation-slab", { cfl: 3 }, /cfl is 3, expected a positive number of at most 0\.\d+: beyond, rk4/],
    ["radiation-slab", { cfl: 1.2, solver: "euler" }, /cfl is 1\.2, expected .* at most 0\.\d+: beyond, euler/],
    ["radiation-slab", { sigmaXi: 7 }, /scattering coefficient is -[\d.]+ at xi = -0\.9\d+, eta = -0\.9/],
    ["radiation-slab", { scattering: "5 + 4*zeta" }, /unknown variable "zeta" at character 7/],
    ["radiation-slab", { scattering: "5 + xi*eta" }, /its term xi \* eta depends on xi and eta together/],
    ["radiation-slab", { scattering: "2 + exp(-x*xi)" }, /mixes x and xi in one factor/],
    ["radiation-slab", { scattering: "5 + xi", sigma0: 4 }, /sigma0 = 4 was given with scattering = 5 \+ xi/],
    ["radiation-slab", { initial: "1/x" }, /1 \/ x is Infinity at x = 0, expected a finite number/],
    ["radiation-slab", { nx: 2 }, /nx is 2, expected number of grid points, an integer from 3/],
    [
      "radiation-slab",
      { distribution: "beta" },
      /distribution is "beta", expected distribution of the inputs: uniform/,
    ],
    ["radiation-slab", { inputs: 6, nodesXi: 8 }, /nodesXi = 8 was given with inputs = 6/],
    ["radiation-slab", { scattering: "5 + x^2", reference: true }, /reference is true with scattering/],
    ["radiation-slab", { conserve: true, root: "assembled" }, /does not keep given functionals/],
    ["radiation-slab", { conserve: true, maxRank: 1, minRank: 1 }, /maxRank/],
    ["radiation-plane", { cfl: 0.9 }, /cfl is 0\.9, expected a positive number of at most 0\.\d+/],
    ["radiation-plane", { scattering: "1 - 2*xi" }, /scattering coefficient is -/],
    ["radiation-plane", { absorption: "1 + z" }, /unknown variable "z" at character 5/],
    ["radiation-plane", { initial: "x + 2", reference: true }, /planeReference: the start is not even in x and y/],
    ["radiation-plane", { n: 2 }, /n is 2, expected number of grid points in each direction, an integer from 3/],
  ])("%s refuses %j before the run", async (name, parameters, message) => {
    const out = folder(`refused-${count++}`);
    const { code, stderr } = await dlra(["run", name, "--quick", ...setting(parameters), "--out", out]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(existsSync(join(out, "result.json"))).toBe(false);
  });
});
