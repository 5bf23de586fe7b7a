import { gramAllBut, matmul, modeProduct, permute } from "../../linalg/contract.ts";
import { reshape, sizeOf, type Tensor } from "../../linalg/tensor.ts";
import { rootOf } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { type Covector, products, remembered } from "../tape/covector.ts";
import type { LowRankWeight } from "../tape/operations.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import { fromPatches, type ImageShape, patchesOf } from "./patches.ts";

/** What a kernel in Tucker format (a star of leaves: filters, rows, columns, channels) is made of. */
interface Kernel {
  readonly filters: Tensor;
  readonly rows: Tensor;
  readonly columns: Tensor;
  readonly channels: Tensor;
  readonly core: Tensor;
}

const kernelOf = ({ tree, tensors }: TTN): Kernel => {
  const [filters, rows, columns, channels] = tree.leaves.map((leaf) => tensors[leaf]!) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  return { filters, rows, columns, channels, core: tensors[rootOf(tree)]! };
};

/** The core with its two middle bases, (rank of filters) x (rows columns rank of channels): the kernel between two changes of channels. */
function smallKernel({ rows, columns, core }: Kernel): Tensor {
  const small = modeProduct(modeProduct(core, 1, rows), 2, columns);
  const [r] = small.shape as [number];
  return reshape(small, [r, sizeOf(small.shape) / r]);
}

/**
 * The convolution of images by a kernel in Tucker format, a row a patch, in three stages: channels by U_in^T (1 x 1), the small kernel, and
 * filters by U_out (1 x 1). Neither the kernel nor its gradient is formed. Cost O(pixels C r_C + patches (K^2 r_C + F) r_F). [zangrando2023tucker]
 */
export function applyTuckerKernel(
  tape: Tape,
  x: Variable,
  weight: LowRankWeight,
  image: ImageShape,
  kernel: number,
): Variable {
  const pixels = reshape(x.value, [x.value.data.length / image.channels, image.channels]);
  const narrow = (channels: number): ImageShape => ({ ...image, channels });
  const patches = remembered((channels) => patchesOf(matmul(pixels, channels), narrow(channels.shape[1]!), kernel));
  const own = kernelOf(weight.value);
  const small = smallKernel(own);
  const value = matmul(matmul(patches(own.channels), small, "N", "T"), own.filters, "N", "T");
  return tape.record(value, false, (d) => {
    const df = products(d);
    /** The derivative by the images after a change of channels, through a small kernel: pixels x (rank of channels). */
    const back = (filters: Tensor, through: Tensor, rank: number): Tensor =>
      reshape(fromPatches(matmul(df(filters), through), narrow(rank), kernel), [pixels.shape[0]!, rank]);
    weight.add(tuckerGradient({ d, df, pixels, patches, back, kernel }));
    if (x.isConstant) return;
    const dx = matmul(back(own.filters, small, own.channels.shape[1]!), own.channels, "N", "T");
    tape.add(x, reshape(dx, x.value.shape));
  });
}

interface Pass {
  readonly kernel: number;
  readonly d: Tensor;
  readonly pixels: Tensor;
  df(filters: Tensor): Tensor;
  patches(channels: Tensor): Tensor;
  back(filters: Tensor, small: Tensor, rank: number): Tensor;
}

/**
 * dL/dW of a Tucker kernel through frames: images and derivatives are taken into the bases of the frame before they meet, so that the
 * largest thing made of both is (rank of filters) x K x K x (rank of channels).
 */
const tuckerGradient = ({ kernel, d, pixels, df, patches, back }: Pass): Covector => ({
  seen(test, node) {
    const frame = kernelOf(test);
    const mode = test.tree.leaves.indexOf(node);
    if (mode === 0) return matmul(d, matmul(patches(frame.channels), smallKernel(frame), "N", "T"), "T", "N");
    if (mode === 3) return matmul(pixels, back(frame.filters, smallKernel(frame), frame.core.shape[3]!), "T", "N");
    const met = matmul(df(frame.filters), patches(frame.channels), "T", "N");
    const wide = reshape(met, [frame.core.shape[0]!, kernel, kernel, frame.core.shape[3]!, 1]);
    const inner = [frame.rows, frame.columns].reduce(
      (t, basis, k) => (mode === k + 1 ? t : modeProduct(t, k + 1, permute(basis, [1, 0]))),
      wide,
    );
    return mode < 0 ? inner : gramAllBut(inner, frame.core, mode);
  },
});
