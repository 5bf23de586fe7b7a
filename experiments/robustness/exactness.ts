import { type MethodName, methods } from "../../src/index.ts";
import type { Runs } from "./case.ts";
import { motionCase } from "./cases.ts";

/** Step sizes of the prescribed motions, ten steps each. */
export const motionSteps = [1e-1, 1e-2, 1e-3, 1e-4] as const;

/** Errors above this are not round-off. */
const roundOff = 1e-11;

/** Whether solutions of the tree's rank are reproduced, for matrices and on a tree of four leaves. */
export async function exactnessTable(runs: Runs, names: readonly MethodName[]) {
  const table: Record<
    string,
    { promised: boolean; observed: Record<string, { h: readonly number[]; error: number[]; exact: boolean }> }
  > = {};
  for (const name of names) {
    const observed: (typeof table)[string]["observed"] = {};
    for (const shape of ["matrix", "tree"] as const) {
      const error: number[] = [];
      for (const h of motionSteps) error.push((await runs.of(motionCase(shape, h), name, { h })).error);
      observed[shape] = { h: motionSteps, error, exact: error.every((e) => e < roundOff) };
    }
    table[name] = { promised: methods[name].promises.exact, observed };
  }
  return table;
}
