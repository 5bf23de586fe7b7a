/** Arrays shorter than this are copied with the message; sharing memory costs more. */
const shortest = 128;

/** Arrays in memory that threads share, made here or received: never changed after they were filled. */
const shared = new WeakMap<Float64Array, Float64Array>();

/** Whether threads can share memory here: in Node, and in pages that are cross-origin isolated. */
export const canShare = (): boolean =>
  typeof SharedArrayBuffer === "function" &&
  (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;

/**
 * Plain data with its longer arrays of doubles in shared memory, each array once; what is the same object stays so. An array that is
 * shared already is not copied. Without shared memory: with arrays that have their memory to themselves, so that nothing else travels.
 */
export function outgoing<T>(value: T): T {
  const sharing = canShare();
  return mapped(value, (array) => {
    if (!sharing || array.length < shortest)
      return array.byteLength === array.buffer.byteLength ? array : array.slice();
    const known = shared.get(array);
    if (known) return known;
    const copy = new Float64Array(new SharedArrayBuffer(8 * array.length));
    copy.set(array);
    shared.set(array, copy);
    shared.set(copy, copy);
    return copy;
  });
}

/** Remembers arrays of received data that lie in shared memory, so that they can be sent on without a copy. */
export const incoming = <T>(value: T): T =>
  mapped(value, (array) => {
    if (typeof SharedArrayBuffer === "function" && array.buffer instanceof SharedArrayBuffer) shared.set(array, array);
    return array;
  });

/** The memory of all arrays of plain data that is not shared: what can be transferred with a message. */
export function transferables(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  mapped(value, (array) => {
    if (array.buffer instanceof ArrayBuffer) found.add(array.buffer);
    return array;
  });
  return [...found];
}

/** A copy of plain data with other arrays; what was one object in two places is one in the copy. */
export function mapped<T>(value: T, change: (array: Float64Array) => Float64Array): T {
  const done = new Map<object, unknown>();
  const visit = (v: unknown): unknown => {
    if (typeof v !== "object" || v === null) return v;
    const known = done.get(v);
    if (known !== undefined) return known;
    const made =
      v instanceof Float64Array
        ? change(v)
        : ArrayBuffer.isView(v)
          ? v
          : Array.isArray(v)
            ? v.map(visit)
            : Object.fromEntries(Object.entries(v).map(([key, part]) => [key, visit(part)]));
    done.set(v, made);
    return made;
  };
  return visit(value) as T;
}
