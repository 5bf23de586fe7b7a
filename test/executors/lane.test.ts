import { expect, test } from "vitest";
import { createInlineWorker } from "../../src/executors/create-worker.ts";
import { Lane, WorkerEnded } from "../../src/executors/lane.ts";
import { backend } from "../../src/linalg/index.ts";

const { name, description } = backend();

test.each([Number.POSITIVE_INFINITY, 3e6, 60])("a worker with a deadline of %s s lives to answer", async (deadline) => {
  const lane = new Lane(createInlineWorker(), { name, description }, deadline);
  expect(await lane.started).toEqual({ name, description });
  await expect(lane.run({ kind: "dance", input: {}, backend: { name, description } })).rejects.toThrow(
    'worker: task "dance" is unknown',
  );
  expect(lane.hasEnded).toBe(false);
  lane.end("it is late");
});

test("a worker that has ended rejects what it is asked", async () => {
  const lane = new Lane(createInlineWorker(), { name, description }, 60);
  await lane.started;
  lane.end("it is late");
  const error = await lane.run({ kind: "shift", input: {}, backend: { name, description } }).catch((e) => e);
  expect(error).toBeInstanceOf(WorkerEnded);
  expect(error).toMatchObject({ message: "it is late", begun: false });
});
