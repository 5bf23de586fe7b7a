import { expect, test } from "vitest";
import { loadModules, type SolveInput } from "../../src/executors/task-kinds.ts";

test("a module makes its right-hand side once for solves that come together, and again after it failed", async () => {
  const told: number[] = [];
  Object.assign(globalThis, { rotationsMade: told });
  const module = {
    url: new URL("./rotation.js", import.meta.url).href,
    name: "numbered",
    arguments: ["rotationsMade"],
  };
  const input = { problem: { field: { form: "module", module } } } as unknown as SolveInput;
  const twice = () => Promise.allSettled([loadModules(input), loadModules(input)]);
  expect((await twice()).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect((await twice()).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  await loadModules(input);
  expect(told).toEqual([0, 1]);
});
