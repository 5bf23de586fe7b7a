import { expect, test } from "vitest";
import { type AugmentedNode, augmentation } from "../../src/integrators/augment.ts";
import { qr } from "../../src/linalg/factor.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { reshape, type Tensor, tensor } from "../../src/linalg/tensor.ts";

const random = seeded(1);
const old = reshape(qr(randomTensor(random, [6, 2], "complex128")).q, [2, 3, 2]);

/** An augmentation in bases of the children that have grown to ranks 3 and 4. */
const augmented = (solution: Tensor) => ({
  solution,
  shape: [3, 4, 2],
  blocks: [],
  old,
  columns: null,
  noise: 0,
  roundOff: null,
  isCoupled: true,
});

test.each([
  { what: "new directions", solution: randomTensor(random, [2, 3, 2], "complex128"), count: 2 },
  { what: "no new direction", solution: tensor([2, 3, 2], "complex128"), count: 0 },
])("with $what, a new basis follows from what is sent of it", ({ solution, count }) => {
  const input = augmented(solution);
  const made = augmentation.run(input);
  expect(made.fresh?.shape[1] ?? 0).toBe(count);
  expect(made.basis.shape).toEqual([3, 4, 2 + count]);
  const { pack, unpack } = augmentation.resultPacking!;
  const sent = pack(made) as Omit<AugmentedNode, "basis">;
  expect(Object.keys(sent)).toEqual(["fresh", "news"]);
  expect(unpack(structuredClone(sent) as never, input)).toEqual(made);
});
