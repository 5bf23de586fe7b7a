import { fromFunction, fromValues, type Tensor } from "../../linalg/tensor.ts";

const im = (x: number) => ({ re: 0, im: x });

const matrix = (...rows: readonly number[]): Tensor => fromValues([2, 2], rows);

const imaginary = (...rows: readonly number[]): Tensor => fromFunction([2, 2], (i, j) => im(rows[2 * i! + j!]!));

/**
 * Operators of one spin 1/2 by name, as 2x2 matrices in the basis (up, down) = (e_1, e_2):
 * the identity `I`, the Pauli matrices `X`, `Y`, `Z = diag(1, -1)`, the projector `n = diag(1, 0) = |up><up|`,
 * the spin components `Sx = X/2`, `Sy = Y/2`, `Sz = Z/2`, and the ladder operators `Sp = |up><down|`,
 * `Sm = |down><up|`. `Y` and `Sy` are complex128, the others float64.
 */
export const spinOperators: Readonly<Record<string, Tensor>> = Object.freeze({
  I: matrix(1, 0, 0, 1),
  X: matrix(0, 1, 1, 0),
  Y: imaginary(0, -1, 1, 0),
  Z: matrix(1, 0, 0, -1),
  n: matrix(1, 0, 0, 0),
  Sx: matrix(0, 0.5, 0.5, 0),
  Sy: imaginary(0, -0.5, 0.5, 0),
  Sz: matrix(0.5, 0, 0, -0.5),
  Sp: matrix(0, 1, 0, 0),
  Sm: matrix(0, 0, 1, 0),
});
