import { inline } from "../executors/inline.ts";
import { type EvolveOptions, evolve, type Snapshot } from "../integrators/evolve.ts";
import type { Integrator, StepContext } from "../integrators/integrator.ts";
import { exponential } from "../integrators/local/exponential.ts";
import type { LocalSolver } from "../integrators/local/problem.ts";
import { rk4 } from "../integrators/local/rk4.ts";
import { combine } from "../linalg/contract.ts";
import { norm as frobenius } from "../linalg/level1.ts";
import { asDtype, type Tensor } from "../linalg/tensor.ts";
import { toDense } from "../ttn/arithmetic.ts";
import { centers } from "../ttn/gauge.ts";
import type { Problem } from "../ttn/problem.ts";
import type { Rhs } from "../ttn/rhs.ts";
import { rootOf } from "../ttn/tree.ts";
import type { Truncation } from "../ttn/truncate.ts";
import type { TTN } from "../ttn/ttn.ts";
import type { KnownOde } from "./low-rank-ode.ts";

/** What all checks of an integrator let the caller choose. */
export interface RunOptions {
  /** Default: the Krylov exponential where the right-hand side is linear, otherwise RK4 in four substeps. */
  readonly solver?: LocalSolver;
}

/** All snapshots of a run in this thread. The truncation is for methods that adapt their ranks: others are told nothing of it. */
export async function march(
  problem: Problem,
  { truncation, ...options }: Omit<EvolveOptions, "executor" | "integrator"> & { readonly integrator: Integrator },
): Promise<readonly Snapshot[]> {
  const cut = options.integrator.promises.rankAdaptive && truncation ? { truncation } : {};
  const all: Snapshot[] = [];
  for await (const s of evolve(problem, { executor: inline(), ...options, ...cut })) all.push(s);
  return all;
}

/** |Y(T) - exact solution| at the end of a run. */
export async function errorOf(
  ode: KnownOde,
  integrator: Integrator,
  h: number,
  truncation: Truncation,
  solver: LocalSolver = solverFor(ode.problem),
): Promise<number> {
  const { y, t } = (await march(ode.problem, { integrator, h, truncation, solver })).at(-1)!;
  return distance(toDense(y), ode.exact(t));
}

/** A local solver whose error does not show in that of a step. */
export function solverFor({ rhs, initial }: Problem): LocalSolver {
  const root = rootOf(initial.tree);
  return rhs.bind(centers(initial)[root]!, root).kind === "nonlinear" ? rk4({ substeps: 4 }) : exponential();
}

/** A tolerance for methods that follow one; those of fixed rank never cut. */
export const tolerated = ({ promises }: Integrator, tolerance: number): Truncation => ({
  tolerance: promises.rankAdaptive ? tolerance : "off",
});

/** What a single step needs, without a run around it. */
export const contextOf = (rhs: Rhs, solver: LocalSolver, truncation: Truncation): StepContext => ({
  rhs,
  solver,
  truncation,
  measureMissed: false,
});

/** |a - b| in the Frobenius norm. */
export function distance(a: Tensor, b: Tensor): number {
  const [x, y] = a.dtype === b.dtype ? [a, b] : [asDtype(a, "complex128"), asDtype(b, "complex128")];
  return frobenius(
    combine([
      [1, x],
      [-1, y],
    ]),
  );
}

/** The numbers of a state, bit for bit, and how they are arranged. */
export const fingerprint = (y: TTN): string =>
  JSON.stringify([y.center, y.tensors.map((t) => [t.dtype, t.shape, bits(t).join(" ")])]);

const bits = (t: Tensor): BigUint64Array => new BigUint64Array(t.data.buffer, t.data.byteOffset, t.data.length);
