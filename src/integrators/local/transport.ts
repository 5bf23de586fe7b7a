import { fieldOf, sampled } from "../../ttn/field-data.ts";
import type { LocalFieldData, ModuleReference, Rhs } from "../../ttn/rhs.ts";
import type { LocalProblem, LocalSolver } from "./problem.ts";

/** A local problem as plain data. Matrices that terms share are the same objects, which a copy has to keep. */
export type ProblemData = Omit<LocalProblem, "field"> & { readonly field: LocalFieldData };

/** The problem as plain data for a given solver, or why it has no such form. */
export function problemData({ field, ...rest }: LocalProblem, solver: LocalSolver): ProblemData | string {
  if (!solver.spec) return `the local solver "${solver.name}" is a function of this thread`;
  if (!field.data) return "the right-hand side is a function of this thread";
  const data = sampled(field.data, solver.times?.({ field, ...rest }));
  return data
    ? { ...rest, field: data }
    : `a coefficient is a function of time and the local solver "${solver.name}" chooses its own times`;
}

/** The problem of its data; solved by the same solver, it has the same solution to the last bit. */
export const problemOf = ({ field, ...rest }: ProblemData, rhsOf?: (module: ModuleReference) => Rhs): LocalProblem => ({
  ...rest,
  field: fieldOf(field, rhsOf),
});

/**
 * Floating-point operations of a solve, estimated: those of an evaluation times the usual number of evaluations. Null where nothing is
 * known of the field.
 */
export const flopsOfSolve = ({ field }: LocalProblem, { usualEvaluations = 10 }: LocalSolver): number | null =>
  field.flops ? field.flops() * usualEvaluations : null;
