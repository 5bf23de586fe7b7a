import { adaptiveMethods, type MethodName, methods } from "../../src/index.ts";
import type { Case, Marched, Runs } from "./case.ts";

export type Row = Marched & ({ readonly h: number } | { readonly rtol: number });

/** What accuracy costs, for each method on each case: at given steps, and for methods that adapt ranks at given accuracies. */
export async function workTable(
  runs: Runs,
  names: readonly MethodName[],
  cases: readonly Case[],
  accuracies: readonly number[],
) {
  const table: Record<string, Record<string, { given: Row[]; chosen: Row[] }>> = {};
  // run by run over all methods, so that a machine that is busy for a while disturbs all of them alike
  for (const name of names) table[name] = {};
  for (const one of cases) {
    for (const name of names) table[name]![one.name] = { given: [], chosen: [] };
    for (const h of one.steps)
      for (const name of names)
        table[name]![one.name]!.given.push({ h, ...(await runs.with(one, name, methods[name], { h })) });
    for (const rtol of accuracies)
      for (const name of names.filter((n) => adaptiveMethods.includes(n)))
        table[name]![one.name]!.chosen.push({ rtol, ...(await runs.of(one, name, { rtol })) });
  }
  return table;
}
