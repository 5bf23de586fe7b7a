import { allFinite } from "../linalg/tensor.ts";
import { norm, scale } from "../ttn/arithmetic.ts";
import { moveCenter } from "../ttn/gauge.ts";
import type { ObservedValue, Problem } from "../ttn/problem.ts";
import { type NodeId, rootOf } from "../ttn/tree.ts";
import { checkTruncation, type Truncation } from "../ttn/truncate.ts";
import { ranks, type TTN } from "../ttn/ttn.ts";
import type { Executor } from "./executor.ts";
import type { Integrator, StepContext, StepFailure, StepSuccess } from "./integrator.ts";
import { basisToleranceFor, exponential } from "./local/exponential.ts";
import type { LocalSolver } from "./local/problem.ts";
import { type Rejection, reasonToReject } from "./rejection.ts";

export interface EvolveOptions {
  readonly integrator: Integrator;
  /** Step size, positive; the last step before a time to observe, or before the end, is shortened to meet it. */
  readonly h: number;
  /** How ranks are cut. Default: tolerance 1e-8, no limit of rank. */
  readonly truncation?: Truncation;
  /**
   * Default: the Krylov exponential, for linear right-hand sides; bases are sought to a tenth of the truncation tolerance,
   * the state to 1e-12.
   */
  readonly solver?: LocalSolver;
  readonly executor: Executor;
  /** Repeat steps whose bases turn out too small. Default: false. */
  readonly rejection?: boolean | Rejection;
  /** Times at which observables are evaluated; steps end there. Default: after every step. */
  readonly observeAt?: readonly number[];
  /** Restore the norm after each step, as imaginary time needs. Default: false. */
  readonly normalize?: boolean;
  readonly signal?: AbortSignal;
}

/** The state after a step, and what the step did. The first snapshot is the initial value. */
export interface Snapshot {
  readonly step: number;
  readonly t: number;
  /** Length of the step that led here; 0 at the start. */
  readonly h: number;
  readonly y: TTN;
  /** Rank of the edge above each node; 1 at the root. */
  readonly ranks: readonly number[];
  /** Norm of what truncation removed in this step. */
  readonly discarded: number;
  /** Attempts of this step that were rejected. */
  readonly rejected: number;
  /** Evaluations of local fields in this step, rejected attempts included. */
  readonly applications: number;
  /** Wall time of this step in seconds, observables excluded. */
  readonly seconds: number;
  /** Values of the problem's observables, or null when this time is not one to observe. */
  readonly observables: Readonly<Record<string, ObservedValue>> | null;
}

/** A run that could not go on. `last` is the state of the last good step. */
export class EvolutionError extends Error {
  override readonly name = "EvolutionError";
  readonly code: StepFailure["why"];
  readonly t: number;
  readonly h: number;
  readonly node: NodeId;
  readonly step: number;
  readonly last: Snapshot;

  constructor(failure: StepFailure, last: Snapshot, h: number) {
    const what = failure.why === "not-finite" ? "gave numbers that are not finite" : "did not converge";
    super(
      `the local solve at node ${failure.node} ${what} in step ${last.step + 1}, from t = ${last.t} with h = ${h}; ` +
        "a smaller step, more substeps or a larger limit of the solver may help",
    );
    this.code = failure.why;
    this.node = failure.node;
    this.t = last.t;
    this.h = h;
    this.step = last.step + 1;
    this.last = last;
  }
}

/**
 * Evolves a problem over its span, yielding a snapshot after every step: the only loop over time.
 *
 *     for await (const { t, observables } of evolve(problem, { integrator: parallelBug(), h: 0.01 })) ...
 *
 * Bad options throw before any work (RangeError, TypeError). A local solve that fails ends the run with an
 * EvolutionError; an abort signal, with its reason. Leaving the loop early is fine: nothing is kept running.
 */
export async function* evolve(problem: Problem, options: EvolveOptions): AsyncGenerator<Snapshot, void, void> {
  const { rhs, span } = problem;
  const [t0, t1] = span;
  const signal = options.signal ?? new AbortController().signal;
  const truncation = options.truncation ?? { tolerance: 1e-8 };
  const rejection = options.rejection === true ? {} : options.rejection || null;
  const { factor = 10, attempts = 5 } = rejection ?? {};
  const { stops, isObserved } = plan(problem, options, truncation);
  const context: StepContext = {
    rhs,
    truncation,
    signal,
    executor: options.executor,
    solver: options.solver ?? exponential({ basisTolerance: basisToleranceFor(truncation.tolerance) }),
    measureMissed: rejection !== null,
  };
  const direction = Math.sign(t1 - t0);
  const observe = (y: TTN, t: number): Snapshot["observables"] =>
    Object.fromEntries(Object.entries(problem.observables).map(([name, f]) => [name, f(y, t)]));

  signal.throwIfAborted();
  const initial = moveCenter(problem.initial, rootOf(problem.initial.tree));
  let last: Snapshot = {
    step: 0,
    t: t0,
    h: 0,
    y: initial,
    ranks: ranks(initial),
    discarded: 0,
    rejected: 0,
    applications: 0,
    seconds: 0,
    observables: isObserved(t0) ? observe(initial, t0) : null,
  };
  yield last;
  // Steps are counted from the last stop off the grid, so that stops on it change neither their length nor a bit.
  let from = t0;
  let taken = 0;
  for (const stop of stops) {
    const steps = Math.max(taken + 1, Math.ceil(Math.abs(stop - from) / options.h - 1e-9));
    const onGrid = Math.abs(from + direction * steps * options.h - stop) <= 1e-9 * options.h;
    for (let k = taken + 1; k <= steps; k++) {
      const t = k === steps ? stop : from + direction * k * options.h;
      const h = k < steps || onGrid ? direction * options.h : t - last.t;
      const begin = performance.now();
      rhs.beginStep?.(last.step, last.t);
      const { starter } = options.integrator;
      const integrator = starter && last.step < starter.steps ? starter.integrator : options.integrator;
      let start = last.y;
      let applications = 0;
      let rejected = 0;
      let result: StepSuccess;
      for (;;) {
        const attempt = await integrator.step(context, start, last.t, h);
        if (!attempt.ok) throw new EvolutionError(attempt, last, h);
        applications += attempt.applications;
        result = attempt;
        const { widened } = attempt;
        if (!rejection || !widened || rejected + 1 >= attempts) break;
        if (!reasonToReject(start, attempt, truncation, factor)) break;
        rejected++;
        start = widened;
      }
      const y = options.normalize ? scale(1 / norm(result.y), result.y) : result.y;
      const root = y.tensors[rootOf(y.tree)]!;
      if (!allFinite(root)) throw new EvolutionError({ ok: false, why: "not-finite", node: rootOf(y.tree) }, last, h);
      const seconds = (performance.now() - begin) / 1000;
      last = {
        step: last.step + 1,
        t,
        h,
        y,
        ranks: ranks(y),
        discarded: result.discarded,
        rejected,
        applications,
        seconds,
        observables: isObserved(t) ? observe(y, t) : null,
      };
      yield last;
    }
    if (!onGrid) from = stop;
    taken = onGrid ? steps : 0;
  }
}

/** Checks everything a run is given, and lists the times where a step has to end. */
function plan(
  { rhs, span, initial }: Problem,
  { h, observeAt, normalize, integrator, rejection }: EvolveOptions,
  truncation: Truncation,
) {
  const [t0, t1] = span;
  if (!(h > 0 && h < Number.POSITIVE_INFINITY))
    throw new RangeError(`evolve: step size h is ${h}, expected a positive number`);
  if (typeof integrator?.step !== "function")
    throw new TypeError(
      `evolve: integrator is ${integrator === undefined ? "missing" : JSON.stringify(integrator)}, expected one such as parallelBug()`,
    );
  const { factor = 10, attempts = 5 } = typeof rejection === "object" ? rejection : {};
  if (!(factor > 0)) throw new RangeError(`evolve: rejection.factor is ${factor}, expected a positive number`);
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new RangeError(`evolve: rejection.attempts is ${attempts}, expected a positive integer`);
  if (!Number.isFinite(t0) || !Number.isFinite(t1))
    throw new RangeError(`evolve: the span is [${t0}, ${t1}], expected finite times`);
  checkTruncation(truncation);
  if (Array.isArray(truncation.maxRank) && truncation.maxRank.length !== initial.tree.nodes.length)
    throw new RangeError(
      `evolve: maxRank has ${truncation.maxRank.length} entries, the tree ${initial.tree.nodes.length} nodes`,
    );
  rhs.check(initial);
  initial.tensors.forEach((t, id) => {
    if (!allFinite(t)) throw new RangeError(`evolve: the initial value has entries that are not finite, at node ${id}`);
  });
  if (normalize && norm(initial) === 0)
    throw new RangeError("evolve: the initial value is zero and cannot be normalised");
  const low = Math.min(t0, t1);
  const high = Math.max(t0, t1);
  for (const t of observeAt ?? [])
    if (!(t >= low && t <= high))
      throw new RangeError(`evolve: time ${t} to observe is outside the span [${t0}, ${t1}]`);
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-12 * Math.max(h, Math.abs(a));
  const direction = Math.sign(t1 - t0);
  const times = [...(observeAt ?? []), t1].sort((a, b) => direction * (a - b));
  const stops = times.filter((t, i) => !near(t, t0) && (i === 0 || !near(t, times[i - 1]!)));
  return {
    stops: direction === 0 ? [] : stops,
    isObserved: (t: number) => !observeAt || observeAt.some((s) => near(s, t)),
  };
}
