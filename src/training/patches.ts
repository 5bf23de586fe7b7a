import { type Tensor, tensor } from "../linalg/tensor.ts";

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
  const { samples, patches, columns } = sizes(x.data.length, image, kernel);
  const out = tensor([samples * patches, columns]);
  const [from, into] = [x.data, out.data];
  eachRun(samples, image, kernel, (p, q, length) => {
    for (let c = 0; c < length; c++) into[q + c] = from[p + c]!;
  });
  return out;
}

/** The adjoint: every entry of a patch is added to where it came from; samples x (height width channels). */
export function fromPatches(d: Tensor, image: ImageShape, kernel: number): Tensor {
  const pixels = image.height * image.width * image.channels;
  const { patches, columns } = sizes(pixels, image, kernel);
  const samples = d.data.length / (patches * columns);
  const out = tensor([samples, pixels]);
  const [from, into] = [d.data, out.data];
  eachRun(samples, image, kernel, (p, q, length) => {
    for (let c = 0; c < length; c++) into[p + c]! += from[q + c]!;
  });
  return out;
}

const sizes = (entries: number, { height, width, channels }: ImageShape, kernel: number) => ({
  samples: entries / (height * width * channels),
  patches: (height - kernel + 1) * (width - kernel + 1),
  columns: kernel * kernel * channels,
});

/** Where the rows of all patches begin, in images and among patches, and how long they are. */
function eachRun(
  samples: number,
  { height, width, channels }: ImageShape,
  kernel: number,
  run: (inImages: number, inPatches: number, length: number) => void,
): void {
  const length = kernel * channels;
  for (let s = 0, q = 0; s < samples; s++)
    for (let i = 0; i + kernel <= height; i++)
      for (let j = 0; j + kernel <= width; j++)
        for (let a = 0; a < kernel; a++, q += length) run(((s * height + i + a) * width + j) * channels, q, length);
}
