import { NonFiniteError } from "../linalg/errors.ts";
import { asDtype, commonDtype, copy, type Dtype, shapeText, type Tensor, tensor } from "../linalg/tensor.ts";
import { shapeSeen } from "./restrict.ts";
import type { Rhs } from "./rhs.ts";
import type { NodeId } from "./tree.ts";
import { dtypeOfState, type TTN } from "./ttn.ts";

/** What a user's function promises. */
export interface FunctionOptions {
  /** "complex128" when F(t, Y) is complex for a real Y; real states are then refused. Default "float64". */
  readonly dtype?: Dtype;
  /** "linear" when F(t, Y) is linear in Y, over the complex numbers for complex states; `exponential` needs it. Default "nonlinear". */
  readonly kind?: "linear" | "nonlinear";
  /** Whether F does not depend on t. Default false. */
  readonly autonomous?: boolean;
  /** Throws when a state does not fit. Asked before a run, besides the check of the scalar type. */
  readonly check?: (y: TTN) => void;
}

/** g(t, X) = P(test)* F(t, P(trial) X) for one pair of frames, as a value: X is the function's to keep. */
export type LocalFunction = (t: number, x: Tensor) => Tensor;

/**
 * A right-hand side given by its local fields: `make(trial, node, test)` returns g(t, X) for X in the place of the tensor of
 * `node`, the centre of both states. `test` is the same object as `trial` unless the frames differ.
 *
 * X has the shape of `trial.tensors[node]`; g(t, X) one mode for each edge of the node, with the ranks of `test`, and a leaf's
 * mode size. Its values are checked: another shape is a RangeError; complex ones where real ones were declared, a TypeError.
 * Numbers that are not finite pass, and a NonFiniteError of the function (from `add`, say) counts as such: what to do then is the
 * solver's to decide. What is random in a step (a mini-batch)
 * is frozen by a `beginStep` of your own: `{ ...localRhs(make), beginStep }`.
 */
export const localRhs = (
  make: (trial: TTN, node: NodeId, test: TTN) => LocalFunction,
  options: FunctionOptions = {},
): Rhs =>
  lentRhs((...frames) => {
    const g = make(...frames);
    return (t, x) => g(t, copy(x));
  }, options);

/** `localRhs` without a copy of X, which is lent for the call: for functions that keep nothing of it. */
export function lentRhs(
  make: (trial: TTN, node: NodeId, test: TTN) => LocalFunction,
  options: FunctionOptions = {},
): Rhs {
  const { dtype = "float64", kind = "nonlinear", autonomous = false } = options;
  if (kind !== "linear" && kind !== "nonlinear")
    throw new RangeError(`right-hand side: kind is ${JSON.stringify(kind)}, expected "linear" or "nonlinear"`);
  return {
    dtype,
    check(y) {
      checkDtype(dtype, y);
      options.check?.(y);
    },
    bind(trial, node, test = trial) {
      const type = commonDtype(dtype, dtypeOfState(trial));
      const shapeOut = shapeSeen(test, node);
      const g = make(trial, node, test);
      return {
        kind,
        autonomous,
        dtype: type,
        shapeOut,
        plan: () => (t, x, out) => {
          const value = orNaN(() => g(t, x), shapeOut);
          const what = `right-hand side: its value at node ${node} and t = ${t}`;
          if (!value?.shape) throw new TypeError(`${what} is ${typeof value}, expected a tensor`);
          if (shapeText(value.shape) !== shapeText(shapeOut))
            throw new RangeError(`${what} is ${shapeText(value.shape)}, expected ${shapeText(shapeOut)}`);
          checkReal(what, value.dtype, type);
          out.data.set(asDtype(value, type).data);
        },
      };
    },
  };
}

/** What a function gives; a tensor of NaN when it meets numbers that are not finite. */
function orNaN(f: () => Tensor, shape: readonly number[]): Tensor {
  try {
    return f();
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    const nothing = tensor(shape);
    nothing.data.fill(Number.NaN);
    return nothing;
  }
}

/** Throws a TypeError when values of `dtype` leave the scalar type of a state. */
export function checkDtype(dtype: Dtype, y: TTN): void {
  if (commonDtype(dtype, dtypeOfState(y)) !== dtypeOfState(y))
    throw new TypeError("right-hand side: it is complex128, the state is float64; make the state complex first");
}

/** Throws a TypeError when a value is complex and has to be real. */
export function checkReal(what: string, dtype: Dtype, expected: Dtype): void {
  if (commonDtype(dtype, expected) !== expected)
    throw new TypeError(
      `${what} is complex128, the state is float64; declare dtype "complex128" and start from a complex state`,
    );
}
