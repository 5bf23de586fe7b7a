import { allFinite } from "../linalg/tensor.ts";
import { checkKeys } from "../text/known-keys.ts";
import { norm } from "../ttn/arithmetic.ts";
import { checkConserved } from "../ttn/conserved.ts";
import { moveCenter } from "../ttn/gauge.ts";
import type { ObservedValue, Problem } from "../ttn/problem.ts";
import { type NodeId, rootOf } from "../ttn/tree.ts";
import { checkRankLists, checkTruncation, type Truncation } from "../ttn/truncate.ts";
import { dtypeOfState, modeSizes, ranks, type TTN } from "../ttn/ttn.ts";
import { type Stepping, type TakenStep, takeStep } from "./attempt.ts";
import { type Accuracy, chosenSteps } from "./control.ts";
import type { Executor } from "./executor.ts";
import type { Integrator, RunContext, StepFailure } from "./integrator.ts";
import { automatic } from "./local/automatic.ts";
import { basisToleranceFor } from "./local/exponential.ts";
import type { LocalSolver } from "./local/problem.ts";
import { adaptiveMethods, conservativeMethods } from "./methods.ts";
import { predictedBug } from "./predicted-bug.ts";
import type { Rejection } from "./rejection.ts";

export interface EvolveOptions {
  /** Default: `predictedBug()`. */
  readonly integrator?: Integrator;
  /**
   * Step size, positive; the last step before a time to observe, or before the end, is shortened to meet it. Leave it out to
   * have it chosen: then `rtol` or `atol` says how accurate the end is to be.
   */
  readonly h?: number;
  /**
   * Accuracy instead of a step size: the error at the end is to be about `atol + rtol |Y|`. Step size, truncation tolerance, ranks and
   * solver tolerances follow from it. Needs a method that adapts ranks. Default 0 each where the other is given.
   */
  readonly rtol?: number;
  readonly atol?: number;
  /** How ranks are cut. Default: tolerance 1e-8, no limit of rank. With `rtol` and `atol`, without a tolerance: that is chosen. */
  readonly truncation?: Truncation | Omit<Truncation, "tolerance" | "relative">;
  /**
   * Default: the Krylov exponential for linear right-hand sides, Dormand and Prince's method for others; bases are sought to a
   * tenth of the truncation tolerance, the state to 1e-12.
   */
  readonly solver?: LocalSolver;
  readonly executor: Executor;
  /** Repeat steps whose bases turn out too small. Default: false; steps of chosen size have their own rule. */
  readonly rejection?: boolean | Rejection;
  /** Times at which observables are evaluated; steps end there. Default: after every step. */
  readonly observeAt?: readonly number[];
  /** Restore the norm after each step, as imaginary time needs. Default: false. */
  readonly normalize?: boolean;
  readonly signal?: AbortSignal;
}

/** Where the error of a step comes from, each part a norm; they are estimates, except for truncation. */
export interface ErrorParts {
  /** What `maxRank` cut beyond the tolerance: the solution does not fit into the ranks allowed. */
  readonly modelling: number;
  /** Of the splitting in time; null for steps of a size that was given. Four of five steps in a row have that of the one compared. */
  readonly integration: number | null;
  /** Of the local solvers, in the state. */
  readonly solver: number;
  /** What truncation removed within its tolerance. */
  readonly truncation: number;
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
  /** The parts of this step's error. */
  readonly errors: ErrorParts;
  /** Attempts of this step that were rejected, for bases too small or a step too long. */
  readonly rejected: number;
  /** Evaluations of local fields in this step, those of rejected attempts included, but not of attempts whose local solves failed. */
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
    const where = `in step ${last.step + 1}, from t = ${last.t} with h = ${h}`;
    super(
      failure.why === "step-too-small"
        ? `no step is short enough for the accuracy asked for, ${where}; a start with room for where the right-hand side ` +
            "moves it (roomFor), larger ranks or a larger rtol may help"
        : `the local solve at node ${failure.node} ` +
            `${failure.why === "not-finite" ? "gave numbers that are not finite" : "did not converge"} ${where}; ` +
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
 *     for await (const { t, observables } of evolve(problem, { rtol: 1e-4 })) ...
 *     for await (const { t, observables } of evolve(problem, { integrator: parallelBug(), h: 0.01 })) ...
 *
 * Bad options throw before any work (RangeError, TypeError). A local solve that fails ends the run with an
 * EvolutionError; an abort signal, with its reason. Leaving the loop early is fine: nothing is kept running.
 */
export async function* evolve(problem: Problem, options: EvolveOptions): AsyncGenerator<Snapshot, void, void> {
  const { span } = problem;
  const { context, stepping, size, stops, isObserved } = plan(problem, options);
  const observe = (y: TTN, t: number): Snapshot["observables"] =>
    isObserved(t) ? Object.fromEntries(Object.entries(problem.observables).map(([name, f]) => [name, f(y, t)])) : null;

  context.signal.throwIfAborted();
  await context.executor.start?.();
  const y0 = moveCenter(problem.initial, rootOf(problem.initial.tree));
  let last: Snapshot = {
    step: 0,
    t: span[0],
    h: 0,
    y: y0,
    ranks: ranks(y0),
    discarded: 0,
    errors: { modelling: 0, integration: typeof size === "number" ? null : 0, solver: 0, truncation: 0 },
    rejected: 0,
    applications: 0,
    seconds: 0,
    observables: observe(y0, span[0]),
  };
  yield last;
  const steps =
    typeof size === "number"
      ? givenSteps(context, stepping, y0, span, stops, size)
      : chosenSteps(context, stepping, y0, span, stops, size);
  for await (const step of steps) {
    if (!step.ok) throw new EvolutionError(step.failure, last, step.h);
    const { t, h, y, discarded, tolerance, rejected, applications, seconds } = step;
    const within = Math.min(discarded, tolerance);
    last = {
      step: last.step + 1,
      t,
      h,
      y,
      ranks: ranks(y),
      discarded,
      errors: {
        modelling: Math.sqrt(discarded * discarded - within * within),
        integration: step.integrationError,
        solver: step.solverError,
        truncation: within,
      },
      rejected,
      applications,
      seconds,
      observables: observe(y, t),
    };
    yield last;
  }
}

/** Steps of a given size. Those that end at a stop off the grid are shorter, and the grid starts there again. */
async function* givenSteps(
  context: RunContext,
  stepping: Stepping,
  y0: TTN,
  [t0, t1]: readonly [number, number],
  stops: readonly number[],
  size: number,
): AsyncGenerator<TakenStep, void, void> {
  const direction = Math.sign(t1 - t0);
  const { tolerance, relative = false } = context.truncation;
  let y = y0;
  let now = t0;
  let number = 0;
  // Steps are counted from the last stop off the grid, so that stops on it change neither their length nor a bit.
  let from = t0;
  let taken = 0;
  for (const stop of stops) {
    const steps = Math.max(taken + 1, Math.ceil(Math.abs(stop - from) / size - 1e-9));
    const onGrid = Math.abs(from + direction * steps * size - stop) <= 1e-9 * size;
    for (let k = taken + 1; k <= steps; k++) {
      const t = k === steps ? stop : from + direction * k * size;
      const h = k < steps || onGrid ? direction * size : t - now;
      const begin = performance.now();
      context.rhs.beginStep?.(number, now);
      const result = await takeStep(context, stepping, y, now, h, number);
      if (!result.ok) {
        yield { ok: false, failure: result, h };
        return;
      }
      const seconds = (performance.now() - begin) / 1000;
      const theta = tolerance === "off" ? 0 : relative ? tolerance * norm(result.y) : tolerance;
      yield { ...result, t, h, seconds, tolerance: theta, integrationError: null };
      y = result.y;
      now = t;
      number++;
    }
    if (!onGrid) from = stop;
    taken = onGrid ? steps : 0;
  }
}

/** Checks everything a run is given, fills in the defaults, and lists the times where a step has to end. */
function plan({ rhs, span, initial }: Problem, options: EvolveOptions) {
  checkKeys("evolve", options, evolveKeys);
  const { h, rtol, atol, observeAt, executor, integrator = predictedBug() } = options;
  const { normalize = false, signal = new AbortController().signal } = options;
  const [t0, t1] = span;
  if (typeof integrator?.step !== "function")
    throw new TypeError(
      `evolve: integrator is ${typeof integrator === "function" ? "a function" : JSON.stringify(integrator)}, expected what one gives, such as parallelBug()`,
    );
  const size = stepSizeOf(h, rtol, atol);
  const truncation = truncationOf(options, integrator, typeof size !== "number");
  const { rejection = false } = options;
  if (typeof rejection !== "boolean" && (typeof rejection !== "object" || rejection === null))
    throw new TypeError(`evolve: rejection is ${JSON.stringify(rejection)}, expected true, false or its options`);
  if (typeof rejection === "object") checkKeys("evolve: rejection", rejection, { factor: true, attempts: true });
  const { factor = 10, attempts = 5 } = typeof rejection === "object" ? rejection : {};
  if (options.solver !== undefined && typeof options.solver?.solve !== "function")
    throw new TypeError(`evolve: solver is ${typeof options.solver}, expected what one gives, such as rk4()`);
  if (typeof executor?.solveAll !== "function")
    throw new TypeError(
      `evolve: executor is ${typeof executor}, expected what one gives, such as inline() or workers()`,
    );
  if (!(factor > 0)) throw new RangeError(`evolve: rejection.factor is ${factor}, expected a positive number`);
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new RangeError(`evolve: rejection.attempts is ${attempts}, expected a positive integer`);
  if (rejection && !integrator.promises.rankAdaptive)
    throw new RangeError(`evolve: ${integrator.name} keeps its ranks, so that no step can be repeated in wider bases`);
  if (!Number.isFinite(t0) || !Number.isFinite(t1))
    throw new RangeError(`evolve: the span is [${t0}, ${t1}], expected finite times`);
  checkRankLists(truncation, initial.tree);
  rhs.check(initial);
  initial.tensors.forEach((t, id) => {
    if (!allFinite(t)) throw new RangeError(`evolve: the initial value has entries that are not finite, at node ${id}`);
  });
  if (normalize && norm(initial) === 0)
    throw new RangeError("evolve: the initial value is zero and cannot be normalised");
  if (typeof size !== "number" && size.atol === 0 && norm(initial) === 0)
    throw new RangeError("evolve: rtol alone asks for no error at all of an initial value of zero; give atol too");
  if (truncation.conserved)
    checkConserved(initial.tree, modeSizes(initial), dtypeOfState(initial), truncation.conserved, truncation.maxRank);
  const low = Math.min(t0, t1);
  const high = Math.max(t0, t1);
  for (const t of observeAt ?? [])
    if (!(t >= low && t <= high))
      throw new RangeError(`evolve: time ${t} to observe is outside the span [${t0}, ${t1}]`);
  const scale = typeof size === "number" ? size : high - low;
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-12 * Math.max(scale, Math.abs(a));
  const direction = Math.sign(t1 - t0);
  const times = [...(observeAt ?? []), t1].sort((a, b) => direction * (a - b));
  const stops = times.filter((t, i) => !near(t, t0) && (i === 0 || !near(t, times[i - 1]!)));
  const context: RunContext = {
    rhs,
    truncation,
    signal,
    executor,
    solver: options.solver ?? automatic({ basisTolerance: basisToleranceFor(truncation.tolerance) }),
    measureMissed: Boolean(rejection),
  };
  const stepping: Stepping = { integrator, rejection: rejection ? { factor, attempts } : null, normalize };
  return {
    context,
    stepping,
    size: typeof size === "number" ? size : { ...size, solver: options.solver },
    stops: direction === 0 ? [] : stops,
    isObserved: (t: number) => !observeAt || observeAt.some((s) => near(s, t)),
  };
}

const evolveKeys = {
  integrator: true,
  h: true,
  rtol: true,
  atol: true,
  truncation: true,
  solver: true,
  executor: true,
  rejection: true,
  observeAt: true,
  normalize: true,
  signal: true,
} as const;

/** The smallest relative error that can be asked for. */
const finest = 1e-12;

/** The step size, or the accuracy it is to be chosen for. */
function stepSizeOf(h: number | undefined, rtol: number | undefined, atol: number | undefined): number | Accuracy {
  if (rtol === undefined && atol === undefined) {
    if (!(typeof h === "number" && h > 0 && h < Number.POSITIVE_INFINITY))
      throw new RangeError(
        `evolve: step size h is ${h === undefined ? "missing" : typeof h === "number" ? h : JSON.stringify(h)}, expected a positive number, or rtol or atol instead of it`,
      );
    return h;
  }
  if (h !== undefined)
    throw new RangeError(`evolve: both h = ${h} and ${rtol === undefined ? "atol" : "rtol"} were given: choose one`);
  for (const [name, value] of Object.entries({ rtol, atol }))
    if (value !== undefined && !(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY))
      throw new RangeError(`evolve: ${name} is ${JSON.stringify(value)}, expected zero or a positive number`);
  const accuracy = { rtol: rtol ?? 0, atol: atol ?? 0 };
  if (accuracy.rtol + accuracy.atol === 0) throw new RangeError("evolve: rtol and atol are both zero");
  if (accuracy.atol === 0 && accuracy.rtol < finest)
    throw new RangeError(`evolve: rtol is ${accuracy.rtol}, expected at least ${finest}: round-off is no smaller`);
  return accuracy;
}

/** How ranks are cut; a method that keeps its ranks, or an accuracy that chooses the tolerance, leaves less to say. */
function truncationOf({ truncation }: EvolveOptions, { name, promises }: Integrator, isChosen: boolean): Truncation {
  const tolerance = truncation && "tolerance" in truncation ? truncation.tolerance : undefined;
  const adaptive = `one of the methods ${adaptiveMethods.join(", ")}`;
  if (isChosen && !promises.rankAdaptive)
    throw new RangeError(`evolve: ${name} keeps its ranks and has no estimate of its error; with rtol use ${adaptive}`);
  if (isChosen && (tolerance !== undefined || (truncation && "relative" in truncation)))
    throw new RangeError("evolve: truncation.tolerance follows from rtol and atol: give one or the other");
  if (!promises.rankAdaptive && tolerance !== undefined && tolerance !== "off")
    throw new RangeError(
      `evolve: ${name} keeps its ranks and cannot follow the tolerance ${tolerance}; use ${adaptive}`,
    );
  const idle = promises.rankAdaptive
    ? undefined
    : Object.entries(truncation ?? {}).find(([key, value]) => key !== "tolerance" && value !== undefined);
  if (idle)
    throw new RangeError(
      `evolve: ${name} keeps its ranks; truncation.${idle[0]} = ${JSON.stringify(idle[1])} has no meaning for it; use ${adaptive}`,
    );
  const filled: Truncation = { tolerance: promises.rankAdaptive ? 1e-8 : ("off" as const), ...truncation };
  checkTruncation(filled);
  if (filled.conserved && !promises.keepsMoments)
    throw new RangeError(
      `evolve: ${name} does not keep given functionals; use one of the methods ${conservativeMethods.join(", ")}`,
    );
  return filled;
}
