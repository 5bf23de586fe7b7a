import { type BackendName, euler, evolve, methods, norm, rk4, useBackend } from "../src/index.ts";
import { type RadiationProblem, uncertainPlane, uncertainSlab } from "../src/problems/index.ts";
import { cpuSeconds } from "./counting.ts";

/** A run of the uncertain slab or plane at the size of the parallel BUG paper. */
export interface Transport {
  readonly cpu: number;
  /** Of space, angle, (space, angle), xi, eta, (xi, eta). */
  readonly ranks: readonly number[];
  /** Largest growth of the norm in a step, as a share; zero where it never grows. */
  readonly growth: number;
}

export type TransportMethod = "parallel-assembled" | "parallel" | "augmented";

/** The slab: 201 x 100 x 100 x 100, 800 steps of RK4, tolerance 1e-3. */
export const slabRun = (backend: BackendName, method: TransportMethod): Promise<Transport> =>
  run(backend, method, uncertainSlab(), { tolerance: 1e-3, maxRank: 50, solver: rk4() });

/** The plane: 10^4 x 1024 (528 of them not zero) x 100 x 100, 66 steps of Euler; tolerances near the paper's. */
export const planeRun = (backend: BackendName, method: TransportMethod): Promise<Transport> =>
  run(backend, method, uncertainPlane(), {
    tolerance: method === "augmented" ? 3e-2 : 1e-2,
    maxRank: 250,
    solver: euler(),
  });

async function run(
  backend: BackendName,
  method: TransportMethod,
  problem: RadiationProblem,
  { tolerance, maxRank, solver }: { tolerance: number; maxRank: number; solver: ReturnType<typeof rk4> },
): Promise<Transport> {
  useBackend(backend);
  const begin = cpuSeconds();
  let [before, growth, ranks] = [Number.POSITIVE_INFINITY, 0, [] as readonly number[]];
  for await (const step of evolve(
    { ...problem, observables: {} },
    {
      integrator: methods[method],
      h: problem.dt,
      solver,
      truncation: { tolerance, relative: true, tail: "l1-keep-one", minRank: 2, maxRank },
    },
  )) {
    const now = norm(step.y);
    growth = Math.max(growth, now / before - 1);
    before = now;
    ranks = step.ranks;
  }
  return { cpu: cpuSeconds() - begin, ranks: ranks.slice(0, -1), growth };
}
