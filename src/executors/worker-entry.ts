import { expose, transfer } from "comlink";
import { canShare, transferables } from "./shared-data.ts";
import { workerCore } from "./worker-core.ts";
import { endpointOf, type Port } from "./worker-port.ts";

/** The script of a worker: answers requests from the thread that made it, in Node and in browsers. */
const node = globalThis.process?.getBuiltinModule?.("worker_threads");
const port = (node?.parentPort ?? globalThis) as unknown as Port;
const core = workerCore();
expose(
  {
    ...core,
    async run(request: Parameters<typeof core.run>[0]) {
      const answer = await core.run(request);
      return canShare() ? answer : transfer(answer as object, transferables(answer));
    },
  },
  endpointOf(port),
);
