import { allFinite } from "../linalg/tensor.ts";
import { norm, scale } from "../ttn/arithmetic.ts";
import { rootOf } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";
import type { Integrator, RunContext, StepFailure, StepSuccess } from "./integrator.ts";
import type { LocalProblem, LocalSolution } from "./local/problem.ts";
import { type Rejection, reasonToReject } from "./rejection.ts";
import { solved } from "./schedule.ts";

/** What a run does in each of its steps, whatever their size. */
export interface Stepping {
  readonly integrator: Integrator;
  readonly rejection: Required<Rejection> | null;
  readonly normalize: boolean;
}

/** A step that stands, with the rejected attempts before it. */
export interface Advance {
  readonly ok: true;
  readonly y: TTN;
  readonly discarded: number;
  readonly rejected: number;
  readonly applications: number;
  /** Norm of the error that the local solvers estimate in the state. */
  readonly solverError: number;
}

/** A step of a run, or why it could not be taken. */
export type TakenStep =
  | (Advance & {
      /** Time at the end of the step, and its length. */
      readonly t: number;
      readonly h: number;
      readonly seconds: number;
      /** Truncation tolerance of the step, as a norm. */
      readonly tolerance: number;
      readonly integrationError: number | null;
    })
  | { readonly ok: false; readonly failure: StepFailure; readonly h: number };

/** One step from Y(t), repeated in wider bases as long as these turn out too small. `number` counts steps, for the starter. */
export async function takeStep(
  context: RunContext,
  { integrator: main, rejection, normalize }: Stepping,
  from: TTN,
  t: number,
  h: number,
  number: number,
): Promise<Advance | StepFailure> {
  const { starter } = main;
  const integrator = starter && number < starter.steps ? starter.integrator : main;
  const { executor, signal } = context;
  let start = from;
  let applications = 0;
  let result: StepSuccess;
  for (let rejected = 0; ; rejected++) {
    /** The errors that solvers estimate in states; bases are only tilted by theirs. */
    let solverError = 0;
    const seen = (problems: readonly LocalProblem[], solutions: readonly LocalSolution[]): void =>
      solutions.forEach(({ errorEstimate }, k) => {
        if (problems[k]!.seeks === "state") solverError += errorEstimate;
      });
    const attempt = await solved(integrator.step(context, start, t, h), { executor, signal, seen });
    if (!attempt.ok) return attempt;
    applications += attempt.applications;
    result = attempt;
    const isLast = !rejection || !attempt.widened || rejected + 1 >= rejection.attempts;
    if (isLast || !reasonToReject(start, attempt, context.truncation, rejection.factor, rejected > 0)) {
      const y = normalize ? scale(1 / norm(result.y), result.y) : result.y;
      const root = rootOf(y.tree);
      if (!allFinite(y.tensors[root]!)) return { ok: false, why: "not-finite", node: root };
      return { ok: true, y, discarded: result.discarded, rejected, applications, solverError };
    }
    start = attempt.widened;
  }
}
