import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dlra, scratchFolder, setting } from "../cli/run.ts";

const folder = scratchFolder();

test("with a quarter of the parameters Tucker attention recalls as its multi-head twin does", async () => {
  const out = folder("recall");
  const sizes = { tokens: "pairs", pairs: 5, layers: 1, width: 32, hidden: 16, rank: 5 };
  const settings = setting({ ...sizes, samples: 2000, epochs: 10, rate: 0.005 });
  const { code } = await dlra(["run", "training-attention", ...settings, "--out", out, "--force"]);
  expect(code).toBe(0);
  const { testLoss, accuracy, shareOfTwin, twin, cachePerToken } = JSON.parse(
    readFileSync(join(out, "result.json"), "utf8"),
  );
  expect(shareOfTwin).toBeLessThan(1 / 4);
  expect(cachePerToken).toBeLessThan(twin.cachePerToken / 4);
  expect(Math.min(accuracy, twin.accuracy)).toBeGreaterThan(0.99);
  expect(testLoss).toBeLessThan(twin.testLoss + 0.01); // guessing among the values of a sequence costs 1.6
});
