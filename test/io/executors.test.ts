import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { ConfigError, executorOf, workerCount } from "../../src/io/index.ts";

test("as many workers as a machine can take, and no more", async () => {
  const most = Math.max(256, 8 * availableParallelism());
  expect(workerCount(most)).toBe(most);
  await using executor = executorOf(`workers:${most}`);
  expect(executor.name).toBeTruthy();
  for (const setting of [`workers:${most + 1}`, `mpi+workers:${most + 1}`]) {
    expect(() => executorOf(setting)).toThrow(ConfigError);
    expect(() => executorOf(setting)).toThrow(`${most + 1} workers, expected ${most} or fewer on this machine`);
  }
});
