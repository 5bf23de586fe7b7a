import { balanced, type MethodName, methods, type Problem, type TTN } from "../../src/index.ts";
import { type Host, record } from "../../src/io/index.ts";
import { groundState, longRangeIsing, spinChain, spinState } from "../../src/problems/index.ts";

export interface Kept {
  readonly promised: { readonly conserves: string; readonly descends: boolean };
  readonly times: readonly number[];
  /** | |Y(t)| - |Y(0)| | and |<H>(t) - <H>(0)| of Schroedinger's equation. */
  readonly norm: readonly number[];
  readonly energy: readonly number[];
  /** Largest rise of the energy in a step of imaginary time; not above zero but for truncation where descent is promised. */
  readonly rise: number;
}

const tolerance = 1e-10;

/**
 * Norm and energy of a quench of six spins in steps of 0.05, at a truncation tolerance of 1e-10 or, for methods that keep ranks, at
 * rank four; and the largest rise of the energy on the way to the ground state.
 */
export async function conservationTable(
  names: readonly MethodName[],
  { signal, executor }: Pick<Host, "signal" | "executor">,
) {
  const tree = balanced(6);
  const hamiltonian = longRangeIsing(tree);
  const start = (name: MethodName, which: string): TTN =>
    spinState(tree, which, methods[name].promises.rankAdaptive ? 1 : 4);
  const run = async (name: MethodName, problem: Problem, h: number, normalize: boolean) => {
    const integrator = methods[name];
    const cut = integrator.promises.rankAdaptive ? tolerance : ("off" as const);
    const { times, observables, ...rest } = await record(problem, {
      integrator,
      h,
      every: 1,
      normalize,
      signal,
      executor,
      truncation: { tolerance: cut },
    });
    if (rest.status === "interrupted") signal.throwIfAborted();
    return { times, norm: observables["norm"] as number[], energy: observables["energy"] as number[] };
  };
  const drift = (values: readonly number[]): number[] => values.map((v) => Math.abs(v - values[0]!));
  const table: Record<string, Kept> = {};
  for (const name of names) {
    const { promises } = methods[name];
    const real = await run(name, spinChain("quench", hamiltonian, start(name, "up"), 1), 0.05, false);
    const imaginary = await run(name, groundState(hamiltonian, start(name, "random"), 2), 0.1, true);
    const rises = imaginary.energy.slice(1).map((e, k) => e - imaginary.energy[k]!);
    table[name] = {
      promised: { conserves: promises.conserves, descends: promises.descends },
      times: real.times,
      norm: drift(real.norm),
      energy: drift(real.energy),
      rise: Math.max(...rises),
    };
  }
  return table;
}
