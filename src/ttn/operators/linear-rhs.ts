import { applyKroneckerSum } from "../../linalg/kronecker-plan.ts";
import { kroneckerSum } from "../../linalg/kronecker-sum.ts";
import { dot } from "../../linalg/level1.ts";
import { asDtype, type Complex, commonDtype, complex, dtypeOf, type Scalar, times } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { shapeSeen } from "../restrict.ts";
import type { LocalField, Rhs } from "../rhs.ts";
import type { NodeId } from "../tree.ts";
import { dtypeOfState, type TTN } from "../ttn.ts";
import { Environments } from "./environment.ts";
import { kroneckerField } from "./kronecker-field.ts";
import { checkHermitian, checkSpace, dtypeOfOperator, type TTNO } from "./ttno.ts";

/** A part of a linear right-hand side: an operator times a number or a function of time. */
export interface LinearPart {
  readonly operator: TTNO;
  /** Default 1. With `hermitian` right-hand sides it has to be real. */
  readonly coefficient?: Scalar | ((t: number) => Scalar);
}

export interface LinearOptions {
  /** sigma, default 1. */
  readonly factor?: Scalar;
  /** Promise that every operator is Hermitian and every coefficient real; checked. Then Lanczos replaces Arnoldi. */
  readonly hermitian?: boolean;
}

/** A linear right-hand side, with what operators offer besides. */
export interface LinearRhs extends Rhs {
  readonly parts: readonly LinearPart[];
  /** <Y, sum_k c_k(t) A_k Y>, without sigma; for a Hamiltonian, the energy. Uses and fills the same environments. */
  expectation(y: TTN, t?: number): Complex;
}

/**
 * F(t, Y) = sigma sum_k c_k(t) A_k Y with operators in tree form.
 *
 * A local field is the sum of Kronecker products of the environments around a node, planned once a local problem.
 * Throws a TypeError when `hermitian` is promised and an operator is not.
 */
export function linearRhs(parts: readonly LinearPart[], options: LinearOptions = {}): LinearRhs {
  checkKeys("linearRhs", options, { factor: true, hermitian: true });
  for (const [k, part] of parts.entries())
    checkKeys(`linearRhs: part ${k}`, part, { operator: true, coefficient: true });
  const sigma = complex(options.factor ?? 1);
  if (parts.length === 0) throw new RangeError("linearRhs: no operator was given, expected one or more");
  if (options.hermitian) for (const [k, p] of parts.entries()) checkHermitian(`linearRhs: part ${k}`, p.operator);
  const coefficients = parts.map((p) => p.coefficient ?? 1);
  const environments = parts.map((p) => new Environments(p.operator));
  const dtype = commonDtype(
    dtypeOf(sigma),
    ...parts.map((p) => dtypeOfOperator(p.operator)),
    ...coefficients.map((c) => (typeof c === "function" ? "float64" : dtypeOf(c))),
  );
  const at = (k: number, t: number): Complex => {
    const c = coefficients[k]!;
    const value = complex(typeof c === "function" ? c(t) : c);
    if (!Number.isFinite(value.re) || !Number.isFinite(value.im))
      throw new RangeError(`linearRhs: the coefficient of part ${k} is ${value.re} + ${value.im}i at t = ${t}`);
    if (options.hermitian && value.im !== 0)
      throw new TypeError(
        `linearRhs: the coefficient of part ${k} is not real at t = ${t}, but a Hermitian operator was promised`,
      );
    return value;
  };
  const factors = coefficients.map((c, k) => {
    const factor = (t: number): Complex => times(sigma, at(k, t));
    return typeof c === "function" ? factor : factor(0);
  });

  const maps = (trial: TTN, node: NodeId, test: TTN) => {
    const ket = trial.tensors[node]!;
    const shapeOut = shapeSeen(test, node);
    return environments.map((e) =>
      kroneckerSum(ket.shape, e.terms(node, e.around(trial, node, test)), commonDtype(dtype, ket.dtype), shapeOut),
    );
  };

  return {
    dtype,
    parts,
    check(y) {
      for (const { operator } of parts) checkSpace("right-hand side", operator, y);
      if (commonDtype(dtype, dtypeOfState(y)) !== dtypeOfState(y))
        throw new TypeError("right-hand side: it is complex128, the state is float64; make the state complex first");
    },
    *prepare(trials) {
      for (const e of environments) yield* e.prepare(trials);
    },
    bind(trial, node, test = trial): LocalField {
      const parts = maps(trial, node, test).map((sum, k) => ({ coefficient: factors[k]!, sum }));
      return kroneckerField({
        form: "kronecker",
        ...(options.hermitian && test === trial ? { phase: sigma } : {}),
        parts,
      });
    },
    expectation(y, t = 0) {
      const c = y.tensors[y.center]!;
      return maps(y, y.center, y).reduce<Complex>(
        (sum, map, k) => {
          const value = times(at(k, t), dot(asDtype(c, map.dtype), applyKroneckerSum(map, c)));
          return { re: sum.re + value.re, im: sum.im + value.im };
        },
        { re: 0, im: 0 },
      );
    },
  };
}

/** Schroedinger's equation Y' = -i H Y (hbar = 1) for a Hermitian H, or a sum of parts with real coefficients in time. */
export const schroedinger = (h: TTNO | readonly LinearPart[]): LinearRhs =>
  linearRhs(partsOf(h), { factor: { re: 0, im: -1 }, hermitian: true });

/** Imaginary time Y' = -H Y for a Hermitian H: with the norm restored after each step, a flow to the ground state. */
export const imaginaryTime = (h: TTNO | readonly LinearPart[]): LinearRhs =>
  linearRhs(partsOf(h), { factor: -1, hermitian: true });

const partsOf = (h: TTNO | readonly LinearPart[]): readonly LinearPart[] => ("tree" in h ? [{ operator: h }] : h);

/** <y, A y> for an operator in tree form. Cost of one set of environments. */
export const expectation = (a: TTNO, y: TTN): Complex => linearRhs([{ operator: a }]).expectation(y);
