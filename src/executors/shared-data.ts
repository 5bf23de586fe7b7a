/** Arrays shorter than this are copied with the message; sharing memory costs more. */
const shortest = 128;

/** Arrays in memory that threads share, made here or received: never changed after they were filled. */
const shared = new WeakMap<Float64Array, Float64Array>();

const sharedOrSame: ArrayChange = (array) => shared.get(array) ?? array;
const ownMemory: ArrayChange = (array) => (array.byteLength === array.buffer.byteLength ? array : array.slice());

/** Whether threads can share memory here: in Node, and in pages that are cross-origin isolated. */
export const canShare = (): boolean =>
  typeof SharedArrayBuffer === "function" &&
  (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;

/**
 * Plain data with its longer arrays of doubles in shared memory, each array once; what is the same object stays so. An array that is
 * shared already is not copied; the others lie side by side in one piece of memory, since pieces are what costs. Without shared memory:
 * with arrays that have their memory to themselves, so that nothing else travels.
 */
export function outgoing<T>(value: T): T {
  if (!canShare()) return mapped(value, ownMemory);
  const fresh: Float64Array[] = [];
  let length = margin;
  for (const array of arraysOf(value))
    if (array.length >= shortest && !shared.has(array)) {
      fresh.push(array);
      length += padded(array.length);
    }
  const memory = new SharedArrayBuffer(8 * length);
  let at = 0;
  for (const array of fresh) {
    const copy = new Float64Array(memory, 8 * at, array.length);
    at += padded(array.length);
    copy.set(array);
    shared.set(array, copy);
    shared.set(copy, copy);
  }
  return mapped(value, sharedOrSame);
}

/** Behind the last array: some kernels of some libraries read a little beyond their operands, which is fatal where a mapping ends. */
const margin = 64;

/** Whole cache lines. */
const padded = (length: number): number => Math.ceil(length / 8) * 8;

/** Remembers arrays of received data that lie in shared memory, so that they can be sent on without a copy. */
export function incoming<T>(value: T): T {
  if (typeof SharedArrayBuffer === "function")
    for (const array of arraysOf(value)) if (array.buffer instanceof SharedArrayBuffer) shared.set(array, array);
  return value;
}

/** The memory of all arrays of plain data that is not shared: what can be transferred with a message. */
export const transferables = (value: unknown): ArrayBuffer[] => [
  ...new Set(arraysOf(value).flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []))),
];

/** All arrays of doubles in plain data, each once. */
function arraysOf(value: unknown): Float64Array[] {
  const found: Float64Array[] = [];
  findArrays(value, new Set(), found);
  return found;
}

function findArrays(v: unknown, seen: Set<object>, found: Float64Array[]): void {
  if (typeof v !== "object" || v === null || seen.has(v)) return;
  seen.add(v);
  if (v instanceof Float64Array) found.push(v);
  else if (Array.isArray(v)) for (const part of v) findArrays(part, seen, found);
  else if (!ArrayBuffer.isView(v)) for (const key in v) findArrays((v as PlainRecord)[key], seen, found);
}

/** A copy of plain data with other arrays; what was one object in two places is one in the copy. */
export const mapped = <T>(value: T, change: ArrayChange): T => changed(value, change, new Map()) as T;

type ArrayChange = (array: Float64Array) => Float64Array;

function changed(v: unknown, change: ArrayChange, done: Map<object, unknown>): unknown {
  if (typeof v !== "object" || v === null) return v;
  const known = done.get(v);
  if (known !== undefined) return known;
  let made: unknown = v;
  if (v instanceof Float64Array) made = change(v);
  else if (Array.isArray(v)) {
    const parts: unknown[] = [];
    for (const part of v) parts.push(changed(part, change, done));
    made = parts;
  } else if (!ArrayBuffer.isView(v)) {
    const record: PlainRecord = {}; // messages hold hundreds of records: by far the fastest way to copy one
    for (const key in v) record[key] = changed((v as PlainRecord)[key], change, done);
    made = record;
  }
  done.set(v, made);
  return made;
}

type PlainRecord = Record<string, unknown>;
