import { describe, expect, test } from "vitest";
import {
  balanced,
  type CP,
  centers,
  contractCP,
  type Dtype,
  entry,
  fromFunction,
  randomState,
  randomTensor,
  restrict,
  restrictCP,
  seeded,
  slices,
  star,
  type Tensor,
  toDense,
  train,
  tree,
} from "../../src/index.ts";
import { norm } from "../../src/linalg/level1.ts";
import { fromDense } from "../../src/ttn/construct.ts";
import { distance } from "./dense.ts";

const sizes = [2, 3, 2, 4];
const terms = 5;
const trees = { balanced: balanced(4), train: train(4), star: star(4), uneven: tree([0, [1, 2, 3]]) };
const cpOf = (seed: number, dtype: Dtype): CP => ({
  factors: sizes.map((n, k) => randomTensor(seeded(seed + k), [terms, n], dtype)),
});
/** All entries of a sum of product tensors, by its definition. */
const denseOf = ({ factors }: CP): Tensor =>
  fromFunction([...sizes], (...index) => {
    let [re, im] = [0, 0];
    for (let s = 0; s < terms; s++) {
      const product = factors.reduce(
        (p, f, mode) => {
          const v = entry(f, s, index[mode]!);
          return { re: p.re * v.re - p.im * v.im, im: p.re * v.im + p.im * v.re };
        },
        { re: 1, im: 0 },
      );
      re += product.re;
      im += product.im;
    }
    return factors[0]!.dtype === "float64" ? re : { re, im };
  });

describe.each(Object.entries(trees))("a tensor in CP format on a %s tree", (_, shape) => {
  test.each(["float64", "complex128"] as const)("seen through every frame it is what its entries are (%s)", (dtype) => {
    const z = cpOf(1, dtype);
    const y = randomState(shape, sizes, 2, seeded(9), dtype);
    const network = fromDense(shape, denseOf(z));
    centers(y).forEach((at, node) => {
      const expected = restrict(network, at, node);
      expect(distance(restrictCP(z, at, node), expected)).toBeLessThan(1e-13 * norm(denseOf(z)));
    });
  });

  test("its product with a state is the sum over all entries, whatever the gauge", () => {
    const z = cpOf(2, "float64");
    const y = randomState(shape, sizes, 2, seeded(10));
    const full = toDense(y);
    for (const at of centers(y)) {
      const sums = contractCP(z, at);
      for (let s = 0; s < terms; s++) {
        const one = denseOf({ factors: z.factors.map((f) => rowsBut(f, s)) });
        const expected = one.data.reduce((sum, v, p) => sum + v * full.data[p]!, 0);
        expect(sums.data[s]).toBeCloseTo(expected, 12);
      }
    }
  });

  test("slices contract all modes but one", () => {
    const z = cpOf(3, "float64");
    const y = randomState(shape, sizes, 2, seeded(11));
    const full = toDense(y);
    sizes.forEach((n, mode) => {
      const seen = slices(y, mode, z.factors);
      expect(seen.shape).toEqual([terms, n]);
      for (let s = 0; s < terms; s++)
        for (let i = 0; i < n; i++) {
          const unit = fromFunction([terms, n], (_s, j) => (j === i ? 1 : 0));
          const one = denseOf({ factors: z.factors.with(mode, unit).map((f) => rowsBut(f, s)) });
          const expected = one.data.reduce((sum, v, p) => sum + v * full.data[p]!, 0);
          expect(seen.data[s * n + i]).toBeCloseTo(expected, 12);
        }
    });
  });
});

/** The matrix with all rows but one set to zero. */
const rowsBut = (f: Tensor, row: number): Tensor =>
  fromFunction(f.shape, (s, i) => (s === row ? entry(f, s, i).re : 0));

describe("factors that do not fit", () => {
  const y = randomState(trees.balanced, sizes, 2, seeded(4));
  const z = cpOf(5, "float64");

  test.each([
    ["there are 3 factors, the tree has 4 modes", z.factors.slice(1)],
    ["the factor of mode 0 is 5x3, expected 5x2, terms x mode size", z.factors.with(0, z.factors[1]!)],
    [
      "the factor of mode 1 is 4x3, expected 5x3, terms x mode size",
      z.factors.with(1, randomTensor(seeded(1), [4, 3])),
    ],
  ])("%s: refused", (message, factors) => {
    expect(() => restrictCP({ factors }, y, y.center)).toThrow(message);
    expect(() => contractCP({ factors }, y)).toThrow(message);
    expect(() => slices(y, 0, factors)).toThrow(message);
  });
});
