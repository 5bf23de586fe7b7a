import { augmentation } from "../integrators/augment.ts";
import type { LocalSolution, LocalSolver, SolverSpec } from "../integrators/local/problem.ts";
import { solverFrom } from "../integrators/local/solvers.ts";
import { type ProblemData, problemOf } from "../integrators/local/transport.ts";
import type { TaskKind } from "../linalg/task.ts";
import { branchCut } from "../ttn/cut.ts";
import { modulesOf, type PackedField, packField, unpackField } from "../ttn/field-data.ts";
import { shift } from "../ttn/gauge.ts";
import { loadRhs } from "../ttn/module-rhs.ts";
import { contraction } from "../ttn/operators/contraction.ts";
import type { ModuleReference, Rhs } from "../ttn/rhs.ts";

/** What `solve` needs. */
export interface SolveInput {
  readonly problem: ProblemData;
  readonly solver: SolverSpec;
}

const loaded = new Map<string, Rhs>();
/** What is being made: a solve that comes meanwhile waits for the same. */
const loading = new Map<string, Promise<void>>();
const keyOf = (module: ModuleReference): string => JSON.stringify(module);

const load = (module: ModuleReference, key: string): Promise<void> =>
  loadRhs(module)
    .then((rhs) => void loaded.set(key, rhs))
    .finally(() => loading.delete(key));

/** Makes the right-hand sides of modules that a solve needs, once each. Rejects with what a module throws; the next solve tries again. */
export async function loadModules({ problem }: Pick<SolveInput, "problem">): Promise<void> {
  for (const module of modulesOf(problem.field)) {
    const key = keyOf(module);
    if (loaded.has(key)) continue;
    const made = loading.get(key) ?? load(module, key);
    loading.set(key, made);
    await made;
  }
}

const solvers = new Map<string, LocalSolver>();

function solverOf(spec: SolverSpec): LocalSolver {
  const key = JSON.stringify(spec);
  const found = solvers.get(key) ?? solverFrom(spec);
  solvers.set(key, found);
  return found;
}

/** Solves a local problem. */
export const solve: TaskKind<SolveInput, LocalSolution> = {
  name: "solve",
  run: ({ problem, solver }) => solverOf(solver).solve(problemOf(problem, (module) => loaded.get(keyOf(module))!)),
  packing: {
    pack: ({ problem: { field, ...problem }, solver }): PackedSolve => ({ problem, solver, field: packField(field) }),
    unpack: ({ problem, solver, field }: PackedSolve) => ({
      problem: { ...problem, field: unpackField(field) },
      solver,
    }),
  },
};

/** A solve as it is sent. */
interface PackedSolve {
  readonly problem: Omit<ProblemData, "field">;
  readonly solver: SolverSpec;
  readonly field: PackedField;
}

/** All that a worker can be asked to do. */
export const taskKinds: Readonly<Record<string, TaskKind<never, unknown>>> = Object.fromEntries(
  [solve, contraction, shift, augmentation, branchCut].map((kind) => [kind.name, kind as TaskKind<never, unknown>]),
);
