import type { LocalProblem, LocalSolver } from "../integrators/local/problem.ts";
import { type Complex, times } from "../linalg/tensor.ts";
import { coefficientAt } from "../ttn/operators/kronecker-field.ts";
import type { Coefficient } from "../ttn/rhs.ts";
import { DeviceOperator, termsOf } from "./operator.ts";
import type { FlowProblem } from "./solve.ts";
import { maxDimension as limit } from "./wgsl/solve.ts";

/** What a local solver does, as far as the device can do it. */
export type DeviceMethod =
  | { readonly kind: "taylor"; readonly degree: number; readonly substeps: number }
  | {
      readonly kind: "krylov";
      /** Dimension of the Krylov space where it is given; else it follows from the tolerance. */
      readonly dimension: number | null;
      readonly tolerance: { readonly basis: number; readonly state: number };
      readonly maxDimension: number;
      readonly maxApplications: number;
    };

/** How the device does what this solver does; null for solvers that it does not know. */
export function methodOf({ spec }: LocalSolver): DeviceMethod | null {
  if (!spec) return null;
  const { options } = spec;
  const { tolerance = 1e-12, basisTolerance = tolerance, maxDimension = 30, maxApplications = 2000 } = options;
  switch (spec.name) {
    case "rk4":
      return { kind: "taylor", degree: 4, substeps: options["substeps"] ?? 1 };
    case "midpointRule":
      return { kind: "taylor", degree: 2, substeps: 1 };
    case "euler":
      return { kind: "taylor", degree: 1, substeps: options["substeps"] ?? 1 };
    case "krylov": {
      const own = options["dimension"]!;
      if (own > limit) return null;
      const any = { basis: Number.POSITIVE_INFINITY, state: Number.POSITIVE_INFINITY };
      return { kind: "krylov", dimension: own, tolerance: any, maxDimension: own, maxApplications: own };
    }
    case "automatic":
    case "exponential":
      return {
        kind: "krylov",
        dimension: null,
        tolerance: { basis: basisTolerance, state: tolerance },
        maxDimension,
        maxApplications,
      };
    default:
      return null;
  }
}

const root = Math.sqrt(3);
/** Gauss's points, and the weights of the two exponentials at them. */
const [early, late, more, less] = [0.5 - root / 6, 0.5 + root / 6, 0.25 + root / 6, 0.25 - root / 6];

/**
 * The local problem as a product of exponentials, with the length of time in the operators: one for a field that does not depend on
 * time, or is frozen at the middle of the step, and the two of the commutator-free Magnus method otherwise, as in `exponential`. Or why
 * it has no such form. [blanes2006fourth]
 */
export function flowOf({ field, initial, t0, t1 }: LocalProblem, method: DeviceMethod): FlowProblem | string {
  if (!field.data) return "the right-hand side is a function of this thread";
  if (method.kind === "taylor" && !field.autonomous)
    return "the right-hand side depends on time, which the device only takes with exponentials";
  const h = t1 - t0;
  const at = (c: Coefficient, share: number): Complex => coefficientAt(c)(t0 + share * h);
  const weighed = (first: number, second: number) => (c: Coefficient) => {
    const a = at(c, early);
    const b = at(c, late);
    return { re: h * (first * a.re + second * b.re), im: h * (first * a.im + second * b.im) };
  };
  const isFrozen = field.autonomous || (method.kind === "krylov" && method.dimension !== null);
  const weights = isFrozen
    ? [(c: Coefficient) => times(h, field.autonomous ? at(c, 0) : coefficientAt(c)((t0 + t1) / 2))]
    : [weighed(more, less), weighed(less, more)];
  const operators: DeviceOperator[] = [];
  for (const weigh of weights) {
    const terms = termsOf(field.data, weigh);
    if (!terms) return "the right-hand side is of a module, or has a matrix that is too large or a function";
    operators.push(new DeviceOperator(initial.shape, terms));
  }
  return { initial, operators };
}
