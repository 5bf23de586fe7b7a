import { combine, matmul, scaled } from "../../linalg/contract.ts";
import { norm } from "../../linalg/level1.ts";
import { type Random, randomTensor } from "../../linalg/random.ts";
import { tProduct, tTranspose, tubalSingularValues } from "../../linalg/t-product.ts";
import { allFinite, reshape, shapeText, type Tensor } from "../../linalg/tensor.ts";

/** A tensor T = X * X^T, known by linear measurements y_i = <A_i, T>. */
export interface TubalProblem {
  /** T, n x n x k: to judge by. */
  readonly truth: Tensor;
  /** The A_i, m x (n n k). */
  readonly operators: Tensor;
  /** y, m x 1. */
  readonly values: Tensor;
}

/** T = X * X^T / |X * X^T| of a factor X, n x r x k, in the norm of `tubalSingularValues`, and its measurements. */
export function tubalProblem(factor: Tensor, operators: Tensor): TubalProblem {
  const whole = tProduct(factor, tTranspose(factor));
  const truth = scaled(1 / tubalSingularValues(whole)[0]!, whole);
  const size = truth.data.length;
  if (operators.shape.length !== 2 || operators.shape[1] !== size)
    throw new RangeError(
      `tubalProblem: the operators are ${shapeText(operators.shape)}, expected measurements x ${size}, the entries of T`,
    );
  return { truth, operators, values: matmul(operators, reshape(truth, [size, 1])) };
}

/** A random problem: a normal factor n x rank x k, and normal measurements of variance 1 / m. */
export function randomTubalProblem(
  { n, k, rank, measurements }: { n: number; k: number; rank: number; measurements: number },
  random: Random,
): TubalProblem {
  const factor = randomTensor(random, [n, rank, k]);
  return tubalProblem(factor, scaled(1 / Math.sqrt(measurements), randomTensor(random, [measurements, n * n * k])));
}

/** Where gradient descent is. */
export interface TubalStep {
  readonly step: number;
  /** U, n x R x k. */
  readonly factor: Tensor;
  /** |A(U * U^T) - y| / |y|. */
  readonly trainingError: number;
  /** |U * U^T - T|_F / |T|_F. */
  readonly testError: number;
}

/**
 * Gradient descent for 1/2 |A(U * U^T) - y|^2 with a factor of more columns than T has rank,
 *
 *     U <- U - rate (M + M^T) * U,   M = A^*(A(U * U^T) - y),
 *
 * t-products throughout. Nothing but the size of its start keeps U * U^T of low rank: from a small one the leading directions grow first and
 * the others hardly at all before the measurements are met, so that the test error falls with the scale of the start.
 * Yields the start and every step. Cost a step: two products with the m x n^2 k operators.
 * Throws a RangeError when the start does not fit or the rate is not positive, and when the factor is no longer finite.
 * [karnik2025implicit]
 */
export function* tubalDescent(
  { truth, operators, values }: TubalProblem,
  { start, rate, steps }: { readonly start: Tensor; readonly rate: number; readonly steps: number },
): Generator<TubalStep, void, void> {
  const [n, , k] = truth.shape as [number, number, number];
  if (start.shape.length !== 3 || start.shape[0] !== n || start.shape[2] !== k)
    throw new RangeError(`tubalDescent: the start is ${shapeText(start.shape)}, expected ${n} x any x ${k}`);
  if (!(rate > 0 && rate < Number.POSITIVE_INFINITY))
    throw new RangeError(`tubalDescent: rate is ${rate}, expected a positive number`);
  if (!Number.isSafeInteger(steps) || steps < 0)
    throw new RangeError(`tubalDescent: steps is ${steps}, expected a non-negative integer`);
  const [size, truthNorm, valuesNorm] = [truth.data.length, norm(truth), norm(values)];
  const difference = (a: Tensor, b: Tensor): Tensor =>
    combine([
      [1, a],
      [-1, b],
    ]);
  let factor = start;
  for (let step = 0; ; step++) {
    const product = tProduct(factor, tTranspose(factor));
    const residual = difference(matmul(operators, reshape(product, [size, 1])), values);
    yield {
      step,
      factor,
      trainingError: norm(residual) / valuesNorm,
      testError: norm(difference(product, truth)) / truthNorm,
    };
    if (step === steps) return;
    const m = reshape(matmul(operators, residual, "T", "N"), truth.shape);
    const slope = combine([
      [1, m],
      [1, tTranspose(m)],
    ]);
    factor = combine([
      [1, factor],
      [-rate, tProduct(slope, factor)],
    ]);
    if (!allFinite(factor))
      throw new RangeError(`tubalDescent: the factor is not finite after step ${step + 1}; a smaller rate may help`);
  }
}
