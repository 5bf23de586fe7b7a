import { type Remote, releaseProxy, wrap } from "comlink";
import type { BackendOf, Request, WorkerCore } from "./worker-core.ts";
import { endpointOf, onDeath, type WorkerLike } from "./worker-port.ts";

/** A worker ended, failed, or was given up; the message says which. */
export class WorkerEnded extends Error {
  override readonly name = "WorkerEnded";
}

/** Seconds that a worker may take to start, however short the deadline. */
const slowestStart = 30;

/** A worker that is there, and what it was asked: one thing at a time, each with a deadline after which the worker is given up. */
export class Lane {
  readonly worker: WorkerLike;
  /** Rejects with a WorkerEnded, or with what the worker says, when it does not start. */
  readonly started: Promise<BackendOf>;
  readonly #core: Remote<WorkerCore>;
  readonly #deadline: number;
  /**
   * What waits for an answer is told of the end by a call, not by a promise of the end: a promise that lives as long as the worker would keep
   * alive whatever it has raced against.
   */
  readonly #waiting = new Set<(end: WorkerEnded) => void>();
  #ended: WorkerEnded | null = null;

  constructor(worker: WorkerLike, backend: BackendOf, deadline: number) {
    this.worker = worker;
    this.#deadline = deadline;
    this.#core = wrap<WorkerCore>(endpointOf(worker));
    onDeath(worker, (why) => this.end(why));
    this.started = this.#answer(this.#core.start(backend), Math.max(deadline, slowestStart));
    this.started.catch(() => this.end("it did not start"));
  }

  get hasEnded(): boolean {
    return this.#ended !== null;
  }

  /** What the worker makes of a request. Rejects with a WorkerEnded, or with what the worker throws. */
  run(request: Request): Promise<unknown> {
    return this.#answer(this.#core.run(request), this.#deadline);
  }

  end(why: string): void {
    if (this.#ended) return;
    this.#ended = new WorkerEnded(why);
    for (const tell of this.#waiting) tell(this.#ended);
    this.#core[releaseProxy]();
    this.worker.terminate();
  }

  #answer<T>(call: Promise<T>, seconds: number): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended);
    const timer = setTimeout(() => this.end(`no answer within ${seconds} s`), 1000 * seconds);
    return new Promise<T>((resolve, reject) => {
      const waiting = this.#waiting;
      const settle = <V>(then: (value: V) => void) => {
        return (value: V): void => {
          clearTimeout(timer);
          waiting.delete(ended);
          then(value);
        };
      };
      const ended = settle(reject);
      waiting.add(ended);
      call.then(settle(resolve), settle(reject));
    });
  }
}
