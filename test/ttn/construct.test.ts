import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { norm as frobenius } from "../../src/linalg/level1.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { fromFunction, fromValues, type Tensor, tensor } from "../../src/linalg/tensor.ts";
import { states, trees } from "../../src/testing/index.ts";
import { norm, toDense } from "../../src/ttn/arithmetic.ts";
import { fromDense, productState, randomState } from "../../src/ttn/construct.ts";
import { ttn } from "../../src/ttn/gauge.ts";
import { balanced, edgesOf, rootOf, star, type Tree, train, tree } from "../../src/ttn/tree.ts";
import { schmidtValues } from "../../src/ttn/truncate.ts";
import { checkTensors, largestRanks, modeSizes, ranks, spreadRanks, storage, withTensor } from "../../src/ttn/ttn.ts";
import { checkRoundTrip, worstRatio } from "./checks.ts";
import { distance, eps, kron, relative, runs, Worst } from "./dense.ts";

describe("from a full tensor (B1)", () => {
  test("at tolerance zero the tensor comes back; at 1e-12 with no more ranks than it was made of", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(states({ decays: [1, 0.1, 1e-4, 0] }), (y) => {
        worst.of(checkRoundTrip(y) / y.tree.nodes.length / eps);
      }),
      { numRuns: runs(200) },
    );
    console.info(`B1: ${worst.value.toFixed(2)} eps a node`);
  });

  test("what is discarded is at most the tolerance", () => {
    fc.assert(
      fc.property(
        trees({ maxLeaves: 5 }),
        fc.double({ min: 0, max: 12, noNaN: true }),
        fc.integer(),
        (t, digits, seed) => {
          const sizes = t.leaves.map((_, k) => 2 + (k % 3));
          const full = randomTensor(seeded(seed), sizes, "complex128");
          const tolerance = 10 ** -digits * frobenius(full);
          const y = fromDense(t, full, tolerance);
          expect(distance(toDense(y), full)).toBeLessThanOrEqual(tolerance + 1e-14 * frobenius(full));
          expect(worstRatio(y)).toBeLessThan(30);
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test("zero, one entry, and one leaf have trees too", () => {
    const zero = fromDense(balanced(3), tensor([2, 3, 2]));
    expect(ranks(zero)).toEqual([1, 1, 1, 1, 1]);
    expect(toDense(zero).data.every((v) => v === 0)).toBe(true);
    expect(
      [...toDense(fromDense(balanced(4), fromValues([1, 1, 1, 1], [7]))).data].map((v) => Math.round(v * 1e14) / 1e14),
    ).toEqual([7]);
    const leaf = fromDense(tree(0), fromValues([3], [1, 2, 3]));
    expect(leaf.tensors[0]!.shape).toEqual([3, 1]);
    expect([...toDense(leaf).data]).toEqual([1, 2, 3]);
  });

  test.each<[string, () => unknown, string]>([
    [
      "another order",
      () => fromDense(balanced(3), tensor([2, 2])),
      "fromDense: the tensor is 2x2, the tree has 3 leaves",
    ],
    [
      "NaN",
      () => fromDense(balanced(2), fromValues([1, 2], [1, Number.NaN])),
      "fromDense: the tensor has entries that are not finite",
    ],
    [
      "a negative tolerance",
      () => fromDense(balanced(2), tensor([2, 2]), -1),
      "fromDense: tolerance is -1, expected zero or more",
    ],
    [
      "a tolerance that is NaN",
      () => fromDense(balanced(2), tensor([2, 2]), Number.NaN),
      "fromDense: tolerance is NaN, expected zero or more",
    ],
    ["an empty mode", () => fromDense(balanced(2), tensor([2, 0])), "mode 1 has size 0, expected a positive integer"],
  ])("%s is refused", (_, make, message) => {
    expect(make).toThrow(new RangeError(message));
  });
});

describe("product states", () => {
  const vectorsOf = (t: Tree, seed: number, dtype: "float64" | "complex128"): Tensor[] => {
    const random = seeded(seed);
    return t.leaves.map((_, k) => randomTensor(random, [1 + (k % 4)], dtype));
  };

  test("are the product of their vectors, for any padding, with room on every edge and zero amplitude there", () => {
    fc.assert(
      fc.property(
        trees({ maxLeaves: 6 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer(),
        fc.boolean(),
        (t, rank, seed, real) => {
          const vectors = vectorsOf(t, seed, real ? "float64" : "complex128");
          const y = productState(t, vectors, rank);
          const expected = vectors
            .map((v) => ({ ...v, shape: [v.shape[0]!, 1] }))
            .reduce((all: Tensor, v) => kron(all, v), fromValues([1, 1], [1]));
          const full = toDense(y);
          expect(relative({ ...full, shape: [expected.shape[0]!, 1] }, expected)).toBeLessThanOrEqual(1e-14);
          expect(worstRatio(y)).toBeLessThan(30);
          const wanted = largestRanks(t, modeSizes(y)).map((r) => Math.min(r, rank));
          edgesOf(t).forEach((id) => {
            expect(ranks(y)[id]).toBe(wanted[id]);
            expect(Math.max(0, ...schmidtValues(y, id).subarray(1))).toBeLessThanOrEqual(1e-14 * norm(y));
          });
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test("are the same bits for the same vectors", () => {
    const t = balanced(5);
    const [a, b] = [1, 2].map(() => productState(t, vectorsOf(t, 5, "complex128"), 4));
    expect(a!.tensors).toEqual(b!.tensors);
  });

  test.each<[string, Tensor[], number, string]>([
    ["too few vectors", [tensor([2])], 1, "productState: 1 vectors for a tree of 2 modes"],
    [
      "a zero vector",
      [fromValues([2], [1, 0]), tensor([2])],
      1,
      "productState: the vector of mode 1 is 2, expected one finite vector, not zero",
    ],
    [
      "a matrix",
      [fromValues([1, 2], [1, 0]), fromValues([2], [1, 0])],
      1,
      "productState: the vector of mode 0 is 1x2, expected one finite vector, not zero",
    ],
    [
      "infinity",
      [fromValues([1], [Number.POSITIVE_INFINITY]), fromValues([1], [1])],
      1,
      "productState: the vector of mode 0 is 1, expected one finite vector, not zero",
    ],
    ["rank 0", [fromValues([1], [2]), fromValues([1], [1])], 0, "rank is 0, expected a positive integer"],
    ["rank 1.5", [fromValues([1], [2]), fromValues([1], [1])], 1.5, "rank is 1.5, expected a positive integer"],
  ])("%s: refused", (_, vectors, rank, message) => {
    expect(() => productState(tree([0, 1]), vectors, rank)).toThrow(new RangeError(message));
  });
});

describe("random states", () => {
  test("have norm one, the ranks asked for, and the same numbers from the same seed", () => {
    fc.assert(
      fc.property(trees(), fc.integer({ min: 1, max: 6 }), fc.integer(), (t, rank, seed) => {
        const sizes = t.leaves.map((_, k) => 1 + (k % 3));
        const y = randomState(t, sizes, rank, seeded(seed), "complex128");
        expect(norm(y)).toBeCloseTo(1, 14);
        expect(ranks(y)).toEqual(spreadRanks(t, sizes, rank));
        expect(modeSizes(y)).toEqual(sizes);
        expect(y.tensors).toEqual(randomState(t, sizes, rank, seeded(seed), "complex128").tensors);
        expect(storage(y)).toBe(y.tensors.reduce((n, c) => n + c.data.length / 2, 0));
      }),
      { numRuns: runs(100) },
    );
  });

  test.each<[string, number | number[], string]>([
    ["rank 0", 0, "rank is 0, expected a positive integer"],
    ["NaN", Number.NaN, "rank is NaN, expected a positive integer"],
    ["too few", [1, 1], "2 ranks for a tree of 5 nodes, expected one for each node"],
    ["more than the mode has", [3, 1, 1, 1, 1], "node 0 has rank 3, no tensor of sizes 2x2x2 has more than 2 there"],
    [
      "more than the others admit",
      [2, 1, 1, 2, 1],
      "node 2 joins ranks 2, 1, 1 (children, then parent): 2 is more than the product of the others, 1",
    ],
    ["a root rank of 2", [1, 1, 1, 1, 2], "node 4 has rank 2, no tensor of sizes 2x2x2 has more than 1 there"],
    ["no integer", [1, 1.5, 1, 1, 1], "rank of node 1 is 1.5, expected a positive integer"],
  ])("%s: refused", (_, rank, message) => {
    expect(() => randomState(balanced(3), [2, 2, 2], rank, seeded(1))).toThrow(new RangeError(message));
  });

  test.each<[number[], string]>([
    [[2, 2], "the tree has 3 leaves, 2 mode sizes were given"],
    [[2, 0, 2], "mode 1 has size 0, expected a positive integer"],
    [[2, 2, 2.5], "mode 2 has size 2.5, expected a positive integer"],
  ])("mode sizes %j: refused", (sizes, message) => {
    expect(() => randomState(balanced(3), sizes, 1, seeded(1))).toThrow(new RangeError(message));
  });

  test("ranks of huge spaces stay comparable numbers", () => {
    const sizes = Array<number>(64).fill(1e6);
    expect(Math.max(...spreadRanks(train(64), sizes, 7))).toBe(7);
    expect(largestRanks(star(3), [2, 3, 5])).toEqual([2, 3, 5, 1]);
    expect(largestRanks(star(3), [2, 3, 50])).toEqual([2, 3, 6, 1]);
  });
});

describe("the tensors of a network", () => {
  const t = tree([0, [1, 2]]); // leaves 0, 1, 2; node 3 joins 1 and 2; root 4
  const good = (): Tensor[] =>
    [
      [2, 2],
      [3, 2],
      [2, 2],
      [2, 2, 2],
      [2, 2, 1],
    ].map((shape) => fromFunction(shape, () => 1));
  const broken = (id: number, with_: Tensor): Tensor[] => good().with(id, with_);

  test("any that fit are taken, and become isometries without changing the tensor", () => {
    const random = seeded(3);
    const tensors = good().map((c) => randomTensor(random, c.shape, "complex128"));
    const y = ttn(t, tensors);
    expect(worstRatio(y)).toBeLessThan(30);
    expect(relative(toDense(y), toDense({ tree: t, tensors, center: rootOf(t) }))).toBeLessThanOrEqual(1e-14);
    expect(withTensor(y, 4, y.tensors[4]!).tensors).toEqual(y.tensors);
  });

  test.each<[string, Tensor[], ErrorConstructor, string]>([
    ["too few tensors", good().slice(1), RangeError, "ttn: 4 tensors for a tree of 5 nodes"],
    [
      "a leaf with three modes",
      broken(1, tensor([3, 2, 1])),
      RangeError,
      "ttn: the tensor of node 1 (leaf of mode 1) is 3x2x1, expected 2 modes",
    ],
    [
      "an inner node with two modes",
      broken(3, tensor([4, 2])),
      RangeError,
      "ttn: the tensor of node 3 is 4x2, expected 3 modes",
    ],
    [
      "mixed scalar types",
      broken(2, tensor([2, 2], "complex128")),
      TypeError,
      "ttn: the tensor of node 2 (leaf of mode 2) is complex128, that of node 0 is float64",
    ],
    [
      "a size of zero",
      broken(0, tensor([0, 2])),
      RangeError,
      "ttn: the tensor of node 0 (leaf of mode 0) is 0x2: a size is zero",
    ],
    [
      "ranks that disagree",
      broken(3, tensor([2, 3, 2])),
      RangeError,
      "ttn: the tensor of node 3 is 2x3x2, its child 1 (node 2) has rank 2, not 3",
    ],
    [
      "a root with a parent's rank",
      broken(4, tensor([2, 2, 2])),
      RangeError,
      "ttn: the tensor of the root is 2x2x2, expected a last mode of size 1",
    ],
    [
      "NaN",
      broken(
        2,
        fromFunction([2, 2], () => Number.NaN),
      ),
      RangeError,
      "ttn: the tensor of node 2 (leaf of mode 2) has entries that are not finite",
    ],
    [
      "infinity",
      broken(
        3,
        fromFunction([2, 2, 2], () => Number.NEGATIVE_INFINITY),
      ),
      RangeError,
      "ttn: the tensor of node 3 has entries that are not finite",
    ],
  ])("%s: refused, naming the node", (_, tensors, kind, message) => {
    expect(() => ttn(t, tensors)).toThrow(new kind(message));
    expect(() => checkTensors(t, tensors)).toThrow(kind);
  });

  test("a data array of another length is refused before it is used", () => {
    const wrong = { ...tensor([2, 2]), data: new Float64Array(3) };
    expect(() => ttn(t, broken(2, wrong))).toThrow(RangeError);
  });
});
