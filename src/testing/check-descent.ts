import type { Integrator } from "../integrators/integrator.ts";
import { exponential } from "../integrators/local/exponential.ts";
import { complex } from "../linalg/tensor.ts";
import type { ProductTerm } from "../ttn/operators/product-sum.ts";
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

/** Options of `checkDescent`. */
export interface DescentOptions extends EnergyOptions {
  /** Whether to demand it. Default: as promised; otherwise the rise is measured only. */
  readonly descends?: boolean;
}

/**
 * The gradient flow Y' = -H Y of E(Y) = <Y, H Y> / 2 with 0 <= H <= 1 and |Y(0)| = 1: the energy rises by at most the tolerance,
 * plus 1e-12, in any step. Removing a part of norm theta changes E by at most |H Y| theta + theta^2 / 2.
 */
export function checkDescent(integrator: Integrator, options: DescentOptions = {}): Promise<Report> {
  const { descends = integrator.promises.descends, steps = 40, h = 0.2, tolerance = 1e-6 } = options;
  const { solver = exponential({ tolerance: 1e-13 }) } = options;
  return search<Hamiltonian>(
    {
      promise: descends ? "descent of the energy of gradient flows" : "a finite energy in gradient flows",
      subject: integrator.name,
      cases: hamiltonians({ ...smallStates, ...options.states }),
      numRuns: 12,
      shrinks: 50,
      describe: (example) =>
        `${describeHamiltonian(example)}, ${steps} steps of h = ${h}, tolerance ${figure(tolerance)}`,
      async measure(example) {
        const shifted = { ...example, terms: shiftedToPositive(example.terms) };
        const rhs = hamiltonianRhs(shifted, -1);
        const observables = { energy: (y: TTN) => rhs.expectation(y).re / 2 };
        const problem = { name: "gradient flow", rhs, initial: example.y, span: [0, steps * h], observables } as const;
        const all = await march(problem, { integrator, h, truncation: tolerated(integrator, tolerance), solver });
        const energies = all.map((s) => s.observables!["energy"] as number);
        const rise = worstOf(energies.slice(1).map((e, k) => e - energies[k]!));
        const numbers = { "largest rise": rise, "last energy": energies.at(-1)! };
        if (descends) return { measured: rise, demanded: tolerance * (1 + tolerance / 2) + 1e-12, numbers };
        return { measured: Math.abs(energies.at(-1)!), demanded: Number.MAX_VALUE, numbers };
      },
    },
    options,
  );
}

/** (1 + H) / 2. */
const shiftedToPositive = (terms: readonly ProductTerm[]): readonly ProductTerm[] => [
  { coefficient: 0.5, factors: [] },
  ...terms.map((t) => ({ ...t, coefficient: complex(t.coefficient).re / 2 })),
];
