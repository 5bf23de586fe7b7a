import { type MethodName, methods } from "../../src/index.ts";
import type { Case, Runs } from "./case.ts";

/** Errors with small singular values beside those with singular values of one size: `sensitivity` is their largest ratio. */
export async function robustnessTable(
  runs: Runs,
  names: readonly MethodName[],
  cases: { readonly flat: Case; readonly tiny: Case; readonly others: readonly Case[] },
) {
  const table: Record<string, { sensitivity: number; observed: Record<string, object> }> = {};
  for (const name of names) {
    const errors = async (one: Case): Promise<number[]> =>
      (await runs.ladder(one, name, methods[name])).map((r) => r.error);
    const [flat, tiny] = [await errors(cases.flat), await errors(cases.tiny)];
    const observed: Record<string, object> = {};
    for (const one of [cases.flat, cases.tiny, ...cases.others]) {
      const all = await runs.ladder(one, name, methods[name]);
      observed[one.name] = { h: one.steps, error: all.map((r) => r.error), normDrift: all.map((r) => r.normDrift) };
    }
    // where a method is exact, errors are round-off, and their ratio says nothing
    const ratios = tiny.map((e, k) => e / Math.max(flat[k]!, roundOff));
    table[name] = { sensitivity: Math.max(...ratios), observed };
  }
  return table;
}

const roundOff = 1e-10;
