import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dlra, scratchFolder, setting } from "../cli/run.ts";

const folder = scratchFolder();
const small = { samples: 300, epochs: 2, batch: 50, hidden: [16, 12], rank: 8 };

async function run(name: string, settings: Readonly<Record<string, unknown>>) {
  const out = folder(name);
  const done = await dlra(["run", "training-mlp", ...setting({ ...small, ...settings }), "--out", out, "--force"]);
  return { out, done, result: () => JSON.parse(readFileSync(join(out, "result.json"), "utf8")) };
}

describe("training a perceptron", () => {
  test.each([
    ["parallel", 1],
    ["assembled", 1],
    ["augmented", 1],
    ["abc-psi", 1],
    ["fixed-rank", 2],
    ["robust", 1],
    ["dense", 1],
    ["dense-adam", 1],
    ["condlr", 1],
    ["smmf", 1],
  ])("%s: what a run leaves behind", async (method, passes) => {
    const isDense = method.startsWith("dense");
    const { out, done, result } = await run(method, isDense ? { method } : { method, maxRank: 7 });
    expect(done.code).toBe(0);
    const r = result();
    expect(r.status).toBe("completed");
    expect(r.observables.accuracy).toHaveLength(3);
    expect(r.accuracy).toBe(r.observables.accuracy.at(-1));
    expect(r.passesPerStep).toEqual([passes, passes]);
    expect(r.secondsPerEpoch).toBeGreaterThan(0);
    expect(r.observables.loss.every(Number.isFinite)).toBe(true);
    expect(r.parameterCounts.full).toBe(64 * 16 + 16 * 12 + 12 * 10);
    const [a, b] = r.ranks;
    expect(r.weights).toBe(isDense ? r.parameterCounts.full : a * (64 + 16) + b * (16 + 12) + 120);
    if (!isDense) expect(Math.max(a, b)).toBeLessThanOrEqual(7);
    expect(readdirSync(out).filter((f) => f.endsWith(".svg"))).toEqual(["T1-ranks.svg", "T2-loss.svg"]);
  });

  const [inner, head] = [(r: readonly number[]) => 80 * r[0]! + 28 * r[1]!, 120];
  test.each<[string, Record<string, unknown>, (r: readonly number[]) => number]>([
    ["uv", { rank: 5 }, (r) => inner(r) + head],
    ["lora", { rank: 3 }, (r) => inner(r) + head],
    ["parallel", { base: "nf4" }, (r) => inner(r) + head],
    ["trp", { tau: 0.7, hidden: [32], epochs: 4 }, ([r]) => 96 * r! + 320],
    ["galore", { rank: 4 }, () => 64 * 16 + 16 * 12 + head],
  ])("%s: what is counted", async (method, settings, weights) => {
    const { done, result } = await run(`${method} counted`, { method, ...settings });
    expect(done.stderr).toBe("");
    const { ranks, weights: counted, parameterCounts } = result();
    expect(counted).toBe(weights(ranks));
    expect(parameterCounts.full).toBe(method === "trp" ? 64 * 32 + 320 : 64 * 16 + 16 * 12 + head);
  });

  test.each([
    ["tdlrt", {}],
    ["lotr", { hidden: [16, 16, 16] }],
    ["robust", { beta: 0.05, condition: 3, rule: "smmf" }],
  ])("%s learns", async (method, settings) => {
    const { done, result } = await run(`${method} learns`, { method, epochs: 3, ...settings });
    expect(done.stderr).toBe("");
    const { observables, parameterCounts } = result();
    expect(observables.loss[3]).toBeLessThan(observables.loss[1]);
    expect(parameterCounts.inference).toBeLessThan(parameterCounts.full);
  });

  test("the seed decides, and nothing else", async () => {
    const hash = async (name: string, seed: number) => (await run(name, { seed })).result().stateHash as string;
    const [a, b, c] = [await hash("s1", 1), await hash("s1again", 1), await hash("s2", 2)];
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });

  test("images come from the four files of a folder", async () => {
    const images = folder("images");
    mkdirSync(images, { recursive: true });
    const idx = (sizes: number[], f: (i: number) => number): Uint8Array =>
      Uint8Array.from([
        0,
        0,
        8,
        sizes.length,
        ...sizes.flatMap((n) => [0, 0, n >> 8, n & 255]),
        ...Array.from({ length: sizes.reduce((p, n) => p * n) }, (_, i) => f(i)),
      ]);
    for (const [part, n] of [
      ["train", 300],
      ["t10k", 60],
    ] as const) {
      writeFileSync(
        join(images, `${part}-images-idx3-ubyte`),
        idx([n, 4, 4], (i) => (i % 16 === (i >> 4) % 10 ? 255 : (7 * i) % 40)),
      );
      writeFileSync(
        join(images, `${part}-labels-idx1-ubyte`),
        idx([n], (i) => i % 10),
      );
    }
    const { done, result } = await run("from-files", { data: "mnist", dataFolder: images, epochs: 25 });
    expect(done.stderr).toBe("");
    expect(result().accuracy).toBeGreaterThan(0.9);
  });

  test.each([
    [
      "data = fashion: there is no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in /nowhere",
      { data: "fashion", dataFolder: "/nowhere" },
    ],
    ["batch is 301, more than samples = 300", { batch: 301 }],
    ["minRank is 9, more than maxRank = 8", { minRank: 9, maxRank: 8 }],
    ["maxRank is 17, the largest rank that a layer can have is 16", { maxRank: 17 }],
    ["maxRank is 8, but method = trp does not take it", { method: "trp", maxRank: 8 }],
    ["rule is adam, but method = trp is a rule itself", { method: "trp", rule: "adam" }],
    ['method is "paralel"', { method: "paralel" }],
    ["condition is 2, but method = dlrt does not take it", { method: "dlrt", condition: 2 }],
    ["base is dense, but a method with dense layers has none", { method: "dense", base: "dense" }],
    ["base is none, expected dense, int8", { method: "lora", base: "none" }],
    ["hidden is 16, 12: layers of shared bases have to be of one size", { method: "lotr" }],
    ["tau is 0", { tau: 0 }],
    ["hidden is []", { hidden: [] }],
  ])("%s: refused", async (message, settings) => {
    const { done } = await run("refused", settings);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain(message);
  });

  test("a rate that is too large ends a run with the last good weights", async () => {
    const { out, done, result } = await run("diverged", { rate: 1e200, epochs: 3 });
    expect(done.code).toBe(3);
    expect(done.stderr).toContain("a smaller rate may help");
    expect(result().status).toBe("failed");
    expect(readdirSync(out)).toContain("state.npz");
  });
});

describe("training a small LeNet", () => {
  const lenet = async (name: string, method: string) => {
    const out = folder(name);
    const settings = { samples: 40, epochs: 2, batch: 20, rank: 3, method };
    const { code } = await dlra(["run", "training-lenet", ...setting(settings), "--out", out, "--force"]);
    expect(code).toBe(0);
    return JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
  };
  // 16 x 16 images: convolution 8 of 5x5, 6 x 6; convolution 16 of 5x5, 1 x 1; layers of 64 and 10
  const [first, second, head] = [8 * 25, 16 * 25 * 8, 640];

  test("the kernel's four ranks and the layer's are told, and count", async () => {
    const r = await lenet("lenet", "parallel");
    expect(r.passesPerStep).toEqual([1, 1]);
    const [f, a, b, c, layer] = r.ranks;
    const kernel = f * a * b * c + 16 * f + 5 * a + 5 * b + 8 * c;
    expect(r.weights).toBe(first + kernel + layer * (16 + 64) + head);
    expect(r.parameterCounts.full).toBe(first + second + 16 * 64 + head);
  });

  test("dense, for comparison", async () => {
    const r = await lenet("lenet-dense", "dense");
    expect(r.compression).toBe(0);
    expect(r.weights).toBe(first + second + 16 * 64 + head);
  });
});

describe("training a transformer", () => {
  const attend = async (name: string, settings: Readonly<Record<string, unknown>>) => {
    const out = folder(name);
    const short = { width: 8, heads: 2, hidden: 4, layers: 2, samples: 40, batch: 20, epochs: 2, rank: 3, headRank: 2 };
    const all = setting({ ...short, pairs: 2, keys: 3, values: 3, ...settings });
    const done = await dlra(["run", "training-attention", ...all, "--out", out, "--force"]);
    return { done, out, result: () => JSON.parse(readFileSync(join(out, "result.json"), "utf8")) };
  };

  test("Tucker attention beside its twin: what is told and counted", async () => {
    const { done, out, result } = await attend("tucker attention", { method: "parallel" });
    expect(done.stderr).toBe("");
    const r = result();
    expect(r.passesPerStep).toEqual([1, 1]);
    expect(r.ranks).toHaveLength(12);
    const sizes = [0, 3, 6, 9].map((k) => {
      const [h, a, b] = r.ranks.slice(k, k + 3);
      return 2 * h + 8 * (a + b) + h * a * b;
    });
    expect(r.attentionParameters).toBe(sizes.reduce((a, b) => a + b));
    expect(r.twin.attentionParameters).toBe(2 * 4 * 8 * 8);
    expect(r.shareOfTwin).toBe(r.attentionParameters / r.twin.attentionParameters);
    expect(r.cachePerToken).toBe(r.ranks[2] + r.ranks[4] + r.ranks[8] + r.ranks[10]);
    expect(readdirSync(out).filter((f) => f.endsWith(".svg"))).toEqual(["T1-ranks.svg", "T2-loss.svg"]);
  });

  test.each([
    ["dense", "symbols", 2 * 4 * 8 * 8],
    ["tensor-product", "pairs", 2 * (8 * 10 * 6 + 8 * 8)],
  ])("%s attention on %s", async (attention, tokens, parameters) => {
    const { done, result } = await attend(`${attention} attention`, { attention, tokens, twin: false });
    expect(done.stderr).toBe("");
    expect(result().attentionParameters).toBe(parameters);
  });

  test.each([
    ["pairs is 4, there are 3 keys", { pairs: 4 }],
    ["heads is 3, expected a divisor of the width 8", { heads: 3 }],
    ["rank is 9, more than the width, 8", { rank: 9 }],
    ["headRank is 3, more than the number of heads and rank, 2", { headRank: 3 }],
    ["batch is 41, more than samples = 40", { batch: 41 }],
  ])("%s: refused", async (message, settings) => {
    const { done } = await attend("refused attention", settings);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain(message);
  });
});
