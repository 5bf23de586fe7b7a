import { axpy, scaleInto } from "../linalg/level1.ts";
import { asDtype, commonDtype, type Dtype, type Tensor } from "../linalg/tensor.ts";
import { checkFits, type Networks, restrictSum } from "./function-rhs.ts";
import { checkDtype } from "./local-rhs.ts";
import { shapeSeen } from "./restrict.ts";
import type { LocalField, Rhs } from "./rhs.ts";
import { dtypeOfState, type TTN } from "./ttn.ts";

export interface SourceOptions {
  /** "complex128" when G is complex. Default: that of a G which is constant, else "float64". */
  readonly dtype?: Dtype;
  /** A(t) with A' = G, when it is known: what `exactIncrement` needs. For a constant G it is. */
  readonly integral?: (t: number) => Networks;
}

/**
 * A source: F(t, Y) = G(t), whatever Y is, for a network G or a function of time; a list stands for a sum. With `sumRhs` it makes
 * affine equations, Y' = A Y + G(t). G(t) is asked for once a time, not once a node.
 *
 * Cost of an evaluation: one contraction with the frame, of which the nodes of a step share most. Throws as `functionRhs`
 * does when a value does not fit.
 */
export function sourceRhs(g: Networks | ((t: number) => Networks), options: SourceOptions = {}): Rhs {
  if (typeof g === "function") return independent("sourceRhs: G(t)", { ...options, value: g, constant: null });
  const dtype = commonDtype(options.dtype ?? "float64", ...[g].flat().map((part) => dtypeOfState(part as TTN)));
  return independent("sourceRhs: G", { ...options, dtype, value: () => g, constant: g });
}

export interface PrescribedOptions {
  /** "complex128" when A is complex. Default "float64". */
  readonly dtype?: Dtype;
  /** A'(t); a list stands for a sum, such as one network for each tensor that moves. */
  readonly derivative?: (t: number) => Networks;
}

/**
 * Y' = A'(t) for a given A(t): the test of whether an integrator is exact for solutions of its own rank. Integrals over time are
 * exact, P* (A(t1) - A(t0)), with the solver `exactIncrement`; other solvers, and the methods that look at F itself
 * (in predicted frames, second-order parallel, midpoint; the Euler coupling of parallel BUG), need the derivative, and get a
 * TypeError without it.
 */
export const prescribedRhs = (a: (t: number) => Networks, { derivative, ...options }: PrescribedOptions = {}): Rhs =>
  independent("prescribedRhs: A(t)", { ...options, value: derivative ?? null, integral: a, constant: null });

interface Independent {
  readonly dtype?: Dtype;
  readonly value: ((t: number) => Networks) | null;
  readonly integral?: (t: number) => Networks;
  /** The value itself when it does not depend on time. */
  readonly constant: Networks | null;
}

/** A field that does not depend on Y. */
function independent(what: string, { dtype = "float64", constant, ...options }: Independent): Rhs {
  const value = options.value && remembered(options.value);
  const integral = options.integral && remembered(options.integral);
  return {
    dtype,
    check(y) {
      checkDtype(dtype, y);
      for (const part of [constant ?? []].flat()) checkFits(what, part as TTN, y, dtypeOfState(y));
    },
    bind(trial, node, test = trial): LocalField {
      const type = commonDtype(dtype, dtypeOfState(trial));
      const seen = (z: Networks, t: number): Tensor =>
        asDtype(restrictSum(`${what} at node ${node} and t = ${t}`, z, test, node, type), type);
      const increment = integral
        ? (t0: number, t1: number, out: Tensor): void => {
            out.data.set(seen(integral(t1), t1).data);
            axpy({ re: -1, im: 0 }, seen(integral(t0), t0), out);
          }
        : constant &&
          ((t0: number, t1: number, out: Tensor) => scaleInto({ re: t1 - t0, im: 0 }, seen(constant, t0), out));
      return {
        kind: "nonlinear",
        autonomous: constant !== null,
        dtype: type,
        shapeOut: shapeSeen(test, node),
        ...(increment ? { increment } : {}),
        plan() {
          if (!value)
            throw new TypeError(
              `prescribedRhs: the field at node ${node} has to be evaluated and no derivative was given; give one, or solve with exactIncrement()`,
            );
          return (t, _x, out) => out.data.set(seen(value(t), t).data);
        },
      };
    },
  };
}

/** The function with its last values, so that all nodes of a step share them. */
function remembered(f: (t: number) => Networks): (t: number) => Networks {
  const last = new Map<number, Networks>();
  return (t) => {
    const found = last.get(t) ?? f(t);
    last.set(t, found);
    if (last.size > 32) last.delete(last.keys().next().value!);
    return found;
  };
}
