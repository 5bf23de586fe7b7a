import { seeded } from "../../../linalg/random.ts";
import { decayingMatrix } from "../../initial.ts";
import { toPadded } from "../float32.ts";
import type { StepSettings } from "../settings.ts";
import { factorArrays } from "./parameters.ts";
import { Recorder } from "./recorder.ts";
import { type Stepper, stepper } from "./stepper.ts";
import { type Transformation, type TransformationSettings, transformation } from "./transformation.ts";
import type { Jax, JaxArray, JaxFactors, Operations } from "./types.ts";

/** How a weight of low rank starts, and how far its rank may grow. */
export interface JaxWeightOptions {
  /** Rank to start with. Default: 32, or what the sizes allow. */
  readonly rank?: number;
  /** Columns that there is room for. Default: twice the rank, or what the sizes allow. */
  readonly rankMax?: number;
  /** |W|_F at the start over sqrt(rows). Default 0.1; `decayingMatrix` tells why small. */
  readonly gain?: number;
  /** Default 0. */
  readonly seed?: number;
}

/** The array type of a module of jax-js. */
type ArrayOf<J> = J extends { readonly numpy: { zeros(...args: never): infer A } } ? A : never;

/** What low-rank training needs, for a module of jax-js, as that types it. */
export interface JaxAdapter<A> {
  /** A random weight, rows x columns, to put among parameters. */
  lowRank(rows: number, columns: number, options?: JaxWeightOptions): JaxFactors<A>;
  /** X W^T, (any shape) x columns to (any shape) x rows; takes both, as all functions of jax-js do. */
  linear(x: A, w: JaxFactors<A>): A;
  /** Steps by any method, for losses that apply their weights by `linear`. */
  stepper(settings: StepSettings): Stepper;
  /** Steps from a gradient alone: parallel BUG with the assembled root (GeoLoRA), for loops that are written for such transformations. */
  transformation(settings: TransformationSettings): Transformation;
}

/**
 * Low-rank training in jax-js, by the integrators of this library:
 *
 *     const { lowRank, linear, stepper } = jaxJs(jax);
 *     let params = { w: lowRank(128, 784, { rank: 32 }), b: np.zeros([128]) };
 *     const { init, step } = stepper({ learningRate: 0.2, method: "dlrt" });
 *     let state = init(params);
 *     [params, state, loss] = step((p, { x, y }) => lossOf(linear(x, p.w).add(p.b), y), params, batch, state);
 *
 * The module is handed over and not imported: this library does not depend on it. Weights are stepped in float64 and kept in float32,
 * padded with zero columns to a rank that stays, so that shapes do. Functions take what they are given and give what they return, as all
 * functions of jax-js do; `init` alone takes nothing. A loss may not be under `jit`: a weight would not be known inside.
 * Throws a TypeError when it is given another module.
 */
export function jaxJs<J extends Jax>(jax: J): JaxAdapter<ArrayOf<J>> {
  const { numpy, valueAndGrad, makeJaxpr, tree } = (jax ?? {}) as Partial<Jax>;
  if (![numpy?.matmul, tree?.ref, valueAndGrad, makeJaxpr].every((f) => typeof f === "function"))
    throw new TypeError(
      "jaxJs: the module has no numpy.matmul, tree.ref, valueAndGrad or makeJaxpr, expected @jax-js/jax (import * as jax)",
    );
  const operations = jax as unknown as Operations;
  const recorder = new Recorder(operations);
  const adapter: JaxAdapter<JaxArray> = {
    lowRank(rows, columns, { rank, rankMax, gain = 0.1, seed = 0 } = {}) {
      for (const [name, n] of Object.entries({ rows, columns, rank, rankMax }))
        if (n !== undefined && !(Number.isSafeInteger(n) && n > 0))
          throw new RangeError(`lowRank: ${name} is ${n}, expected a positive integer`);
      const most = Math.min(rows, columns);
      for (const [name, n] of Object.entries({ rank, rankMax }))
        if (n !== undefined && n > most)
          throw new RangeError(`lowRank: ${name} is ${n}, a matrix of ${rows}x${columns} has at most ${most}`);
      if (!(gain > 0 && gain < Number.POSITIVE_INFINITY))
        throw new RangeError(`lowRank: gain is ${gain}, expected a positive number`);
      const room = rankMax ?? Math.min(2 * (rank ?? 32), most);
      const start = rank ?? Math.min(32, room);
      if (start > room) throw new RangeError(`lowRank: rank is ${start}, more than rankMax, ${room}`);
      const y = decayingMatrix(rows, columns, start, seeded(seed), gain);
      return factorArrays(operations, toPadded(y, room), rows, columns, room);
    },
    linear: (x, w) => recorder.linear(x, w),
    stepper: (settings) => stepper(operations, recorder, settings),
    transformation: (settings) => transformation(operations, settings),
  };
  return adapter as unknown as JaxAdapter<ArrayOf<J>>;
}
