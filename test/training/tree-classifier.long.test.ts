import { expect, test } from "vitest";
import { tensor } from "../../src/index.ts";
import { accuracy, type Dataset, imageTrain, imageTree, train, treeClassifier } from "../../src/training/index.ts";
import { seeded } from "./tools.ts";

/** Images of 4 x 4 pixels, under noise: a bright row, or a bright column. */
function bars(count: number, seed: number): Dataset {
  const next = seeded(seed);
  const inputs = tensor([count, 16]);
  const targets = Int32Array.from({ length: count }, () => Math.floor(2 * next()));
  targets.forEach((c, s) => {
    const which = Math.floor(4 * next());
    for (let p = 0; p < 16; p++) {
      const isOn = (c === 0 ? Math.floor(p / 4) : p % 4) === which;
      inputs.data[s * 16 + p] = (isOn ? 0.7 : 0) + 0.3 * next();
    }
  });
  return { inputs, targets };
}

const [data, judged] = [bars(200, 1), bars(200, 2)];

test.each([
  ["binary", imageTree(4, 4)],
  ["train", imageTrain(4, 4)],
])(
  "%s: rows are told from columns, which no function that is linear in pixels does, at ranks that adapt",
  async (_, shape) => {
    const model = treeClassifier(shape, { classes: 2, angle: 0.8 });
    let share = 0;
    let ranks: readonly number[] = [];
    for await (const step of train(model, data, {
      epochs: 25,
      batch: 50,
      rate: 20,
      momentum: 0.5,
      truncation: { tolerance: 0.02, relative: true, maxRank: 8 },
    })) {
      share = accuracy(model.predict(step.weights, judged.inputs), judged.targets as Int32Array);
      ranks = step.ranks[0]!;
    }
    expect(share).toBeGreaterThan(0.95);
    expect(Math.max(...ranks)).toBeLessThanOrEqual(8);
  },
);
