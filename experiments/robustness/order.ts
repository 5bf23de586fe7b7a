import { type MethodName, methods } from "../../src/index.ts";
import type { Case, Runs } from "./case.ts";

export interface Ladder {
  readonly h: readonly number[];
  readonly error: readonly number[];
  /** Slope of log(error) over log(h), of the last two step sizes whose errors are above the floor; null where there are none. */
  readonly order: number | null;
}

/** Errors below this are the local solver's, or of the ranks allowed. */
const floors: Readonly<Record<string, number>> = { coupled: 1e-9, heat: 5e-8 };

/** How errors fall with the step size, for each method on each case. */
export async function orderTable(runs: Runs, names: readonly MethodName[], cases: readonly Case[]) {
  const table: Record<string, { promised: number; observed: Record<string, Ladder> }> = {};
  for (const name of names) {
    const observed: Record<string, Ladder> = {};
    for (const one of cases) {
      const error = (await runs.ladder(one, name, methods[name])).map((r) => r.error);
      // at limited rank the error tends to that of the model: orders are those above it
      const floor = floors[one.name] ?? 2 * Math.min(...error);
      observed[one.name] = { h: one.steps, error, order: slopeOf(one.steps, error, floor) };
    }
    table[name] = { promised: methods[name].promises.order, observed };
  }
  return table;
}

function slopeOf(h: readonly number[], error: readonly number[], floor: number): number | null {
  const above = error.flatMap((e, k) => (e > floor ? [k] : []));
  const [before, last] = above.slice(-2);
  if (before === undefined || last === undefined) return null;
  return Math.log(error[before]! / error[last]!) / Math.log(h[before]! / h[last]!);
}
