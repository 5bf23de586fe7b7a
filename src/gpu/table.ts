import type { NumberKind } from "./encoding.ts";
import { tileSize } from "./wgsl/products.ts";

/** Where an operand's entries stand: offset of the first, how far it moves with each iteration, strides. */
export interface Operand {
  readonly at: number;
  readonly step?: number;
}

/** Strides of an operand: from row to row, column to column, and matrix to matrix of a batch. */
export interface Strides {
  readonly row: number;
  readonly column: number;
  readonly batch: number;
  readonly conjugate?: boolean;
}

/** One batch of products C_b (+)= sum over the segments of A_b B_b, b = 0 .. count - 1; C is row-major. */
export interface Job {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly count: number;
  readonly segments: readonly { readonly a: Operand; readonly b: Operand }[];
  readonly a: Strides;
  readonly b: Strides;
  readonly c: Operand & { readonly batch: number };
  readonly accumulate?: boolean;
}

/** Jobs of one dispatch, as the kernel finds them. */
export interface JobList {
  readonly first: number;
  readonly count: number;
  /** Workgroups: tiles of all results. */
  readonly groups: number;
}

/** What local problems are on the device: offsets into the array of numbers. */
export interface ProblemPlaces {
  readonly x: number;
  readonly size: number;
  readonly vectors: number;
  readonly projection: number;
  readonly norm: number;
  readonly error: number;
}

/** The integers that kernels read: jobs with their segments, and problems. */
export class Table {
  readonly #words: number[] = [];
  readonly #tile: number;

  constructor(kind: NumberKind) {
    this.#tile = tileSize(kind);
  }

  addJobs(jobs: readonly Job[]): JobList {
    const some = jobs.filter(({ m, n, count }) => m > 0 && n > 0 && count > 0);
    const segments = some.map((job) => {
      const at = this.#words.length;
      for (const { a, b } of job.segments) this.#words.push(a.at, a.step ?? 0, b.at, b.step ?? 0);
      return at;
    });
    const first = this.#words.length;
    let groups = 0;
    some.forEach(({ m, n, k, count, segments: parts, a, b, c, accumulate }, i) => {
      const across = Math.ceil(n / this.#tile);
      const tiles = Math.ceil(m / this.#tile) * across;
      const flags = (accumulate ? 1 : 0) + (a.conjugate ? 2 : 0) + (b.conjugate ? 4 : 0);
      this.#words.push(groups, tiles, across, m, n, k, segments[i]!, parts.length);
      this.#words.push(a.row, a.column, a.batch, b.row, b.column, b.batch, c.at, c.step ?? 0, c.batch, flags);
      groups += tiles * count;
    });
    return { first, count: some.length, groups };
  }

  addProblems(problems: readonly ProblemPlaces[]): number {
    const first = this.#words.length;
    for (const { x, size, vectors, projection, norm, error } of problems)
      this.#words.push(x, size, vectors, projection, norm, error);
    return first;
  }

  words(): Uint32Array<ArrayBuffer> {
    return Uint32Array.from(this.#words);
  }
}
