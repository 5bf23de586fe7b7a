import { copy, sizeOf, tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { type MomentStep, type Moments, momentRule } from "./moment-rule.ts";
import type { Rule } from "./rules.ts";

/** How long the means of Adam remember, and what keeps its quotients finite. */
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
 * the gradient alone, and the means of a core are carried over when its bases turn or grow: see `momentRule`.
 * Throws a RangeError when a decay is not in [0, 1), epsilon not positive or an option unknown. [kingma2015adam; schotthoefer2025robust]
 */
export const adam = (options: AdamOptions = {}): Rule =>
  momentRule<Moments>({
    name: "Adam",
    step: adamStep(options),
    pack: (moments) => moments,
    unpack: (moments) => moments,
    memory: (shape) => 16 * sizeOf(shape),
  });

/** One step of Adam on a tensor. Throws as `adam` does. */
export function adamStep(options: AdamOptions): MomentStep<Moments>["step"] {
  checkKeys("adam", options, { beta1: true, beta2: true, epsilon: true });
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  for (const [name, beta] of Object.entries({ beta1, beta2 }))
    if (!(beta >= 0 && beta < 1)) throw new RangeError(`adam: ${name} is ${beta}, expected a number from 0 to below 1`);
  if (!(epsilon > 0)) throw new RangeError(`adam: epsilon is ${epsilon}, expected a positive number`);
  return (x, gradient, { m, v, count }, rate) => {
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
}
