import { inline } from "../executors/inline.ts";
import type { Executor } from "../integrators/executor.ts";
import { isTrivial, type LocalProblem, type LocalSolution } from "../integrators/local/problem.ts";
import { allFinite } from "../linalg/tensor.ts";
import { Device, type DeviceOptions } from "./device.ts";
import type { NumberKind } from "./encoding.ts";
import { wordsOf } from "./encoding.ts";
import { GpuError } from "./errors.ts";
import { type DeviceMethod, flowOf, methodOf } from "./method.ts";
import { parts as partsOf } from "./parts.ts";
import { checkPrecision, type Precision, solveRoundOff } from "./precision.ts";
import { type FlowMethod, type FlowProblem, numbersOf, solveFlows } from "./solve.ts";
import { maxDimension } from "./wgsl/solve.ts";

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

interface Flow {
  readonly index: number;
  readonly problem: LocalProblem;
  readonly flow: FlowProblem;
  readonly tolerance: number;
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
  let limit = maxBytes;
  /** What sufficed last time. */
  const sufficed = { basis: start(precision), state: start(precision) };

  /** The CPU from now on, or the end. */
  const giveUp = (error: GpuError): void => {
    if (fallback === "none") throw error;
    isGone = true;
    tell(`${error.message}; the CPU goes on`);
  };
  const open = async (): Promise<Device | null> => {
    if (isDisposed) throw new Error("gpu: the executor was disposed");
    if (device || isGone) return isGone ? null : device;
    try {
      device = await Device.open(options);
    } catch (error) {
      if (!(error instanceof GpuError)) throw error;
      giveUp(error);
    }
    return device;
  };

  /** Solves all that fits at a time; halves that when memory ends. */
  const solveFitting = async (on: Device, kind: NumberKind, flows: readonly Flow[], method: FlowMethod) => {
    const bytes = 4 * wordsOf(kind);
    for (;;) {
      const room = Math.min(on.maxBytes, limit);
      try {
        const found = [];
        for (const part of partsOf(flows, ({ flow }) => bytes * numbersOf(flow, method), room))
          found.push(
            ...(await solveFlows(
              on,
              kind,
              part.map((f) => f.flow),
              method,
            )),
          );
        return found;
      } catch (error) {
        const largest = Math.max(...flows.map(({ flow }) => bytes * numbersOf(flow, method)));
        if (!(error instanceof GpuError) || error.code !== "out-of-memory" || room <= largest) throw error;
        limit = Math.max(largest, room / 2);
      }
    }
  };

  /** Solutions of problems of one kind, written to their places; dimensions and parts grow until the tolerances are met. */
  const solveGroup = async (
    on: Device,
    kind: NumberKind,
    group: readonly Flow[],
    method: DeviceMethod,
    solutions: LocalSolution[],
    signal?: AbortSignal,
  ): Promise<void> => {
    const isHermitian = group[0]!.problem.field.kind === "linear-hermitian";
    const { seeks } = group[0]!.problem;
    const factors = group[0]!.flow.operators.length;
    const roundOff = solveRoundOff(precision);
    const keep = (
      f: Flow,
      s: { final: LocalSolution["final"]; errorEstimate: number },
      applications: number,
      ok: boolean,
    ) => {
      const errorEstimate = s.errorEstimate + roundOff;
      solutions[f.index] = { final: s.final, applications, errorEstimate, converged: ok && allFinite(s.final) };
    };
    if (method.kind === "taylor") {
      const { degree, substeps } = method;
      const found = await solveFitting(on, kind, group, { kind: "taylor", degree, parts: substeps });
      group.forEach((f, i) => {
        keep(f, found[i]!, degree * substeps, true);
      });
      return;
    }
    const most = Math.min(method.maxDimension, maxDimension);
    let dimension = method.dimension ?? Math.min(most, sufficed[seeks]);
    let parts = 1;
    let left = group;
    let applications = 0;
    while (left.length > 0) {
      signal?.throwIfAborted();
      const found = await solveFitting(on, kind, left, { kind: "krylov", dimension, parts, isHermitian });
      applications += dimension * parts * factors;
      const isLast = applications + dimension * parts * factors > method.maxApplications;
      const again: Flow[] = [];
      let worst = 0;
      left.forEach((f, i) => {
        const { errorEstimate } = found[i]!;
        const ratio = errorEstimate / Math.max(f.tolerance, roundOff);
        worst = Math.max(worst, ratio);
        if (!(ratio > 1) || isLast) keep(f, found[i]!, applications, !(ratio > 1));
        else again.push(f);
      });
      if (method.dimension === null && parts === 1)
        sufficed[seeks] = again.length === 0 && left === group && worst < 1e-2 ? Math.max(3, dimension - 1) : dimension;
      left = again;
      if (dimension < most) dimension = Math.min(most, Math.ceil(1.4 * dimension) + 1);
      else parts *= 2;
    }
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
    async solveAll(problems, solver, signal) {
      signal?.throwIfAborted();
      const solutions: LocalSolution[] = [];
      const on = await open();
      const method = methodOf(solver);
      if (!method) tell(`the local solver "${solver.name}" has no kernels; it runs on the CPU`);
      const groups = new Map<string, Flow[]>();
      problems.forEach((problem, index) => {
        if (!on || !method || isTrivial(problem) || problem.initial.dtype !== problem.field.dtype) return;
        const flow = flowOf(problem, method);
        if (typeof flow === "string") {
          tell(`${flow}; that runs on the CPU`);
          return;
        }
        const { field, seeks } = problem;
        const key = [field.dtype, field.kind, seeks, flow.operators.length].join(" ");
        const tolerance = method.kind === "krylov" ? method.tolerance[seeks] : 0;
        groups.set(key, [...(groups.get(key) ?? []), { index, problem, flow, tolerance }]);
      });
      for (const group of groups.values()) {
        const { dtype } = group[0]!.problem.field;
        try {
          if (!isGone) await solveGroup(on!, { dtype, precision }, group, method!, solutions, signal);
        } catch (error) {
          if (!(error instanceof GpuError) || error.code === "refused") throw error;
          giveUp(error);
        }
      }
      const rest = problems.map((_, i) => i).filter((i) => !solutions[i]);
      const here = await cpu.solveAll(
        rest.map((i) => problems[i]!),
        solver,
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

/** Dimension of the first Krylov space. */
const start = (precision: Precision): number => (precision === "float32" ? 8 : 12);
