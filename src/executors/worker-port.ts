import type { Endpoint } from "comlink";

/** What sends and receives messages: a worker of Node or of a browser, or a worker's own end. */
export interface Port {
  postMessage(message: unknown, transfer?: never): void;
  on?(event: string, listener: (value: never) => void): unknown;
  addEventListener?(event: string, listener: (event: never) => void): void;
  removeEventListener?(event: string, listener: (event: never) => void): void;
}

/** A worker, of Node (`worker_threads`) or of a browser. */
export interface WorkerLike extends Port {
  terminate(): unknown;
  /** Node: from now on the worker alone does not keep the process alive. */
  unref?(): void;
}

/** A port as comlink knows it. */
export function endpointOf(port: Port): Endpoint {
  const wrappers = new WeakMap<object, (value: never) => void>();
  const listening = new Map<object, (value: never) => void>();
  if (port.on)
    port.on("message", (data) => {
      for (const listener of listening.values()) listener(data);
    });
  return {
    postMessage: (message: unknown, transfer?: Transferable[]) => port.postMessage(message, transfer as never),
    addEventListener(event, listener) {
      const call = (e: unknown): void =>
        typeof listener === "function" ? listener(e as Event) : listener.handleEvent(e as Event);
      if (port.on) listening.set(listener, (data) => call({ data }));
      else {
        wrappers.set(listener, call as never);
        port.addEventListener?.(event, call as never);
      }
    },
    removeEventListener(event, listener) {
      listening.delete(listener);
      const call = wrappers.get(listener);
      if (call) port.removeEventListener?.(event, call);
    },
  };
}

/** Calls back when a worker ends or fails, with the reason in words. */
export function onDeath(worker: WorkerLike, died: (why: string) => void): void {
  const reason = (e: unknown): string => {
    const { message } = (e ?? {}) as { message?: unknown };
    return typeof message === "string" && message ? message : "it gave no reason";
  };
  if (worker.on) {
    worker.on("error", (error) => died(reason(error)));
    worker.on("exit", (code) => died(`it ended with code ${code}`));
    worker.on("messageerror", (error) => died(`a message could not be read: ${reason(error)}`));
  } else {
    worker.addEventListener?.("error", (event) => died(reason(event)));
    worker.addEventListener?.("messageerror", (event) => died(`a message could not be read: ${reason(event)}`));
  }
}
