import type { RunRecord } from "../io/index.ts";

const lines = 6;

/** A short table of a run: a few of its times with the scalar observables, ranks and work. */
export function summaryTable(name: string, record: RunRecord, extra: Readonly<Record<string, unknown>> = {}): string {
  const { times, observables, ranks, discarded, errors, rejected, applications, seconds, stepSeconds } = record;
  if (times.length === 0) return `${name}: ended before its first time`;
  const scalars = Object.keys(observables).filter((key) => typeof observables[key]![0] === "number");
  const last = times.length - 1;
  const rows = [...new Set(Array.from({ length: lines }, (_, k) => Math.round((k * last) / (lines - 1))))];
  const header = ["t", ...scalars, "max rank", "discarded"];
  const body = rows.map((k) => [
    times[k]!.toFixed(3),
    ...scalars.map((key) => numberText(observables[key]![k] as number)),
    `${Math.max(...ranks[k]!)}`,
    discarded[k]!.toExponential(1),
  ]);
  const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const parts = Object.entries(errors).flatMap(([part, values]: [string, readonly (number | null)[]]) =>
    values.includes(null) ? [] : [`${part} ${total(values as readonly number[]).toExponential(1)}`],
  );
  const ladder = (extra["ladder"] ?? []) as { method: string; points: Record<string, number>[] }[];
  return [
    name,
    "",
    ...aligned([header, ...body]),
    "",
    `${total(applications)} local applications, ${total(rejected)} rejected steps, ${total(stepSeconds).toFixed(2)} s of steps, ${seconds.toFixed(2)} s in all`,
    `errors, estimated and added up over the steps: ${parts.join(", ")}`,
    ...ladder.flatMap(({ method, points }) => [
      "",
      `error at the end, ${method}`,
      ...aligned(
        Object.keys(points[0] ?? {}).map((key) => [
          key,
          ...points.map((p) => (key === "error" ? p[key]!.toExponential(2) : `${p[key]}`)),
        ]),
      ),
    ]),
  ].join("\n");
}

export const numberText = (v: number): string => (v !== 0 && Math.abs(v) < 1e-3 ? v.toExponential(3) : v.toFixed(8));

/** Rows of cells as lines, every column to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)));
  return rows.map((row) => row.map((cell, k) => cell.padStart(widths[k]!)).join("  "));
}
