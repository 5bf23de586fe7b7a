import { createInlineWorker } from "../../src/executors/create-worker.ts";
import type { WorkerLike } from "../../src/executors/worker-port.ts";

/** What happens to the k-th message to a worker, counted from 0. */
export type Fault = (k: number) => "none" | "lost" | "deadly" | { readonly delay: number };

/** A worker whose messages are delayed, get lost, or kill it. */
export function faultyWorker(fault: Fault): WorkerLike {
  const worker = createInlineWorker();
  let count = 0;
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (message, transfer) => {
    const what = fault(count++);
    if (what === "lost") return;
    if (what === "deadly") worker.terminate();
    else if (what === "none") post(message, transfer);
    else setTimeout(() => post(message, transfer), what.delay);
  };
  return worker;
}
