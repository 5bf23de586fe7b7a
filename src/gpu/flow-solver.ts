import type { LocalProblem, LocalSolution } from "../integrators/local/problem.ts";
import { norm } from "../linalg/level1.ts";
import { allFinite } from "../linalg/tensor.ts";
import type { Device } from "./device.ts";
import { wordsOf } from "./encoding.ts";
import { GpuError } from "./errors.ts";
import type { DeviceMethod } from "./method.ts";
import { parts as partsOf } from "./parts.ts";
import { type Precision, solveRoundOff } from "./precision.ts";
import { type FlowMethod, type FlowProblem, type FlowSolution, numbersOf, solveFlows } from "./solve.ts";
import { maxDimension } from "./wgsl/solve.ts";

/** A local problem with its form for the device. */
export interface Flow {
  readonly problem: LocalProblem;
  readonly flow: FlowProblem;
}

/**
 * Solves sets of local problems on a device to their tolerances, as far as its precision allows, and within its memory. It remembers
 * the dimension of the Krylov spaces that sufficed last time, and how many bytes the device turned out to have.
 */
export class FlowSolver {
  readonly #device: Device;
  readonly #precision: Precision;
  readonly #sufficed: Record<LocalProblem["seeks"], number>;
  #limit: number;

  constructor(device: Device, precision: Precision, maxBytes: number) {
    this.#device = device;
    this.#precision = precision;
    this.#limit = Math.min(device.maxBytes, maxBytes);
    const first = precision === "float32" ? 8 : 12;
    this.#sufficed = { basis: first, state: first };
  }

  /** Solutions of problems that are of one scalar type, one kind of field, one purpose and one number of exponentials. Throws a GpuError. */
  async solve(group: readonly Flow[], method: DeviceMethod, signal?: AbortSignal): Promise<LocalSolution[]> {
    if (method.kind === "krylov") return this.#inKrylovSpaces(group, method, signal);
    const { degree, substeps } = method;
    const found = await this.#fitting(group, { kind: "taylor", degree, parts: substeps });
    return found.map((solution, k) => this.#solution(group[k]!, solution, degree * substeps, true));
  }

  /** Spaces of one dimension for all; those that miss their tolerance again in larger ones, at last in parts of the step. */
  async #inKrylovSpaces(
    group: readonly Flow[],
    method: DeviceMethod & { readonly kind: "krylov" },
    signal?: AbortSignal,
  ): Promise<LocalSolution[]> {
    const { seeks, field } = group[0]!.problem;
    const isHermitian = field.kind === "linear-hermitian";
    const factors = group[0]!.flow.operators.length;
    const tolerance = Math.max(method.tolerance[seeks], solveRoundOff(this.#precision));
    const most = Math.min(method.maxDimension, maxDimension);
    let dimension = method.dimension ?? Math.min(most, this.#sufficed[seeks]);
    let parts = 1;
    let applications = 0;
    const solutions: LocalSolution[] = [];
    for (let left = [...group.keys()]; left.length > 0; ) {
      signal?.throwIfAborted();
      const flows = left.map((i) => group[i]!);
      const found = await this.#fitting(flows, { kind: "krylov", dimension, parts, isHermitian });
      applications += dimension * parts * factors;
      const isLast = applications + dimension * parts * factors > method.maxApplications;
      const again: number[] = [];
      left.forEach((i, k) => {
        const { errorEstimate } = found[k]!;
        if (errorEstimate > tolerance && !isLast) again.push(i);
        else solutions[i] = this.#solution(flows[k]!, found[k]!, applications, errorEstimate <= tolerance);
      });
      if (method.dimension === null && parts === 1) {
        const isAmple = left.length === group.length && found.every((s) => s.errorEstimate < 1e-3 * tolerance);
        this.#sufficed[seeks] = isAmple ? Math.max(3, dimension - 1) : dimension;
      }
      left = again;
      if (dimension < most) dimension = Math.min(most, Math.ceil(1.4 * dimension) + 1);
      else parts *= 2;
    }
    return solutions;
  }

  #solution(
    { problem }: Flow,
    { final, errorEstimate }: FlowSolution,
    applications: number,
    reached: boolean,
  ): LocalSolution {
    const size = norm(problem.initial);
    const estimate = errorEstimate * size + solveRoundOff(this.#precision) * Math.max(size, norm(final));
    return { final, applications, errorEstimate: estimate, converged: reached && allFinite(final) };
  }

  /** All that fits at a time; half as much when memory ends. */
  async #fitting(group: readonly Flow[], method: FlowMethod): Promise<FlowSolution[]> {
    const kind = { dtype: group[0]!.problem.field.dtype, precision: this.#precision };
    const bytesOf = ({ flow }: Flow): number => 4 * wordsOf(kind) * numbersOf(flow, method);
    const largest = Math.max(...group.map(bytesOf));
    for (;;) {
      const limit = this.#limit;
      try {
        const found: FlowSolution[] = [];
        for (const part of partsOf(group, bytesOf, limit)) {
          const flows = part.map((f) => f.flow);
          found.push(...(await solveFlows(this.#device, kind, flows, method)));
        }
        return found;
      } catch (error) {
        if (!(error instanceof GpuError) || error.code !== "out-of-memory" || limit <= largest) throw error;
        this.#limit = Math.max(largest, limit / 2);
      }
    }
  }
}
