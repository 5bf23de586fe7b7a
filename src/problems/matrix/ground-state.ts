import { norm } from "../../ttn/arithmetic.ts";
import { imaginaryTime, type LinearRhs } from "../../ttn/operators/linear-rhs.ts";
import type { TTNO } from "../../ttn/operators/ttno.ts";
import type { Problem } from "../../ttn/problem.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { stateNorm } from "../quantum/observables.ts";

/**
 * The imaginary-time flow Y' = -H Y of a Hermitian operator from any state that is not orthogonal to its ground state, to
 * which it tends like exp(-t gap): run it with `normalize: true`. Observables `norm` and `energy`, the Rayleigh quotient
 * <Y, H Y> / <Y, Y>, which never rises along the exact flow. For operators that are not quantum too: the lowest eigenvector of
 * any Hermitian sum of products. Throws a TypeError when H is not Hermitian.
 */
export function groundState(h: TTNO, initial: TTN, T: number): Problem & { readonly rhs: LinearRhs } {
  const rhs = imaginaryTime(h);
  return {
    name: "ground state",
    rhs,
    initial,
    span: [0, T],
    observables: { norm: stateNorm, energy: (y) => rhs.expectation(y).re / norm(y) ** 2 },
  };
}
