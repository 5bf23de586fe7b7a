import { augmentation } from "../integrators/augment.ts";
import type { LocalSolution, LocalSolver, SolverSpec } from "../integrators/local/problem.ts";
import { solverFrom } from "../integrators/local/solvers.ts";
import { type ProblemData, problemOf } from "../integrators/local/transport.ts";
import type { TaskKind } from "../linalg/task.ts";
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
const keyOf = (module: ModuleReference): string => JSON.stringify(module);

/** Makes the right-hand sides of modules that a solve needs, once each. */
export async function loadModules({ problem }: SolveInput): Promise<void> {
  for (const module of modulesOf(problem.field))
    if (!loaded.has(keyOf(module))) loaded.set(keyOf(module), await loadRhs(module));
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
  [solve, contraction, shift, augmentation].map((kind) => [kind.name, kind as TaskKind<never, unknown>]),
);
