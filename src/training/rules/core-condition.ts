import { combine, matmul, scaled } from "../../linalg/contract.ts";
import { svd } from "../../linalg/factor.ts";
import { norm } from "../../linalg/level1.ts";
import { identity, reshape, type Tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { rootOf } from "../../ttn/tree.ts";
import { type TTN, withTensor } from "../../ttn/ttn.ts";

/** What the core of a weight has to be, restored after every step. */
export interface CoreProjection {
  readonly name: string;
  /** The weight with a core that is so; the same bases, and the centre at the root. Throws a RangeError for a weight that it is not made for. */
  apply(y: TTN): TTN;
}

/** A function of each weight that is added to the loss. */
export interface Penalty {
  readonly name: string;
  value(y: TTN): number;
  /** Its derivative by the weight: a network in the bases of the weight, so that it moves the core alone. Throws as `CoreProjection.apply`. */
  gradient(y: TTN): TTN;
}

/** The bound on the condition of cores, and what their singular values are held around. */
export interface BoundedConditionOptions {
  /** Largest ratio of two singular values, at least 1. */
  readonly condition: number;
  /** What singular values are held around: their "mean" (default) or the root of their mean square, "rms", which keeps |W|_F at condition 1. */
  readonly around?: "mean" | "rms";
}

/**
 * Keeps the condition of a matrix W = U S V^T small: its singular values go into [s - w, s + w], w = s (condition - 1) / (condition + 1), with s
 * their mean. Ill-conditioned weights let small changes of the input through much enlarged, and are easy to deceive.
 *
 * The "approximately orthogonal" cores of CondLR; at condition 1 its "mean" ones, S = s Q, with the orthogonal polar factor Q of S for
 * that of its QR factorisation: the nearest such matrix, whatever bases it is written in. With "rms" and condition 1 + beta, the clamp of
 * RobustDLRT. All singular values being alike, ranks cannot follow a tolerance: for methods of a given rank. A weight that is zero stays so.
 * Cost O(r^3). Throws a RangeError when the condition is below 1 or an option unknown. [savostianova2023robust; schotthoefer2025robust]
 */
export function boundedCondition(options: BoundedConditionOptions): CoreProjection {
  checkKeys("boundedCondition", options, { condition: true, around: true });
  const { condition, around = "mean" } = options;
  if (!(condition >= 1 && condition < Number.POSITIVE_INFINITY))
    throw new RangeError(`boundedCondition: condition is ${condition}, expected a number of at least 1`);
  if (around !== "mean" && around !== "rms")
    throw new RangeError(`boundedCondition: around is ${JSON.stringify(around)}, expected "mean" or "rms"`);
  return {
    name: `condition at most ${condition}`,
    apply(y) {
      const core = coreOf("boundedCondition", y);
      const { u, s, vh } = svd(core);
      const middle = s.reduce((sum, v) => sum + (around === "mean" ? v : v * v), 0) / s.length;
      const s0 = around === "mean" ? middle : Math.sqrt(middle);
      const width = (s0 * (condition - 1)) / (condition + 1);
      const held = s.map((v) => Math.min(Math.max(v, s0 - width), s0 + width));
      const next = matmul(u, { ...vh, data: vh.data.map((v, p) => held[Math.floor(p / vh.shape[1]!)]! * v) });
      return withTensor(y, y.center, reshape(next, y.tensors[y.center]!.shape));
    },
  };
}

/**
 * beta |S S^T - (|S|_F^2 / r) I|_F for the core S of each weight: zero where all singular values are alike, and a function of these alone, so
 * that it does not depend on the bases. Its derivative by W is U (2 beta A S / |A|_F) V^T, A what stands in the norm.
 * Throws a RangeError when beta is not positive. [schotthoefer2025robust]
 */
export function conditionPenalty(beta: number): Penalty {
  if (!(beta > 0 && beta < Number.POSITIVE_INFINITY))
    throw new RangeError(`conditionPenalty: beta is ${beta}, expected a positive number`);
  const spread = (y: TTN): { readonly s: Tensor; readonly a: Tensor } => {
    const s = coreOf("conditionPenalty", y);
    const [r] = s.shape as [number, number];
    const a = combine([
      [1, matmul(s, s, "N", "T")],
      [-(norm(s) ** 2) / r, identity(r)],
    ]);
    return { s, a };
  };
  return {
    name: "condition penalty",
    value: (y) => beta * norm(spread(y).a),
    gradient(y) {
      const { s, a } = spread(y);
      const size = norm(a);
      return withTensor(
        y,
        y.center,
        reshape(scaled(size > 0 ? (2 * beta) / size : 0, matmul(a, s)), y.tensors[y.center]!.shape),
      );
    },
  };
}

/** The core of a matrix in orthonormal bases, as its root has it. */
function coreOf(who: string, y: TTN): Tensor {
  if (y.tree.order !== 2 || y.center !== rootOf(y.tree))
    throw new RangeError(`${who}: the weight has ${y.tree.order} modes, expected a matrix with its centre at the root`);
  const root = y.tensors[y.center]!;
  return reshape(root, root.shape.slice(0, 2));
}
