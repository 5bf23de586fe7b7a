import { expect, test } from "vitest";
import { combine, randomTensor, scaled, seeded, type Tensor, tensor } from "../../src/linalg/index.ts";
import { norm } from "../../src/linalg/level1.ts";
import { type Dataset, type Model, type Weights, wholeGradient } from "../../src/training/index.ts";
import { gradientSeen } from "../../src/training/tape/covector.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { fromDense, randomState } from "../../src/ttn/construct.ts";
import { centers } from "../../src/ttn/gauge.ts";
import type { TTN } from "../../src/ttn/ttn.ts";

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

/**
 * Checks the derivatives of a model at weights that are random all over: those along some random directions, since a derivative that is wrong
 * anywhere is wrong along almost all of them.
 */
export function checkDerivatives(model: Model, data: Dataset, initial = model.initial(seeded(2))): void {
  const random = seeded(6);
  const weights: Weights = { ...initial, passengers: initial.passengers.map((p) => randomTensor(random, p.shape)) };
  const at = model.objective(data);
  const found = at(weights);
  /** The slopes of a loss along directions of one of its tensors, and what they should be. */
  const checkAlong = (x: Tensor, lossAt: (x: Tensor) => number, slopeOfDirection: (d: Tensor) => number): void => {
    const directions = Array.from({ length: 6 }, () => {
      const d = randomTensor(random, x.shape);
      return scaled(1 / norm(d), d);
    });
    const none = tensor([directions.length]);
    const slopes = slopeOf(
      (t) => lossAt(combine([[1, x], ...directions.map((d, k) => [t.data[k]!, d] as const)])),
      none,
    );
    near(slopes, directions.map(slopeOfDirection), 1e-8);
  };
  const inner = (a: Tensor, b: Tensor): number => a.data.reduce((sum, v, p) => sum + v * b.data[p]!, 0);

  test("by every passenger, as finite differences have them", () => {
    weights.passengers.forEach((p, i) => {
      const lossAt = (x: Tensor): number => at({ ...weights, passengers: weights.passengers.with(i, x) }).loss;
      checkAlong(p, lossAt, (d) => inner(d, found.passengers[i]!));
    });
  });

  test("by every weight of low rank, through each of its tensors", () => {
    weights.blocks.forEach((y, k) => {
      const gradient = wholeGradient(found.blocks[k]!, y);
      y.tensors.forEach((x, id) => {
        const moved = (to: Tensor): TTN => ({ ...y, tensors: y.tensors.with(id, to) });
        const lossAt = (to: Tensor): number => at({ ...weights, blocks: weights.blocks.with(k, moved(to)) }).loss;
        checkAlong(x, lossAt, (d) => inner(toDense(moved(d)), gradient));
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
