import { shapeText, type Tensor, tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import { type CP, restrictCP, slices } from "../../ttn/cp.ts";
import { type Nested, nestedOf, type Tree, tree } from "../../ttn/tree.ts";
import { largestRanks, type TTN } from "../../ttn/ttn.ts";
import { checkShapes } from "../check-weights.ts";
import { nearlyProduct } from "../initial.ts";
import type { Covector } from "../tape/covector.ts";
import { crossEntropy, type Loss } from "../tape/losses.ts";
import { Tape } from "../tape/tape.ts";
import type { Dataset, Model, Weights } from "../weights.ts";

/** The classes of a tree classifier, its features, and how its weight starts. */
export interface TreeClassifierOptions {
  /** Number of classes, two or more. */
  readonly classes: number;
  /** Largest rank to start with. Default 4, or what the tree allows. */
  readonly rank?: number;
  /** The angle between the features of black and of white, over pi / 2: above 0, at most 1. Default 0.35. */
  readonly angle?: number;
  /** The image, (pixels), that weights start from; the mean of all is a good one. Default: black. */
  readonly reference?: Tensor;
  /** |W|_F at the start, a positive number. Default 0.1. */
  readonly gain?: number;
  /** Default: `crossEntropy()`. */
  readonly loss?: Loss;
}

/** A classifier of images whose weight is one tree tensor network. */
export interface TreeClassifier extends Model {
  /** The tree of the weight: that of the pixels, with the class as the last child of its root. */
  readonly tree: Tree;
  /** Outputs, samples x classes, for images, samples x pixels. */
  predict(weights: Weights, images: Tensor): Tensor;
  /** Outputs and mean loss over a data set; forwards only. */
  scores(weights: Weights, data: Dataset): { readonly outputs: Tensor; readonly loss: number };
  /** The mean loss over a data set; forwards only. */
  lossOf(weights: Weights, data: Dataset): number;
}

/**
 * A classifier whose weight is a tensor of one mode for each pixel, of size 2, and one for the class:
 *
 *     f_c(x) = sum over i_1, ..., i_N of W[i_1, ..., i_N, c] phi(x_1)[i_1] ... phi(x_N)[i_N],
 *     phi(x) = (cos(a pi x / 2), sin(a pi x / 2)),    pixels x from 0 (black) to 1.
 *
 * `pixels` is the tree of the pixels, modes 0 to N - 1; the class is mode N, a further child of the root.
 *
 * The paper has a = 1. The features Phi of two images have the inner product prod cos(a pi (x_j - y_j) / 2), about
 * exp(-(a pi)^2 |x - y|^2 / 8): a Gaussian whose width is 1 / a. With a = 1 two images of a hundred pixels have nothing in common, and a gradient step for
 * one says nothing of others; a third of that makes neighbours of images that look alike.
 *
 * |Phi| = 1, and W starts near the product of the features of `reference` (`nearlyProduct`), where outputs are of the size of `gain` times a Gaussian of
 * the distance from it, and the tangent space holds what is linear in the features of single pixels. So no product of two hundred numbers
 * over- or underflows.
 *
 * dL/dW = sum over samples of Phi(x) (x) dL/df is a sum of product tensors, and handed out as such: a frame sees it at O(samples r^(m+1)) a node of
 * m children. Throws a RangeError for a tree of one pixel, an option out of its range, or a rank that no edge of the tree can have.
 * [stoudenmire2016supervised]
 */
export function treeClassifier(pixels: Tree, options: TreeClassifierOptions): TreeClassifier {
  checkKeys("treeClassifier", options, {
    classes: true,
    rank: true,
    angle: true,
    reference: true,
    gain: true,
    loss: true,
  });
  const { classes, angle = 0.35, gain = 0.1, loss = crossEntropy() } = options;
  const count = pixels.order;
  const { reference = tensor([count]) } = options;
  if (count < 2) throw new RangeError(`treeClassifier: the tree has ${count} pixel, expected two or more`);
  if (!Number.isSafeInteger(classes) || classes < 2)
    throw new RangeError(`treeClassifier: classes is ${classes}, expected an integer of two or more`);
  if (!(angle > 0 && angle <= 1))
    throw new RangeError(`treeClassifier: angle is ${angle}, expected a number above 0, at most 1`);
  if (!(gain > 0 && gain < Number.POSITIVE_INFINITY))
    throw new RangeError(`treeClassifier: gain is ${gain}, expected a positive number`);
  const whole = tree([...(nestedOf(pixels) as readonly Nested[]), count]);
  const sizes = [...Array.from({ length: count }, () => 2), classes];
  const most = Math.max(...largestRanks(whole, sizes).slice(0, -1));
  const { rank = Math.min(4, most) } = options;
  if (!Number.isSafeInteger(rank) || rank < 1 || rank > most)
    throw new RangeError(`treeClassifier: rank is ${rank}, no edge of this tree has more than ${most}`);
  if (shapeText(reference.shape) !== `${count}`)
    throw new RangeError(`treeClassifier: the reference is ${shapeText(reference.shape)}, expected ${count} pixels`);
  checkPixels("treeClassifier: the reference", reference, count);

  /** phi of one pixel of all images: samples x 2. */
  const features = (images: Tensor): readonly Tensor[] =>
    Array.from({ length: count }, (_, j) => {
      const samples = images.data.length / count;
      const phi = tensor([samples, 2]);
      for (let s = 0; s < samples; s++) {
        const theta = (angle * Math.PI * images.data[s * count + j]!) / 2;
        phi.data[2 * s] = Math.cos(theta);
        phi.data[2 * s + 1] = Math.sin(theta);
      }
      return phi;
    });
  const apply = (y: TTN, phi: readonly Tensor[]): Tensor =>
    slices(y, count, [...phi, tensor([phi[0]!.shape[0]!, classes])]);
  const shapes = { trees: [JSON.stringify(nestedOf(whole))], blocks: [shapeText(sizes)], passengers: [] };
  const checkGiven = (weights: Weights, x: Tensor): void => {
    checkShapes("treeClassifier", "weights", weights, shapes);
    checkSizes(x);
    checkPixels("data: the images", x, count);
  };
  const checkSizes = (x: Tensor): void => {
    if (x.shape.length !== 2 || x.shape[1] !== count)
      throw new RangeError(`data: the images are ${shapeText(x.shape)}, expected samples x ${count} pixels`);
    if (x.dtype !== "float64") throw new TypeError(`data: the images are ${x.dtype}, expected float64`);
  };
  const scores: TreeClassifier["scores"] = (weights, { inputs, targets }) => {
    checkGiven(weights, inputs);
    loss.check(targets, inputs.shape[0]!, classes);
    const outputs = apply(weights.blocks[0]!, features(inputs));
    const tape = new Tape();
    return { outputs, loss: loss.record(tape, tape.constant(outputs), targets).value.data[0]! };
  };

  return {
    name: `tree of ${count} pixels`,
    tree: whole,
    initial: (random) => ({
      blocks: [nearlyProduct(whole, features(reference), classes, rank, random, gain)],
      passengers: [],
    }),
    check({ inputs: x, targets }) {
      checkSizes(x);
      if (x.shape[0] === 0) throw new RangeError("data: there are no samples, expected one or more");
      checkPixels("data: the images", x, count);
      loss.check(targets, x.shape[0]!, classes);
    },
    objective({ inputs, targets }) {
      const phi = features(inputs);
      return ({ blocks }) => {
        const tape = new Tape();
        const outputs = tape.variable(apply(blocks[0]!, phi));
        const result = loss.record(tape, outputs, targets);
        tape.backward(result);
        const gradient: CP = { factors: [...phi, tape.derivative(outputs)] };
        const seen: Covector["seen"] = (test, node) => restrictCP(gradient, test, node);
        return { loss: result.value.data[0]!, blocks: [{ seen }], passengers: [] };
      };
    },
    predict(weights, images) {
      checkGiven(weights, images);
      return apply(weights.blocks[0]!, features(images));
    },
    scores,
    lossOf: (weights, data) => scores(weights, data).loss,
  };
}

function checkPixels(what: string, { data }: Tensor, count: number): void {
  const bad = data.findIndex((v) => !(v >= 0 && v <= 1));
  if (bad >= 0)
    throw new RangeError(
      `${what}: pixel ${bad % count} of image ${Math.floor(bad / count)} is ${data[bad]}, expected a number from 0 to 1`,
    );
}

/**
 * Images, samples x (height width), at half their height and width: the means of 2 x 2 pixels. Throws a RangeError when the sizes are odd or are not
 * those of the images.
 */
export function halved(images: Tensor, height: number, width: number): Tensor {
  const [samples, pixels] = images.shape as [number, number];
  if (pixels !== height * width || height % 2 !== 0 || width % 2 !== 0)
    throw new RangeError(`halved: ${height}x${width} with ${pixels} pixels an image, expected even sizes that fit`);
  const [h, w] = [height / 2, width / 2];
  const at = (s: number, i: number, j: number): number => images.data[s * pixels + i * width + j]!;
  const mean = (s: number, i: number, j: number): number =>
    (at(s, 2 * i, 2 * j) + at(s, 2 * i, 2 * j + 1) + at(s, 2 * i + 1, 2 * j) + at(s, 2 * i + 1, 2 * j + 1)) / 4;
  return tensor(
    [samples, h * w],
    "float64",
    Float64Array.from({ length: samples * h * w }, (_, p) =>
      mean(Math.floor(p / (h * w)), Math.floor((p % (h * w)) / w), p % w),
    ),
  );
}
