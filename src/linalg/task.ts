/**
 * A pure function with a name: it makes plain data (numbers, strings, tensors, matrices, arrays and records of such) of plain data, the same
 * bits wherever it runs.
 */
export interface TaskKind<I, O> {
  readonly name: string;
  run(input: I): O;
  /** The input in a form that is cheaper to send, and back. Default: as it is. */
  readonly packing?: { pack(input: I): unknown; unpack(message: never): I };
  /** What of a result has to be sent where the input is known, and the whole result again. Default: all of it. */
  readonly resultPacking?: { pack(result: O): unknown; unpack(message: never, input: I): O };
}

/** One call of such a function. */
export interface Task {
  readonly kind: string;
  /** The input as it is sent to another thread; null where it is made of functions of this one, and so the task can run in no other. */
  readonly message: (() => unknown) | null;
  /** Node of a tree that it is about, to name it in messages. */
  readonly node: number;
  /** Floating-point operations, estimated; null where nothing is known. */
  readonly flops: number | null;
  /** Runs it in this thread. */
  run(): unknown;
  /** A result as it is sent to others that have this task too, and back. Default: as it is. */
  readonly resultPacking?: { pack(result: unknown): unknown; unpack(message: unknown): unknown };
}

export const task = <I, O>(
  kind: TaskKind<I, O>,
  input: I,
  { node, flops }: { readonly node: number; readonly flops: number | null },
): Task => ({
  kind: kind.name,
  message: () => (kind.packing ? kind.packing.pack(input) : input),
  node,
  flops,
  run: () => kind.run(input),
  ...(kind.resultPacking && { resultPacking: resultPackingOf(kind.resultPacking, input) }),
});

const resultPackingOf = <I, O>(
  { pack, unpack }: NonNullable<TaskKind<I, O>["resultPacking"]>,
  input: I,
): NonNullable<Task["resultPacking"]> => ({
  pack: (result) => pack(result as O),
  unpack: (message) => unpack(message as never, input),
});

/**
 * Work with parts that can be done side by side: a generator that yields sets of independent tasks, is resumed with what they gave, in their
 * order, and returns what it came to.
 */
export type Work<T> = Generator<SideWork, T, readonly unknown[]>;

/** Independent tasks. */
export interface SideWork {
  readonly tasks: readonly Task[];
}

/** Does all of it in this thread, one task after the other. */
export function doneHere<T>(work: Work<T>): T {
  let next = work.next();
  while (!next.done) next = work.next(next.value.tasks.map((t) => t.run()));
  return next.value;
}

/** Has tasks done that all give the same type. */
export function* allDone<O>(tasks: readonly Task[]): Work<readonly O[]> {
  return tasks.length === 0 ? [] : ((yield { tasks }) as readonly O[]);
}

/** Two works that need nothing of each other, set by set: the tasks that both have at a time are one set. */
export function* inParallel<A, B>(first: Work<A>, second: Work<B>): Work<readonly [A, B]> {
  try {
    let [a, b] = [first.next(), second.next()];
    while (!a.done || !b.done) {
      const own = a.done ? [] : a.value.tasks;
      const results = yield { tasks: b.done ? own : [...own, ...b.value.tasks] };
      if (!a.done) a = first.next(results.slice(0, own.length));
      if (!b.done) b = second.next(results.slice(own.length));
    }
    return [a.value, b.value];
  } finally {
    first.return(undefined as A); // whoever does not go on gives back what both hold
    second.return(undefined as B);
  }
}
