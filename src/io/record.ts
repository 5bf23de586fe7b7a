import { inline } from "../executors/inline.ts";
import { type ErrorParts, EvolutionError, type EvolveOptions, evolve, type Snapshot } from "../integrators/evolve.ts";
import type { Executor } from "../integrators/executor.ts";
import type { ObservedValue, Problem } from "../ttn/problem.ts";
import type { TTN } from "../ttn/ttn.ts";

/** Everything a run did, at the times where it was observed. Entries of a time cover the steps since the time before. */
export interface RunRecord {
  readonly status: "completed" | "failed" | "interrupted";
  /** Why a run failed or stopped. */
  readonly message?: string;
  /** Of the numbers in local solves: "float64", the default, or what a GPU has. */
  readonly precision?: NonNullable<Executor["precision"]>;
  readonly times: number[];
  readonly observables: Record<string, ObservedValue[]>;
  /** Rank of the edge above each node. */
  readonly ranks: (readonly number[])[];
  /** Sum of the norms that truncation removed. */
  readonly discarded: number[];
  /** Sums of the parts of the error that each step estimates; integration is null where step sizes were given. */
  readonly errors: {
    readonly modelling: number[];
    readonly integration: (number | null)[];
    readonly solver: number[];
    readonly truncation: number[];
  };
  readonly rejected: number[];
  readonly applications: number[];
  /** Wall time of the steps, observables excluded. */
  readonly stepSeconds: number[];
  /** Wall time of it all. */
  readonly seconds: number;
  /** The last good state. */
  readonly state: TTN;
}

export interface RecordOptions extends Omit<EvolveOptions, "executor">, Partial<Pick<EvolveOptions, "executor">> {
  /** Steps between two observations, where their size is given; the end is always observed. Chosen steps are observed each. */
  readonly every: number;
  /** Called after every step. */
  readonly onStep?: (snapshot: Snapshot) => void;
}

/**
 * Runs a problem and keeps what it observes. A local solve that fails, or the signal, ends the run early; what was computed
 * until then is returned, with the reason. Misuse still throws before any work.
 */
export async function record(problem: Problem, options: RecordOptions): Promise<RunRecord> {
  const { every, onStep, executor = inline(), ...evolving } = options;
  const begin = performance.now();
  const observed = evolving.h === undefined ? {} : { observeAt: timesOf(problem.span, every * evolving.h) };
  const rows = {
    times: [] as number[],
    observables: Object.fromEntries(Object.keys(problem.observables).map((name) => [name, [] as ObservedValue[]])),
    ranks: [] as (readonly number[])[],
    discarded: [] as number[],
    errors: {
      modelling: [] as number[],
      integration: [] as (number | null)[],
      solver: [] as number[],
      truncation: [] as number[],
    },
    rejected: [] as number[],
    applications: [] as number[],
    stepSeconds: [] as number[],
  };
  const nothing = { discarded: 0, rejected: 0, applications: 0, stepSeconds: 0, errors: noErrors };
  let since = nothing;
  let outcome: Pick<RunRecord, "status" | "message"> = { status: "completed" };
  const keep = (snapshot: Snapshot, observables: Readonly<Record<string, ObservedValue>>): void => {
    rows.times.push(snapshot.t);
    rows.ranks.push(snapshot.ranks);
    for (const [name, value] of Object.entries(observables)) rows.observables[name]!.push(value);
    for (const key of ["discarded", "rejected", "applications", "stepSeconds"] as const) rows[key].push(since[key]);
    rows.errors.integration.push(since.errors.integration);
    for (const key of ["modelling", "solver", "truncation"] as const) rows.errors[key].push(since.errors[key]);
    since = nothing;
  };
  let last: Snapshot | null = null;
  try {
    for await (const snapshot of evolve(problem, { ...evolving, ...observed, executor })) {
      last = snapshot;
      since = {
        discarded: since.discarded + snapshot.discarded,
        rejected: since.rejected + snapshot.rejected,
        applications: since.applications + snapshot.applications,
        stepSeconds: since.stepSeconds + snapshot.seconds,
        errors: sumOf(since.errors, snapshot.errors),
      };
      onStep?.(snapshot);
      if (snapshot.observables) keep(snapshot, snapshot.observables);
    }
  } catch (error) {
    const isAborted = evolving.signal?.aborted ?? false;
    if (last === null && !isAborted) throw error; // misuse, before any work
    if (isAborted && !(error instanceof EvolutionError))
      outcome = {
        status: "interrupted",
        message: last ? `interrupted after t = ${last.t}` : "interrupted before the first step",
      };
    else outcome = { status: "failed", message: (error as Error).message };
    if (last && last.t !== rows.times.at(-1)) {
      const seen = observedAt(problem, last);
      if (seen) keep(last, seen);
    }
  }
  const state = last?.y ?? problem.initial;
  const { precision = "float64" } = executor;
  return { ...outcome, precision, ...rows, seconds: (performance.now() - begin) / 1000, state };
}

/** What a problem observes of a state; null where that fails, which must not hide why the run ended. */
function observedAt(problem: Problem, { y, t }: Snapshot): Readonly<Record<string, ObservedValue>> | null {
  try {
    return Object.fromEntries(Object.entries(problem.observables).map(([name, f]) => [name, f(y, t)]));
  } catch {
    return null;
  }
}

const noErrors: ErrorParts = { modelling: 0, integration: 0, solver: 0, truncation: 0 };

const sumOf = (a: ErrorParts, b: ErrorParts): ErrorParts => ({
  modelling: a.modelling + b.modelling,
  integration: a.integration === null || b.integration === null ? null : a.integration + b.integration,
  solver: a.solver + b.solver,
  truncation: a.truncation + b.truncation,
});

/** Times from one end of a span to the other in equal strides, the last one shorter where they do not fit. */
function timesOf([t0, t1]: readonly [number, number], stride: number): number[] {
  const count = Math.max(0, Math.ceil(Math.abs(t1 - t0) / stride - 1e-9));
  return Array.from({ length: count + 1 }, (_, k) => (k === count ? t1 : t0 + Math.sign(t1 - t0) * k * stride));
}
