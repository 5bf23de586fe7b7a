import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type NpyArray, writeNpz } from "./npz.ts";
import { OutputError } from "./result.ts";
import { ConfigError, parseAssignment } from "./settings.ts";

/** One point of a sweep: the swept parameters, and the folder of its results, named after them. */
export interface SweepPoint {
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * All points of a grid given as `key=value,value,...`, the last key running fastest. Values read as those of `--set` do; a comma inside
 * brackets or quotes separates nothing. Throws a ConfigError for a key without values, given twice, or a value given twice.
 */
export function sweepPoints(over: readonly string[]): SweepPoint[] {
  const axes = over.map((text): [string, unknown[]] => {
    const [key, values] = splitAssignment(text);
    return [key, values.map((value) => parseAssignment(`${key}=${value}`)[1])];
  });
  axes.forEach(([key, values], k) => {
    if (axes.findIndex(([other]) => other === key) < k) throw new ConfigError(`--over ${key}: was given twice`);
    const texts = values.map(textOf);
    const twice = texts.find((text, i) => texts.indexOf(text) < i);
    if (twice !== undefined) throw new ConfigError(`--over ${key}: the value ${twice} was given twice`);
  });
  const grid = axes.reduce<Record<string, unknown>[]>(
    (points, [key, values]) => points.flatMap((point) => values.map((value) => ({ ...point, [key]: value }))),
    [{}],
  );
  return grid.map((values) => ({ name: folderName(values), values }));
}

function splitAssignment(text: string): [string, string[]] {
  const at = text.indexOf("=");
  const key = text.slice(0, at).trim();
  if (at < 1 || text.slice(at + 1).trim() === "") throw new ConfigError(`--over ${text}: expected key=value,value,...`);
  const values = [""];
  let depth = 0;
  let quoted = false;
  for (const c of text.slice(at + 1)) {
    if (c === '"') quoted = !quoted;
    else if (!quoted && "[{".includes(c)) depth++;
    else if (!quoted && "]}".includes(c)) depth--;
    if (c === "," && depth === 0 && !quoted) values.push("");
    else values[values.length - 1] += c;
  }
  const trimmed = values.map((v) => v.trim());
  if (trimmed.includes("")) throw new ConfigError(`--over ${text}: a value is empty; expected key=value,value,...`);
  return [key, trimmed];
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** `integrator=parallel,dt=0.1`; where that is no name for a folder, with a hash of it. */
function folderName(values: Readonly<Record<string, unknown>>): string {
  const name = Object.entries(values)
    .map(([key, value]) => `${key}=${textOf(value)}`)
    .join(",");
  const safe = name.replace(/[^\w=.,+-]/g, "_").slice(0, 80);
  return safe === name ? name : `${safe}-${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}

/** What the table of a sweep says of a point. */
export interface SweepRow {
  readonly point: SweepPoint;
  readonly status: string;
  /** Why it did not complete. */
  readonly message: string;
  /** Last values of scalar observables, and how much work it was; empty for a point without a result. */
  readonly numbers: Readonly<Record<string, number>>;
}

/**
 * The result of a point that is there already; null where there is none. Throws an OutputError when it cannot be read, or is none of `dlra`.
 */
export async function pointResult(folder: string): Promise<Readonly<Record<string, unknown>> | null> {
  const path = join(folder, "result.json");
  try {
    const result: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof result === "object" && result !== null && "experiment" in result) return { ...result };
    throw new Error("it names no experiment");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    const [why] = (error as Error).message.split("\n");
    throw new OutputError(`${path}: cannot be read as a result (${why}); remove it, or use --force to overwrite`);
  }
}

/** A row from the fields of a point's `result.json`. */
export function rowOf(point: SweepPoint, result: Readonly<Record<string, unknown>>): SweepRow {
  const rows = (name: string): readonly unknown[] => (result[name] as unknown[] | undefined) ?? [];
  const sum = (name: string): number => rows(name).reduce<number>((a, b) => a + (b as number), 0);
  const observables = Object.entries((result["observables"] ?? {}) as Record<string, unknown[]>).flatMap(
    ([name, values]) => (typeof values.at(-1) === "number" ? [[name, values.at(-1) as number] as const] : []),
  );
  return {
    point,
    status: `${result["status"]}`,
    message: `${result["message"] ?? ""}`,
    numbers: {
      t: (rows("times").at(-1) as number | undefined) ?? Number.NaN,
      ...Object.fromEntries(observables),
      max_rank: Math.max(...(rows("ranks") as number[][]).flat()),
      discarded: sum("discarded"),
      applications: sum("applications"),
      seconds: result["seconds"] as number,
    },
  };
}

const columnsOf = (rows: readonly SweepRow[]): string[] => [
  ...new Set(rows.flatMap(({ numbers }) => Object.keys(numbers))),
];

/** The rows as cells: swept parameters, status, numbers, message. */
export function sweepTable(rows: readonly SweepRow[], number: (v: number) => string = String): string[][] {
  const keys = Object.keys(rows[0]?.point.values ?? {});
  const columns = columnsOf(rows);
  return [
    [...keys, "status", ...columns, "message"],
    ...rows.map(({ point, status, message, numbers }) => [
      ...keys.map((key) => textOf(point.values[key])),
      status,
      ...columns.map((column) => (numbers[column] === undefined ? "" : number(numbers[column]))),
      message,
    ]),
  ];
}

/** `sweep.csv`, and `sweep.npz` with a column of numbers for each swept number and each result (NaN where there is none). */
export function sweepFiles(rows: readonly SweepRow[]): Record<string, string | Uint8Array> {
  const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const column = (values: readonly unknown[]): NpyArray => ({
    dtype: "float64",
    shape: [values.length],
    data: Float64Array.from(values, (v) => (typeof v === "number" ? v : Number.NaN)),
  });
  const keys = Object.keys(rows[0]?.point.values ?? {}).filter((key) =>
    rows.every(({ point }) => typeof point.values[key] === "number"),
  );
  return {
    "sweep.csv": `${sweepTable(rows)
      .map((row) => row.map(cell).join(","))
      .join("\n")}\n`,
    "sweep.npz": writeNpz({
      ...Object.fromEntries(keys.map((key) => [key, column(rows.map(({ point }) => point.values[key]))])),
      ...Object.fromEntries(columnsOf(rows).map((name) => [name, column(rows.map(({ numbers }) => numbers[name]))])),
    }),
  };
}
