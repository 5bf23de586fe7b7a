/** First byte that belongs to callers; below it the kernels keep their packed blocks (kernels/simd.ts). */
const heapBase = 2 * 1024 * 1024;
const page = 65536;

/** The memory of the kernels: what callers allocate, and a staging area for operands that lie elsewhere. */
export interface Heap {
  readonly memory: WebAssembly.Memory;
  allocate(length: number): Float64Array;
  /** Byte address of an array of this memory, or -1. */
  addressOf(x: Float64Array): number;
  /** The staging area, emptied, with room for `length` numbers (8 more for each operand, for alignment). */
  stage(length: number): Stage;
}

/** Places in the staging area, by byte address. An operand that lies in this memory already (address >= 0) stays there. */
export interface Stage {
  input(x: Float64Array, length: number, address: number): number;
  output(length: number, address?: number): number;
  fetch(address: number, length: number, to: Float64Array): void;
}

/**
 * Shared memory, because growing it leaves every earlier view valid; growing ordinary memory would detach them all.
 */
export function wasmHeap(): Heap {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
  let view = new Float64Array(memory.buffer);
  const buffers = new WeakSet<object>([memory.buffer]);
  let end = heapBase;

  /** Bytes at a multiple of 64. */
  const reserve = (bytes: number): number => {
    const start = end;
    const next = start + Math.ceil(bytes / 64) * 64;
    const missing = next - memory.buffer.byteLength;
    if (missing > 0) {
      try {
        memory.grow(Math.ceil(missing / page));
      } catch {
        throw new RangeError(`wasm: ${bytes} bytes do not fit; ${start} of at most 4 GiB are in use`);
      }
      view = new Float64Array(memory.buffer);
      buffers.add(memory.buffer);
    }
    end = next;
    return start;
  };

  let stageStart = 0;
  let stageSize = 0;
  let used = 0;
  const output = (length: number, address = -1): number => {
    if (address >= 0) return address;
    const at = stageStart + used;
    used += Math.ceil(length / 8) * 64;
    return at;
  };
  const stage: Stage = {
    output,
    input: (x, length, address) => {
      const at = output(length, address);
      if (address < 0) view.set(x.length === length ? x : x.subarray(0, length), at / 8);
      return at;
    },
    fetch: (address, length, to) => to.set(view.subarray(address / 8, address / 8 + length)),
  };

  return {
    memory,
    allocate: (length) => {
      // reserve may replace memory.buffer, so it comes first.
      const at = reserve(8 * length);
      return new Float64Array(memory.buffer, at, length);
    },
    addressOf: (x) => (x.buffer === view.buffer || buffers.has(x.buffer) ? x.byteOffset : -1),
    stage: (length) => {
      if (8 * length > stageSize) {
        // What is left behind is at most as much as the new area, since each one is twice as large as the last.
        stageSize = Math.max(16 * length, 1 << 20);
        stageStart = reserve(stageSize);
      }
      used = 0;
      return stage;
    },
  };
}
