import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readNpz } from "../../src/io/index.ts";
import { dlra, scratchFolder, setting } from "../cli/run.ts";
import { planeOfReference, quadrant, relativeError } from "../problems/radiation/plane-data.ts";

const folder = scratchFolder();

interface Result {
  readonly status: string;
  readonly steps: number;
  readonly x: readonly number[];
  readonly y?: readonly number[];
  readonly points: readonly number[];
}

async function run(name: string, given: Readonly<Record<string, unknown>>) {
  const out = folder(name);
  const { code, stderr } = await dlra(["run", "radiation-reference", ...setting(given), "--out", out]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const arrays = readNpz(readFileSync(join(out, "result.npz")));
  const [E, Var] = [arrays["E"]!, arrays["Var"]!].map(({ data }) => data as Float64Array) as [
    Float64Array,
    Float64Array,
  ];
  return { out, arrays, E, Var, result: JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as Result };
}

describe("the full-rank reference by the command", () => {
  test("of the slab, with files, numbers and figures", async () => {
    const { out, arrays, E, Var, result } = await run("slab", { scale: "quick" });
    expect(result.status).toBe("completed");
    expect(result.steps).toBe(40);
    expect(result.x).toHaveLength(41);
    expect(result.points).toHaveLength(24);
    const data = JSON.parse(
      readFileSync(new URL("../data/radiation_1d_small.json", import.meta.url), "utf8"),
    ) as Record<"E" | "Var", readonly number[]>;
    expect(relativeError(E, data.E)).toBeLessThan(1e-13);
    expect(relativeError(Var, data.Var)).toBeLessThan(1e-13);
    for (const name of ["x", "E", "Var"]) expect(arrays[name]!.shape).toEqual([41]);
    expect(readdirSync(out).filter((f) => f.endsWith(".svg"))).toEqual(["R1-mean.svg", "R2-variance.svg"]);
  });

  test("of the plane, on all points", async () => {
    const { arrays, E, result } = await run("plane", { problem: "plane", scale: "quick", points: 13 });
    expect(result.y).toEqual(result.x);
    expect(arrays["E"]!.shape).toEqual([20, 20]);
    expect(relativeError(quadrant(E, 20), planeOfReference().E_quadrant.flat())).toBeLessThan(1e-13);
  });

  test("of six inputs, with steps and amplitude of one's own", async () => {
    const { Var, result } = await run("slab6", { problem: "slab6", scale: "quick", steps: 50, amplitude: 0.25 });
    expect(result.steps).toBe(50);
    expect(result.points[0]).toBeGreaterThan(2);
    expect(Math.min(...Var)).toBeGreaterThanOrEqual(0);
  });
});

test.each([[{ problem: "slab" }], [{ problem: "plane" }]])(
  "an interrupt is heard during the work: %o",
  async (given) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("interrupted")), 100);
    const { code, stderr } = await dlra(
      ["run", "radiation-reference", ...setting(given), "--out", folder("stopped")],
      stop.signal,
    );
    expect(stderr).toBe("dlra: interrupted\n");
    expect(code).toBe(130);
  },
);

test.each([
  [{ n: 30 }, "radiation-reference: n = 30 was given with problem = slab, which takes cfl, steps, points"],
  [{ problem: "plane", nx: 30 }, "nx = 30 was given with problem = plane"],
  [{ nx: 2 }, "nx is 2, expected grid points of a slab, an integer from 3, or auto"],
  [{ problem: "plane", scale: "quick", cfl: 0.9 }, "cfl is 0.9, expected a positive number of at most"],
  [{ scale: "quick", steps: 3 }, "slabReference: steps is 3, expected 5 or more: with fewer, rk4 is not stable"],
  [{ scale: "quick", sigma0: 1 }, "the scattering coefficient is -"],
])("%o is refused before any work", async (given, message) => {
  const { code, stderr } = await dlra([
    "run",
    "radiation-reference",
    ...setting(given),
    "--out",
    folder("refused"),
    "--force",
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
