import { copy, sizeOf, type Tensor } from "../../linalg/tensor.ts";
import type { LocalField } from "../../ttn/rhs.ts";
import type { NodeId } from "../../ttn/tree.ts";

/** The initial value problem X' = g(t, X), X(t0) = initial, of one node. */
export interface LocalProblem {
  readonly node: NodeId;
  readonly field: LocalField;
  readonly initial: Tensor;
  readonly t0: number;
  readonly t1: number;
  /**
   * What the solution is for: the range it adds to a "basis", where an error only tilts the space in which the state is then
   * sought, or the "state" itself.
   */
  readonly seeks: "basis" | "state";
}

export interface LocalSolution {
  readonly final: Tensor;
  /** Evaluations of the local field. */
  readonly applications: number;
  /** Norm of the error of `final`, estimated; 0 where the method has no estimate. */
  readonly errorEstimate: number;
  /** Whether the solver reached t1 within its tolerance; `final` is then finite. */
  readonly converged: boolean;
}

/** Advances local problems; knows no trees. */
export interface LocalSolver {
  readonly name: string;
  /** Order in the length of the interval; Infinity for solvers with a tolerance of their own. */
  readonly order: number;
  solve(problem: LocalProblem): LocalSolution;
  /** How it is made elsewhere; none for solvers that are closures. */
  readonly spec?: SolverSpec;
  /** The times at which the field of a problem is evaluated, where they are known beforehand. */
  times?(problem: LocalProblem): readonly number[] | undefined;
  /** Evaluations that a solve usually takes, to estimate its cost. Default 10. */
  readonly usualEvaluations?: number;
}

/** A solver as plain data; see `solverFrom`. */
export interface SolverSpec {
  readonly name: string;
  readonly options: Readonly<Record<string, number>>;
}

/** A fresh tensor with the initial value, of the type of the field. */
export function startValue({ field, initial }: LocalProblem): Tensor {
  if (initial.dtype !== field.dtype)
    throw new TypeError(`local problem: the initial value is ${initial.dtype}, the local field ${field.dtype}`);
  return copy(initial);
}

/** Whether a problem has anything to do. */
export const isTrivial = ({ initial, t0, t1 }: LocalProblem): boolean => t0 === t1 || sizeOf(initial.shape) === 0;
