import fc, { type Arbitrary } from "fast-check";
import type { Integrator } from "../integrators/integrator.ts";
import { linearRhs } from "../ttn/operators/linear-rhs.ts";
import { productSum } from "../ttn/operators/product-sum.ts";
import type { Rhs } from "../ttn/rhs.ts";
import { modeSizes } from "../ttn/ttn.ts";
import type { Report } from "./broken-promise.ts";
import { describeHamiltonian, type Hamiltonian, hamiltonians, smallStates } from "./hamiltonians.ts";
import { type CheckOptions, type Finding, search } from "./search.ts";

/** One step to make: from a random state, forwards or backwards, with a Hamiltonian that depends on time. */
export interface SingleStep extends Hamiltonian {
  readonly t: number;
  readonly h: number;
}

/** Searches random steps of an integrator for one that breaks a promise. */
export const searchSteps = (
  integrator: Integrator,
  promise: string,
  measure: (step: SingleStep) => Finding,
  options: CheckOptions,
): Promise<Report> =>
  search(
    { promise, subject: integrator.name, cases: singleSteps(), numRuns: 20, describe: describeStep, measure },
    options,
  );

const singleSteps = (): Arbitrary<SingleStep> =>
  fc
    .record({
      hamiltonian: hamiltonians({ ...smallStates, maxRank: 3, dtypes: ["complex128"] }),
      t: fc.constantFrom(0, 0.3, -2),
      h: fc.constantFrom(0.1, 0.01, -0.1),
    })
    .map(({ hamiltonian, ...rest }) => ({ ...hamiltonian, ...rest }));

/** Y' = -i (2 + sin t) H Y. */
export const drivenRhs = ({ y, terms }: Hamiltonian): Rhs =>
  linearRhs([{ operator: productSum(y.tree, modeSizes(y), terms), coefficient: (t) => 2 + Math.sin(t) }], {
    factor: { re: 0, im: -1 },
    hermitian: true,
  });

/** The case in words. */
const describeStep = (step: SingleStep): string =>
  `${describeHamiltonian(step)}, one step from t = ${step.t} with h = ${step.h}`;
