import { backend } from "../linalg/current.ts";
import type { Task } from "../linalg/task.ts";
import { Lane, WorkerEnded } from "./lane.ts";
import { incoming, outgoing } from "./shared-data.ts";
import type { BackendOf } from "./worker-core.ts";
import type { WorkerLike } from "./worker-port.ts";

/** A worker that could not be used, or work that no worker got through. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
  /** Node whose work it was, null where none had begun. */
  readonly node: number | null;

  constructor(message: string, node: number | null) {
    super(`workers: ${message}`);
    this.node = node;
  }
}

/** Worker threads that do tasks: each works at one task while the next waits there. A task is done again when its worker dies. */
export class Pool {
  readonly #create: () => WorkerLike;
  readonly #deadline: number;
  readonly #tell: (notice: string) => void;
  readonly #lanes: (Lane | null)[];
  #disposed = false;

  /** `tell` is told what a worker could not do. */
  constructor(create: () => WorkerLike, count: number, deadline: number, tell: (notice: string) => void) {
    this.#create = create;
    this.#deadline = deadline;
    this.#tell = tell;
    this.#lanes = Array<Lane | null>(count).fill(null);
  }

  throwIfDisposed(): void {
    if (this.#disposed) throw new WorkerError("this executor was disposed; make another one", null);
  }

  /** Starts all workers that are not there. Throws a WorkerError when one does not start. */
  async start(): Promise<void> {
    this.throwIfDisposed();
    try {
      await Promise.all(this.#lanes.map((_, k) => this.#lane(k).started));
    } catch (error) {
      throw new WorkerError(`a worker did not start: ${(error as Error).message}`, null);
    }
  }

  /**
   * Does the tasks, in the order given, on the worker with the least to do; meanwhile `beside` runs in this thread. What a task throws is
   * thrown: that of the first task that throws. Three deaths at one task are a WorkerError that names its node.
   */
  async run(
    tasks: readonly Task[],
    order: readonly number[],
    beside: () => Promise<void>,
    signal?: AbortSignal,
  ): Promise<unknown[]> {
    this.throwIfDisposed();
    const results: unknown[] = [];
    const failures: (Error | undefined)[] = [];
    const deaths = tasks.map(() => 0);
    const waiting = [...order];
    let stop!: () => void;
    const stopped = new Promise<Outcome>((resolve) => {
      stop = () => resolve({ kind: "stopped" });
    });
    signal?.addEventListener("abort", stop);
    const lanes = this.#lanes.slice(0, order.length);
    const given = lanes.map(() => [] as Task[]);
    const workOf = (k: number): number => given[k]!.reduce((sum, { flops }) => sum + (flops ?? unknownFlops), 0);

    /** Whose turn it is: the lane with the least to do, unless that has one task at hand and one in line. */
    const next = (): number | null => {
      const work = lanes.map((_, k) => workOf(k));
      const least = work.indexOf(Math.min(...work));
      return given[least]!.length < 2 ? least : null;
    };

    const doOne = async (k: number, index: number): Promise<void> => {
      const task = tasks[index]!;
      while (failures.length === 0) {
        this.throwIfDisposed();
        const outcome = await this.#ask(k, task, stopped);
        if (outcome.kind === "done") results[index] = outcome.value;
        else if (outcome.kind === "failed") failures[index] = outcome.error;
        else if (outcome.kind === "died") {
          if (outcome.begun) deaths[index]!++;
          if (deaths[index]! < 3) continue;
          failures[index] = new WorkerError(
            `three workers died at the ${task.kind} of node ${task.node}; the last one: ${outcome.why}`,
            task.node,
          );
        }
        return;
      }
    };

    /** Gives out what can be given, and again whenever something is done: so a message is on its way while a worker works. */
    const serve = async (): Promise<void> => {
      const begun: Promise<void>[] = [];
      for (let k = next(); k !== null && waiting.length > 0; k = next()) {
        if (signal?.aborted || failures.length > 0) break;
        const [lane, index] = [k, waiting.shift()!];
        const mine = given[lane]!;
        mine.push(tasks[index]!);
        begun.push(
          doOne(lane, index).then(() => {
            mine.splice(mine.indexOf(tasks[index]!), 1);
            return serve();
          }),
        );
      }
      await Promise.all(begun);
    };
    try {
      await Promise.all([serve(), beside()]);
    } finally {
      waiting.length = 0; // what is thrown here ends the set on the workers as well
      stop(); // and nobody waits for what they are at, or has it done again
      signal?.removeEventListener("abort", stop);
    }
    signal?.throwIfAborted();
    const first = failures.findIndex((error) => error !== undefined);
    if (first >= 0) throw failures[first];
    return results;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await Promise.all(this.#lanes.map((lane) => lane?.worker.terminate()));
    for (const lane of this.#lanes) lane?.end("the executor was disposed");
    this.#lanes.fill(null);
  }

  /** The worker of this place, a new one where the last has ended. */
  #lane(k: number): Lane {
    const known = this.#lanes[k];
    if (known && !known.hasEnded) return known;
    const lane = new Lane(this.#create(), backendHere(), this.#deadline);
    this.#lanes[k] = lane;
    return lane;
  }

  async #ask(k: number, task: Task, stopped: Promise<Outcome>): Promise<Outcome> {
    let lane: Lane;
    try {
      lane = this.#lane(k);
      const end = await Promise.race([lane.started.then(() => null), stopped]);
      if (end) return end;
    } catch (error) {
      return { kind: "died", why: (error as Error).message, begun: true };
    }
    const answer = lane
      .run({ kind: task.kind, input: outgoing(task.message!()), backend: backendHere() })
      .then((value): Outcome => ({ kind: "done", value: incoming(value) }));
    try {
      return await Promise.race([answer, stopped]);
    } catch (error) {
      if (!(error instanceof WorkerEnded)) return this.#doHere(task, error);
      return { kind: "died", why: error.message, begun: error.begun };
    }
  }

  /** An error loses its class on the way: what a worker could not do is tried in this thread, which then throws it whole. */
  #doHere(task: Task, why: unknown): Outcome {
    try {
      const value = task.run();
      const message = why instanceof Error ? why.message : String(why);
      this.#tell(`a worker could not do the ${task.kind} of node ${task.node}: ${message}; it is done in this thread`);
      return { kind: "done", value };
    } catch (error) {
      return { kind: "failed", error: error as Error };
    }
  }
}

/** What work of unknown size counts as beside other work. */
const unknownFlops = 1e9;

const backendHere = (): BackendOf => {
  const { name, description } = backend();
  return { name, description };
};

type Outcome =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "died"; readonly why: string; readonly begun: boolean }
  | { readonly kind: "stopped" };
