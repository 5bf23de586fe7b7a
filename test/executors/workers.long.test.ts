import { expect, test } from "vitest";
import { inline, methods, seeded, workers } from "../../src/index.ts";
import { faultyWorker } from "./faulty-worker.ts";
import { hashes, spins } from "./spins.ts";

test.each(["parallel", "augmented"] as const)(
  "200 steps of %s BUG have the same bits inline and on 1, 2, 3 and 8 workers with random delays",
  async (method) => {
    const options = { problem: spins(8, 2), h: 0.01, integrator: methods[method] };
    const expected = await hashes(inline(), options);
    expect(expected).toHaveLength(201);
    const random = seeded(7);
    for (const count of [1, 2, 3, 8]) {
      await using executor = workers({
        count,
        smallest: 0,
        createWorker: () => faultyWorker(() => (random() < 0.2 ? { delay: 3 * random() } : "none")),
        onNotice: () => {},
      });
      expect(await hashes(executor, options)).toEqual(expected);
    }
  },
);
