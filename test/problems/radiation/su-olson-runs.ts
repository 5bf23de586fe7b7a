import { augmentedBug, evolve, rk4 } from "../../../src/index.ts";
import { type SuOlsonOptions, suOlson } from "../../../src/problems/index.ts";
import { suOlsonTable } from "./su-olson-table.ts";

/** U and V at the points and times of the table up to T, one after the other, and the largest error of the energy's balance. */
export async function suOlsonValues(options: SuOlsonOptions & { readonly T: number; readonly extent: number }) {
  const problem = suOlson(options);
  const times = suOlsonTable.times.filter(({ t }) => t <= options.T);
  const { x } = problem.grid;
  const dx = x[1]! - x[0]!;
  const values: number[] = [];
  let defect = 0;
  const run = evolve(problem, {
    integrator: augmentedBug(),
    h: problem.dt,
    solver: rk4(),
    truncation: { tolerance: 1e-6 },
    observeAt: times.map(({ t }) => t),
  });
  for await (const { t, observables } of run) {
    if (!observables) continue;
    const { E, material, energy } = observables as { E: Float64Array; material: Float64Array; energy: number };
    defect = Math.max(defect, Math.abs(energy - t));
    for (const field of [E, material])
      for (const point of within(options.extent)) {
        const i = Math.floor((point - x[0]!) / dx);
        const share = (point - x[i]!) / dx;
        values.push((1 - share) * field[i]! + share * field[i + 1]!);
      }
  }
  return { values, defect, dx };
}

/** The points of the table in the slab. */
const within = (extent: number): readonly number[] => suOlsonTable.x.filter((x) => x < extent);

/** The table up to T in the same order. */
export const suOlsonPublished = ({ T, extent }: { readonly T: number; readonly extent: number }): number[] =>
  suOlsonTable.times
    .filter(({ t }) => t <= T)
    .flatMap(({ U, V }) => [U, V].flatMap((values) => values.slice(0, within(extent).length)));
