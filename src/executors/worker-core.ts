import { createWasm } from "../linalg/backends/wasm.ts";
import { type BackendName, backend, useBackend } from "../linalg/current.ts";
import { incoming, outgoing } from "./shared-data.ts";
import { loadModules, type SolveInput, taskKinds } from "./task-kinds.ts";

/** What a worker is asked to do: a task, on the linear algebra that the asking thread has. */
export interface Request {
  readonly kind: string;
  readonly input: unknown;
  readonly backend: BackendOf;
}

/** A backend by what it is: two of the same name and description give the same bits. */
export interface BackendOf {
  readonly name: BackendName;
  readonly description: string;
}

/** What a worker offers. It knows no host: messages and threads are the business of who calls it. */
export interface WorkerCore {
  /** Checks that the backend is here, and returns what is. */
  start(wanted: BackendOf): BackendOf;
  run(request: Request): Promise<unknown>;
}

export function workerCore(): WorkerCore {
  return {
    start(wanted) {
      agree(wanted);
      return { name: backend().name, description: backend().description };
    },
    async run({ kind, input, backend: wanted }) {
      agree(wanted);
      const known = taskKinds[kind];
      if (!known)
        throw new RangeError(`worker: task "${kind}" is unknown; known: ${Object.keys(taskKinds).join(", ")}`);
      const data = incoming(input);
      const unpacked = known.packing ? known.packing.unpack(data as never) : data;
      if (kind === "solve") await loadModules(unpacked as SolveInput);
      return outgoing(known.run(unpacked as never));
    },
  };
}

/** Switches to the backend that gives the same bits as the wanted one. Throws an Error when there is none here. */
function agree({ name, description }: BackendOf): void {
  if (backend().name === name && backend().description === description) return;
  if (globalThis.process?.env) globalThis.process.env["DLRA_BACKEND"] = name; // for what modules bring with them
  let found = useBackend(name);
  if (found.description !== description && name === "wasm") found = useBackend(createWasm("plain"));
  if (found.description !== description)
    throw new Error(`worker: the backend here is ${found.description}, expected ${description}`);
}
