import type { Integrator } from "../integrators/integrator.ts";
import { exponential } from "../integrators/local/exponential.ts";
import { norm } from "../ttn/arithmetic.ts";
import type { TTN } from "../ttn/ttn.ts";
import { figure, type Report } from "./broken-promise.ts";
import { worstOf } from "./check-exactness.ts";
import {
  describeHamiltonian,
  type EnergyOptions,
  type Hamiltonian,
  hamiltonianRhs,
  hamiltonians,
  smallStates,
} from "./hamiltonians.ts";
import { march, tolerated } from "./march.ts";
import { search } from "./search.ts";

/** Options of `checkConservation`. */
export interface ConservationOptions extends EnergyOptions {
  /** What to demand. Default: what is promised. */
  readonly conserves?: Integrator["promises"]["conserves"];
}

/**
 * Norm and energy of Schroedinger's equation, for random Hamiltonians of norm one and random states. Where promised, with
 * tolerance 1e-12 both stay within 1e-9 over all steps. Elsewhere the drift of the norm over the same time falls with the step
 * size, from h or h / 2 to h / 4 at a rate of at least 0.8, unless it is below 1e-9 as well.
 */
export function checkConservation(integrator: Integrator, options: ConservationOptions = {}): Promise<Report> {
  const { conserves = integrator.promises.conserves, steps = 40, h = 0.05, tolerance = 1e-12 } = options;
  const isPromised = conserves === "norm and energy";
  const { solver = exponential({ tolerance: 1e-13 }) } = options;
  const drifts = async (hamiltonian: Hamiltonian, step: number) => {
    const rhs = hamiltonianRhs(hamiltonian, { re: 0, im: -1 });
    const observables = { norm, energy: (y: TTN) => rhs.expectation(y).re };
    const problem = { name: "Schroedinger", rhs, initial: hamiltonian.y, span: [0, steps * h], observables } as const;
    const all = await march(problem, { integrator, h: step, truncation: tolerated(integrator, tolerance), solver });
    const drift = (name: "norm" | "energy"): number => {
      const values = all.map((s) => s.observables![name] as number);
      return worstOf(values.map((v) => Math.abs(v - values[0]!)));
    };
    return { norm: drift("norm"), energy: drift("energy") };
  };
  return search<Hamiltonian>(
    {
      promise: isPromised ? "conservation of norm and energy" : "a drift of norm that falls with the step size",
      subject: integrator.name,
      cases: hamiltonians({ ...smallStates, dtypes: ["complex128"], ...options.states }),
      numRuns: isPromised ? 12 : 5,
      shrinks: 50,
      describe: (example) =>
        `${describeHamiltonian(example)}, ${steps} steps of h = ${h}, tolerance ${figure(tolerance)}`,
      async measure(example) {
        const coarse = await drifts(example, h);
        const numbers = { "drift of norm": coarse.norm, "drift of energy": coarse.energy };
        if (isPromised) return { measured: worstOf([coarse.norm, coarse.energy]), demanded: 1e-9, numbers };
        const [half, quarter] = [await drifts(example, h / 2), await drifts(example, h / 4)];
        // from the larger of two: one alone may be small by chance
        const falls = [Math.log2(coarse.norm / quarter.norm) / 2, Math.log2(half.norm / quarter.norm)];
        const rate = quarter.norm <= 1e-9 ? Number.POSITIVE_INFINITY : Math.max(...falls);
        return {
          measured: rate,
          demanded: 0.8,
          sense: "at least",
          numbers: { "drift of norm": [coarse.norm, half.norm, quarter.norm] },
        };
      },
    },
    options,
  );
}
