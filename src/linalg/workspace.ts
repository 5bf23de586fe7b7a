import type { Backend } from "./backend.ts";
import { backend } from "./current.ts";
import { asDtype, type Dtype, sizeOf, type Tensor, tensor, width } from "./tensor.ts";

/** Scratch memory with the lifetime of a block: `using frame = workspace().frame()`. Contents are not initialised. */
export interface Frame extends Disposable {
  /** A tensor of scratch memory, valid until the frame ends; inside it the backend works without copies. */
  take(shape: readonly number[], dtype: Dtype): Tensor;
  /** A copy of a tensor in scratch memory, of another type if asked for. */
  hold(t: Tensor, dtype?: Dtype): Tensor;
  /**
   * The tensor where the backend reaches it without a copy: itself where it lies there already, else held. Only to be read, and to be left
   * as it is until the frame ends.
   */
  within(t: Tensor, dtype?: Dtype): Tensor;
}

/**
 * A stack of scratch memory that the backend reaches without a copy. Frames nest like calls; ending one gives back all
 * that was taken since it began, also when an error passes through.
 */
export class Workspace {
  readonly #stack: Stack;

  constructor(owner: Backend) {
    this.#stack = new Stack(owner);
  }

  frame(): Frame {
    return new StackFrame(this.#stack);
  }

  /** Memory held, in bytes: the high-water mark of all frames so far. */
  get bytes(): number {
    return this.#stack.slabs.reduce((sum, s) => sum + 8 * s.length, 0);
  }
}

/** Slabs of memory, and how far they are taken. */
class Stack {
  readonly backend: Backend;
  readonly slabs: Float64Array[] = [];
  slab = 0;
  used = 0;

  constructor(owner: Backend) {
    this.backend = owner;
  }

  take(length: number): Float64Array {
    const padded = Math.ceil(length / 8) * 8; // whole cache lines, so that every tensor starts on one
    while (this.slab < this.slabs.length && this.used + padded > this.slabs[this.slab]!.length) {
      this.slab++;
      this.used = 0;
    }
    if (this.slab === this.slabs.length) this.slabs.push(this.backend.allocate(slabFor(padded)));
    const start = this.used;
    this.used += padded;
    return this.slabs[this.slab]!.subarray(start, start + length);
  }
}

class StackFrame implements Frame {
  readonly #stack: Stack;
  readonly #slab: number;
  readonly #used: number;

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#slab = stack.slab;
    this.#used = stack.used;
  }

  take(shape: readonly number[], dtype: Dtype): Tensor {
    return tensor(shape, dtype, this.#stack.take(sizeOf(shape) * width(dtype)));
  }

  hold(t: Tensor, dtype: Dtype = t.dtype): Tensor {
    const held = this.take(t.shape, dtype);
    held.data.set(asDtype(t, dtype).data);
    return held;
  }

  within(t: Tensor, dtype: Dtype = t.dtype): Tensor {
    return t.dtype === dtype && this.#stack.backend.reaches?.(t.data) ? t : this.hold(t, dtype);
  }

  [Symbol.dispose](): void {
    this.#stack.slab = this.#slab;
    this.#stack.used = this.#used;
  }
}

/** The next power of two: where tensors grow with every step, slabs of their own size would all be too small for the next step. */
const slabFor = (length: number): number => Math.max(smallestSlab, 2 ** Math.ceil(Math.log2(length)));

/** 64 MiB: pages that are never touched cost nothing, and few large slabs leave few gaps where a tensor does not fit. */
const smallestSlab = 1 << 23;
const workspaces = new WeakMap<Backend, Workspace>();
/** Stacks that nobody uses just now. */
const spare = new WeakMap<Backend, Workspace[]>();

/** The scratch memory of the current backend. */
export function workspace(): Workspace {
  const owner = backend();
  let found = workspaces.get(owner);
  if (!found) {
    found = new Workspace(owner);
    workspaces.set(owner, found);
  }
  return found;
}

/**
 * A frame on a stack of its own, for work that waits for other work before it ends, as a generator does: what others take meanwhile is elsewhere.
 * Ending it leaves the stack to whoever asks next, so that the same memory serves one step after the other.
 */
export function ownFrame(): Frame {
  const owner = backend();
  const stacks = spare.get(owner) ?? [];
  spare.set(owner, stacks);
  const stack = stacks.pop() ?? new Workspace(owner);
  const frame = stack.frame();
  let isEnded = false;
  return {
    take: (shape, dtype) => frame.take(shape, dtype),
    hold: (t, dtype) => frame.hold(t, dtype),
    within: (t, dtype) => frame.within(t, dtype),
    [Symbol.dispose]: () => {
      if (isEnded) return;
      isEnded = true;
      frame[Symbol.dispose]();
      stacks.push(stack);
    },
  };
}
