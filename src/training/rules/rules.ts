import { euler } from "../../integrators/local/euler.ts";
import type { LocalSolver } from "../../integrators/local/problem.ts";
import { axpy } from "../../linalg/level1.ts";
import { copy, type Tensor } from "../../linalg/tensor.ts";
import type { TTN } from "../../ttn/ttn.ts";

/** What a rule remembers of one run. */
export interface RuleState {
  /** Solves the local problems of a block: one step of the rule on each. */
  solver(block: number, frameOf: FrameOf): LocalSolver;
  /** A passenger after a step of length `rate`. The gradient is lent for the call: what is to be remembered of it is copied. */
  advance(passenger: number, x: Tensor, gradient: Tensor, rate: number): Tensor;
  /** What is left of a passenger once it was advanced, as ranks of blocks are cut at the end of a step. Default: all. */
  cut?(passenger: number, x: Tensor): Tensor;
}

/** The state that a local problem was posed in; its centre is the problem's node. */
export type FrameOf = (problem: Parameters<LocalSolver["solve"]>[0]) => TTN | undefined;

/** How a weight follows its gradient in one step. The length of a step is the learning rate. */
export interface Rule {
  readonly name: string;
  /** Whether it knows the state from directions of bases, so that a step must solve for the state just once, at its end. Default false. */
  readonly needsGalerkin?: boolean;
  /** Bytes that are remembered from step to step for a tensor of this shape, a core or a passenger. */
  memory(shape: readonly number[]): number;
  /** Fresh, for a run. */
  begin(): RuleState;
}

/** Gradient descent: X - rate dL/dX, which is the explicit Euler method. The rule that descent and robustness are proven for. */
export const sgd = (): Rule => ({
  name: "SGD",
  memory: () => 0,
  begin: () => ({
    solver: () => euler(),
    advance: (_, x, gradient, rate) => {
      const next = copy(x);
      axpy({ re: -rate, im: 0 }, gradient, next);
      return next;
    },
  }),
});
