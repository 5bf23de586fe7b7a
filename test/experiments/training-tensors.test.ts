import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dlra, scratchFolder, setting } from "../cli/run.ts";

const folder = scratchFolder();

async function run(experiment: string, name: string, settings: Readonly<Record<string, unknown>>) {
  const out = folder(name);
  const done = await dlra(["run", experiment, ...setting(settings), "--out", out, "--force"]);
  return { out, done, result: () => JSON.parse(readFileSync(join(out, "result.json"), "utf8")) };
}

test.each(["binary", "logistic"])("training-ttn, %s: what a run leaves behind", async (tree) => {
  const { out, done, result } = await run("training-ttn", tree, {
    tree,
    samples: 60,
    epochs: 2,
    batch: 30,
    rate: 5,
    maxRank: 4,
  });
  expect(done.stderr).toBe("");
  const r = result();
  expect(r.status).toBe("completed");
  expect(r.passesPerStep).toEqual([1, 1]);
  expect(r.observables.accuracy).toHaveLength(3);
  expect(r.observables.loss.every(Number.isFinite)).toBe(true);
  if (tree !== "logistic") expect(r.ranks[0]).toBeLessThanOrEqual(4);
  expect(readdirSync(out).filter((f) => f.endsWith(".svg"))).toEqual(["T1-ranks.svg", "T2-loss.svg"]);
});

test("training-tubal: a small start generalises, a large one does not", async () => {
  const { out, done, result } = await run("training-tubal", "tubal", {
    n: 6,
    k: 3,
    rank: 1,
    measurements: 60,
    columns: 6,
    steps: 400,
    scales: [0.001, 0.5],
  });
  expect(done.stderr).toBe("");
  const [small, large] = result().scales;
  expect(small.testError).toBeLessThan(large.testError / 3);
  expect(readdirSync(out).filter((f) => f.endsWith(".svg"))).toEqual(["T1-errors.svg", "T2-values.svg"]);
});

test("training-tubal: an interrupt is heard during the descent, and leaves what there is", async () => {
  const out = folder("tubal-stopped");
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("interrupted")), 100);
  const { code } = await dlra(["run", "training-tubal", "--set", "steps=1000000", "--out", out], stop.signal);
  expect(code).toBe(130);
  const { status, scales } = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
  expect(status).toBe("interrupted");
  expect(scales).toHaveLength(1);
});

test.each([
  ["training-ttn", "minRank is 9, more than maxRank = 8", { minRank: 9, maxRank: 8 }],
  ["training-ttn", 'tree is "tree"', { tree: "tree" }],
  ["training-ttn", "angle is 2", { angle: 2 }],
  ["training-tubal", "rank is 11, more than n = 10", { rank: 11 }],
])("%s: %s: refused", async (experiment, message, settings) => {
  const { done } = await run(experiment, "refused", { ...settings });
  expect(done.code).toBe(2);
  expect(done.stderr).toContain(message);
});
