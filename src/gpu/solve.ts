import { norm } from "../linalg/level1.ts";
import { sizeOf, type Tensor, tensor } from "../linalg/tensor.ts";
import type { Device, Dispatch } from "./device.ts";
import { decode, type NumberKind, wordsOf } from "./encoding.ts";
import { Heap } from "./heap.ts";
import { type DeviceOperator, placeMatrices } from "./operator.ts";
import { type JobList, type ProblemPlaces, Table } from "./table.ts";
import { projectionWords } from "./wgsl/solve.ts";

/** X(t1) = exp(A_k) ... exp(A_1) X(t0): a local problem with the length of time in its operators. */
export interface FlowProblem {
  readonly initial: Tensor;
  /** In the order in which they act. As many for all problems that are solved together. */
  readonly operators: readonly DeviceOperator[];
}

/** How exp(A) x is found: in a Krylov space for each of `parts` equal parts, or by the Taylor polynomial. */
export type FlowMethod =
  | { readonly kind: "krylov"; readonly dimension: number; readonly parts: number; readonly isHermitian: boolean }
  | { readonly kind: "taylor"; readonly degree: number; readonly parts: number };

export interface FlowSolution {
  readonly final: Tensor;
  /** Estimated error, relative to the initial value; 0 for polynomials. */
  readonly errorEstimate: number;
}

/** Vectors of a method: those of the space and the next, or the powers. */
const vectorsOf = (method: FlowMethod): number => (method.kind === "krylov" ? method.dimension : method.degree) + 1;

/** Numbers on the device that a problem needs, about. */
export function numbersOf({ initial, operators }: FlowProblem, method: FlowMethod): number {
  const size = sizeOf(initial.shape);
  const matrices = operators.flatMap(({ matrices: { inner, outer } }) => [...inner, ...outer]);
  const entries = matrices.reduce((sum, m) => sum + m.shape[0]! * m.shape[1]!, 0);
  return size * (1 + vectorsOf(method)) + Math.max(...operators.map((o) => o.scratch)) + entries + 8192;
}

/**
 * Solves problems of one scalar type together on the device: one upload (initial values and operators), one list of commands,
 * one readback (final values and error estimates). Initial values are scaled to norm one. Throws a GpuError.
 */
export async function solveFlows(
  device: Device,
  kind: NumberKind,
  problems: readonly FlowProblem[],
  method: FlowMethod,
): Promise<FlowSolution[]> {
  const { parts } = method;
  const heap = new Heap(kind);
  const sizes = problems.map(({ initial }) => norm(initial));
  const xs = problems.map(({ initial }, i) => heap.add(initial.data, sizes[i]! > 0 ? 1 / sizes[i]! : 1));
  const errors = heap.add(new Float64Array(problems.length * (kind.dtype === "complex128" ? 2 : 1)));
  const readback = heap.size;
  const operators = problems.flatMap((p) => p.operators);
  const matrices = {
    inner: placeMatrices(
      heap,
      operators.flatMap((o) => o.matrices.inner),
    ),
    outer: placeMatrices(
      heap,
      operators.flatMap((o) => o.matrices.outer),
      1 / parts,
    ),
  };
  const places = problems.map(({ initial }, i): ProblemPlaces => {
    const size = sizeOf(initial.shape);
    return {
      x: xs[i]!,
      size,
      vectors: heap.reserve(vectorsOf(method) * size),
      projection: heap.reserve(method.kind === "krylov" ? projectionWords(method.dimension) : 0),
      norm: heap.reserve(1),
      error: errors + i,
    };
  });
  const scratch = problems.map((p) => heap.reserve(Math.max(...p.operators.map((o) => o.scratch))));

  const table = new Table(kind);
  const first = table.addProblems(places);
  const all = { first, count: problems.length, groups: problems.length };
  const dispatches: Dispatch[] = [];
  problems[0]!.operators.forEach((_, k) => {
    const jobs = problems.map((p, i) => {
      const { vectors, size } = places[i]!;
      const x = { at: vectors, step: size };
      return p.operators[k]!.jobs(matrices, scratch[i]!, x, { ...x, at: vectors + size });
    });
    const stages: JobList[] = [];
    for (let stage = 0; jobs.some((of) => of[stage]); stage++)
      stages.push(table.addJobs(jobs.flatMap((of) => of[stage] ?? [])));
    const application = (iteration: number): Dispatch[] =>
      stages.map((jobs) => ({ kernel: "products", iteration, ...jobs }));
    for (let part = 0; part < parts; part++)
      if (method.kind === "krylov") {
        const { dimension, isHermitian } = method;
        const own = isHermitian ? { window: 2, passes: 1 } : { window: dimension, passes: 2 };
        dispatches.push({ kernel: "begin", ...all });
        for (let j = 0; j < dimension; j++)
          dispatches.push(...application(j), { kernel: "orthogonalize", iteration: j, ...all, ...own });
        dispatches.push({ kernel: "exponential", ...all, vectors: dimension });
      } else {
        dispatches.push({ kernel: "load", ...all });
        for (let j = 0; j < method.degree; j++) dispatches.push(...application(j));
        dispatches.push({ kernel: "polynomial", ...all, vectors: method.degree });
      }
  });
  const words = await device.execute({
    kind,
    upload: heap.encoded(),
    numbers: heap.size,
    table: table.words(),
    dispatches,
    read: { from: 0, count: readback },
  });
  const w = wordsOf(kind);
  return problems.map(({ initial }, i) => {
    const final = tensor(initial.shape, kind.dtype);
    decode(kind, words, xs[i]! * w, final.data, sizes[i]! > 0 ? sizes[i]! : 1);
    return { final, errorEstimate: words[(errors + i) * w]! };
  });
}
