import { inline } from "../executors/inline.ts";
import type { Executor } from "../integrators/executor.ts";
import { isTrivial, type LocalSolution } from "../integrators/local/problem.ts";
import { Device, type DeviceOptions } from "./device.ts";
import { GpuError } from "./errors.ts";
import { type Flow, FlowSolver } from "./flow-solver.ts";
import { flowOf, methodOf } from "./method.ts";
import { checkPrecision, type Precision } from "./precision.ts";

/** Precision, memory, and what happens without a GPU. */
export interface GpuOptions extends DeviceOptions {
  /** "float32" (default), or "compensated": pairs of float32 numbers, about 20 times the arithmetic, with an error near 1e-13. */
  readonly precision?: Precision;
  /** Where there is no GPU, or it is lost, or lacks memory: "cpu" goes on there, with one notice (default); "none" ends with a GpuError. */
  readonly fallback?: "cpu" | "none";
  /** Bytes of one buffer on the device; sets of problems that need more are solved in several parts. Default: what it allows. */
  readonly maxBytes?: number;
  /** Told, once each, what a user may want to know. Default: a warning on the console. */
  readonly onNotice?: (notice: string) => void;
}

/** The executor on a GPU, with what it transferred so far. */
export interface GpuExecutor extends Executor {
  /** "float64" as long as the CPU solved everything. */
  readonly precision: Precision | "float64";
  /** Null until the device is open, and where there is none. */
  readonly device: Device | null;
  /** Opens the device, so that a missing one is told before any step. */
  start(): Promise<void>;
}

/**
 * Solves local problems on a GPU, all of a set together: initial values and operators go there in one upload, every application
 * of every local field is a few batches of matrix products, inner products stay there, and the solutions come back in one readback.
 * Orthonormalisation and truncation stay with the CPU, in float64.
 *
 *     await using executor = gpu({ precision: "compensated" });
 *     for await (const { t } of evolve(problem, { h: 0.01, executor })) ...
 *
 * Takes linear fields that are plain data, under `exponential`, `krylov`, `automatic`, and, where they do not depend on time, under
 * `rk4`, `midpointRule` and `euler`; others are solved on the CPU, with one notice. The GPU has no float64: solutions carry an error
 * of `solveRoundOff(precision)` relative to their norm, which is in their error estimate, and no tolerance below it is met. Krylov
 * spaces have one dimension for all problems of a set, the one that sufficed last time; those whose estimate is too large are
 * solved again in larger ones.
 *
 * A GPU that is missing or lost, or memory that ends, sends the work to the CPU with one notice, or with `fallback: "none"`
 * throws a GpuError; the state of the last step is untouched.
 */
export function gpu(options: GpuOptions = {}): GpuExecutor {
  const { precision = "float32", fallback = "cpu", maxBytes = Number.POSITIVE_INFINITY } = options;
  const { onNotice = (notice) => console.warn(notice) } = options;
  checkPrecision("gpu", precision);
  if (fallback !== "cpu" && fallback !== "none")
    throw new RangeError(`gpu: fallback is ${JSON.stringify(fallback)}, expected "cpu" or "none"`);
  if (!(maxBytes > 0)) throw new RangeError(`gpu: maxBytes is ${maxBytes}, expected a positive number of bytes`);
  const cpu = inline();
  const told = new Set<string>();
  const tell = (notice: string): void => {
    if (told.has(notice)) return;
    told.add(notice);
    onNotice(`gpu: ${notice}`);
  };
  let device: Device | null = null;
  let isGone = false;
  let isDisposed = false;
  let solver: FlowSolver | null = null;

  /** The CPU from now on, or the end. */
  const giveUp = (error: GpuError): void => {
    if (fallback === "none") throw error;
    isGone = true;
    tell(`${error.message}; the CPU goes on`);
  };
  const open = async (): Promise<FlowSolver | null> => {
    if (isDisposed) throw new Error("gpu: the executor was disposed");
    if (solver || isGone) return isGone ? null : solver;
    try {
      device = await Device.open(options);
      solver = new FlowSolver(device, precision, maxBytes);
    } catch (error) {
      if (!(error instanceof GpuError)) throw error;
      giveUp(error);
    }
    return solver;
  };

  return {
    name: `gpu, ${precision}`,
    get precision() {
      return device && device.traffic.readbacks > 0 ? precision : "float64";
    },
    get device() {
      return device;
    },
    async start() {
      await open();
    },
    async solveAll(problems, localSolver, signal) {
      signal?.throwIfAborted();
      const solutions: LocalSolution[] = [];
      const there = await open();
      const method = methodOf(localSolver);
      if (there && !method) tell(`the local solver "${localSolver.name}" has no kernels; it runs on the CPU`);
      const groups = new Map<string, { index: number[]; flows: Flow[] }>();
      problems.forEach((problem, index) => {
        const { field, seeks, initial } = problem;
        if (!there || !method || isTrivial(problem) || initial.dtype !== field.dtype) return;
        const flow = flowOf(problem, method);
        if (typeof flow === "string") {
          tell(`${flow}; that runs on the CPU`);
          return;
        }
        const key = [field.dtype, field.kind, seeks, flow.operators.length].join(" ");
        const group = groups.get(key) ?? { index: [], flows: [] };
        group.index.push(index);
        group.flows.push({ problem, flow });
        groups.set(key, group);
      });
      for (const { index, flows } of groups.values()) {
        if (isGone) break;
        try {
          const found = await there!.solve(flows, method!, signal);
          found.forEach((s, k) => {
            solutions[index[k]!] = s;
          });
        } catch (error) {
          if (!(error instanceof GpuError) || error.code === "refused") throw error;
          giveUp(error);
        }
      }
      const rest = problems.map((_, i) => i).filter((i) => !solutions[i]);
      const here = await cpu.solveAll(
        rest.map((i) => problems[i]!),
        localSolver,
        signal,
      );
      rest.forEach((i, k) => {
        solutions[i] = here[k]!;
      });
      signal?.throwIfAborted();
      return solutions;
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await device?.[Symbol.asyncDispose]();
    },
  };
}
