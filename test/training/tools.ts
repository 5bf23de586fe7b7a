export { combine, matmul, permute, randomTensor, seeded, type Tensor } from "../../src/linalg/index.ts";
export { norm } from "../../src/linalg/level1.ts";
