import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Device } from "../src/gpu/index.ts";
import {
  augmentedBug,
  type BackendName,
  balanced,
  evolve,
  measureMachine,
  type Problem,
  parallelBug,
  predictedBug,
  spreadRanks,
  useBackend,
  version,
} from "../src/index.ts";
import { createWasm, wasmBackend } from "../src/linalg/backends/wasm.ts";
import { enableRelaxedSimd } from "../src/linalg/index.ts";
import { longRangeIsing, spinChain, spinState } from "../src/problems/index.ts";
import { available, cpuSeconds, currentDescription } from "./counting.ts";
import { gemmRate, simdPeak } from "./gemm.ts";
import {
  adapterHere,
  type ContractionRate,
  contractionRate,
  executors,
  type GpuStep,
  isSoftware,
  limitsOf,
  stepOn,
} from "./gpu.ts";
import { krylovShare } from "./krylov.ts";
import { type Overhead, overhead } from "./overhead.ts";
import { projection, usualNetwork } from "./projection.ts";
import { planeRun, slabRun, type Transport, type TransportMethod } from "./radiation.ts";
import { oscillators, type StepTime, stepTime } from "./steps.ts";
import { missingTensorFlow, tensorFlowTimes } from "./tensorflow.ts";
import type { TrainingTime } from "./training.ts";
import { inlineTime, type WorkersTime, workersMemory, workersTime } from "./workers.ts";

/*
 * npm run bench [-- part ...]     parts: gemm krylov operators steps quench sizes scaling projection overhead slab plane memory workers training gpu; all without one.
 * Prints tables and writes results/bench.json. One thread; run it on an idle machine, and compare ratios.
 */

const transportMethods = ["parallel-assembled", "parallel", "augmented"] as const;
const self = fileURLToPath(import.meta.url);
const elsewhere = promisify(execFile);
const say = (...lines: string[]): void => void process.stdout.write(`${lines.join("\n")}\n`);
const table = (rows: readonly (readonly (string | number)[])[]): void => {
  const text = rows.map((row) => row.map(String));
  const widths = text[0]!.map((_, k) => Math.max(...text.map((row) => row[k]!.length)));
  say(...text.map((row) => `  ${row.map((cell, k) => cell.padStart(widths[k]!)).join("  ")}`));
};
enableRelaxedSimd();
const backends = available();
const results: Record<string, unknown> = { version, node: process.versions.node };
const percent = (x: number | null): string => (x === null ? "" : `${(100 * x).toFixed(0)} %`);

/** Peers, measured on a 2.5 GHz core: PyTreeNet's matrix-free BUG, and ITensor C++ (chain, one-site TDVP). */
const peers: Readonly<Record<string, readonly [string, string]>> = {
  "16 16": ["0.56", "0.038"],
  "16 32": ["0.66", "0.078"],
  "32 16": ["1.92", "0.089"],
  "32 32": ["> 2.1", "0.256"],
};

const parts: Record<string, () => void | Promise<void>> = {
  gemm() {
    const kernels = [wasmBackend(), createWasm("plain")];
    const rows = [...(backends.includes("openblas") ? [useBackend("openblas")] : []), ...kernels];
    const peaks = new Map<unknown, number>(kernels.map((k) => [k, simdPeak(k)]));
    const rates = rows.flatMap((b) =>
      (["float64", "complex128"] as const).flatMap((dtype) =>
        [16, 64, 256].map((n) => gemmRate(b, dtype, n, peaks.get(b))),
      ),
    );
    say("", "matrix products; peak: independent 128-bit multiply-adds in registers, in the same engine");
    say(...kernels.map((k) => `  ${k.description}: ${peaks.get(k)!.toFixed(1)} GFlop/s`));
    table([
      ["backend", "type", "n", "GFlop/s", "of peak"],
      ...rates.map((r) => [r.backend, r.dtype, r.n, r.gflops.toFixed(1), percent(r.ofPeak)]),
    ]);
    results["gemm"] = { peaks: kernels.map((k) => ({ kernels: k.description, gflops: peaks.get(k) })), rates };
  },
  krylov() {
    const rows = backends.map((b) => ({ backend: b, rank: 32, ...krylovShare(b, 32) }));
    say("", "Krylov solve of one node, complex 32 x 32 x 32");
    table([["backend", "ms", "in gemm"], ...rows.map((r) => [r.backend, r.milliseconds.toFixed(1), percent(r.share)])]);
    results["krylov"] = rows;
  },
  operators() {
    const rows = [16, 32, 64, 128].map((d) => {
      const begin = performance.now();
      const h = longRangeIsing(balanced(d));
      return { d, seconds: (performance.now() - begin) / 1000, rank: Math.max(...h.ranks) };
    });
    say("", "long-range Ising Hamiltonian in tree form");
    table([["d", "seconds", "max rank"], ...rows.map((r) => [r.d, r.seconds.toFixed(3), r.rank])]);
    results["operators"] = rows;
  },
  async steps() {
    const rows: StepTime[] = [];
    for (const b of backends)
      for (const [d, rank] of [
        [16, 16],
        [16, 32],
        [32, 16],
        [32, 32],
      ] as const)
        for (const method of ["augmented", "parallel"] as const) rows.push(await stepTime(b, method, d, rank));
    const rate = Object.fromEntries(backends.map((b) => [b, gemmRate(useBackend(b), "complex128", 256).gflops]));
    say(
      "",
      "CPU seconds of one saturated step, -sum ZZ - sum X, dt = 0.01, balanced binary tree, bases to 1e-8; peers from a 2.5 GHz core",
    );
    table([
      ["backend", "d", "rank", "method", "CPU s", "best", "GFlop", "of gemm rate", "PyTreeNet", "ITensor"],
      ...rows.map((r) => [
        r.backend,
        r.d,
        r.rank,
        r.method,
        r.cpu.toFixed(4),
        r.best.toFixed(4),
        r.gflop.toFixed(2),
        percent(r.gflops / rate[r.backend]!),
        ...peers[`${r.d} ${r.rank}`]!,
      ]),
    ]);
    results["steps"] = rows.map((r) => ({ ...r, ofGemmRate: r.gflops / rate[r.backend]! }));
  },
  async quench() {
    const rows = [];
    for (const b of backends) {
      useBackend(b);
      const tree = balanced(16);
      const problem = spinChain("ising", longRangeIsing(tree), spinState(tree, "up", 2), 1);
      const begin = cpuSeconds();
      let rank = 0;
      for await (const { ranks } of evolve(problem, {
        integrator: parallelBug(),
        h: 0.01,
        truncation: { tolerance: 1e-8, maxRank: 40 },
      }))
        rank = Math.max(...ranks);
      rows.push({ backend: b, seconds: cpuSeconds() - begin, rank });
    }
    say("", "the quench: d = 16, alpha = 1, T = 1, dt = 0.01, tolerance 1e-8, maxRank 40");
    table([["backend", "CPU s", "max rank"], ...rows.map((r) => [r.backend, r.seconds.toFixed(2), r.rank])]);
    results["quench"] = rows;
  },
  async sizes() {
    const slope = (points: readonly StepTime[], of: (r: StepTime) => number): number => {
      const [x, y] = [points.map((r) => Math.log(r.d)), points.map((r) => Math.log(of(r)))];
      const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b) / v.length;
      const [mx, my] = [mean(x), mean(y)];
      return x.reduce((s, v, k) => s + (v - mx) * (y[k]! - my), 0) / x.reduce((s, v) => s + (v - mx) ** 2, 0);
    };
    const measure = async (
      what: string,
      sizes: readonly number[],
      levels: number,
      problemOf?: (d: number) => Problem,
    ) => {
      const rows: (StepTime & { readonly fullEdges: number })[] = [];
      for (const d of sizes) {
        const fullEdges = spreadRanks(balanced(d), Array<number>(d).fill(levels), 16).filter((r) => r === 16).length;
        rows.push({ ...(await stepTime(backends[0]!, "parallel", d, 16, problemOf)), fullEdges });
      }
      say("", `time of a step at rank 16 (${backends[0]}), ${what}`);
      table([
        ["d", "edges of rank 16", "CPU s", "ms an edge", "GFlop", "GFlop/s"],
        ...rows.map((r) => [
          r.d,
          r.fullEdges,
          r.cpu.toFixed(4),
          ((1000 * r.cpu) / r.fullEdges).toFixed(2),
          r.gflop.toFixed(3),
          r.gflops.toFixed(1),
        ]),
      ]);
      const ranges = [rows.slice(0, 4), rows.slice(2)].filter((points) => points.length > 2);
      const slopes = ranges.map((points) => ({
        range: `${points[0]!.d} to ${points.at(-1)!.d}`,
        time: slope(points, (r) => r.cpu),
        work: slope(points, (r) => r.gflop),
        edges: slope(points, (r) => (r as (typeof rows)[number]).fullEdges),
      }));
      for (const { range, time, work, edges } of slopes)
        say(
          `  d = ${range}: time like d^${time.toFixed(2)}, arithmetic like d^${work.toFixed(2)}, edges of rank 16 like d^${edges.toFixed(2)}`,
        );
      return { what, slopes, rows };
    };
    results["sizes"] = [
      await measure("sites of 20 levels, so that every edge has rank 16", [16, 32, 64, 128], 20, oscillators),
      // only subtrees of four spins or more reach rank 16, so that a small tree has few nodes of full cost
      await measure("spins", [16, 32, 64, 128, 256], 2),
    ];
  },
  scaling() {
    const command = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
    const out = "results/bench-scaling";
    const options = (folder: string) => ["bench", "scaling", "--force", "--out", folder];
    const rowsOf = (folder: string): unknown[] => JSON.parse(readFileSync(`${folder}/result.json`, "utf8")).rows;
    say("", "steps of parallel BUG, long-range Ising, measured and predicted");
    execFileSync(process.execPath, [command, ...options(out)], { stdio: "inherit" });
    const found: Record<string, unknown> = { workers: rowsOf(out) };
    if (spawnSync("mpirun", ["--version"]).status === 0) {
      const allowed = { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
      const measured = (count: number): number => {
        const folder = `${out}/${count}-ranks`;
        const args = ["-n", `${count}`, process.execPath, command, ...options(folder)];
        const set = ["--set", "d=32", "--set", "rank=32", "--set", "executor=mpi"];
        execFileSync("mpirun", [...args, ...set], { env: { ...process.env, ...allowed } });
        return (rowsOf(folder)[0] as { readonly measured: number }).measured;
      };
      const [one, two] = [measured(1), measured(2)];
      say("", `mpirun -n 2 against one rank, d = 32, rank 32: ${(one / two).toFixed(2)} times as fast`);
      found["ranks"] = { one, two };
    } else say("", "no mpirun is installed: ranks are not measured");
    results["scaling"] = found;
  },
  projection() {
    const rows = projection(
      measureMachine({ clock: cpuSeconds }),
      usualNetwork,
      [100, 1000, 10_000],
      32,
      [1, 16, 128, 1024],
    );
    say("", "a step of parallel BUG, nearest neighbours, rank 32, on ranks of MPI as the cost model expects it");
    table([
      ["d", "ranks", "s", "of it receiving", "times as fast"],
      ...rows.map((r) => [
        r.d,
        r.ranks,
        r.seconds.toPrecision(3),
        percent(r.passing / r.seconds),
        r.speedUp.toFixed(1),
      ]),
    ]);
    results["projection"] = { network: usualNetwork, rows };
  },
  async overhead() {
    const rows: Overhead[] = [];
    for (const b of backends)
      for (const integrator of [augmentedBug(), parallelBug(), predictedBug()])
        rows.push(await overhead(b, integrator));
    say("", "a step and its local solves, long-range Ising, d = 32, rank 32");
    table([
      ["backend", "method", "step s", "solves s", "step / solves"],
      ...rows.map((r) => [r.backend, r.method, r.step.toFixed(3), r.solves.toFixed(3), r.ratio.toFixed(2)]),
    ]);
    results["overhead"] = rows;
  },
  async slab() {
    const rows: (Transport & { readonly backend: BackendName; readonly method: TransportMethod })[] = [];
    for (const backend of backends)
      for (const method of transportMethods) rows.push({ backend, method, ...(await slabRun(backend, method)) });
    say("", "uncertain slab, 201 x 100 x 100 x 100, 800 steps, tolerance 1e-3");
    table([
      ["backend", "method", "CPU s", "ranks", "norm grows by"],
      ...rows.map((r) => [r.backend, r.method, r.cpu.toFixed(1), r.ranks.join(" "), r.growth.toExponential(0)]),
    ]);
    results["slab"] = rows;
  },
  plane() {
    const rows = transportMethods.map((method) => {
      const out = execFileSync(process.execPath, [self, "plane-run", backends[0]!, method], { encoding: "utf8" });
      return { backend: backends[0]!, method, ...(JSON.parse(out) as Transport & { readonly megabytes: number }) };
    });
    say("", `uncertain line source in the plane, 10^4 x 1024 x 100 x 100, 66 steps (${backends[0]})`);
    table([
      ["method", "CPU s", "peak MB", "ranks", "norm grows by"],
      ...rows.map((r) => [
        r.method,
        r.cpu.toFixed(1),
        r.megabytes.toFixed(0),
        r.ranks.join(" "),
        r.growth.toExponential(0),
      ]),
    ]);
    results["plane"] = rows;
  },
  async training() {
    const rate = Object.fromEntries(backends.map((b) => [b, gemmRate(useBackend(b), "float64", 256).gflops]));
    const run = fileURLToPath(new URL("./training-run.js", import.meta.url));
    const rows = backends.flatMap((b) =>
      [["small"], ["small", "tau", "0.1"], ["large"], ["large", "tau", "0.1"], ["large", "rank", "50"]].map(
        (row) => JSON.parse(execFileSync(process.execPath, [run, b, ...row], { encoding: "utf8" })) as TrainingTime,
      ),
    );
    // the peer's factors have the ranks that ours come to
    const ranksOf = (r: TrainingTime): number | null => (r.ranks.length === 0 ? null : Math.max(...r.ranks));
    const large = rows.filter((r) => r.net === "large");
    const peers = await tensorFlowTimes(12, [...new Set(large.map(ranksOf))]);
    const peerOf = (r: TrainingTime) => peers?.find(({ rank }) => r.net === "large" && rank === ranksOf(r));
    say(
      "",
      "CPU time of training, float64: 784-128-128-10 in batches of 128; 784-500-500-10 in batches of 256; tau = 0.1, or rank 50 kept; 10 000 samples",
    );
    table([
      [
        "backend",
        "net",
        "weights",
        "ranks",
        "ms a step",
        "best",
        "s an epoch",
        "GFlop",
        "of gemm rate",
        "TensorFlow.js / this",
      ],
      ...rows.map((r) => [
        r.backend,
        r.net,
        r.weights,
        r.ranks.join(" "),
        (1000 * r.cpu).toFixed(2),
        (1000 * r.best).toFixed(2),
        r.epoch.toFixed(2),
        r.gflop.toFixed(3),
        percent(r.gflops / rate[r.backend]!),
        peerOf(r) ? (peerOf(r)!.cpu / r.cpu).toFixed(1) : "",
      ]),
    ]);
    say(
      peers
        ? `  TensorFlow.js, wasm, float32, large: ${peers.map((p) => `${p.rank === null ? "dense" : `rank ${p.rank}`} ${(1000 * p.cpu).toFixed(0)} ms`).join(", ")}`
        : `  ${missingTensorFlow}`,
    );
    results["training"] = {
      rows: rows.map((r) => ({ ...r, ofGemmRate: r.gflops / rate[r.backend]! })),
      tensorFlow: peers,
    };
  },
  async gpu() {
    const here = await adapterHere();
    if (!here) return say("", "no GPU here: no adapter, or no package webgpu (npm ci --prefix test/peers has one)");
    const { adapter } = here;
    const software = isSoftware(adapter);
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
    const raw = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
    const limits = await limitsOf(raw, software);
    const device = await Device.open({ device: raw });
    const rates: ContractionRate[] = [];
    for (const precision of ["float32", "compensated"] as const)
      for (const dtype of ["float64", "complex128"] as const)
        for (const [n, batch] of software
          ? ([
              [64, 16],
              [128, 2],
            ] as const)
          : ([
              [64, 512],
              [256, 64],
              [1024, 4],
            ] as const))
          rates.push(await contractionRate(device, limits, precision, dtype, n, batch));
    say("", `GPU: ${device.name}${software ? ", a processor in disguise" : ""}`);
    say(`  peak of float32 ${limits.gflops.toFixed(1)} GFlop/s, copies ${limits.gigabytes.toFixed(1)} GB/s`);
    table([
      ["precision", "type", "n", "batch", "GFlop/s", "of peak", "of bandwidth"],
      ...rates.map((r) => [
        r.precision,
        r.dtype === "float64" ? "real" : "complex",
        r.n,
        r.batch,
        r.gflops.toFixed(2),
        percent(r.ofPeak),
        percent(r.ofBandwidth),
      ]),
    ]);
    const [d, rank] = software ? [16, 16] : [64, 64];
    const steps: GpuStep[] = [];
    for (const executor of executors(here.gpu)) {
      steps.push(await stepOn(executor, d!, rank!));
      await executor[Symbol.asyncDispose]();
    }
    say("", `seconds of a saturated step of parallel BUG, d = ${d}, rank ${rank}`);
    table([
      ["executor", "seconds", "of the CPU's"],
      ...steps.map((r) => [r.where, r.seconds.toFixed(3), (r.seconds / steps[0]!.seconds).toFixed(2)]),
    ]);
    await device[Symbol.asyncDispose]();
    raw.destroy();
    results["gpu"] = { device: device.name, software, limits, rates, steps };
  },
  memory() {
    const rows = backends.flatMap((b) =>
      (["augmented", "parallel"] as const).map((method) => {
        const out = execFileSync(process.execPath, [self, "peak-memory", b, method], { encoding: "utf8" });
        return { backend: b, method, megabytes: Number(out) };
      }),
    );
    say("", "peak memory of a process at d = 32, rank 32");
    table([["backend", "method", "MB"], ...rows.map((r) => [r.backend, r.method, r.megabytes.toFixed(0)])]);
    results["memory"] = rows;
  },
  async workers() {
    const rows: WorkersTime[] = [];
    for (const model of ["long range", "neighbours"] as const)
      for (const method of ["parallel", "augmented"] as const)
        rows.push(
          await workersTime(backends[0]!, { model, method }, async () => {
            const { stdout } = await elsewhere(process.execPath, [self, "inline-time", backends[0]!, model, method]);
            return Number(stdout);
          }),
        );
    say("", `a step on workers, Ising, d = 32, rank 32 (${backends[0]})`);
    table([
      [
        "model",
        "method",
        "inline s",
        "1 worker s",
        "2 workers s",
        "2 against 1",
        "2 processes against 1",
        "1 against inline",
      ],
      ...rows.map((r) => [
        r.model,
        r.method,
        ...[r.inline, r.one, r.two].map((x) => x.toFixed(3)),
        r.speedup.toFixed(2),
        r.possible.toFixed(2),
        `+${percent(r.overhead)}`,
      ]),
    ]);
    const memory = [1, 8].map((count) => ({
      count,
      megabytes: Number(
        execFileSync(process.execPath, [self, "workers-memory", backends[0]!, String(count)], { encoding: "utf8" }),
      ),
    }));
    const [one, eight] = memory.map((m) => m.megabytes) as [number, number];
    say("", "peak memory of a process with workers, d = 64, rank 32");
    table([["workers", "MB"], ...memory.map((m) => [m.count, m.megabytes.toFixed(0)])]);
    say(`  allowed for 8: ${(1.3 * one + 8 * 30).toFixed(0)} MB; taken: ${eight.toFixed(0)} MB`);
    results["workers"] = { rows, memory };
  },
};

/** The high-water mark of this process alone: maxRSS would start from that of the parent. */
function peakMegabytes(): number {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const kibibytes = Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
  return (kibibytes * 1024) / 1e6;
}

const [first, ...more] = process.argv.slice(2);
if (first === "peak-memory") {
  await stepTime(more[0] as "wasm", more[1] as "parallel", 32, 32);
  process.stdout.write(`${peakMegabytes()}`);
} else if (first === "workers-memory") {
  await workersMemory(more[0] as BackendName, Number(more[1]));
  process.stdout.write(`${peakMegabytes()}`);
} else if (first === "inline-time") {
  const [model, method] = more.slice(1) as [WorkersTime["model"], WorkersTime["method"]];
  process.stdout.write(`${await inlineTime(more[0] as BackendName, { model, method })}`);
} else if (first === "plane-run") {
  const made = await planeRun(more[0] as BackendName, more[1] as TransportMethod);
  process.stdout.write(JSON.stringify({ ...made, megabytes: peakMegabytes() }));
} else {
  const chosen = first === undefined ? Object.keys(parts) : [first, ...more];
  const unknown = chosen.find((name) => !parts[name]);
  if (unknown) throw new Error(`bench: unknown part "${unknown}"; known: ${Object.keys(parts).join(", ")}`);
  for (const b of backends) {
    useBackend(b);
    say(`${b}: ${currentDescription()}`);
  }
  for (const name of chosen) await parts[name]!();
  mkdirSync("results", { recursive: true });
  writeFileSync("results/bench.json", `${JSON.stringify(results, null, 1)}\n`);
  say("", "written to results/bench.json");
}
