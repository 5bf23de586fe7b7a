import { expect, test, vi } from "vitest";
import { ising } from "../../experiments/ising.ts";
import { inline, toDense } from "../../src/index.ts";
import { parseParameters } from "../../src/io/index.ts";
import { exactSolution, longRangeIsingTerms, spinState } from "../../src/problems/index.ts";
import { balanced } from "../../src/ttn/tree.ts";

type Chart = { readonly title: string; readonly series: readonly Record<"x" | "y", readonly number[]>[] };
const drawn: Chart[] = [];
vi.mock("../../src/io/figures.ts", () => ({ lineChart: async (chart: Chart) => void drawn.push(chart) }));

test("the error of the magnetisation is that at each run's own times", async () => {
  const parameters = parseParameters("ising", ising.parameters, {
    d: 4,
    T: 0.5,
    rtol: 1e-4,
    exact: true,
    compare: true,
    ladder: 1,
  });
  await ising.run(parameters, { signal: new AbortController().signal, executor: inline(), progress() {} });
  const of = (title: string) => drawn.find((chart) => chart.title === title)!.series;
  const [, ...runs] = of("Mean magnetisation");
  expect(runs).toHaveLength(2);
  expect(runs[0]!.x).not.toEqual(runs[1]!.x);
  const exact = exactSolution(longRangeIsingTerms(4), toDense(spinState(balanced(4), "up")));
  const truth = (t: number): number =>
    Array.from({ length: 16 }, (_, p) => {
      const { data } = exact(t);
      const spins = [...p.toString(2).padStart(4, "0")].map((bit) => 1 - 2 * Number(bit));
      return ((data[2 * p]! ** 2 + data[2 * p + 1]! ** 2) * spins.reduce((a, b) => a + b)) / 4;
    }).reduce((a, b) => a + b);
  of("Error of the mean magnetisation").forEach(({ x, y }, k) => {
    expect(x).toEqual(runs[k]!.x);
    x.forEach((t, i) => {
      expect(y[i]).toBeCloseTo(Math.abs(runs[k]!.y[i]! - truth(t)), 12);
    });
  });
});
