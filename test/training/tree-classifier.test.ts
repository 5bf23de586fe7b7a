import { describe, expect, test } from "vitest";
import { centers, entry, fromValues, reshape, toDense, tree } from "../../src/index.ts";
import {
  type Dataset,
  halved,
  imageTrain,
  imageTree,
  meanSquaredError,
  train,
  treeClassifier,
  wholeGradient,
} from "../../src/training/index.ts";
import { modesBelow, nestedOf, rootOf } from "../../src/ttn/tree.ts";
import { withTensor } from "../../src/ttn/ttn.ts";
import { norm, randomTensor, seeded, type Tensor } from "./tools.ts";

const random = seeded(5);
const images = (count: number, pixels: number): Tensor => {
  const x = randomTensor(random, [count, pixels]);
  x.data.forEach((v, p) => {
    x.data[p] = Math.abs(v) % 1;
  });
  return x;
};
const trees = {
  "binary, 2x3": imageTree(2, 3),
  "train, 2x3": imageTrain(2, 3),
  star: tree([0, 1, 2, 3, 4, 5]),
  uneven: tree([
    [0, [1, 2, 3]],
    [4, 5],
  ]),
};

describe.each(Object.entries(trees))("a classifier on a tree (%s)", (_, shape) => {
  const model = treeClassifier(shape, {
    classes: 3,
    rank: 3,
    gain: 2,
    angle: 0.8,
    reference: reshape(images(1, 6), [6]),
  });
  const weights = model.initial(seeded(2));
  const [w] = weights.blocks;
  const data: Dataset = { inputs: images(5, 6), targets: [0, 1, 2, 2, 0] };

  test("its outputs are the full contraction with the features", () => {
    const full = toDense(w!);
    const outputs = model.predict(weights, data.inputs);
    for (let s = 0; s < 5; s++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let i = 0; i < 64; i++) {
          const index = Array.from({ length: 6 }, (_v, j) => (i >> j) & 1);
          const phi = index.map((bit, j) => {
            const theta = (0.8 * Math.PI * data.inputs.data[s * 6 + j]!) / 2;
            return bit ? Math.sin(theta) : Math.cos(theta);
          });
          sum += entry(full, ...index, c).re * phi.reduce((a, b) => a * b);
        }
        expect(outputs.data[s * 3 + c]).toBeCloseTo(sum, 13);
      }
  });

  test("its weight starts canonical, with the norm asked for", () => {
    expect(norm(toDense(w!))).toBeCloseTo(2, 12);
    expect(norm(centers(w!)[0]!.tensors[0]!)).toBeCloseTo(2, 12);
  });

  test("the gradient by every node's tensor is that of differences of the loss", () => {
    const objective = model.objective(data);
    const { blocks, loss } = objective(weights);
    expect(loss).toBe(model.lossOf(weights, data));
    centers(w!).forEach((at, node) => {
      const x = at.tensors[node]!;
      const gradient = (blocks[0] as { seen(test: typeof at, node: number): Tensor }).seen(at, node);
      expect(gradient.shape).toEqual(x.shape);
      const eps = 1e-5;
      for (let p = 0; p < x.data.length; p += 3) {
        const shifted = (sign: number): number => {
          const data2 = x.data.slice();
          data2[p]! += sign * eps;
          return model.lossOf({ blocks: [withTensor(at, node, { ...x, data: data2 })], passengers: [] }, data);
        };
        expect(gradient.data[p]).toBeCloseTo((shifted(1) - shifted(-1)) / (2 * eps), 7);
      }
    });
  });

  test("the whole gradient is the sum of products of features and slopes", () => {
    const square = treeClassifier(shape, { classes: 3, rank: 2, loss: meanSquaredError() });
    const start = square.initial(seeded(3));
    const targets = randomTensor(seeded(4), [5, 3]);
    const whole = wholeGradient(square.objective({ inputs: data.inputs, targets })(start).blocks[0]!, start.blocks[0]!);
    const outputs = square.predict(start, data.inputs);
    const expected = (index: readonly number[]): number => {
      let sum = 0;
      for (let s = 0; s < 5; s++) {
        const c = index[6]!;
        let term = (2 * (outputs.data[s * 3 + c]! - targets.data[s * 3 + c]!)) / 15;
        for (let j = 0; j < 6; j++) {
          const theta = (0.35 * Math.PI * data.inputs.data[s * 6 + j]!) / 2;
          term *= index[j] ? Math.sin(theta) : Math.cos(theta);
        }
        sum += term;
      }
      return sum;
    };
    for (const index of [
      [0, 0, 0, 0, 0, 0, 0],
      [1, 0, 1, 0, 0, 1, 2],
      [1, 1, 1, 1, 1, 1, 1],
    ])
      expect(entry(whole, ...index).re).toBeCloseTo(expected(index), 13);
  });
});

describe("training", () => {
  test.each([
    ["binary", imageTree(2, 4)],
    ["train", imageTrain(2, 4)],
  ])("%s: the loss of fixed samples falls in every step, each with one pass", async (_, shape) => {
    const model = treeClassifier(shape, { classes: 2 });
    const data = { inputs: images(40, 8), targets: Array.from({ length: 40 }, (_v, s) => s % 2) };
    let last = Number.POSITIVE_INFINITY;
    for await (const { step, loss, passes } of train(model, data, {
      epochs: 8,
      batch: 40,
      rate: 0.5,
      truncation: { tolerance: "off" },
    })) {
      if (step === 0) continue;
      expect(passes).toBe(1);
      expect(loss).toBeLessThan(last);
      last = loss!;
    }
  });

  test("two hundred pixels neither over- nor underflow", async () => {
    const model = treeClassifier(imageTree(14, 14), { classes: 10, rank: 3, gain: 0.5 });
    const data = { inputs: images(20, 196), targets: Array.from({ length: 20 }, (_, s) => s % 10) };
    const black = { ...data, inputs: { ...data.inputs, data: data.inputs.data.map(() => 0) } };
    const weights = model.initial(seeded(1));
    expect(norm(model.predict(weights, black.inputs)) / Math.sqrt(20)).toBeGreaterThan(0.1);
    for await (const { step, passes, loss } of train(model, data, {
      epochs: 2,
      batch: 20,
      rate: 0.1,
      truncation: { tolerance: 1e-3, relative: true, maxRank: 4 },
    })) {
      if (step === 0) continue;
      expect(passes).toBe(1);
      expect(loss).toBeLessThan(10);
    }
  });
});

describe("trees of images", () => {
  test.each([
    [4, 4],
    [3, 5],
    [14, 14],
    [1, 6],
  ])("%i x %i: pixels below a node are a rectangle", (height, width) => {
    const shape = imageTree(height, width);
    shape.nodes.forEach((_, id) => {
      const below = modesBelow(shape, id);
      const [rows, columns] = [below.map((p) => Math.floor(p / width)), below.map((p) => p % width)];
      const extent = (v: number[]): number => Math.max(...v) - Math.min(...v) + 1;
      expect(extent(rows) * extent(columns)).toBe(below.length);
    });
    expect(modesBelow(shape, rootOf(shape)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: height * width }, (_, p) => p),
    );
  });

  test("a train has its root in the middle", () => {
    expect(nestedOf(imageTrain(2, 3))).toEqual([
      [[0, 1], 2],
      [3, [4, 5]],
    ]);
  });

  test("sizes that make no sense are refused", () => {
    expect(() => imageTree(0, 3)).toThrow("imageTree: the image is 0x3, expected positive integers");
    expect(() => imageTrain(1, 1)).toThrow("imageTrain: there is one pixel, expected two or more");
  });

  test("halves of images are means of four pixels", () => {
    const image = fromValues([1, 8], [1, 3, 0, 2, 5, 7, 4, 2]);
    expect([...halved(image, 2, 4).data]).toEqual([4, 2]);
    expect(() => halved(image, 4, 4)).toThrow("halved: 4x4 with 8 pixels an image, expected even sizes that fit");
  });
});

describe("what does not fit is refused before the first step", () => {
  const shape = imageTree(2, 2);
  const model = treeClassifier(shape, { classes: 3 });
  const good: Dataset = { inputs: images(4, 4), targets: [0, 1, 2, 0] };
  const first = (data: Dataset): Promise<unknown> => train(model, data, { epochs: 1, rate: 1 }).next();

  test.each([
    ["the images are 4x5, expected samples x 4 pixels", { ...good, inputs: images(4, 5) }],
    ["pixel 2 of image 1 is 1.5, expected a number from 0 to 1", { ...good, inputs: put(good.inputs, 6, 1.5) }],
    ["pixel 0 of image 3 is NaN, expected a number from 0 to 1", { ...good, inputs: put(good.inputs, 12, Number.NaN) }],
    ["sample 2 has class 3, expected an integer from 0 to 2", { ...good, targets: [0, 1, 3, 0] }],
    ["3 classes for 4 samples", { ...good, targets: [0, 1, 2] }],
  ])("%s", async (message, data) => {
    await expect(first(data)).rejects.toThrow(message);
    expect(() => model.lossOf(model.initial(seeded(1)), data)).toThrow(message);
  });

  test("weights of another tree, in predictions and losses", () => {
    const weights = treeClassifier(tree([0, 1, 2, 3]), { classes: 3 }).initial(seeded(1));
    for (const look of [() => model.predict(weights, good.inputs), () => model.lossOf(weights, good)])
      expect(look).toThrow("treeClassifier: the tree of block 0 of weights is [0,1,2,3,4], that of the model");
    expect(() => model.predict({ blocks: [], passengers: [] }, good.inputs)).toThrow("weights has 0 blocks");
  });

  test.each([
    ["classes is 1, expected an integer of two or more", { classes: 1 }],
    ["angle is 0, expected a number above 0, at most 1", { classes: 2, angle: 0 }],
    ["gain is -1, expected a positive number", { classes: 2, gain: -1 }],
    ["rank is 9, no edge of this tree has more than 4", { classes: 2, rank: 9 }],
    ["the reference is 3, expected 4 pixels", { classes: 2, reference: fromValues([3], [0, 0, 0]) }],
    ["pixel 1 of image 0 is 2", { classes: 2, reference: fromValues([4], [0, 2, 0, 0]) }],
  ])("%s", (message, options) => {
    expect(() => treeClassifier(shape, options)).toThrow(message);
  });

  test("a tree of one pixel", () => {
    expect(() => treeClassifier(tree(0), { classes: 2 })).toThrow("the tree has 1 pixel, expected two or more");
  });
});

function put(x: Tensor, at: number, value: number): Tensor {
  const data = x.data.slice();
  data[at] = value;
  return { ...x, data };
}
