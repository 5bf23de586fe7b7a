import { rk4 } from "../../src/index.ts";
import { lineChart } from "../../src/io/index.ts";
import { burgers } from "../../src/problems/index.ts";
import { type Case, effort, numbers } from "./case.ts";

/** Mean and variance of an uncertain shock beside the exact ones. */
export const shock: Case = async ({ scale, method, run }) => {
  const problem = burgers(
    { paper: {}, mid: { nx: 300, nxi: 30, neta: 8 }, quick: { nx: 120, nxi: 20, neta: 5 } }[scale],
  );
  const T = problem.span[1];
  const steps = Math.ceil(T / problem.dt - 1e-9);
  const record = await run(problem, {
    h: T / steps,
    tolerance: 1e-3,
    relative: true,
    solver: rk4(),
    every: Math.ceil(steps / 4),
  });
  const [E, Var] = (["E", "Var"] as const).map((name) => record.observables[name]!.at(-1) as Float64Array);
  const exact = problem.exact(T);
  const { x } = problem.grid;
  const mass = numbers(record, "mass").at(-1)!;
  const exactMass = exact.E.reduce((sum, u) => sum + u, 0) / x.length;
  const panel = (name: "E" | "Var", label: string, value: Float64Array) => ({
    x: { label: "x" },
    y: { label },
    series: [
      { name: method, x, y: value },
      { name: "exact", x, y: exact[name] },
    ],
  });
  return {
    record,
    table: {
      cells: x.length,
      errorOfE: distance(E!, exact.E),
      errorOfVar: distance(Var!, exact.Var),
      mass,
      exactMass,
      ...effort(record),
    },
    figures: {
      "K4-burgers": await lineChart({
        title: `Burgers' equation with an uncertain shock, ${x.length} cells, t = ${T}`,
        panels: [panel("E", "E[u]", E!), panel("Var", "Var[u]", Var!)],
      }),
    },
  };
};

/** Of two functions on the cells, relative in l2. */
const distance = (a: Float64Array, b: Float64Array): number =>
  Math.sqrt(a.reduce((s, v, i) => s + (v - b[i]!) ** 2, 0) / b.reduce((s, v) => s + v * v, 0));
