import { planKroneckerSum } from "../../linalg/kronecker-plan.ts";
import { expAction } from "../../linalg/krylov.ts";
import { asDtype, copy, shapeText, sizeOf, type Tensor } from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { fullMap } from "../../ttn/operators/full-map.ts";
import type { ProductTerm } from "../../ttn/operators/product-sum.ts";

/** Entries of the largest full tensor that `exactSolution` accepts: 2^12, twelve spins. */
export const largestExact = 4096;

/**
 * Schroedinger's equation Y' = -i H Y solved for the full tensor, without any tree: the reference for small systems. H is
 * a Hermitian sum of products. Returns the state as a function of time, from the initial value at t = 0; each call goes on
 * from the last one (or, back in time, from the start) by the Lanczos exponential to a relative error of 1e-13.
 * Cost O(terms |Y|) an application. Throws a RangeError when the tensor has more than `largestExact` entries.
 */
export function exactSolution(terms: readonly ProductTerm[], initial: Tensor): (t: number) => Tensor {
  const { shape } = initial;
  if (sizeOf(shape) > largestExact)
    throw new RangeError(
      `exactSolution: ${shapeText(shape)} has ${sizeOf(shape)} entries, at most ${largestExact} are solved exactly`,
    );
  const map = fullMap(terms, shape, "complex128");
  const minusI = { re: 0, im: -1 };
  const start = asDtype(initial, "complex128");
  let x = copy(start);
  let now = 0;
  return (t) => {
    if ((t - now) * now < 0) {
      x = copy(start);
      now = 0;
    }
    using frame = workspace().frame();
    const h = planKroneckerSum(map, frame);
    const field = { apply: (v: Tensor, out: Tensor) => h(minusI, v, 0, out), hermitianUpTo: minusI };
    const limits = { tolerance: 1e-13, maxDimension: 40, maxApplications: 100_000 };
    if (!expAction(field, t - now, x, limits).converged)
      throw new Error(`exactSolution: no convergence between t = ${now} and ${t}`);
    now = t;
    return copy(x);
  };
}
