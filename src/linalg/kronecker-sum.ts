import { isStored, type Matrix } from "./matrix.ts";
import { type Complex, complex, type Dtype, dtypeOf, type Scalar, shapeText } from "./tensor.ts";

/** One term of a Kronecker sum: `coefficient` times the product of a matrix on each mode; null is the identity. */
export interface KroneckerTerm {
  readonly coefficient: Scalar;
  readonly matrices: readonly (Matrix | null)[];
}

/** The linear map X -> sum_k c_k X x_1 M_1k x_2 M_2k ... on tensors of one shape. */
export interface KroneckerSum {
  readonly shapeIn: readonly number[];
  readonly shapeOut: readonly number[];
  readonly dtype: Dtype;
  readonly terms: readonly KroneckerTerm[];
}

/**
 * Checks the sizes of all matrices against the shape of the argument. The shape of the result follows from the matrices
 * unless it is given.
 */
export function kroneckerSum(
  shapeIn: readonly number[],
  terms: readonly KroneckerTerm[],
  dtype: Dtype,
  shapeOut: readonly number[] = imageShape(shapeIn, terms),
): KroneckerSum {
  let needed = dtype;
  for (const { coefficient, matrices } of terms) {
    if (dtypeOf(coefficient) === "complex128") needed = "complex128";
    for (let mode = 0; mode < matrices.length; mode++) {
      const m = matrices[mode];
      if (m?.dtype === "complex128") needed = "complex128";
      const rows = m ? m.shape[0] : shapeIn[mode];
      const columns = m ? m.shape[1] : shapeIn[mode];
      if (rows !== shapeOut[mode] || columns !== shapeIn[mode] || (m && m.shape.length !== 2))
        throw new RangeError(
          `kroneckerSum: mode ${mode} has a matrix ${m ? shapeText(m.shape) : `${rows}x${columns}`}, expected ${shapeOut[mode]}x${shapeIn[mode]}`,
        );
    }
  }
  return { shapeIn, shapeOut, dtype: needed, terms };
}

/** On each mode as many rows as the first matrix there has. */
function imageShape(shapeIn: readonly number[], terms: readonly KroneckerTerm[]): readonly number[] {
  const shape = [...shapeIn];
  for (let mode = 0; mode < shape.length; mode++)
    for (const { matrices } of terms) {
      const m = matrices[mode];
      if (!m) continue;
      shape[mode] = m.shape[0]!;
      break;
    }
  return shape;
}

/** Whether all matrices of these terms are known by their entries: no functions, which belong to one thread. */
export function areStored(terms: readonly KroneckerTerm[]): boolean {
  for (const { matrices } of terms) for (const m of matrices) if (m && !isStored(m)) return false;
  return true;
}

/** The sum of the coefficients, whatever the matrices. */
export function sumOfCoefficients(terms: readonly KroneckerTerm[]): Complex {
  const sum = { re: 0, im: 0 };
  for (const { coefficient } of terms) {
    const { re, im } = complex(coefficient);
    sum.re += re;
    sum.im += im;
  }
  return sum;
}
