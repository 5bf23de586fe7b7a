import { type Tensor, tensor } from "../../linalg/tensor.ts";

/** The sizes of an image in a row of inputs: entry (i width + j) channels + c is channel c at row i, column j. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * All kernel x kernel patches of images, (samples patches) x (kernel^2 channels): patches from the top left row by row, the entries of each
 * in the order of the image. Images are given by all their entries in a row, in any shape.
 */
export function patchesOf(x: Tensor, image: ImageShape, kernel: number): Tensor {
  const { starts, length } = runsOf(image, kernel);
  const pixels = image.height * image.width * image.channels;
  const samples = x.data.length / pixels;
  const out = tensor([(samples * starts.length) / kernel, kernel * length]);
  const [from, into] = [x.data, out.data];
  for (let s = 0, q = 0; s < samples; s++)
    for (let k = 0; k < starts.length; k++) {
      const begin = s * pixels + starts[k]!;
      for (let p = begin; p < begin + length; p++, q++) into[q] = from[p]!;
    }
  return out;
}

/** The adjoint: every entry of a patch is added to where it came from; samples x (height width channels). */
export function fromPatches(d: Tensor, image: ImageShape, kernel: number): Tensor {
  const { starts, length } = runsOf(image, kernel);
  const pixels = image.height * image.width * image.channels;
  const samples = d.data.length / (starts.length * length);
  const out = tensor([samples, pixels]);
  const [from, into] = [d.data, out.data];
  for (let s = 0, q = 0; s < samples; s++)
    for (let k = 0; k < starts.length; k++) {
      const begin = s * pixels + starts[k]!;
      for (let p = begin; p < begin + length; p++, q++) into[p]! += from[q]!;
    }
  return out;
}

/** Where the rows of all patches of an image begin, patch by patch, and how long they are. */
function runsOf({ height, width, channels }: ImageShape, kernel: number) {
  const starts = new Int32Array((height - kernel + 1) * (width - kernel + 1) * kernel);
  let k = 0;
  for (let i = 0; i + kernel <= height; i++)
    for (let j = 0; j + kernel <= width; j++)
      for (let a = 0; a < kernel; a++) starts[k++] = ((i + a) * width + j) * channels;
  return { starts, length: kernel * channels };
}
