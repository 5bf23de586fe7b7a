import { startValue } from "../../integrators/local/problem.ts";
import { modeProduct, scaled } from "../../linalg/contract.ts";
import { axpy, norm } from "../../linalg/level1.ts";
import { allFinite, type Tensor, tensor } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { overlapsAround } from "../../ttn/restrict.ts";
import type { TTN } from "../../ttn/ttn.ts";
import type { Rule } from "./rules.ts";

/** What rules such as Adam know of the past: means of gradients `m` and of their squares `v`, and how many steps there were. */
export interface Moments {
  readonly m: Tensor;
  readonly v: Tensor;
  readonly count: number;
}

/** A step from two means, entry by entry. */
export interface MomentStep<Kept> {
  readonly name: string;
  /** Where it goes, and the new means; what it is given stays as it is. */
  step(x: Tensor, gradient: Tensor, known: Moments, rate: number): Moments & { readonly x: Tensor };
  /** Means as they are kept between steps. */
  pack(moments: Moments): Kept;
  unpack(kept: Kept, shape: readonly number[]): Moments;
  readonly memory: Rule["memory"];
}

/**
 * A rule from such a step, on the cores and passengers. Bases follow the gradient alone, since of a basis only its range counts; they need
 * no size of their own: a K-step moves by as much as K is, so that no new direction is taken for noise.
 *
 * A core is written in bases that turn and grow from step to step, and a step entry by entry is no function of the matrix. The means are
 * therefore carried over by the overlaps M, N of the new bases with the old: m becomes M m N^T, and v, a mean of squares,
 * (M o M) v (N o N)^T with squared entries, as it does for gradients of independent entries. So v stays positive, which it does not as
 * the square of M sqrt(v) N^T, the rule of the published code: where that nearly cancels, steps explode. New directions start from zero;
 * the counter of steps goes on. [schotthoefer2025robust]
 */
export function momentRule<Kept>({ name, step, pack, unpack, memory }: MomentStep<Kept>): Rule {
  return {
    name: `${name} on cores`,
    needsGalerkin: true,
    memory,
    begin() {
      const cores = new Map<number, { readonly kept: Kept; readonly frame: TTN }>();
      const passengers = new Map<number, Kept>();
      const ofCore = (block: number, own: TTN, x: Tensor): Moments => {
        const known = cores.get(block);
        if (!known) return nothing(x.shape);
        return carried(unpack(known.kept, known.frame.tensors[known.frame.center]!.shape), known.frame, own);
      };
      return {
        solver: (block, frameOf) => ({
          name,
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
            if (!own) throw new TypeError(`${name}: the local problem is none of a gradient flow`);
            const { x: final, ...next } = step(x, scaled(-1, field), ofCore(block, own, x), problem.t1 - problem.t0);
            cores.set(block, { kept: pack(next), frame: own });
            return { final, applications: 1, errorEstimate: 0, converged: allFinite(final) };
          },
        }),
        advance(passenger, x, gradient, rate) {
          const kept = passengers.get(passenger);
          const known = kept === undefined ? nothing(x.shape) : unpack(kept, x.shape);
          const { x: next, ...moments } = step(x, gradient, known, rate);
          passengers.set(passenger, pack(moments));
          return next;
        },
      };
    },
  };
}

const nothing = (shape: readonly number[]): Moments => ({ m: tensor(shape), v: tensor(shape), count: 0 });

/** Means of a core in the bases of another frame. */
function carried({ m, v, count }: Moments, from: TTN, to: TTN): Moments {
  const overlaps = overlapsAround(from, to, to.center);
  const through = (t: Tensor, f: (entry: number) => number): Tensor =>
    overlaps.reduce<Tensor>((y, o, mode) => (o ? modeProduct(y, mode, { ...o, data: o.data.map(f) }) : y), t);
  return { m: through(m, (a) => a), v: through(v, (a) => a * a), count };
}
