import { canShare } from "./shared-data.ts";
import { script } from "./worker.generated.ts";
import type { WorkerLike } from "./worker-port.ts";

/**
 * Of Node, in MB. A worker's own objects are small and short-lived; with more room for them, the large arrays that they hold, in memory that the
 * collector does not see, would stay until there are many.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 2 };

/**
 * A worker that runs the inlined script: no file has to be found, so that it works from any bundler, from an unbuilt source tree and from
 * another origin. Throws an Error where there are no workers.
 */
export function createInlineWorker(): WorkerLike {
  const threads = globalThis.process?.getBuiltinModule?.("worker_threads");
  // what is loaded by name (koffi) is looked for from here
  const code = `globalThis.dlraBase = ${JSON.stringify(import.meta.url)};\n${script}`;
  if (threads) return new threads.Worker(code, { eval: true, name: "dlra", resourceLimits }) as unknown as WorkerLike;
  if (typeof Worker !== "function") throw new Error("workers: there are none here; use inline()");
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "dlra" });
  // the address is read when the worker starts, and is needed no longer once it answers
  worker.addEventListener("message", () => URL.revokeObjectURL(url), { once: true });
  return worker as unknown as WorkerLike;
}

/** How many workers suit this machine: one for each core; one where threads cannot share memory, since copies cost more than they bring. */
export const usualCount = (): number => {
  if (!canShare()) return 1;
  const os = globalThis.process?.getBuiltinModule?.("os");
  return os?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
};
