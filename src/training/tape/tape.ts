import { axpy } from "../../linalg/level1.ts";
import { copy, shapeText, sizeOf, type Tensor, tensor } from "../../linalg/tensor.ts";
import type { Frame } from "../../linalg/workspace.ts";

/** A value on a tape. */
export interface Variable {
  readonly value: Tensor;
  /** Whether its derivative is of no interest: data, and what is made of data alone. */
  readonly isConstant: boolean;
}

/** Passes the derivative of the result by a value on to what that value was made of. */
export type Pullback = (derivative: Tensor) => void;

/**
 * Reverse-mode differentiation: operations are recorded as they are made, and gone through backwards once.
 *
 *     const tape = new Tape();
 *     const x = tape.variable(value);
 *     tape.backward(meanSquaredError().record(tape, relu(tape, x), wanted));
 *     tape.derivative(x);   // dL/dx
 *
 * A tape is for one pass. Cost: that of the operations, twice or three times. With `memory`, what operations make may lie there,
 * values and derivatives alike, and is gone when that ends.
 */
export class Tape {
  readonly memory: Frame | undefined;
  readonly #steps: { readonly result: Variable; readonly pullback: Pullback }[] = [];
  readonly #derivatives = new Map<Variable, Tensor>();

  constructor(memory?: Frame) {
    this.memory = memory;
  }

  /** A tensor to be filled, where the tape has its memory: not initialised. */
  room(shape: readonly number[]): Tensor {
    return this.memory?.take(shape, "float64") ?? tensor(shape);
  }

  /** A value by which derivatives are wanted. */
  variable(value: Tensor): Variable {
    return { value, isConstant: false };
  }

  /** A value by which none are. */
  constant(value: Tensor): Variable {
    return { value, isConstant: true };
  }

  /** The value of an operation. `isConstant` when none of its arguments is a variable; `pullback` is then never called. */
  record(value: Tensor, isConstant: boolean, pullback: Pullback): Variable {
    const result = { value, isConstant };
    if (!isConstant) this.#steps.push({ result, pullback });
    return result;
  }

  /** Adds to the derivative by a variable; nothing for a constant. What is given is taken over, and may be changed later. */
  add(to: Variable, derivative: Tensor): void {
    if (to.isConstant) return;
    const known = this.#derivatives.get(to);
    if (known) axpy({ re: 1, im: 0 }, derivative, known);
    else this.#derivatives.set(to, derivative);
  }

  /** Goes back from a number to all that it was made of. Throws a RangeError when it is not one number. */
  backward(from: Variable): void {
    if (sizeOf(from.value.shape) !== 1)
      throw new RangeError(`tape: backward from a value of ${shapeText(from.value.shape)}, expected a single number`);
    const one = copy(from.value);
    one.data[0] = 1;
    this.add(from, one);
    for (const { result, pullback } of this.#steps.toReversed()) {
      const derivative = this.#derivatives.get(result);
      if (derivative) pullback(derivative);
    }
  }

  /** The derivative by a variable; zeros where the result does not depend on it. */
  derivative(of: Variable): Tensor {
    return this.#derivatives.get(of) ?? tensor(of.value.shape);
  }
}
