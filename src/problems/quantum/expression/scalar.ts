import { type Complex, complex, type Scalar, times } from "../../../linalg/tensor.ts";
import type { Relation } from "./parse.ts";

/**
 * Arithmetic of the numbers in an expression. A result that is not a finite number (a division by zero, log(0),
 * sqrt(-1), an overflow) is NaN, which then survives every further operation: the caller decides whether the term it
 * belongs to is needed at all.
 */

/** The scalar as a plain number when its imaginary part is zero, NaN when it is not finite. */
export const simplify = (z: Complex): Scalar => (!Number.isFinite(z.re + z.im) ? NaN : z.im === 0 ? z.re : z);

export const isFiniteScalar = (z: Scalar): boolean =>
  typeof z === "number" ? Number.isFinite(z) : Number.isFinite(z.re) && Number.isFinite(z.im);

export const isZero = (z: Scalar): boolean => z === 0;

const real = (x: number): number => (Number.isFinite(x) ? x : NaN);

export const add = (a: Scalar, b: Scalar): Scalar => {
  if (typeof a === "number" && typeof b === "number") return real(a + b);
  const x = complex(a);
  const y = complex(b);
  return simplify({ re: x.re + y.re, im: x.im + y.im });
};

export const multiply = (a: Scalar, b: Scalar): Scalar =>
  typeof a === "number" && typeof b === "number" ? real(a * b) : simplify(times(a, b));

export const negate = (a: Scalar): Scalar => (typeof a === "number" ? -a : { re: -a.re, im: -a.im });

export const divide = (a: Scalar, b: Scalar): Scalar => {
  if (typeof b === "number") return typeof a === "number" ? real(a / b) : simplify({ re: a.re / b, im: a.im / b });
  // Smith's division: no overflow of |b|^2
  const { re, im } = complex(a);
  if (Math.abs(b.re) >= Math.abs(b.im)) {
    const q = b.im / b.re;
    const s = b.re + b.im * q;
    return simplify({ re: (re + im * q) / s, im: (im - re * q) / s });
  }
  const q = b.re / b.im;
  const s = b.re * q + b.im;
  return simplify({ re: (re * q + im) / s, im: (im * q - re) / s });
};

export const power = (a: Scalar, b: Scalar): Scalar => {
  if (!isFiniteScalar(a) || !isFiniteScalar(b)) return NaN;
  if (typeof a === "number" && typeof b === "number") return real(a ** b);
  // repeated products keep im^2 = -1 exact
  if (typeof b === "number" && Number.isInteger(b) && Math.abs(b) <= 64) {
    let p: Scalar = 1;
    for (let k = 0; k < Math.abs(b); k++) p = multiply(p, a);
    return b < 0 ? divide(1, p) : p;
  }
  if (a === 0) return NaN;
  return exp(multiply(b, log(a)));
};

const modulus = (a: Scalar): number => (typeof a === "number" ? Math.abs(a) : Math.hypot(a.re, a.im));

function exp(a: Scalar): Scalar {
  if (typeof a === "number") return real(Math.exp(a));
  const r = Math.exp(a.re);
  return simplify({ re: r * Math.cos(a.im), im: r * Math.sin(a.im) });
}

/** Principal branch; the real function (NaN below zero) for a real argument, unless it is the base of a power. */
const log = (a: Scalar): Scalar => {
  const { re, im } = complex(a);
  return simplify({ re: Math.log(modulus(a)), im: Math.atan2(im, re) });
};

/** Whether the relation holds; undefined for complex numbers and NaN, which have no order. */
export function compare(a: Scalar, op: Relation, b: Scalar): boolean | undefined {
  if (typeof a !== "number" || typeof b !== "number" || Number.isNaN(a + b)) return undefined;
  switch (op) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "==":
      return a === b;
    case "!=":
      return a !== b;
  }
}

/** A function that expressions may call; `complexArgument` says whether it is defined away from the real axis. */
export interface ScalarFunction {
  readonly arity: 1 | "one or more";
  readonly complexArgument: boolean;
  readonly apply: (args: readonly Scalar[]) => Scalar;
}

const ofReals = (arity: 1 | "one or more", f: (...x: number[]) => number): ScalarFunction => ({
  arity,
  complexArgument: false,
  apply: (args) => real(f(...(args as readonly number[]))),
});

/** The functions of the language, by name. */
export const scalarFunctions: Readonly<Record<string, ScalarFunction>> = {
  abs: { arity: 1, complexArgument: true, apply: ([z]) => real(modulus(z!)) },
  exp: { arity: 1, complexArgument: true, apply: ([z]) => exp(z!) },
  sqrt: ofReals(1, Math.sqrt),
  cos: ofReals(1, Math.cos),
  sin: ofReals(1, Math.sin),
  tan: ofReals(1, Math.tan),
  log: ofReals(1, Math.log),
  min: ofReals("one or more", Math.min),
  max: ofReals("one or more", Math.max),
};

/** The named constants of the language. */
export const constants: Readonly<Record<string, Scalar>> = { pi: Math.PI, im: { re: 0, im: 1 } };

/** The scalar as people write it: 2, -1.5, 1+2im. */
export const scalarText = (z: Scalar): string =>
  typeof z === "number" ? String(z) : `${z.re}${z.im < 0 ? "-" : "+"}${Math.abs(z.im)}im`;
