import { type Remote, releaseProxy, wrap } from "comlink";
import type { BackendOf, Request, WorkerCore } from "./worker-core.ts";
import { endpointOf, onDeath, type WorkerLike } from "./worker-port.ts";

/** A worker ended, failed, or was given up; the message says which. */
export class WorkerEnded extends Error {
  override readonly name = "WorkerEnded";
  /** Whether it was at the request when it ended, and not at an earlier one. */
  readonly begun: boolean;

  constructor(why: string, begun: boolean) {
    super(why);
    this.begun = begun;
  }
}

/** Seconds that a worker may take to start, however short the deadline. */
const slowestStart = 30;

/** The longest time that a timer knows, in milliseconds; one that is set for longer rings at once. */
const longestTimer = 2 ** 31 - 1;

/** A request that was not answered yet. */
interface Open {
  readonly seconds: number;
  reject(end: WorkerEnded): void;
  timer?: ReturnType<typeof setTimeout>;
}

/**
 * A worker that is there, and what it was asked, in order. A request that takes longer than the deadline is the worker's end. What keeps a
 * process alive is the timer of an open request, not the worker: a program whose work is done ends, whether workers are disposed or not.
 */
export class Lane {
  readonly worker: WorkerLike;
  /** Rejects with a WorkerEnded, or with what the worker says, when it does not start. */
  readonly started: Promise<BackendOf>;
  readonly #core: Remote<WorkerCore>;
  readonly #deadline: number;
  /**
   * The worker is at the first of these. They are told of its end by a call, not by a promise of the end: a promise that lives as long as
   * the worker would keep alive whatever it has raced against.
   */
  readonly #open: Open[] = [];
  #ended: string | null = null;

  constructor(worker: WorkerLike, backend: BackendOf, deadline: number) {
    this.worker = worker;
    this.#deadline = deadline;
    this.#core = wrap<WorkerCore>(endpointOf(worker));
    worker.unref?.();
    onDeath(worker, (why) => this.end(why));
    this.started = this.#answer(() => this.#core.start(backend), Math.max(deadline, slowestStart));
    this.started.catch(() => this.end("it did not start"));
  }

  get hasEnded(): boolean {
    return this.#ended !== null;
  }

  /** What the worker makes of a request, after those before. Rejects with a WorkerEnded, or with what the worker throws. */
  run(request: Request): Promise<unknown> {
    return this.#answer(() => this.#core.run(request), this.#deadline);
  }

  end(why: string): void {
    if (this.#ended !== null) return;
    this.#ended = why;
    for (const [k, { reject, timer }] of this.#open.entries()) {
      clearTimeout(timer);
      reject(new WorkerEnded(why, k === 0));
    }
    this.#open.length = 0;
    this.#core[releaseProxy]();
    this.worker.terminate();
  }

  #answer<T>(ask: () => Promise<T>, seconds: number): Promise<T> {
    if (this.#ended !== null) return Promise.reject(new WorkerEnded(this.#ended, false));
    return new Promise<T>((resolve, reject) => {
      const request: Open = { seconds, reject };
      const settle = <V>(then: (value: V) => void) => {
        return (value: V): void => {
          clearTimeout(request.timer);
          this.#open.splice(this.#open.indexOf(request), 1);
          this.#watch();
          then(value);
        };
      };
      this.#open.push(request);
      this.#watch();
      ask().then(settle(resolve), settle(reject));
    });
  }

  /** Sets the deadline of the request that the worker is at. */
  #watch(): void {
    const [first] = this.#open;
    if (!first) return;
    const milliseconds = Math.min(1000 * first.seconds, longestTimer);
    first.timer ??= setTimeout(() => this.end(`no answer within ${first.seconds} s`), milliseconds);
  }
}
