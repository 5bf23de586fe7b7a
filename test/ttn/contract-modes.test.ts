import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { asDtype, entry, fromValues, sizeOf, type Tensor, tensor } from "../../src/linalg/tensor.ts";
import { states } from "../../src/testing/index.ts";
import { norm, toDense } from "../../src/ttn/arithmetic.ts";
import { randomState } from "../../src/ttn/construct.ts";
import { contractModes, marginalSquare, pointValue, slice } from "../../src/ttn/contract-modes.ts";
import { moveCenter } from "../../src/ttn/gauge.ts";
import { balanced, rootOf, star, tree } from "../../src/ttn/tree.ts";
import { dtypeOfState, modeSizes, ranks, storage, type TTN } from "../../src/ttn/ttn.ts";
import { worstRatio } from "./checks.ts";
import { distance, relative, runs } from "./dense.ts";

/** All indices of a shape, in row-major order. */
const indices = (shape: readonly number[]): number[][] =>
  Array.from({ length: sizeOf(shape) }, (_, p) => {
    const index: number[] = [];
    for (let k = shape.length - 1; k >= 0; k--) {
      index[k] = p % shape[k]!;
      p = Math.floor(p / shape[k]!);
    }
    return index;
  });

/** sum_i v_i Y[.., i, ..] by its definition, complex; contracted modes stay with size 1. */
function denseContraction(y: Tensor, vectors: Readonly<Record<number, Tensor>>): Tensor {
  const full = asDtype(y, "complex128");
  const out = tensor(
    full.shape.map((n, mode) => (vectors[mode] ? 1 : n)),
    "complex128",
  );
  for (const index of indices(full.shape)) {
    let { re, im } = entry(full, ...index);
    for (const [mode, v] of Object.entries(vectors)) {
      const w = entry(v, index[Number(mode)]!);
      [re, im] = [re * w.re - im * w.im, re * w.im + im * w.re];
    }
    const p = index.reduce((at, i, mode) => at * out.shape[mode]! + (vectors[mode] ? 0 : i), 0);
    out.data[2 * p]! += re;
    out.data[2 * p + 1]! += im;
  }
  return out;
}

const someStates = states({ decays: [1, 1e-6, 0], maxEntries: 512, maxLeaves: 6 });
const vectorsFor = (y: TTN, modes: readonly number[], seed: number, isComplex: boolean): Record<number, Tensor> =>
  Object.fromEntries(
    modes.map((mode) => [
      mode,
      randomTensor(seeded(seed + mode), [modeSizes(y)[mode]!], isComplex ? "complex128" : "float64"),
    ]),
  );
const chosen = (y: TTN, mask: number): number[] =>
  modeSizes(y).flatMap((_, mode) => ((mask >> mode) & 1 ? [mode] : []));

describe("contraction of modes with vectors", () => {
  test("is that of the full tensor, canonical, on any tree and wherever the centre is", () => {
    fc.assert(
      fc.property(someStates, fc.nat(63), fc.nat(), fc.boolean(), (y, mask, where, isComplex) => {
        const vectors = vectorsFor(y, chosen(y, mask), where % 100, isComplex);
        const result = contractModes(moveCenter(y, where % y.tree.nodes.length), vectors);
        const scaleOf = Object.values(vectors).reduce((p, v) => p * Math.hypot(...v.data), 1);
        expect(distance(toDense(result), denseContraction(toDense(y), vectors))).toBeLessThanOrEqual(1e-13 * scaleOf);
        expect(result.center).toBe(rootOf(y.tree));
        expect(worstRatio(result)).toBeLessThan(30);
      }),
      { numRuns: runs(100) },
    );
  });

  test("is complex where a vector is, and cuts ranks to what fits", () => {
    const y = randomState(balanced(4), [5, 6, 4, 3], 4, seeded(1));
    const i = { ...tensor([5], "complex128"), data: Float64Array.of(0, 1, 0, 0, 0, 0, 0, 0, 0, 0) };
    expect(dtypeOfState(contractModes(y, { 0: i }))).toBe("complex128");
    const all = contractModes(y, vectorsFor(y, [0, 1, 2, 3], 1, false));
    expect(ranks(all)).toEqual(ranks(all).map(() => 1));
    expect(storage(all)).toBe(7);
    expect(contractModes(y, {}).tensors[0]!.shape).toEqual(y.tensors[0]!.shape);
  });

  test("refuses modes that are not there and vectors of another size", () => {
    const y = randomState(star(3), [2, 3, 4], 2, seeded(1));
    expect(() => contractModes(y, { 3: fromValues([2], [1, 1]) })).toThrow(
      new RangeError("contractModes: mode 3, the tree has modes 0 to 2"),
    );
    expect(() => contractModes(y, { 1: fromValues([2], [1, 1]) })).toThrow(
      new RangeError("contractModes: the vector of mode 1 is 2, expected 3 finite numbers"),
    );
    expect(() => contractModes(y, { 0: fromValues([2], [1, Number.NaN]) })).toThrow(/2 finite numbers/);
  });
});

describe("weighted marginals of the square", () => {
  test("are the sums over the full tensor, with any weights of any modes", () => {
    fc.assert(
      fc.property(someStates, fc.nat(), fc.nat(63), fc.nat(), (y, which, mask, seed) => {
        const sizes = modeSizes(y);
        const mode = which % sizes.length;
        const weights = Object.fromEntries(
          chosen(y, mask).map((k) => [
            k,
            Float64Array.from(randomTensor(seeded(seed + k), [sizes[k]!]).data, (v) => Math.max(0, v)),
          ]),
        );
        const full = asDtype(toDense(y), "complex128");
        const expected = new Float64Array(sizes[mode]!);
        let total = 0;
        for (const index of indices(sizes)) {
          const { re, im } = entry(full, ...index);
          const w = index.reduce((p, i, k) => p * (weights[k]?.[i] ?? 1), 1);
          expected[index[mode]!]! += w * (re * re + im * im);
          total += w * (re * re + im * im);
        }
        const found = marginalSquare(y, mode, weights);
        expect(found).toHaveLength(sizes[mode]!);
        found.forEach((v, i) => {
          expect(Math.abs(v - expected[i]!)).toBeLessThanOrEqual(1e-13 * Math.max(total, 1e-3));
          expect(v).toBeGreaterThanOrEqual(0);
        });
      }),
      { numRuns: runs(100) },
    );
  });

  test("add up to the norm squared without weights, also for sizes that no full tensor could have", () => {
    const y = randomState(balanced(12), Array<number>(12).fill(1000), 6, seeded(2), "complex128");
    for (const mode of [0, 7]) {
      const sum = marginalSquare(y, mode).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - norm(y) ** 2)).toBeLessThan(1e-13);
    }
  });

  test("refuse weights that are negative, not finite or too few, naming them", () => {
    const y = randomState(star(3), [2, 3, 4], 2, seeded(1));
    expect(() => marginalSquare(y, 0, { 1: [1, -0.5, 1] })).toThrow(
      new RangeError("marginalSquare: weight 1 of mode 1 is -0.5, expected a finite number >= 0"),
    );
    expect(() => marginalSquare(y, 0, { 1: [1, Number.POSITIVE_INFINITY, 1] })).toThrow(/is Infinity/);
    expect(() => marginalSquare(y, 0, { 1: [1, 1] })).toThrow(
      new RangeError("marginalSquare: 2 weights for mode 1, which has size 3"),
    );
    expect(() => marginalSquare(y, 5)).toThrow(new RangeError("marginalSquare: mode 5, the tree has modes 0 to 2"));
    expect(() => marginalSquare(y, 0, { 9: [1] })).toThrow(/mode 9/);
  });
});

describe("slices and entries", () => {
  test("a slice is the contraction of all other modes, as a vector", () => {
    fc.assert(
      fc.property(someStates, fc.nat(), fc.boolean(), (y, which, isComplex) => {
        const sizes = modeSizes(y);
        const mode = which % sizes.length;
        const others = sizes.flatMap((n, k) => (k === mode || (n === 1 && which % 2 === 0) ? [] : [k]));
        const vectors = vectorsFor(y, others, which % 100, isComplex);
        const found = slice(moveCenter(y, which % y.tree.nodes.length), mode, vectors);
        expect(found.shape).toEqual([sizes[mode]]);
        const expected = denseContraction(toDense(y), vectors);
        const scaleOf = Object.values(vectors).reduce((p, v) => p * Math.hypot(...v.data), 1);
        expect(distance(found, { ...expected, shape: [sizes[mode]!] })).toBeLessThanOrEqual(1e-13 * scaleOf);
      }),
      { numRuns: runs(100) },
    );
  });

  test("every entry of the full tensor is found at its index", () => {
    fc.assert(
      fc.property(states({ maxEntries: 48 }), fc.nat(), (y, where) => {
        const full = toDense(y);
        const at = moveCenter(y, where % y.tree.nodes.length);
        const found = indices(full.shape).flatMap((index) => {
          const { re, im } = pointValue(at, index);
          return [re, im];
        });
        const complex = { dtype: "complex128", shape: full.shape, data: Float64Array.from(found) } as const;
        expect(relative(complex, full)).toBeLessThanOrEqual(1e-14);
      }),
      { numRuns: runs(30) },
    );
  });

  test("a single leaf is a vector like any other", () => {
    const y = randomState(tree(0), [3], 1, seeded(1));
    const full = toDense(y);
    expect(slice(y, 0, {}).data).toEqual(full.data);
    expect(pointValue(y, [2]).re).toBe(full.data[2]);
    expect(entry(toDense(contractModes(y, { 0: fromValues([3], [1, 0, 2]) })), 0).re).toBeCloseTo(
      full.data[0]! + 2 * full.data[2]!,
      14,
    );
    marginalSquare(y, 0, { 0: [1, 2, 0] }).forEach((v, i) => {
      expect(v).toBeCloseTo([1, 2, 0][i]! * full.data[i]! ** 2, 14);
    });
  });

  test("refuse what leaves no vector, and indices out of range", () => {
    const y = randomState(star(3), [2, 3, 4], 2, seeded(1));
    const one = fromValues([2], [1, 1]);
    expect(() => slice(y, 1, { 0: one })).toThrow(
      new RangeError("slice: mode 2 has size 4 and no vector, expected one for each mode but 1 unless its size is 1"),
    );
    expect(() => slice(y, 0, { 0: one })).toThrow(
      new RangeError("slice: a vector was given for mode 0, over which the result runs"),
    );
    expect(() => slice(y, 4, {})).toThrow(new RangeError("slice: mode 4, the tree has modes 0 to 2"));
    expect(() => pointValue(y, [0, 3, 0])).toThrow(
      new RangeError("pointValue: index 3 of mode 1, expected an integer from 0 to 2"),
    );
    expect(() => pointValue(y, [0, 0])).toThrow(
      new RangeError("pointValue: the index has 2 numbers, the tensor 3 modes"),
    );
  });
});
