import type { Executor, Rhs } from "../../src/index.ts";

/** What the local problems of a run cost, in entries of a local tensor times applications of its field, on average a step. */
export interface Path {
  /**
   * Solves that wait for each other: sets handed to the executor that hold a problem of at least a quarter of the entries of the
   * step's largest one.
   */
  readonly dependentSolves: number;
  /** Work of all applications, those outside of local solves included. */
  readonly work: number;
  /** Work that is left with a processor for every local problem: of each set the largest, and what no set holds. */
  readonly criticalWork: number;
  /** Entries of the largest local problem. */
  readonly largest: number;
}

interface Batch {
  readonly largest: number;
  readonly work: number;
  readonly critical: number;
}

/** Wraps a right-hand side and an executor such that they tell, step by step, what was asked of them. */
export function meter(rhs: Rhs, executor: Executor) {
  let batches: Batch[] = [];
  let work = 0;
  const steps: Path[] = [];
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const bind: Rhs["bind"] = (trial, node, test) => {
    const { data: _, ...field } = test ? rhs.bind(trial, node, test) : rhs.bind(trial, node);
    return {
      ...field,
      plan(frame) {
        const g = field.plan(frame);
        return (t, x, out) => {
          work += entriesOf(x);
          g(t, x, out);
        };
      },
    };
  };
  return {
    rhs: { ...rhs, bind },
    executor: {
      name: executor.name,
      async solveAll(problems, solver, signal) {
        const solutions = await executor.solveAll(problems, solver, signal);
        const sizes = problems.map((p) => entriesOf(p.initial));
        const works = solutions.map((s, k) => s.applications * sizes[k]!);
        if (problems.length > 0)
          batches.push({ largest: Math.max(...sizes), work: sum(works), critical: Math.max(...works) });
        return solutions;
      },
      async [Symbol.asyncDispose]() {},
    } satisfies Executor,
    /** Ends a step. */
    step(): void {
      const largest = Math.max(0, ...batches.map((b) => b.largest));
      const outside = Math.max(0, work - sum(batches.map((b) => b.work)));
      steps.push({
        dependentSolves: batches.filter((b) => b.largest >= largest / 4).length,
        work,
        criticalWork: sum(batches.map((b) => b.critical)) + outside,
        largest,
      });
      batches = [];
      work = 0;
    },
    /** The average over the steps from a given one on, the first being 0. */
    average(from: number): Path {
      const counted = steps.length > from ? steps.slice(from) : steps;
      const mean = (key: keyof Path): number => sum(counted.map((s) => s[key])) / Math.max(1, counted.length);
      return {
        dependentSolves: mean("dependentSolves"),
        work: mean("work"),
        criticalWork: mean("criticalWork"),
        largest: mean("largest"),
      };
    },
  };
}

const entriesOf = ({ shape }: { readonly shape: readonly number[] }): number => shape.reduce((a, b) => a * b, 1);
