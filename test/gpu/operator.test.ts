import { expect, test } from "vitest";
import { Heap } from "../../src/gpu/heap.ts";
import { DeviceOperator, placeMatrices } from "../../src/gpu/operator.ts";
import type { Job } from "../../src/gpu/table.ts";
import { randomTensor, seeded, sparse, type Tensor, tensor } from "../../src/linalg/index.ts";
import { applyKroneckerSum } from "../../src/linalg/kronecker-plan.ts";
import { type KroneckerTerm, kroneckerSum } from "../../src/linalg/kronecker-sum.ts";

const random = seeded(3);

/** What the kernel of products does, entry by entry on real numbers. */
function perform(job: Job, heap: Float64Array, iteration: number): void {
  for (let b = 0; b < job.count; b++)
    for (let i = 0; i < job.m; i++)
      for (let j = 0; j < job.n; j++) {
        let sum = 0;
        for (const { a, b: right } of job.segments)
          for (let l = 0; l < job.k; l++) {
            const p = a.at + iteration * (a.step ?? 0) + b * job.a.batch + i * job.a.row + l * job.a.column;
            const q = right.at + iteration * (right.step ?? 0) + b * job.b.batch + l * job.b.row + j * job.b.column;
            sum += heap[p]! * heap[q]!;
          }
        const c = job.c.at + iteration * (job.c.step ?? 0) + b * job.c.batch + i * job.n + j;
        heap[c] = (job.accumulate ? heap[c]! : 0) + sum;
      }
}

/** A x by the jobs of the operator, with the argument as the vector of this number. */
function applied(operator: DeviceOperator, x: Tensor, iteration: number): Tensor {
  const heap = new Heap({ dtype: "float64", precision: "float32" });
  const { inner, outer } = operator.matrices;
  const places = { inner: placeMatrices(heap, inner), outer: placeMatrices(heap, outer, 0.5) };
  const words = heap.encoded();
  const vectors = heap.reserve((iteration + 2) * x.data.length);
  const scratch = heap.reserve(operator.scratch);
  const numbers = new Float64Array(heap.size).fill(Number.NaN); // what is read before it is written shows
  numbers.set(words);
  numbers.set(x.data, vectors + iteration * x.data.length);
  const from = { at: vectors, step: x.data.length };
  const stages = operator.jobs(places, scratch, from, { ...from, at: vectors + x.data.length });
  expect(stages).toHaveLength(x.shape.length);
  for (const jobs of stages) for (const job of jobs) perform(job, numbers, iteration);
  const end = vectors + (iteration + 1) * x.data.length;
  return tensor(x.shape, "float64", numbers.slice(end, end + x.data.length));
}

const shape = [4, 3, 5];
/** Numbers that float32 holds. */
const rounded = (t: Tensor): Tensor => tensor(t.shape, t.dtype, Float64Array.from(t.data, Math.fround));
const matrix = (mode: number): Tensor => rounded(randomTensor(random, [shape[mode]!, shape[mode]!]));
const [a, b, c, c2] = [matrix(0), matrix(1), matrix(2), matrix(2)];
const shift = sparse(
  [4, 4],
  [0, 1, 2].map((i) => [i, i + 1, 2] as const),
);

test.each<[string, KroneckerTerm[]]>([
  [
    "products on all modes that share factors",
    [
      { coefficient: 2, matrices: [a, b, c] },
      { coefficient: -1, matrices: [shift, b, c] },
      { coefficient: 1, matrices: [a, null, c2] },
      { coefficient: 0.5, matrices: [null, b, c] },
      { coefficient: 3, matrices: [null, b, null] },
      { coefficient: 3, matrices: [null, null, c] },
    ],
  ],
  ["a multiple of the argument", [{ coefficient: 1.5, matrices: [null, null, null] }]],
  [
    "one factor and a multiple",
    [
      { coefficient: 1.5, matrices: [null, null, null] },
      { coefficient: 1, matrices: [null, b, null] },
    ],
  ],
  ["nothing", []],
])("the stages of jobs apply an operator: %s", (_, terms) => {
  const x = rounded(randomTensor(random, shape));
  const expected = applyKroneckerSum(kroneckerSum(shape, terms, "float64", shape), x);
  const got = applied(new DeviceOperator(shape, terms), x, 2);
  // sums of matrices are rounded to float32, and taken half
  got.data.forEach((value, i) => {
    expect(2 * value).toBeCloseTo(expected.data[i]!, 4);
  });
});
