import { euler } from "../integrators/local/euler.ts";
import { type LocalSolver, startValue } from "../integrators/local/problem.ts";
import { modeProduct } from "../linalg/contract.ts";
import { axpy, norm } from "../linalg/level1.ts";
import { allFinite, copy, type Tensor, tensor } from "../linalg/tensor.ts";
import { workspace } from "../linalg/workspace.ts";
import { overlapsAround } from "../ttn/restrict.ts";
import type { TTN } from "../ttn/ttn.ts";

/** What a rule remembers of one run. */
export interface RuleState {
  /** Solves the local problems of a block: one step of the rule on each. */
  solver(block: number, frameOf: FrameOf): LocalSolver;
  /** A passenger after a step of length `rate`. */
  advance(passenger: number, x: Tensor, gradient: Tensor, rate: number): Tensor;
}

/** The state that a local problem was posed in; its centre is the problem's node. */
export type FrameOf = (problem: Parameters<LocalSolver["solve"]>[0]) => TTN | undefined;

/** How a weight follows its gradient in one step. The length of a step is the learning rate. */
export interface Rule {
  readonly name: string;
  /** Whether it knows the state from directions of bases, so that a step must solve for the state just once, at its end. Default false. */
  readonly needsGalerkin?: boolean;
  /** Fresh, for a run. */
  begin(): RuleState;
}

/** Gradient descent: X - rate dL/dX, which is the explicit Euler method. The rule that descent and robustness are proven for. */
export const sgd = (): Rule => ({
  name: "SGD",
  begin: () => ({
    solver: () => euler(),
    advance: (_, x, gradient, rate) => {
      const next = copy(x);
      axpy({ re: -rate, im: 0 }, gradient, next);
      return next;
    },
  }),
});

export interface AdamOptions {
  /** Decay of the mean of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of their squares. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the latter. Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adam on the cores and passengers: X - rate m / (sqrt(v) + epsilon), m and v the means of gradients and of their squares, without bias. Bases follow
 * the gradient alone, since of a basis only its range counts.
 *
 * A core is written in bases that turn and grow from step to step, and Adam is no function of the matrix but of its entries. The
 * means are therefore carried over by the overlaps M, N of the new bases with the old: m becomes M m N^T, and v, a mean of squares,
 * (M o M) v (N o N)^T with squared entries, as it does for gradients of independent entries. So v stays positive, which it does not as
 * the square of M sqrt(v) N^T, the rule of the published code: where that nearly cancels, steps explode. New directions start from zero;
 * the counter of steps goes on.
 * The bases need no size of their own: a K-step moves by as much as K is, so that no new direction is taken for noise.
 * Throws a RangeError when a decay is not in [0, 1) or epsilon not positive. [kingma2015adam; schotthoefer2025robust]
 */
export function adam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {}): Rule {
  for (const [name, beta] of Object.entries({ beta1, beta2 }))
    if (!(beta >= 0 && beta < 1)) throw new RangeError(`adam: ${name} is ${beta}, expected a number from 0 to below 1`);
  if (!(epsilon > 0)) throw new RangeError(`adam: epsilon is ${epsilon}, expected a positive number`);

  /** x - rate m / (sqrt(v) + epsilon), with the new means. */
  const step = (x: Tensor, gradient: Tensor, { m, v, count }: Moments, rate: number) => {
    const next = { x: copy(x), m: tensor(x.shape), v: tensor(x.shape), count: count + 1 };
    const [bias1, bias2] = [1 - beta1 ** next.count, 1 - beta2 ** next.count];
    for (let p = 0; p < x.data.length; p++) {
      const g = gradient.data[p]!;
      const mean = beta1 * m.data[p]! + (1 - beta1) * g;
      const square = beta2 * v.data[p]! + (1 - beta2) * g * g;
      next.m.data[p] = mean;
      next.v.data[p] = square;
      next.x.data[p]! -= (rate * (mean / bias1)) / (Math.sqrt(square / bias2) + epsilon);
    }
    return next;
  };

  return {
    name: "Adam on cores",
    needsGalerkin: true,
    begin() {
      const cores = new Map<number, Moments & { readonly frame: TTN }>();
      const passengers = new Map<number, Moments>();
      return {
        solver: (block, frameOf) => ({
          name: "Adam",
          order: 1,
          solve(problem) {
            using frame = workspace().frame();
            const x = startValue(problem);
            const field = frame.take(x.shape, x.dtype);
            problem.field.plan(frame)(problem.t0, x, field);
            if (problem.seeks === "basis") {
              const size = norm(field);
              axpy({ re: size > 0 ? norm(x) / size || 1 : 0, im: 0 }, field, x);
              return { final: x, applications: 1, errorEstimate: 0, converged: allFinite(x) };
            }
            const own = frameOf(problem);
            if (!own) throw new TypeError("adam: the local problem is none of a gradient flow");
            const moments = carried(cores.get(block), own, x);
            const gradient = copy(field);
            gradient.data.forEach((v, p) => {
              gradient.data[p] = -v;
            });
            const { x: final, ...next } = step(x, gradient, moments, problem.t1 - problem.t0);
            cores.set(block, { ...next, frame: own });
            return { final, applications: 1, errorEstimate: 0, converged: allFinite(final) };
          },
        }),
        advance(passenger, x, gradient, rate) {
          const known = passengers.get(passenger) ?? nothing(x);
          const { x: next, ...moments } = step(x, gradient, known, rate);
          passengers.set(passenger, moments);
          return next;
        },
      };
    },
  };
}

interface Moments {
  readonly m: Tensor;
  readonly v: Tensor;
  readonly count: number;
}

const nothing = (x: Tensor): Moments => ({ m: tensor(x.shape), v: tensor(x.shape), count: 0 });

/** Means of a core in the bases of another frame. */
function carried(known: (Moments & { readonly frame: TTN }) | undefined, own: TTN, x: Tensor): Moments {
  if (!known) return nothing(x);
  const overlaps = overlapsAround(known.frame, own, own.center);
  const through = (t: Tensor, f: (entry: number) => number): Tensor =>
    overlaps.reduce<Tensor>((y, o, mode) => (o ? modeProduct(y, mode, { ...o, data: o.data.map(f) }) : y), t);
  return { m: through(known.m, (a) => a), v: through(known.v, (a) => a * a), count: known.count };
}
