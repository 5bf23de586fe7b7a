import { expect, test } from "vitest";
import { randomTensor, seeded, type Tensor } from "../../src/linalg/index.ts";
import { gradientSeen } from "../../src/training/covector.ts";
import { type Dataset, type Model, type Weights, wholeGradient } from "../../src/training/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { fromDense, randomState } from "../../src/ttn/construct.ts";
import { centers } from "../../src/ttn/gauge.ts";

/** The slope of a function of the entries of a tensor, by central differences of fourth order: error O(h^4) + eps / h. */
const h = 2e-4;
export const slopeOf = (f: (x: Tensor) => number, x: Tensor): Float64Array =>
  x.data.map((_, p) => {
    const moved = (by: number): number => f({ ...x, data: x.data.with(p, x.data[p]! + by) });
    return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
  });

export const near = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number): void => {
  expect(a.length).toBe(b.length);
  const differences = Array.from(a, (v, p) => Math.abs(v - b[p]!));
  expect(differences.every((d) => d < tolerance) ? 0 : Math.max(...differences)).toBe(0);
};

/** Checks the derivatives of a model at weights that are random all over, and its loss there. */
export function checkDerivatives(model: Model, data: Dataset, initial = model.initial(seeded(2))): void {
  const random = seeded(6);
  const weights: Weights = { ...initial, passengers: initial.passengers.map((p) => randomTensor(random, p.shape)) };
  const at = model.objective(data);
  const found = at(weights);

  test("by every passenger, as finite differences have them", () => {
    weights.passengers.forEach((p, i) => {
      const f = (x: Tensor): number => at({ ...weights, passengers: weights.passengers.with(i, x) }).loss;
      near(found.passengers[i]!.data, slopeOf(f, p), 1e-8);
    });
  });

  test("by every weight of low rank, entry by entry of the full matrix", () => {
    weights.blocks.forEach((y, k) => {
      const gradient = wholeGradient(found.blocks[k]!, y);
      // dL/dX for each tensor of the weight is the gradient seen from there: d/de L(W + e D) = <G, D>
      y.tensors.forEach((x, id) => {
        const f = (moved: Tensor): number =>
          at({ ...weights, blocks: weights.blocks.with(k, { ...y, tensors: y.tensors.with(id, moved) }) }).loss;
        const expected = x.data.map((_, p) => {
          const direction = toDense({
            ...y,
            tensors: y.tensors.with(id, { ...x, data: x.data.map((_, q) => +(p === q)) }),
          });
          return direction.data.reduce((sum, d, q) => sum + d * gradient.data[q]!, 0);
        });
        near(slopeOf(f, x), expected, 1e-8);
      });
    });
  });

  test("by every weight of low rank through the frame of any other", () => {
    weights.blocks.forEach((y, k) => {
      const gradient = wholeGradient(found.blocks[k]!, y);
      const frame = randomState(y.tree, gradient.shape, 2, random);
      for (const test of centers(frame)) {
        const [seen, expected] = [found.blocks[k]!, fromDense(y.tree, gradient)].map((g) =>
          gradientSeen(g, test, test.center),
        ) as [Tensor, Tensor];
        expect(seen.shape).toEqual(expected.shape);
        near(seen.data, expected.data, 1e-12);
      }
    });
  });
}
