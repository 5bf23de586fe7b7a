import type { Random } from "../../linalg/random.ts";
import { type Tensor, tensor } from "../../linalg/tensor.ts";
import { checkKeys } from "../../text/known-keys.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { decayingMatrix, decayingTucker, heNormal } from "../initial.ts";
import { applyDense, applyLowRank, withBias } from "../tape/operations.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import { reshaped } from "./chain.ts";
import type { Layer } from "./layers.ts";
import { fromPatches, type ImageShape, patchesOf } from "./patches.ts";
import { applyTuckerKernel } from "./tucker-kernel.ts";

/** A convolution: the image, the filters, and the format of the kernel. */
export interface ConvolutionOptions extends ImageShape {
  /** Channels of the result. */
  readonly filters: number;
  /** Height and width of the patches. */
  readonly kernel: number;
  /**
   * "matrix" (default): the kernel unfolded to filters x (kernel^2 channels); "tucker": filters x kernel x kernel x channels with a
   * basis for each, applied in three stages; "dense": the unfolded kernel as a passenger. [schotthoefer2022low; zangrando2023tucker]
   */
  readonly format?: "matrix" | "tucker" | "dense";
  /** Rank to start with. Default: 32, or what the sizes allow; for a Tucker tensor of each mode. */
  readonly rank?: number;
  /** |W|_F at the start over the root of the filters. Default 0.1. */
  readonly gain?: number;
}

/**
 * A convolution (cross-correlation, stride one, no padding) whose kernel is of low rank. The result is an image again,
 * (height - kernel + 1) x (width - kernel + 1) x filters, and a bias for each filter is added. As a matrix, filters x (kernel^2 channels), it
 * is applied to every patch, O(patches (filters + kernel^2 channels) r) a sample; as a Tucker tensor between two changes of channels,
 * O(pixels channels r + patches (kernel^2 r + filters) r).
 * Throws a RangeError when sizes are not positive integers, the kernel is larger than the image, or the inputs are no such image.
 */
export function convolution(options: ConvolutionOptions): Layer {
  const imageKeys = { height: true, width: true, channels: true } as const;
  checkKeys("convolution", options, {
    ...imageKeys,
    filters: true,
    kernel: true,
    format: true,
    rank: true,
    gain: true,
  });
  const { filters, kernel, format = "matrix", rank, gain = 0.1, ...image } = options;
  checkImage("convolution", image, { filters, kernel });
  const { height, width, channels } = image;
  if (format !== "matrix" && format !== "tucker" && format !== "dense")
    throw new RangeError(`convolution: format is ${JSON.stringify(format)}, expected "matrix", "tucker" or "dense"`);
  if (kernel > Math.min(height, width))
    throw new RangeError(`convolution: the kernel is ${kernel}x${kernel}, the image ${height}x${width}`);
  if (!(gain > 0 && gain < Number.POSITIVE_INFINITY))
    throw new RangeError(`convolution: gain is ${gain}, expected a positive number`);
  const columns = kernel * kernel * channels;
  const most = format === "tucker" ? Math.max(filters, kernel, channels) : Math.min(filters, columns);
  if (format === "dense" && (rank !== undefined || options.gain !== undefined))
    throw new RangeError("convolution: a dense kernel has no rank and no gain");
  if (rank !== undefined && !(Number.isSafeInteger(rank) && rank >= 1 && rank <= most))
    throw new RangeError(`convolution: rank is ${rank}, a kernel of ${kernelText()} has from 1 to ${most}`);
  const isDense = format === "dense";
  const patches = (height - kernel + 1) * (width - kernel + 1);
  return {
    name: `${isDense ? "dense" : "low-rank"} convolution of ${filters}`,
    sized(inputs) {
      checkInputs("convolution", inputs, image);
      return {
        outputs: patches * filters,
        counts: isDense ? { blocks: 0, passengers: 2 } : { blocks: 1, passengers: 1 },
        initial: (random) =>
          isDense
            ? { blocks: [], passengers: [heNormal(filters, columns, random), tensor([filters])] }
            : { blocks: [initialKernel(random)], passengers: [tensor([filters])] },
        record(tape, x, { blocks, passengers }) {
          const rows = isDense
            ? applyDense(tape, unfolded(tape, x, image, kernel), passengers[0]!)
            : format === "tucker"
              ? applyTuckerKernel(tape, x, blocks[0]!, image, kernel)
              : applyLowRank(tape, unfolded(tape, x, image, kernel), blocks[0]!);
          return reshaped(tape, withBias(tape, rows, passengers.at(-1)), [x.value.shape[0]!, patches * filters]);
        },
      };
    },
  };

  function initialKernel(random: Random): TTN {
    return format === "tucker"
      ? decayingTucker([filters, kernel, kernel, channels], rank ?? most, random, gain)
      : decayingMatrix(filters, columns, rank ?? Math.min(32, most), random, gain);
  }
  function kernelText(): string {
    return format === "tucker" ? `${filters}x${kernel}x${kernel}x${channels}` : `${filters}x${columns}`;
  }
}

/**
 * The largest entry of every 2 x 2 square of each channel; a last row or column that has no partner is left out. Slopes go to the first of equal ones.
 * Throws a RangeError when the image is smaller than a square, or the inputs are no such image.
 */
export function maxPool(image: ImageShape): Layer {
  checkImage("maxPool", image);
  const { height, width, channels } = image;
  const [rows, columns] = [Math.floor(height / 2), Math.floor(width / 2)];
  if (rows * columns === 0) throw new RangeError(`maxPool: the image is ${height}x${width}, expected 2x2 or more`);
  const outputs = rows * columns * channels;
  return {
    name: "largest of 2x2",
    sized(inputs) {
      checkInputs("maxPool", inputs, image);
      return {
        outputs,
        counts: { blocks: 0, passengers: 0 },
        initial: () => ({ blocks: [], passengers: [] }),
        record(tape, x) {
          const samples = x.value.shape[0]!;
          const value = tensor([samples, outputs]);
          const from = new Int32Array(samples * outputs);
          const values = x.value.data;
          for (let s = 0, q = 0; s < samples; s++)
            for (let i = 0; i < rows; i++)
              for (let j = 0; j < columns; j++)
                for (let c = 0; c < channels; c++, q++) {
                  const corner = s * inputs + (2 * i * width + 2 * j) * channels + c;
                  let best = corner;
                  for (const p of [corner + channels, corner + width * channels, corner + (width + 1) * channels])
                    if (!(values[p]! <= values[best]!)) best = p; // not a number wins, and so is seen
                  from[q] = best;
                  value.data[q] = values[best]!;
                }
          return tape.record(value, x.isConstant, (d) => tape.add(x, gathered(d, from, x.value)));
        },
      };
    },
  };
}

/** The adjoint of taking entries: each goes back to where it came from. */
function gathered(d: Tensor, from: Int32Array, like: Tensor): Tensor {
  const out = tensor(like.shape);
  for (let q = 0; q < from.length; q++) out.data[from[q]!]! += d.data[q]!;
  return out;
}

/** All patches of images as rows. */
const unfolded = (tape: Tape, x: Variable, image: ImageShape, kernel: number): Variable =>
  tape.record(patchesOf(x.value, image, kernel), x.isConstant, (d) => tape.add(x, fromPatches(d, image, kernel)));

function checkImage(
  what: string,
  { height, width, channels }: ImageShape,
  more: Readonly<Record<string, number>> = {},
): void {
  for (const [name, n] of Object.entries({ height, width, channels, ...more }))
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`${what}: ${name} is ${n}, expected a positive integer`);
}

function checkInputs(what: string, inputs: number, { height, width, channels }: ImageShape): void {
  if (inputs !== height * width * channels)
    throw new RangeError(`${what}: ${inputs} inputs, expected an image of ${height}x${width}x${channels}`);
}
