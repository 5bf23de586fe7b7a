export {
  block,
  combine,
  fromFunction,
  identity,
  matmul,
  permute,
  randomTensor,
  scaleColumns,
  seeded,
  singularValues,
  svd,
  type Tensor,
} from "../../src/linalg/index.ts";
export { norm } from "../../src/linalg/level1.ts";

import { combine, type Tensor } from "../../src/linalg/index.ts";
import { norm } from "../../src/linalg/level1.ts";

export const difference = (a: Tensor, b: Tensor): number =>
  norm(
    combine([
      [1, a],
      [-1, b],
    ]),
  );
