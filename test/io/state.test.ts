import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balanced, moveCenter, parallelBug, randomState, rk4, seeded } from "../../src/index.ts";
import { readNpz, readState, record, resultFiles, stateHash, writeNpz, writeState } from "../../src/io/index.ts";
import { longRangeIsing, spinChain, spinState } from "../../src/problems/index.ts";
import { states } from "../../src/testing/index.ts";
import { nestedOf } from "../../src/ttn/tree.ts";

describe("a state in a file", () => {
  test("comes back bit for bit, on any tree, real and complex", () => {
    fc.assert(
      fc.property(states({ maxEntries: 512 }), (y) => {
        const back = readState(writeState(y));
        expect(nestedOf(back.tree)).toEqual(nestedOf(y.tree));
        expect(stateHash(back)).toBe(stateHash(y));
      }),
      { numRuns: 50 },
    );
  });

  test("has its centre at the root, wherever it was", () => {
    const y = moveCenter(randomState(balanced(3), [2, 3, 2], 2, seeded(1)), 0);
    expect(readState(writeState(y)).center).toBe(4);
  });

  test("is refused when an array is missing or does not fit", () => {
    const arrays = readNpz(writeState(randomState(balanced(3), [2, 3, 2], 2, seeded(1))));
    const { tree, node2, ...rest } = arrays;
    expect(() => readState(writeNpz(rest))).toThrow('the archive has no array "tree"');
    expect(() => readState(writeNpz({ tree: tree!, ...rest }))).toThrow("the array node2 is missing");
    expect(() => readState(writeNpz({ ...arrays, node2: arrays["node0"]! }))).toThrow(/node 2/);
    expect(node2).toBeDefined();
  });
});

test("a run that fails leaves its last good state beside its results, one that completes does not", async () => {
  const tree = balanced(4);
  const chain = (T: number) => spinChain("chain", longRangeIsing(tree), spinState(tree, "up", 2), T);
  const options = { integrator: parallelBug(), every: 1, solver: rk4(), truncation: { tolerance: "off" } } as const;
  const failed = await record(chain(1e4), { ...options, h: 100 });
  const files = resultFiles("ising", {}, failed);
  expect(Object.keys(files)).toEqual(["result.json", "result.npz", "state.npz"]);
  expect(stateHash(readState(files["state.npz"] as Uint8Array))).toBe(stateHash(failed.state));
  const completed = await record(chain(0.1), { ...options, h: 0.05 });
  expect(Object.keys(resultFiles("ising", {}, completed))).toEqual(["result.json", "result.npz"]);
});
