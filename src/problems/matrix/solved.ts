import type { Tensor } from "../../linalg/tensor.ts";
import type { Problem } from "../../ttn/problem.ts";

/** A problem whose solution is known in other ways. */
export interface SolvedProblem<Solution = Tensor> extends Problem {
  /** The solution at time t; unless it says otherwise the full tensor, at the cost of full tensors. */
  readonly exact: (t: number) => Solution;
}
