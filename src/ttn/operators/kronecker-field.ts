import { kroneckerFlops } from "../../linalg/kronecker-flops.ts";
import { planKroneckerSum } from "../../linalg/kronecker-plan.ts";
import { areStored } from "../../linalg/kronecker-sum.ts";
import type { Complex } from "../../linalg/tensor.ts";
import type { Coefficient, KroneckerFieldData, LocalField, Samples } from "../rhs.ts";

/**
 * The local field g(t, X) = sum_k c_k(t) A_k X, each part planned once a local problem. It is its own data unless a matrix is
 * a user's function.
 */
export function kroneckerField(data: KroneckerFieldData): LocalField {
  const { phase, parts } = data;
  const { dtype, shapeOut } = parts[0]!.sum;
  const coefficients = parts.map(({ coefficient }) => coefficientAt(coefficient));
  const isPlain = parts.every(({ sum }) => areStored(sum.terms));
  return {
    kind: phase ? "linear-hermitian" : "linear",
    ...(phase ? { phase } : {}),
    autonomous: parts.every(({ coefficient }) => isNumber(coefficient)),
    dtype,
    shapeOut,
    ...(isPlain ? { data } : {}),
    flops: () => parts.reduce((all, { sum }) => all + kroneckerFlops(sum), 0),
    plan(frame) {
      const plans = parts.map(({ sum }) => planKroneckerSum(sum, frame));
      return (t, x, out) => {
        for (let k = 0; k < plans.length; k++) plans[k]!(coefficients[k]!(t), x, k === 0 ? 0 : 1, out);
      };
    },
  };
}

/** The data with tables in place of functions of time, for evaluation at these times only. */
export const sampledKronecker = (data: KroneckerFieldData, times: readonly number[]): KroneckerFieldData => ({
  ...data,
  parts: data.parts.map((part) =>
    typeof part.coefficient === "function"
      ? { ...part, coefficient: { times, values: times.map(part.coefficient) } }
      : part,
  ),
});

const isNumber = (c: Coefficient): c is Complex => typeof c === "object" && "re" in c;

/** The coefficient as a function of time. */
export function coefficientAt(c: Coefficient): (t: number) => Complex {
  if (typeof c === "function") return c;
  if (isNumber(c)) return () => c;
  return (t) => lookUp(c, t);
}

function lookUp({ times, values }: Samples, t: number): Complex {
  const at = times.indexOf(t);
  if (at < 0)
    throw new RangeError(`local field: its coefficients were sampled at t = ${times.join(", ")}, not at ${t}`);
  return values[at]!;
}
