import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DOMParser } from "linkedom";
import { describe, expect, test } from "vitest";
import { experiments } from "../../experiments/index.ts";
import { balanced, inline, methodNames, methods, toDense } from "../../src/index.ts";
import { parseParameters, readNpz, stateHash } from "../../src/io/index.ts";
import { exactSolution, longRangeIsingTerms, spinState } from "../../src/problems/index.ts";
import { version } from "../../src/version.ts";
import { dlra, scratchFolder, setting } from "../cli/run.ts";
import { distance } from "../ttn/dense.ts";

const folder = scratchFolder();

interface Result {
  readonly experiment: string;
  readonly version: string;
  readonly status: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly backend: string;
  readonly stateHash: string;
  readonly times: number[];
  readonly observables: Readonly<Record<string, number[] | number[][]>>;
  readonly ranks: number[][];
  readonly discarded: number[];
  readonly errors: Readonly<Record<"modelling" | "integration" | "solver" | "truncation", (number | null)[]>>;
  readonly rejected: number[];
  readonly applications: number[];
  readonly stepSeconds: number[];
  readonly seconds: number;
  readonly comparison?: { readonly integrator: string; readonly sz_mean: number[] };
  readonly ladder?: {
    readonly method: string;
    readonly points: { readonly dt?: number; readonly rtol?: number; readonly error: number }[];
  }[];
}

async function run(name: string, args: readonly string[]) {
  const out = folder(`${name}-${createHash("sha256").update(args.join()).digest("hex").slice(0, 8)}`);
  const done = await dlra(["run", name, ...args, "--out", out, "--force"]);
  expect(done.stderr).toBe("");
  expect(done.code).toBe(0);
  const result = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as Result;
  return { out, result, stdout: done.stdout };
}

const host = { signal: new AbortController().signal, executor: inline(), progress() {} };

describe("what a run of the quench leaves behind", async () => {
  const { out, result, stdout } = await run(
    "ising",
    setting({ d: 5, T: 0.1, dt: 0.02, exact: true, compare: true, ladder: 3 }),
  );
  const times = [0, 0.02, 0.04, 0.06, 0.08, 0.1];

  test("result.json has every promised field", () => {
    expect(result).toMatchObject({ experiment: "ising", version, status: "completed" });
    expect(["wasm", "openblas", "reference"]).toContain(result.backend);
    expect(result.stateHash).toMatch(/^[0-9a-f]{64}$/);
    expect(result.times).toEqual(times.map((t) => expect.closeTo(t, 12)));
    for (const key of ["ranks", "discarded", "rejected", "applications", "stepSeconds"] as const)
      expect(result[key]).toHaveLength(6);
    expect(Object.keys(result.errors)).toEqual(["modelling", "integration", "solver", "truncation"]);
    for (const [part, values] of Object.entries(result.errors)) {
      expect(values).toHaveLength(6);
      for (const v of values.slice(1)) part === "integration" ? expect(v).toBeNull() : expect(v).toBeLessThan(1e-7);
    }
    for (const row of result.ranks) expect(row).toHaveLength(9);
    expect(result.applications[0]).toBe(0);
    expect(result.applications.slice(1).every((a) => a > 0)).toBe(true);
    expect(result.stepSeconds.reduce((a, b) => a + b)).toBeLessThanOrEqual(result.seconds);
    expect(Object.keys(result.observables).sort()).toEqual(["energy", "norm", "state_error", "sx", "sz", "sz_mean"]);
    for (const name of ["sz", "sx"])
      for (const row of result.observables[name] as number[][]) expect(row).toHaveLength(5);
    for (const name of ["sz_mean", "energy", "norm", "state_error"]) expect(result.observables[name]).toHaveLength(6);
  });

  test("all parameters are there, defaults too", () => {
    expect(result.parameters).toEqual(
      JSON.parse(
        JSON.stringify(
          parseParameters("ising", experiments[0]!.parameters, {
            d: 5,
            T: 0.1,
            dt: 0.02,
            exact: true,
            compare: true,
            ladder: 3,
          }),
        ),
      ),
    );
    expect(result.parameters).toMatchObject({
      d: 5,
      alpha: 1,
      Omega: 1,
      Delta: 1,
      nu: 2,
      maxRank: "auto",
      integrator: "predicted",
      root: "auto",
    });
  });

  test("the numbers are those of the quench", () => {
    const { sz, sz_mean, norm, energy, state_error } = result.observables as Record<string, number[]> & {
      sz: number[][];
    };
    sz!.forEach((row, k) => {
      expect((row as unknown as number[]).reduce((a, b) => a + b) / 5).toBeCloseTo(sz_mean![k]!, 13);
    });
    // at t = 0: all up, H diagonal there: Delta d + nu sum_(i<k) 1 / |i - k| = 5 + 2 (4 + 3/2 + 2/3 + 1/4)
    expect(sz_mean![0]).toBeCloseTo(1, 14);
    expect(energy![0]).toBeCloseTo(5 + 2 * (4 + 3 / 2 + 2 / 3 + 1 / 4), 11);
    for (const v of norm!) expect(v).toBeCloseTo(1, 12);
    expect(state_error![0]).toBeLessThan(1e-14);
    expect(state_error!.at(-1)).toBeLessThan(1e-4);
    expect(result.comparison!.integrator).toBe("augmented BUG");
    expect(result.comparison!.sz_mean.at(-1)).toBeCloseTo(sz_mean!.at(-1)!, 5);
  });

  test("the ladder of step sizes, coarse to fine, ends with this run's", () => {
    expect(result.ladder!.map((l) => l.points.map((p) => p.dt))).toEqual([
      [0.08, 0.04, 0.02],
      [0.08, 0.04, 0.02],
    ]);
    expect(result.ladder![0]!.points.at(-1)!.error).toBe((result.observables["state_error"] as number[]).at(-1));
    for (const { points } of result.ladder!) expect(points[0]!.error).toBeGreaterThan(points[2]!.error);
  });

  test("result.npz holds the same numbers", () => {
    const arrays = readNpz(readFileSync(join(out, "result.npz")));
    expect(Object.keys(arrays).sort()).toEqual([
      "applications",
      "discarded",
      "energy",
      "integration_error",
      "modelling_error",
      "norm",
      "ranks",
      "rejected",
      "solver_error",
      "state_error",
      "stepSeconds",
      "sx",
      "sz",
      "sz_mean",
      "times",
      "truncation_error",
    ]);
    expect([...arrays["truncation_error"]!.data]).toEqual(result.errors.truncation);
    expect([...arrays["integration_error"]!.data].every(Number.isNaN)).toBe(true);
    const same = (name: string, rows: readonly (number | readonly number[])[]): void => {
      expect([...arrays[name]!.data].map(Number)).toEqual(rows.flat());
      expect(arrays[name]!.shape).toEqual(
        typeof rows[0] === "number" ? [rows.length] : [rows.length, (rows[0] as number[]).length],
      );
    };
    for (const key of ["times", "ranks", "discarded", "rejected", "applications", "stepSeconds"] as const)
      same(key, result[key]);
    for (const [name, rows] of Object.entries(result.observables)) same(name, rows);
  });

  test("five figures, each a whole SVG", () => {
    const figures = readdirSync(out).filter((name) => name.endsWith(".svg"));
    expect(figures.sort()).toEqual(
      ["F1-magnetisation", "F2-norm-energy", "F3-ranks", "F4-magnetisation-error", "F5-error-vs-step"].map(
        (n) => `${n}.svg`,
      ),
    );
    for (const name of figures) {
      const svg = readFileSync(join(out, name), "utf8");
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      const { documentElement } = new DOMParser().parseFromString(svg, "image/svg+xml");
      expect(documentElement!.tagName).toBe("svg");
      expect(documentElement!.getAttribute("xmlns")).toBe("http://www.w3.org/2000/svg");
      wellFormed(svg);
    }
  });

  test("a table is shown, and what was written where", () => {
    expect(stdout).toMatch(/^ +t +sz_mean +energy +norm +state_error +max rank +discarded$/m);
    expect(stdout).toContain(`written to ${out}: result.json, result.npz, F1-magnetisation.svg`);
  });
});

/** Every tag that opens also closes, in order. */
function wellFormed(xml: string): void {
  const open: string[] = [];
  for (const [, close, name, self] of xml.matchAll(/<(\/?)([A-Za-z][\w:-]*)(?:"[^"]*"|'[^']*'|[^'">])*?(\/?)>/g))
    if (close) expect(open.pop()).toBe(name);
    else if (!self) open.push(name!);
  expect(open).toEqual([]);
}

describe("settings reach the run", () => {
  const base = { d: 4, T: 0.08, dt: 0.02, initialRank: 2, integrator: "parallel" }; // two steps to start with, two of the method

  test("the hash is that of the final state", async () => {
    const experiment = experiments.find((e) => e.name === "ising")!;
    const parameters = parseParameters("ising", experiment.parameters, base);
    const { record } = await experiment.run(parameters, host);
    const { result } = await run("ising", setting(base));
    expect(stateHash(record.state)).toBe(result.stateHash);
    const exact = exactSolution(longRangeIsingTerms(4), toDense(spinState(balanced(4), "up")))(0.08);
    expect(distance(toDense(record.state), exact)).toBeLessThan(1e-8);
  });

  test.each([
    ["d", { d: 5 }],
    ["alpha", { alpha: 3 }],
    ["alpha = inf", { alpha: "inf" }],
    ["Omega", { Omega: 3 }],
    ["Delta", { Delta: -2 }],
    ["nu", { nu: 1 }],
    ["T", { T: 0.1 }],
    ["dt", { dt: 0.01 }],
    ["tolerance", { tolerance: 1e-3 }],
    ["maxRank", { maxRank: 1 }],
    ["root", { root: "assembled" }],
    ["coupling", { root: "assembled", coupling: "evolved" }],
    ["firstStep", { firstStep: "parallel", initialRank: 1 }],
    ["truncation", { truncation: "paper", tolerance: 1e-4 }],
    ["solver", { solver: "rk4" }],
    ["solver euler", { solver: "euler" }],
    ["solver dopri5", { solver: "dopri5" }],
    ["substeps", { solver: "rk4", substeps: 2 }],
    ["tree", { tree: "train" }],
    ["nested tree", { tree: [0, [1, [2, 3]]] }],
    ["star", { tree: "star" }],
    ["initial", { initial: "neel" }],
    ["initial sites", { initial: ["up", "down", "plus", "minus"] }],
    ["seed", { initial: "random", seed: 3 }],
  ])("%s changes the state", async (_, change) => {
    const usual = (await run("ising", setting(base))).result.stateHash;
    const { result } = await run("ising", setting({ ...base, ...change }));
    expect(result.stateHash).not.toBe(usual);
    expect(result.status).toBe("completed");
  });

  test("integrator changes the state, once frames are narrow and nodes deep enough", async () => {
    const deep = { d: 16, T: 0.08, dt: 0.02, initialRank: 1, integrator: "parallel" };
    const [a, b] = [
      await run("ising", setting(deep)),
      await run("ising", setting({ ...deep, integrator: "augmented" })),
    ];
    expect(a.result.stateHash).not.toBe(b.result.stateHash);
  });

  test("every, backend and rejection", async () => {
    const { result } = await run("ising", setting({ ...base, T: 0.1, every: 2 }));
    expect(result.times).toEqual([0, 0.04, 0.08, 0.1].map((t) => expect.closeTo(t, 12)));
    const plain = await run("ising", setting({ ...base, T: 0.1 }));
    expect(plain.result.stateHash).toBe(result.stateHash);
    expect(result.applications.reduce((a, b) => a + b)).toBe(plain.result.applications.reduce((a, b) => a + b));
    for (const backend of ["wasm", "reference"])
      expect((await run("ising", setting({ ...base, backend }))).result.backend).toBe(backend);
    const again = await run(
      "ising",
      setting({
        d: 8,
        T: 0.04,
        dt: 0.02,
        integrator: "parallel",
        rejection: true,
        root: "assembled",
        firstStep: "parallel",
        initialRank: 1,
      }),
    );
    expect(again.result.rejected.reduce((a, b) => a + b)).toBeGreaterThan(0);
    await run("ising", setting({ ...base, backend: "auto" }));
  });

  test("executor: the same numbers, and what is not there is named", async () => {
    const inThread = await run("ising", setting({ ...base, T: 0.1 }));
    const onWorkers = await run("ising", setting({ ...base, T: 0.1, executor: "workers:2" }));
    expect(onWorkers.result.stateHash).toBe(inThread.result.stateHash);
    for (const [executor, message] of [
      ["workers:0", /executor is "workers:0", expected where local problems are solved: inline, workers/],
      ["gpus", /executor is "gpus", expected/],
    ] as const)
      expect((await dlra(["run", "ising", ...setting({ ...base, executor })])).stderr).toMatch(message);
  });

  test("maxRank limits the ranks", async () => {
    const { result } = await run("ising", setting({ d: 8, T: 0.1, dt: 0.02, tolerance: "off", maxRank: 3 }));
    for (const row of result.ranks) for (const r of row) expect(r).toBeLessThanOrEqual(3);
  });
});

describe("the whole family", () => {
  const small = { d: 4, T: 0.1, dt: 0.02, exact: true, ladder: 1 };

  test.each(methodNames)("%s runs, and is right", async (integrator) => {
    for (const experiment of ["ising", "spins"]) {
      const { result } = await run(experiment, setting({ ...small, integrator }));
      expect(result.status).toBe("completed");
      // an assembled root errs by 2e-2 here; the others by 1e-4 and less
      expect(result.observables["state_error"]!.at(-1)).toBeLessThan(integrator === "parallel-assembled" ? 5e-2 : 1e-3);
      const before = Math.max(...result.ranks[0]!);
      if (!methods[integrator].promises.rankAdaptive) for (const r of result.ranks) expect(Math.max(...r)).toBe(before);
    }
  });

  test("methods that keep their ranks start with eight, maxRank, or initialRank; and where H leaves the tangent space too", async () => {
    const ranksOf = async (more: object): Promise<number> => {
      const { result } = await run("ising", setting({ d: 8, T: 0.02, integrator: "strang", ...more }));
      return Math.max(...result.ranks.at(-1)!);
    };
    expect(await ranksOf({})).toBe(8);
    expect(await ranksOf({ maxRank: 3 })).toBe(3);
    expect(await ranksOf({ initialRank: 5 })).toBe(5);
    const xxz = {
      hamiltonian: "sum(X[i]*X[i+1] + Y[i]*Y[i+1])",
      initial: "neel",
      d: 6,
      T: 0.1,
      exact: true,
      ladder: 1,
    };
    const { result } = await run("spins", setting({ ...xxz, integrator: "lie", dt: 0.002 }));
    expect(result.observables["state_error"]!.at(-1)).toBeLessThan(1e-3);
  });

  test("the other run is augmented BUG, or parallel BUG beside that", async () => {
    const other = async (integrator: string): Promise<string> => {
      const { result } = await run("ising", setting({ d: 4, T: 0.02, integrator, compare: true }));
      return result.comparison!.integrator;
    };
    expect(await other("augmented")).toBe("parallel BUG, Galerkin root");
    for (const integrator of ["predicted", "parallel", "fixed-rank"])
      expect(await other(integrator)).toBe("augmented BUG");
  });
});

describe("a run to a given accuracy", async () => {
  const { result, stdout, out } = await run(
    "ising",
    setting({ d: 6, T: 0.5, rtol: 1e-5, exact: true, compare: true, ladder: 3 }),
  );

  test("is that accurate, by steps of its own choice, each observed", () => {
    expect(result.observables["state_error"]!.at(-1)).toBeLessThan(3e-5);
    const lengths = result.times.slice(1).map((t, k) => t - result.times[k]!);
    expect(Math.max(...lengths)).toBeGreaterThan(1.5 * Math.min(...lengths));
    expect(result.errors.integration.every((v) => v !== null)).toBe(true);
    const total = (result.errors.integration as number[]).reduce((a, b) => a + b);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(1e-5);
    expect(stdout).toMatch(/modelling 0.0e\+0, integration \d\.\de-\d+, solver/);
  });

  test("has a ladder of accuracies", () => {
    for (const { points } of result.ladder!) {
      expect(points.map((p) => p.rtol)).toEqual([1e-3, 1e-4, 1e-5].map((v) => expect.closeTo(v, 12)));
      expect(points[0]!.error).toBeGreaterThan(points[2]!.error);
    }
    expect(readdirSync(out)).toContain("F5-error-vs-step.svg");
  });

  test("can be run again from its result", async () => {
    const again = folder("accuracy-again");
    expect((await dlra(["run", join(out, "result.json"), "--out", again])).code).toBe(0);
    const repeated = JSON.parse(readFileSync(join(again, "result.json"), "utf8")) as Result;
    expect(repeated.stateHash).toBe(result.stateHash);
    expect(repeated.parameters).toEqual(result.parameters);
  });

  test("with limited ranks says what does not fit", async () => {
    const { result: limited } = await run("ising", setting({ d: 6, T: 0.5, rtol: 1e-4, maxRank: 2 }));
    expect((limited.errors.modelling as number[]).reduce((a, b) => a + b)).toBeGreaterThan(1e-3);
  });
});

describe("spins", () => {
  test("the quench, written down, is the quench", async () => {
    const hamiltonian = "sum(X[i]) + sum(n[i]) + 2*sum(n[i]*n[j]/abs(i-j)^1.5, i<j)";
    const common = { d: 6, T: 0.1, dt: 0.02 };
    const a = (await run("spins", setting({ ...common, hamiltonian }))).result.observables["sz_mean"] as number[];
    const b = (await run("ising", setting({ ...common, alpha: 1.5 }))).result.observables["sz_mean"] as number[];
    a.forEach((v, k) => {
      expect(v).toBeCloseTo(b[k]!, 9);
    });
  });

  test("the README's transverse Ising chain against the full solution", async () => {
    const { result } = await run(
      "spins",
      setting({
        hamiltonian: "-J*sum(Z[i]*Z[i+1]) - g*sum(X[i])",
        parameters: { J: 1, g: 0.5 },
        d: 6,
        T: 0.2,
        initial: "up",
        exact: true,
        initialRank: 1,
      }),
    );
    expect(result.observables["state_error"]!.at(-1)).toBeLessThan(1e-5);
  });
});

test.each(experiments)("$name: its quick form is one of its settings", ({ name, parameters, quick }) => {
  expect(() => parseParameters(name, parameters, quick)).not.toThrow();
});
