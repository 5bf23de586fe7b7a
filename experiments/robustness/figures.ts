import type { MethodName } from "../../src/index.ts";
import { type Guide, lineChart, type Panel, type Series } from "../../src/io/index.ts";
import type { Case } from "./case.ts";
import type { Kept } from "./conservation.ts";
import type { exactnessTable } from "./exactness.ts";
import type { orderTable } from "./order.ts";
import type { workTable } from "./work.ts";

type Made<F extends (...args: never[]) => unknown> = Awaited<ReturnType<F>>;

const width = 860;
const height = 360;
const step = { label: "step size h", log: true };
const error = { label: "error", log: true };

/** Every method in each panel, without points where there are none, so that a method looks the same in all figures. */
const seriesOf = (
  names: readonly MethodName[],
  points: (name: MethodName) => readonly [readonly number[], readonly number[]],
): Series[] =>
  names.map((name) => {
    const [x, y] = points(name);
    return { name, x, y };
  });

/** Gray lines of order one, two and three, in the upper part, the middle and the lower part of the errors that fall. */
function orders(h: readonly number[], errors: readonly number[]): Guide[] {
  const shown = errors.filter((e) => e > 0).sort((a, b) => a - b);
  return [1, 2, 3].map((exponent) => ({
    kind: "power",
    exponent,
    through: [h[0]!, shown[Math.floor((shown.length * (7 - 2 * exponent)) / 6)] ?? 1],
    label: ["h", "h²", "h³"][exponent - 1]!,
  }));
}

export function orderFigure(
  names: readonly MethodName[],
  cases: readonly Case[],
  table: Made<typeof orderTable>,
): Promise<string> {
  return lineChart({
    title: "Order: error at the end over the step size",
    width,
    panels: cases.map((one): Panel => {
      const errors = names.map((name) => table[name]!.observed[one.name]!.error);
      return {
        title: one.label,
        height,
        x: step,
        y: error,
        series: seriesOf(names, (name) => [one.steps, table[name]!.observed[one.name]!.error]),
        guides: orders(
          one.steps,
          errors.filter((e) => e.at(-1)! < e[0]! / 2).map((e) => e[0]!),
        ),
      };
    }),
  });
}

export function robustnessFigure(
  names: readonly MethodName[],
  cases: readonly Case[],
  errorsOf: (one: Case, name: MethodName) => readonly number[],
): Promise<string> {
  return lineChart({
    title: "Small singular values: error at the end over the step size",
    width,
    panels: cases.map(
      (one): Panel => ({
        title: one.label,
        height,
        x: step,
        y: error,
        series: seriesOf(names, (name) => [one.steps, errorsOf(one, name)]),
      }),
    ),
  });
}

export function exactnessFigure(names: readonly MethodName[], table: Made<typeof exactnessTable>): Promise<string> {
  return lineChart({
    title: "Exactness: error after ten steps of a motion at the tree's rank",
    width,
    panels: (["matrix", "tree"] as const).map(
      (shape): Panel => ({
        title: shape === "matrix" ? "a matrix" : "a binary tree of four leaves",
        height,
        x: step,
        y: error,
        series: seriesOf(names, (name) => {
          const { h, error: e } = table[name]!.observed[shape]!;
          return [h, e];
        }),
        guides: [{ kind: "horizontal", y: 1e-15, label: "round-off" }],
      }),
    ),
  });
}

export function conservationFigure(
  names: readonly MethodName[],
  table: Readonly<Record<string, Kept>>,
): Promise<string> {
  const panel = (title: string, key: "norm" | "energy"): Panel => ({
    title,
    height,
    x: { label: "time" },
    y: { label: "drift", log: true },
    // a drift of exactly zero has no place on a logarithmic axis
    series: seriesOf(names, (name) => [
      table[name]!.times.slice(1),
      table[name]![key].slice(1).map((v) => Math.max(v, 1e-16)),
    ]),
  });
  return lineChart({
    title: "Conservation: a quench of six spins, h = 0.05",
    width,
    panels: [panel("norm", "norm"), panel("energy", "energy")],
  });
}

export function workFigure(names: readonly MethodName[], one: Case, table: Made<typeof workTable>): Promise<string> {
  const panel = (
    label: string,
    costOf: (row: Made<typeof workTable>[string][string]["given"][number]) => number,
  ): Panel => ({
    height,
    x: { label, log: true },
    y: error,
    series: seriesOf(names, (name) => {
      const rows = table[name]![one.name]!.given;
      return [rows.map(costOf), rows.map((r) => r.error)];
    }),
  });
  return lineChart({
    title: `Work and precision: ${one.label}`,
    width,
    panels: [
      panel("applications of local fields", (r) => r.applications),
      panel("processor seconds", (r) => r.cpuSeconds),
      panel("work: entries times applications", (r) => r.path.work * r.steps),
      panel("critical path: the same with a processor for every local problem", (r) => r.path.criticalWork * r.steps),
    ],
  });
}
