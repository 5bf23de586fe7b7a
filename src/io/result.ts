import { createHash } from "node:crypto";
import { access, constants, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { backend } from "../linalg/current.ts";
import type { TTN } from "../ttn/ttn.ts";
import { version } from "../version.ts";
import { type NpyArray, writeNpz } from "./npz.ts";
import type { RunRecord } from "./record.ts";
import { writeState } from "./state.ts";

/** SHA-256 over the tensors of a state in post-order: type, shape and little-endian data of each. */
export function stateHash(y: TTN): string {
  const hash = createHash("sha256");
  for (const { dtype, shape, data } of y.tensors) {
    hash.update(`${dtype} ${shape.join("x")}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/** A folder that cannot be written, or holds results that would be lost. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/**
 * Makes sure, before any work, that results can be written to a folder: creates it and tries. Throws an OutputError
 * naming the path when it cannot, when `result.json` is a folder, or when it already holds a result and `force` is not set.
 */
export async function prepareFolder(folder: string, force: boolean): Promise<void> {
  const probe = join(folder, `.dlra-${process.pid}`);
  try {
    await makeFolder(resolve(folder));
    if (!(await stat(folder)).isDirectory()) throw new Error("it is no folder");
    await access(folder, constants.W_OK);
    await writeFile(probe, "");
    await rm(probe);
  } catch (error) {
    throw new OutputError(
      `output folder ${folder}: cannot be written (${(error as Error).message}); choose another with --out`,
    );
  }
  const there = await stat(join(folder, "result.json")).catch(() => null);
  if (there?.isDirectory())
    throw new OutputError(`${join(folder, "result.json")}: is a folder, so that no result can be written there`);
  if (there && !force)
    throw new OutputError(
      `output folder ${folder}: already holds a result; use --force to overwrite, or another --out`,
    );
}

/** Makes a folder and its parents; by hand, since a recursive mkdir never returns where a parent refuses children as missing. */
async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path).then(
    () => null,
    (error: NodeJS.ErrnoException) => error,
  );
  if (made === null || made.code === "EEXIST") return;
  if (
    made.code !== "ENOENT" ||
    (await access(dirname(path)).then(
      () => true,
      () => false,
    ))
  )
    throw made;
  await makeFolder(dirname(path));
  await mkdir(path);
}

/** The fields of `result.json`. */
export function resultFields(experiment: string, parameters: object, record: RunRecord): Record<string, unknown> {
  const { state, status, message, observables, ...rows } = record;
  return {
    experiment,
    version,
    status,
    ...(message ? { message } : {}),
    parameters,
    backend: backend().name,
    backendDescription: backend().description,
    stateHash: stateHash(state),
    ...rows,
    observables: Object.fromEntries(
      Object.entries(observables).map(([name, values]) => [
        name,
        values.map((v) => (typeof v === "number" ? v : [...v])),
      ]),
    ),
  };
}

/** The arrays of a record, as NumPy sees them; parts of the error as `solver_error` and so on, observables by their own names. */
export function resultArrays(record: RunRecord): Record<string, NpyArray> {
  const { times, ranks, discarded, errors, rejected, applications, stepSeconds, observables } = record;
  const floats = (rows: readonly (number | ArrayLike<number>)[]): NpyArray => {
    const first = rows[0] ?? 0;
    const width = typeof first === "number" ? null : first.length;
    const data = Float64Array.from(rows.flatMap((row) => (typeof row === "number" ? [row] : Array.from(row))));
    return { dtype: "float64", shape: width === null ? [rows.length] : [rows.length, width], data };
  };
  const integers = (rows: readonly number[]): NpyArray => ({
    dtype: "int32",
    shape: [rows.length],
    data: Int32Array.from(rows),
  });
  return {
    times: floats(times),
    ranks: { dtype: "int32", shape: [ranks.length, ranks[0]?.length ?? 0], data: Int32Array.from(ranks.flat()) },
    discarded: floats(discarded),
    ...Object.fromEntries(
      Object.entries(errors).map(([part, values]) => [`${part}_error`, floats(values.map((v) => v ?? Number.NaN))]),
    ),
    rejected: integers(rejected),
    applications: integers(applications),
    stepSeconds: floats(stepSeconds),
    ...Object.fromEntries(Object.entries(observables).map(([name, values]) => [name, floats(values)])),
  };
}

/**
 * Writes files to a folder, each whole or not at all (written beside, then renamed). Tries them all; throws an OutputError that names
 * those that could not be written.
 */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const failures: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    try {
      await writeFile(`${path}.part`, content);
      await rename(`${path}.part`, path);
    } catch (error) {
      failures.push(`${path}: cannot be written (${(error as Error).message})`);
      await rm(`${path}.part`, { force: true }).catch(() => {}); // a folder of that name is not ours
    }
  }
  if (failures.length > 0) throw new OutputError(failures.join("; "));
}

/** Names of files that a run may write or not: the last good state, and figures. */
const occasional = /^(state\.npz|[A-Z]\d+-.*\.svg)$/;

/** Removes the state and figures that an older run left in a folder, all but those of these names, so that what is there belongs together. */
export async function removeOlder(folder: string, written: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!occasional.test(name) || written.includes(name)) continue;
    await rm(join(folder, name)).catch((error: Error) => {
      throw new OutputError(`${join(folder, name)}: is of an older run and cannot be removed (${error.message})`);
    });
  }
}

/**
 * `result.json` and `result.npz` of a run, with more fields and arrays beside the record's, and of one that did not complete
 * its last good state, `state.npz`. Numbers that JSON has no word for (NaN, infinities) become null or "inf".
 */
export function resultFiles(
  experiment: string,
  parameters: object,
  record: RunRecord,
  extra: object = {},
  arrays: Readonly<Record<string, NpyArray>> = {},
): Record<string, string | Uint8Array> {
  const fields = { ...resultFields(experiment, parameters, record), ...extra };
  const plain = (_: string, value: unknown): unknown => (value === Number.POSITIVE_INFINITY ? "inf" : value);
  return {
    "result.json": `${JSON.stringify(fields, plain, 1)}\n`,
    "result.npz": writeNpz({ ...resultArrays(record), ...arrays }),
    ...(record.status === "completed" ? {} : { "state.npz": writeState(record.state) }),
  };
}
