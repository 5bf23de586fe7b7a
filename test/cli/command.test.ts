import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { experiments } from "../../experiments/index.ts";
import { parseParameters } from "../../src/io/index.ts";
import { version } from "../../src/version.ts";
import { dlra, scratchFolder, setting } from "./run.ts";

const folder = scratchFolder();
const small = setting({ d: 4, T: 0.05, dt: 0.01 });

const packageVersion = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }
).version;

describe("the command", () => {
  test("tells its version, that of the package", async () => {
    expect(version).toBe(packageVersion);
    expect(await dlra(["--version"])).toEqual({ code: 0, stdout: `${packageVersion}\n`, stderr: "" });
  });

  test.each([[[]], [["--help"]], [["-h"]]])("%j shows how it is called", async (args) => {
    const { code, stdout } = await dlra(args);
    expect(code).toBe(0);
    for (const word of [
      "dlra run",
      "dlra list",
      "dlra info",
      "--set",
      "--out",
      "--quick",
      "--force",
      "--debug",
      "Exit codes",
    ])
      expect(stdout).toContain(word);
  });

  test("lists the experiments, and the parameters of one", async () => {
    const all = await dlra(["list"]);
    expect(all.code).toBe(0);
    for (const { name, summary } of experiments)
      expect(all.stdout).toMatch(new RegExp(`^${name} +${summary.replace(/\W/g, "\\$&")}$`, "m"));
    const one = await dlra(["list", "ising"]);
    expect(one.code).toBe(0);
    for (const key of [
      "d",
      "alpha",
      "Omega",
      "Delta",
      "nu",
      "T",
      "rtol",
      "atol",
      "dt",
      "tolerance",
      "maxRank",
      "integrator",
      "root",
      "coupling",
      "firstStep",
      "truncation",
      "solver",
      "tree",
      "rejection",
      "backend",
      "seed",
      "exact",
    ])
      expect(one.stdout).toMatch(new RegExp(`^  ${key} `, "m"));
  });

  test("tells what the machine has", async () => {
    const { code, stdout } = await dlra(["info"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`dlra ${packageVersion}, Node ${process.versions.node}`);
    for (const name of ["wasm", "openblas", "reference"]) expect(stdout).toMatch(new RegExp(`^ +\\*? *${name} `, "m"));
    expect(stdout.match(/^ +\*/gm)).toHaveLength(1);
    expect(stdout).toMatch(/SIMD|simd/);
  });
});

test.each(experiments)("$name takes a backend and an executor", ({ name, parameters }) => {
  const given = { backend: "auto", executor: "inline" };
  expect(parseParameters(name, parameters, given)).toMatchObject(given);
});

test.each(experiments)("$name says what each of its parameters expects", ({ parameters }) => {
  for (const [key, field] of Object.entries(parameters.shape))
    expect((field as { description?: string }).description, key).toBeTruthy();
});

describe("wrong usage ends with exit code 2 and one line that names what was given", () => {
  test.each([
    [["rnu", "ising"], 'unknown command "rnu"; did you mean "run"?'],
    [["constructor"], 'unknown command "constructor"'],
    [["run"], "run: which experiment? Known: ising, spins, robustness"],
    [["run", "isng"], 'unknown experiment "isng"; did you mean "ising"? Known: ising, spins, robustness'],
    [["list", "spin"], 'unknown experiment "spin"; did you mean "spins"?'],
    [["run", "ising", "more"], 'unexpected argument "more"'],
    [["run", "ising", "--ot", "x"], 'unknown option --ot; did you mean "--out"?'],
    [["run", "ising", "--set", "d=4", "--set"], "option --set needs a value"],
    [["run", "--out", "--quick", "ising"], "option --out needs a value"],
    [["run", "ising", "--quick=yes"], "option --quick takes no value"],
    [["--help=run"], "option --help takes no value"],
    [["run", "ising", "-x"], "unknown option -x"],
    [["run", "ising", "--set", "d=5", "--set", "d=6"], "--set d: was given twice"],
    [["run", "io"], 'unknown experiment "io". Known: ising'],
    [["bench", "scaling", "--over", "d=4,5"], "option --over is for dlra sweep, not for bench"],
    [["list", "ising", "--set", "d=5"], "option --set is for dlra run, sweep, bench, not for list"],
    [["run", "ising", "--set", "tolerance"], "--set tolerance: expected key=value"],
    [["run", "ising", "--set", "=3"], "--set =3: expected key=value"],
    [["run", "ising", "--set", "tolernce=1e-6"], 'ising: unknown parameter "tolernce"; did you mean "tolerance"?'],
    [["run", "ising", "--set", "maxrank=4"], 'did you mean "maxRank"?'],
    [["run", "ising", "--set", "dt=0"], "ising: dt is 0, expected a time step, a positive number"],
    [["run", "ising", "--set", "dt=-0.01"], "ising: dt is -0.01, expected"],
    [["run", "ising", "--set", "dt=fast"], 'ising: dt is "fast", expected'],
    [["run", "ising", "--set", "tolerance=0"], "ising: tolerance is 0, expected a truncation tolerance"],
    [["run", "ising", "--set", "tolerance=-1"], "ising: tolerance is -1, expected"],
    [
      ["run", "ising", "--set", "maxRank=0"],
      "ising: maxRank is 0, expected largest rank of an edge, a positive integer",
    ],
    [["run", "ising", "--set", "maxRank=2.5"], "ising: maxRank is 2.5, expected"],
    [["run", "ising", "--set", "d=0"], "ising: d is 0, expected a number of spins from 1 to 4096"],
    [
      ["run", "ising", "--set", "integrator=paralel"],
      'ising: integrator is "paralel", expected one of the methods predicted, parallel, ',
    ],
    [["run", "ising", "--set", "integrator=paralel"], 'augmented-corrected; did you mean "parallel"?'],
    [["run", "ising", "--set", "rtol=1e-4", "--set", "dt=0.1"], "dt = 0.1 and rtol = 0.0001 were both given"],
    [["run", "spins", "--set", "atol=1e-4", "--set", "tolerance=1e-4"], "tolerance = 0.0001 and atol = 0.0001"],
    [["run", "ising", "--set", "rtol=0"], "ising: rtol is 0, expected relative error at the end"],
    [
      ["run", "ising", "--set", "integrator=lie", "--set", "tolerance=1e-6"],
      "integrator=lie keeps the ranks it starts with (initialRank); methods that adapt them: predicted, parallel",
    ],
    [
      ["run", "ising", "--set", "integrator=strang", "--set", "rtol=1e-6"],
      "rtol = 0.000001 was given, but integrator=strang keeps the ranks",
    ],
    [["run", "ising", "--set", "alpha=-1"], "ising: alpha is -1, expected decay of the interaction"],
    [["run", "ising", "--set", "alpha=null"], "ising: alpha is null, expected"],
    [["run", "ising", "--set", "Omega=1e999"], "ising: Omega is Infinity, expected transverse field, a number"],
    [["run", "ising", "--set", "solver=leapfrog"], 'ising: solver is "leapfrog", expected local solver: auto ('],
    [
      ["run", "training-tubal", "--set", "executor=workers:2"],
      'executor is "workers:2", expected inline: there are no',
    ],
    [["run", "scaling", "--set", "executor=gpu"], "executor is gpu, expected inline or mpi; numbers of workers are"],
    [["run", "ising", "--set", "executor=workers:0"], 'ising: executor is "workers:0", expected where local problems'],
    [["run", "ising", "--set", "executor=workers:99999"], "executor = workers:99999: 99999 workers, expected "],
    [["run", "scaling", "--set", "d=[4,0]"], "scaling: d is [4,0], expected numbers of spins, a positive integer or"],
    [["run", "training-tubal", "--set", "scales=[1,0]"], "scales is [1,0], expected entries of the start are normal"],
    [["run", "scaling", "--set", "workers=[1,99999]"], "99999 workers, expected "],
    [["run", "ising", "--set", "backend=cuda"], 'ising: backend is "cuda", expected'],
    [
      ["run", "ising", "--set", "d=3", "--set", "tree=[0,[1,1]]"],
      "tree: mode 1 stands twice, at tree[1][0] and at tree[1][1]",
    ],
    [["run", "ising", "--set", "d=3", "--set", "tree=[0,[1,3]]"], "tree: mode 2 is missing"],
    [["run", "ising", "--set", "d=4", "--set", "tree=[0,[1,2]]"], "tree: it has 3 leaves, but d is 4"],
    [["run", "ising", "--set", "tree=bush"], 'ising: tree is "bush", expected binary, train, star, or nested arrays'],
    [
      ["run", "ising", "--set", "d=4", "--set", 'initial=["up","down"]'],
      "initial names 2 states, expected one for each of the 4 sites",
    ],
    [
      ["run", "ising", "--set", "d=4", "--set", "initial=upp"],
      'unknown state "upp"; known: up, down, plus, minus, neel, random',
    ],
    [
      ["run", "ising", "--set", "exact=true", "--set", "d=14"],
      "ising: exact is true with d = 14; the full solution is computed up to d = 12",
    ],
    [["run", "spins", "--set", "hamiltonian=-sum(ZZ[i]*Z[i+1])"], "ZZ"],
    [["run", "spins", "--set", "hamiltonian=-J*sum(Z[i])"], "J"],
    [["run", "spins", "--set", "hamiltonian=sum(Sp[i])", "--set", "d=4"], "Hermitian"],
  ])("%j: %s", async (args, message) => {
    const out = folder("refused");
    const { code, stdout, stderr } = await dlra([
      ...args,
      ...(args[0] === "run" && args.length > 1 ? ["--out", out, "--force"] : []),
    ]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr.startsWith("dlra: ")).toBe(true);
    expect(stderr).not.toMatch(/\n\s+at /); // no stack
    if (existsSync(out)) expect(readdirSync(out)).toEqual([]);
  });

  test("a misspelt operator is shown with its position", async () => {
    const { stderr } = await dlra([
      "run",
      "spins",
      "--set",
      "hamiltonian=-sum(Z[i]*Zz[i+1])",
      "--out",
      folder("refused"),
      "--force",
    ]);
    expect(stderr).toMatch(/-sum\(Z\[i\]\*Zz\[i\+1\]\)/);
    expect(stderr).toContain("^");
  });

  test("a folder without a name", async () => {
    for (const command of ["run", "sweep"]) {
      const { code, stderr } = await dlra([command, "ising", ...small, "--out", ""]);
      expect(stderr).toMatch(/^dlra: --out is "", expected the name of a folder\n/);
      expect(code).toBe(2);
    }
  });

  test("--debug shows the stack", async () => {
    expect((await dlra(["run", "isng", "--debug"])).stderr).toMatch(/\n\s+at /);
  });
});

describe("files", () => {
  test("a folder that cannot be written ends with exit code 4, before any work", async () => {
    const file = folder("file");
    writeFileSync(file, "");
    for (const path of [file, join(file, "below"), "/proc/dlra/results", "/dev/null"]) {
      const { code, stderr } = await dlra(["run", "ising", ...small, "--out", path]);
      expect(stderr).toContain(`output folder ${path}: cannot be written`);
      expect(code).toBe(4);
    }
  });

  test.skipIf(process.getuid?.() === 0)("so does a read-only folder", async () => {
    const path = folder("read-only");
    mkdirSync(path);
    chmodSync(path, 0o500);
    expect((await dlra(["run", "ising", ...small, "--out", path])).code).toBe(4);
  });

  test("results are not overwritten unless --force says so", async () => {
    const out = folder("twice");
    expect((await dlra(["run", "ising", ...small, "--out", out])).code).toBe(0);
    const before = readFileSync(join(out, "result.json"), "utf8");
    const again = await dlra(["run", "ising", ...small, "--out", out]);
    expect(again.code).toBe(4);
    expect(again.stderr).toContain(`output folder ${out}: already holds a result; use --force to overwrite`);
    expect(readFileSync(join(out, "result.json"), "utf8")).toBe(before);
    expect((await dlra(["run", "ising", ...small, "--out", out, "--force"])).code).toBe(0);
    expect(readdirSync(out).filter((name) => name.startsWith(".") || name.endsWith(".part"))).toEqual([]);
  });

  test("the table is shown and the other files are written where one cannot be", async () => {
    const out = folder("one-missing");
    mkdirSync(join(out, "result.npz"), { recursive: true });
    const { code, stdout, stderr } = await dlra(["run", "ising", ...small, "--out", out]);
    expect(code).toBe(4);
    expect(stderr).toContain(`${join(out, "result.npz")}: cannot be written`);
    expect(stdout).toMatch(/^ +t +sz_mean +energy/m);
    expect(readdirSync(out)).toContain("F3-ranks.svg");
    expect(readdirSync(out).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  test("--force leaves nothing of the run before", async () => {
    const out = folder("shorter");
    expect((await dlra(["run", "ising", ...small, "--set", "exact=true", "--out", out])).code).toBe(0);
    writeFileSync(join(out, "state.npz"), "");
    expect(readdirSync(out)).toContain("F4-magnetisation-error.svg");
    const { stdout } = await dlra(["run", "ising", ...small, "--out", out, "--force"]);
    const written = /written to .*: (.*)/.exec(stdout)![1]!.split(", ");
    expect(readdirSync(out).sort()).toEqual(written.sort());
  });

  test("folders are made with their parents, whatever their names are", async () => {
    const out = folder("ein/Ordner mit Ümlaut/…");
    expect((await dlra(["run", "ising", ...small, "--out", out])).code).toBe(0);
    expect(existsSync(join(out, "result.npz"))).toBe(true);
  });
});

describe("configurations", () => {
  const config = (name: string, content: unknown): string => {
    const path = folder(name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  };
  const hashOf = (out: string): string =>
    (JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as { stateHash: string }).stateHash;

  test("a result can be run again, and gives the same state", async () => {
    const [first, second, third] = [folder("first"), folder("second"), folder("third")];
    const special = setting({
      d: 5,
      T: 0.06,
      dt: 0.02,
      alpha: "inf",
      tree: [
        [0, 1],
        [2, [3, 4]],
      ],
      integrator: "augmented",
      tolerance: "off",
      maxRank: 3,
      initial: "random",
      seed: 7,
    });
    expect((await dlra(["run", "ising", ...special, "--out", first])).code).toBe(0);
    expect((await dlra(["run", join(first, "result.json"), "--out", second])).code).toBe(0);
    expect(hashOf(second)).toBe(hashOf(first));
    const parameters = (out: string): unknown =>
      (JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as { parameters: unknown }).parameters;
    expect(parameters(second)).toEqual(parameters(first));
    // --set comes after what the file says
    expect((await dlra(["run", join(first, "result.json"), "--set", "seed=8", "--out", third])).code).toBe(0);
    expect(hashOf(third)).not.toBe(hashOf(first));
  });

  test("a configuration of experiment and parameters", async () => {
    const out = folder("from-config");
    const path = config("config.json", {
      experiment: "spins",
      parameters: { hamiltonian: "-sum(Z[i]*Z[i+1]) - g*sum(X[i])", parameters: { g: 0.5 }, d: 4, T: 0.02 },
    });
    expect((await dlra(["run", path, "--out", out])).code).toBe(0);
  });

  test.each([
    ["missing.json", null, 4, "cannot be read"],
    ["broken.json", "{", 2, "is no JSON"],
    ["array.json", "[]", 2, 'expected an object with "experiment" and "parameters"'],
    ["nameless.json", {}, 2, "experiment is missing, expected one of ising, spins, robustness"],
    ["number.json", { experiment: 3 }, 2, "experiment is 3"],
    ["other.json", { experiment: "sing" }, 2, 'unknown experiment "sing"'],
    ["field.json", { experiment: "ising", paramters: {} }, 2, 'unknown field "paramters"; did you mean "parameters"?'],
    ["key.json", { experiment: "ising", parameters: { dd: 4 } }, 2, 'unknown parameter "dd"'],
    ["list.json", { experiment: "ising", parameters: [4] }, 2, "parameters"],
    ["proto.json", '{"experiment": "ising", "parameters": {"__proto__": {"d": 4}, "d": 4, "T": 0.01}}', 2, "__proto__"],
  ])("%s is refused", async (name, content, code, message) => {
    const path = content === null ? folder(name) : config(name, content);
    const result = await dlra(["run", path, "--out", folder("refused"), "--force"]);
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });
});

describe("runs that end early write what they have", () => {
  type Result = {
    status: string;
    message: string;
    times: number[];
    observables: Record<string, unknown[]>;
    stateHash: string;
  };
  const resultOf = (out: string): Result => JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as Result;

  test("numbers that are not finite: exit code 3, a message, the times before", async () => {
    const out = folder("blown-up");
    // RK4 in one step of |h H| = 1e5 multiplies by about 1e18 a step
    const { code, stderr } = await dlra([
      "run",
      "ising",
      ...setting({ d: 4, solver: "rk4", dt: 1000, T: 100000, truncation: "paper", maxRank: 2, initialRank: 1 }),
      "--out",
      out,
    ]);
    expect(stderr).toContain("not finite");
    expect(stderr).toContain(out);
    expect(code).toBe(3);
    const result = resultOf(out);
    expect(result.status).toBe("failed");
    expect(result.message).toMatch(
      /at node \d+ gave numbers that are not finite in step \d+, from t = \d+ with h = 1000/,
    );
    expect(result.times.length).toBeGreaterThan(1);
    expect(result.times.at(-1)).toBeLessThan(100000);
    expect(result.observables["sz"]).toHaveLength(result.times.length);
    expect(existsSync(join(out, "result.npz"))).toBe(true);
  });

  test("a solver that stalls: exit code 3", async () => {
    const { code, stderr } = await dlra([
      "run",
      "ising",
      ...setting({ d: 8, dt: 500, T: 1000, solverTolerance: 1e-15 }),
      "--out",
      folder("stalled"),
    ]);
    expect(stderr).toContain("did not converge");
    expect(code).toBe(3);
  });

  test("an interrupt: exit code 130, the steps done so far", async () => {
    const out = folder("interrupted");
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("interrupted")), 150);
    const { code, stderr } = await dlra(
      ["run", "ising", ...setting({ d: 8, T: 50, dt: 0.01 }), "--out", out],
      stop.signal,
    );
    expect(code).toBe(130);
    expect(stderr).toContain("interrupted");
    const result = resultOf(out);
    expect(result.status).toBe("interrupted");
    expect(result.times.at(-1)).toBeLessThan(50);
    expect(readdirSync(out)).toContain("F1-magnetisation.svg");
  });

  test("an interrupt before the first step", async () => {
    const out = folder("at-once");
    const { code } = await dlra(["run", "ising", ...small, "--out", out], AbortSignal.abort(new Error("interrupted")));
    expect(code).toBe(130);
    expect(resultOf(out).times).toEqual([]);
  });
});
