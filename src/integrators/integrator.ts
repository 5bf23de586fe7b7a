import type { Rhs } from "../ttn/rhs.ts";
import type { NodeId } from "../ttn/tree.ts";
import type { Truncation } from "../ttn/truncate.ts";
import type { TTN } from "../ttn/ttn.ts";
import type { Executor } from "./executor.ts";
import type { LocalSolver } from "./local/problem.ts";
import type { Schedule } from "./schedule.ts";

/** What a method guarantees; the contract suite tests exactly this. */
export interface Promises {
  /** Order in the step size, uniform in small singular values. */
  readonly order: 1 | 2;
  /** Order that one sees on smooth problems, not proven: what step size control reckons with. Default `order`. */
  readonly usualOrder?: number;
  /** Whether a solution of the tree's rank is reproduced exactly. */
  readonly exact: boolean;
  /** What Schroedinger's equation keeps, up to tolerance and local solver. */
  readonly conserves: "norm and energy" | "nothing";
  /** Whether the energy of a gradient flow F = -grad E never rises, up to tolerance and local solver. */
  readonly descends: boolean;
  /** Whether ranks follow the truncation tolerance; otherwise they stay as they are. */
  readonly rankAdaptive: boolean;
  /**
   * Whether the functionals of `truncation.conserved` follow the scheme's own law (docs/conservation.md): their change in a step is that of
   * a Runge-Kutta local solver where no mode is free; where modes are, of `euler`. Default false.
   */
  readonly keepsMoments?: boolean;
}

/** Everything a step needs besides the state: what is evolved, how local problems are solved, and how ranks are cut. */
export interface StepContext {
  readonly rhs: Rhs;
  readonly solver: LocalSolver;
  readonly truncation: Truncation;
  /** Whether the step may be rejected: then what its ansatz leaves out is measured, an application a node. */
  readonly measureMissed: boolean;
}

/** What drives steps needs to know besides: where local problems are solved, and when to stop. */
export interface RunContext extends StepContext {
  readonly executor: Executor;
  readonly signal: AbortSignal;
}

/** Numerical trouble is a value. */
export interface StepFailure {
  readonly ok: false;
  readonly why: "not-finite" | "solver-stalled" | "step-too-small";
  readonly node: NodeId;
}

export interface StepSuccess {
  readonly ok: true;
  readonly y: TTN;
  /** Norm of what truncation removed. */
  readonly discarded: number;
  /** Evaluations of local fields. */
  readonly applications: number;
  /**
   * max over the nodes of |h| |components of F(t0, Y0) with two or more new directions|, which the method drops;
   * null for methods that drop none, or when it was not asked for.
   */
  readonly missed: number | null;
  /**
   * The start value in the augmented bases of this step: the same tensor, with room to grow further. Null at fixed rank, or where
   * making it costs something and no rejection was asked for.
   */
  readonly widened: TTN | null;
}

export type StepResult = StepSuccess | StepFailure;

/** A one-step method: settings, what they promise, and one verb. */
export interface Integrator {
  readonly name: string;
  /** Key of the paper in the documentation's list. */
  readonly reference: string;
  readonly promises: Promises;
  /** Another method for the first steps of a run. */
  readonly starter?: { readonly integrator: Integrator; readonly steps: number };
  /**
   * One step from Y(t) to Y(t + h), as a schedule of local problems: `solved(integrator.step(...), context)` drives it. `y` has its centre at
   * the root and stays as it is.
   */
  step(context: StepContext, y: TTN, t: number, h: number): Schedule<StepResult>;
}
