import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Marched } from "../../experiments/robustness/case.ts";
import { meter } from "../../experiments/robustness/meter.ts";
import type { Compared } from "../../experiments/robustness/reference.ts";
import {
  balanced,
  evolve,
  fromFunction,
  inline,
  type MethodName,
  methodNames,
  methods,
  productSum,
  randomState,
  rk4,
  schroedinger,
  seeded,
} from "../../src/index.ts";
import { dlra, scratchFolder, setting } from "../cli/run.ts";
import { cutTo } from "../integrators/support.ts";

const folder = scratchFolder();

type Row = Marched & { readonly h: number; readonly rtol: number };
type PerMethod<T> = Readonly<Record<MethodName, T>>;
interface Tables {
  readonly order: PerMethod<{
    readonly promised: number;
    readonly observed: Record<string, { h: number[]; error: number[]; order: number | null }>;
  }>;
  readonly robustness: PerMethod<{
    readonly sensitivity: number;
    readonly observed: Record<string, { h: number[]; error: number[]; normDrift: number[] }>;
  }>;
  readonly exactness: PerMethod<{
    readonly promised: boolean;
    readonly observed: Record<"matrix" | "tree", { error: number[]; exact: boolean }>;
  }>;
  readonly conservation: PerMethod<{
    readonly promised: { readonly conserves: string; readonly descends: boolean };
    readonly norm: number[];
    readonly energy: number[];
    readonly rise: number;
  }>;
  readonly work: PerMethod<Record<string, { given: Row[]; chosen: Row[] }>>;
  readonly reference: readonly Compared[];
}
interface Result {
  readonly status: string;
  readonly parameters: object;
  readonly observables: Readonly<Record<string, number[]>>;
  readonly tables: Tables;
}

const resultOf = (out: string): Result => JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as Result;

describe("the quick form compares all methods", async () => {
  const out = folder("robustness");
  const { code, stderr } = await dlra(["run", "robustness", "--quick", "--out", out]);
  const { tables, observables, status } = resultOf(out);

  test("to the end, silently", () => {
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(status).toBe("completed");
    expect(observables["norm"]!.at(-1)).toBeCloseTo(1, 6);
  });

  test("with a figure for each study, in which every method has its name", () => {
    const figures = readdirSync(out).filter((name) => name.endsWith(".svg"));
    expect(figures.sort()).toEqual(
      [
        "R1-order",
        "R2-small-singular-values",
        "R3-exactness",
        "R4-conservation",
        "R5-work-16-spins",
        "R5-work-8-spins",
      ].map((n) => `${n}.svg`),
    );
    for (const name of figures) {
      const svg = readFileSync(join(out, name), "utf8");
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      for (const method of methodNames) expect(svg).toContain(`>${method}<`);
    }
  });

  test("with an entry for every method in every table", () => {
    expect(Object.keys(tables)).toEqual(["order", "robustness", "exactness", "conservation", "work", "reference"]);
    for (const key of ["order", "robustness", "exactness", "conservation", "work"] as const)
      expect(Object.keys(tables[key])).toEqual([...methodNames]);
  });

  test.each(methodNames)("%s has its order where it shows", (name) => {
    const { promised, observed } = tables.order[name];
    expect(promised).toBe(methods[name].promises.order);
    expect(Object.keys(observed)).toEqual(["coupled", "heat", "quench8"]);
    for (const { error } of Object.values(observed)) for (const e of error) expect(e).toBeGreaterThan(0);
    expect(observed["coupled"]!.order).toBeGreaterThan(promised - 0.2);
  });

  test.each(methodNames)("%s does not suffer from small singular values", (name) => {
    const { sensitivity, observed } = tables.robustness[name];
    expect(sensitivity).toBeLessThan(3);
    expect(observed["matrix12"]!.error[2]).toBeGreaterThan(2.48e-7); // the best approximation of rank twelve: 2.49e-7
    for (const e of Object.values(observed).flatMap((o) => o.error)) expect(e).toBeLessThan(0.1);
  });

  test.each(methodNames)("%s is exact where it promises to be", (name) => {
    const { promised, observed } = tables.exactness[name];
    if (promised) expect(observed.matrix.exact && observed.tree.exact).toBe(true);
    else expect(observed.tree.exact).toBe(false);
  });

  test.each(methodNames)("%s conserves what it promises to", (name) => {
    const { promised, norm, energy, rise } = tables.conservation[name];
    expect(promised).toEqual({
      conserves: methods[name].promises.conserves,
      descends: methods[name].promises.descends,
    });
    expect(norm).toHaveLength(21);
    if (promised.conserves === "norm and energy") {
      // twenty steps at a tolerance of 1e-10, an energy of about fifty
      expect(Math.max(...norm)).toBeLessThan(20 * 1e-10);
      expect(Math.max(...energy)).toBeLessThan(20 * 1e-10 * 100);
    }
    if (promised.descends) expect(rise).toBeLessThan(1e-8);
  });

  test.each(methodNames)("%s tells what its accuracy costs", (name) => {
    const cases = tables.work[name];
    expect(Object.keys(cases)).toEqual(["quench8", "quench16"]);
    for (const { given, chosen } of Object.values(cases)) {
      expect(given.map((r) => r.h)).toEqual([0.1, 0.05, 0.025]);
      expect(given.map((r) => r.steps)).toEqual([3, 6, 12]);
      expect(given[2]!.error).toBeLessThan(given[0]!.error * 1.001);
      expect(chosen).toHaveLength(methods[name].promises.rankAdaptive ? 1 : 0);
      for (const { path, applications, cpuSeconds, wallSeconds } of given) {
        expect(applications).toBeGreaterThan(0);
        expect(cpuSeconds).toBeGreaterThan(0);
        expect(wallSeconds).toBeGreaterThan(0);
        expect(path.dependentSolves).toBeGreaterThanOrEqual(1);
        expect(path.criticalWork).toBeLessThanOrEqual(path.work * (1 + 1e-12));
      }
    }
  });

  test("an accuracy asked for is reached", () => {
    for (const name of methodNames)
      for (const { chosen } of Object.values(tables.work[name]))
        for (const { error, failure } of chosen) if (!failure) expect(error).toBeLessThan(1e-3);
  });

  test("printed numbers are met", () => {
    expect(tables.reference.length).toBeGreaterThan(80);
    for (const { case: name, method, measured, printed, ratio } of tables.reference) {
      expect(ratio).toBeCloseTo(measured / printed, 12);
      // directions of size 1e-13 decide there, which round-off tilts
      const within = name === "leaves-tiny-0-rk4" ? 0.2 : 0.1;
      expect(Math.abs(ratio - 1), `${name}, ${method}`).toBeLessThan(within);
    }
  });
});

test("some methods and studies by themselves", async () => {
  const out = folder("some");
  const args = setting({ methods: ["strang", "predicted"], studies: ["exactness"], T: 0.05 });
  expect((await dlra(["run", "robustness", ...args, "--out", out])).code).toBe(0);
  const { tables } = resultOf(out);
  expect(Object.keys(tables)).toEqual(["exactness"]);
  expect(Object.keys(tables.exactness)).toEqual(["predicted", "strang"]);
  expect(readdirSync(out)).toContain("R3-exactness.svg");
});

test.each([
  [{ methods: ["predicated"] }, 'robustness: methods is ["predicated"], expected all, or an array of predicted'],
  [{ steps: [0.1, 0.2] }, "robustness: steps are 0.1, 0.2, expected step sizes that fall"],
  [{ studies: [] }, "robustness: studies is [], expected all, or an array of order"],
  [{ sizes: [2] }, "robustness: sizes is [2], expected numbers of spins"],
])("%j is refused: %s", async (given, message) => {
  const { code, stderr } = await dlra(["run", "robustness", ...setting(given), "--out", folder("refused"), "--force"]);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test("an interrupt leaves the tables that are done", async () => {
  const out = folder("interrupted");
  mkdirSync(out);
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("interrupted")), 1500);
  const { code } = await dlra(["run", "robustness", "--out", out], stop.signal);
  expect(code).toBe(130);
  expect(resultOf(out)).toMatchObject({ status: "interrupted" });
});

test.each([
  ["parallel-assembled", 1],
  ["fixed-rank", 3],
  ["lie", 11],
  ["strang", 21],
] as const)("%s: %d solves that wait for each other", async (name, expected) => {
  const tree = balanced(4);
  const hop = fromFunction([4, 4], (i, j) => (Math.abs(i! - j!) === 1 ? 1 : 0));
  const terms = [0, 1, 2].map((mode) => ({
    coefficient: 1,
    factors: [mode, mode + 1].map((m) => ({ mode: m, operator: hop })),
  }));
  const problem = {
    name: "metered",
    initial: randomState(tree, [4, 4, 4, 4], 2, seeded(6), "complex128"),
    span: [0, 0.3] as const,
    observables: {},
  };
  const metered = meter(schroedinger(productSum(tree, [4, 4, 4, 4], terms)), inline());
  let applications = 0;
  for await (const step of evolve(
    { ...problem, rhs: metered.rhs },
    {
      integrator: methods[name],
      h: 0.1,
      solver: rk4(),
      executor: metered.executor,
      truncation: cutTo(methods[name], 2),
    },
  )) {
    if (step.step > 0) metered.step();
    applications += step.applications;
  }
  const { dependentSolves, work, criticalWork, largest } = metered.average(0);
  expect(dependentSolves).toBe(expected);
  // leaves 4 x 2, inner nodes 2 x 2 x 2, a root 2 x 2, and edges
  expect(largest).toBe(8);
  expect(work).toBeLessThanOrEqual((8 * applications) / 3);
  if (name === "lie" || name === "strang") expect(criticalWork).toBe(work);
  // four leaves, two inner nodes and the root: 4 x (4 x 8 + 2 x 8 + 4), of which 4 x (8 + 8 + 4) in a row
  if (name === "fixed-rank") expect([work, criticalWork]).toEqual([208, 80]);
});
