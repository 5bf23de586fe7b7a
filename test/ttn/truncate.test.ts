import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { singularValues } from "../../src/linalg/factor.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { type Dtype, fromValues, reshape, sizeOf, type Tensor } from "../../src/linalg/tensor.ts";
import { states } from "../../src/testing/index.ts";
import { add, norm, scale, toDense } from "../../src/ttn/arithmetic.ts";
import { fromDense, productState, randomState } from "../../src/ttn/construct.ts";
import { keptRank } from "../../src/ttn/cut.ts";
import { moveCenter } from "../../src/ttn/gauge.ts";
import { balanced, edgesOf, modesBelow, type NodeId, rootOf, tree } from "../../src/ttn/tree.ts";
import {
  checkTruncation as checkOptions,
  entropy,
  schmidtValues,
  type Truncation,
  truncate,
} from "../../src/ttn/truncate.ts";
import { modeSizes, ranks, spreadRanks, type TTN } from "../../src/ttn/ttn.ts";
import { checkTruncation, settledShare, worstRatio } from "./checks.ts";
import { distance, naivePermute, runs, Worst } from "./dense.ts";

const decays = [1, 0.5, 0.1, 1e-2, 1e-4, 0];

/** The full tensor as a matrix (modes below the node) x (the others). */
function split(y: TTN, node: NodeId): Tensor {
  const full = toDense(y);
  const below = modesBelow(y.tree, node);
  const others = full.shape.map((_, k) => k).filter((k) => !below.includes(k));
  const rows = sizeOf(below.map((k) => full.shape[k]!));
  return reshape(naivePermute(full, [...below, ...others]), [rows, sizeOf(others.map((k) => full.shape[k]!))]);
}

describe("truncation by tolerance (B2)", () => {
  test("the error is at most the tolerance, ranks never grow, the discarded norm is the error, twice is once", () => {
    const worst = new Worst();
    worst.value = Number.NEGATIVE_INFINITY;
    fc.assert(
      fc.property(states({ decays }), fc.double({ min: 2, max: 14, noNaN: true }), (y, digits) => {
        worst.of(checkTruncation(y, 10 ** -digits));
      }),
      { numRuns: runs(200) },
    );
    expect(settledShare.reduce((a, b) => a + b, 0)).toBeGreaterThan(0.9 * settledShare.length);
    console.info(`B2: largest (error - tolerance) / |Y| ${worst.value.toExponential(1)}`);
  });

  test("no edge keeps directions that the ranks around it cannot tell apart", () => {
    fc.assert(
      fc.property(
        states({ decays, maxEntries: 512 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 16, maxLength: 16 }),
        (y, limits) => {
          const { y: cut, discarded } = truncate(y, { tolerance: 1e-6, maxRank: limits.slice(0, y.tree.nodes.length) });
          const r = ranks(cut);
          expect(spreadRanks(cut.tree, modeSizes(cut), r)).toBe(r);
          expect(Math.abs(discarded - distance(toDense(cut), toDense(y)))).toBeLessThanOrEqual(
            0.01 * discarded + 1e-12,
          );
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test("a relative tolerance is one in units of the norm, and the centre may lie anywhere", () => {
    fc.assert(
      fc.property(states({ decays, maxEntries: 512 }), fc.nat(), (y, where) => {
        const big = scale(1e5, moveCenter(y, where % y.tree.nodes.length));
        const { y: cut, discarded } = truncate(big, { tolerance: 1e-3, relative: true });
        expect(distance(toDense(cut), toDense(big))).toBeLessThanOrEqual(1e-3 * norm(big) * (1 + 1e-10));
        expect(discarded).toBeLessThanOrEqual(1e-3 * norm(big));
        expect(ranks(cut)).toEqual(ranks(truncate(big, { tolerance: 1e-3 * norm(big) }).y));
      }),
      { numRuns: runs(100) },
    );
  });

  test('"off" cuts nothing but round-off: exact ranks come back', () => {
    fc.assert(
      fc.property(states({ maxEntries: 512 }), (y) => {
        const { y: same, discarded } = truncate(y, { tolerance: "off" });
        expect(distance(toDense(same), toDense(y))).toBeLessThanOrEqual(1e-14);
        expect(discarded).toBeLessThanOrEqual(1e-15);
      }),
      { numRuns: runs(100) },
    );
  });

  test("the largest and the smallest rank win over the tolerance, one for all edges or one for each", () => {
    fc.assert(
      fc.property(states({ maxEntries: 512 }), fc.integer({ min: 1, max: 4 }), (y, limit) => {
        const before = ranks(y);
        for (const maxRank of [limit, before.map(() => limit)]) {
          const { y: cut, discarded } = truncate(y, { tolerance: 1e-14, maxRank });
          expect(Math.max(...ranks(cut))).toBeLessThanOrEqual(limit);
          expect(Math.abs(discarded - distance(toDense(cut), toDense(y)))).toBeLessThanOrEqual(
            0.01 * discarded + 1e-12,
          );
          // quasi-optimal: no tail of Schmidt values on any edge is larger than what was discarded
          const worst = Math.max(
            0,
            ...edgesOf(y.tree).map((id) => Math.hypot(0, ...schmidtValues(y, id).subarray(limit))),
          );
          expect(discarded).toBeGreaterThanOrEqual(worst * (1 - 1e-10));
          const total = Math.hypot(0, ...edgesOf(y.tree).flatMap((id) => [...schmidtValues(y, id).subarray(limit)]));
          expect(discarded).toBeLessThanOrEqual(total * (1 + 1e-10) + 1e-13);
        }
        const coarse = ranks(truncate(y, { tolerance: 10, minRank: limit }).y);
        coarse.forEach((r, id) => {
          expect(r).toBeLessThanOrEqual(before[id]!);
        });
        if (edgesOf(y.tree).length > 0) expect(Math.max(...coarse)).toBeLessThanOrEqual(Math.max(limit, 1));
      }),
      { numRuns: runs(100) },
    );
  });

  test("a product state with padded ranks comes back with rank one everywhere, unchanged", () => {
    const v = fromValues([3], [1, 2, -1]);
    const y = productState(balanced(5), [v, v, v, v, v], 4);
    const { y: cut, discarded } = truncate(y, { tolerance: 1e-10 });
    expect(new Set(ranks(cut))).toEqual(new Set([1]));
    expect(discarded).toBeLessThanOrEqual(1e-12 * norm(y));
    expect(distance(toDense(cut), toDense(y))).toBeLessThanOrEqual(1e-13 * norm(y));
  });

  test("the zero tensor and a single leaf are cut to themselves", () => {
    const zero = scale(0, randomState(balanced(3), [2, 3, 2], 2, seeded(1)));
    expect(ranks(truncate(zero, { tolerance: 1e-8 }).y)).toEqual([1, 1, 1, 1, 1]);
    const leaf = fromDense(tree(0), fromValues([3], [1, 2, 3]));
    expect(truncate(leaf, { tolerance: 1 })).toEqual({ y: leaf, discarded: 0 });
  });

  test('with "off" edges within their limits stay, whatever their amplitude', () => {
    const random = seeded(3);
    const [a, b] = [2, 2].map((r) => randomState(balanced(4), [3, 4, 3, 4], r, random)) as [TTN, TTN];
    const faint = add(a, scale(1e-30, b));
    for (const y of [faint, scale(0, faint)]) {
      const { y: same, discarded } = truncate(y, { tolerance: "off", maxRank: 8 });
      expect(ranks(same)).toEqual([3, 4, 4, 3, 4, 4, 1]);
      expect(discarded).toBe(0);
    }
    const below = ranks(truncate(faint, { tolerance: "off", maxRank: [3, 2, 8, 8, 8, 8, 8] }).y);
    expect(below[1]).toBe(2);
    expect(below.slice(3, 5)).toEqual([3, 4]);
    const { discarded } = truncate(a, { tolerance: 1e-3 });
    expect(discarded).toBe(0);
  });

  test("what both sides of the root discard is counted once, however little it is", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 1, max: 11, noNaN: true }),
        fc.constantFrom<Dtype>("float64", "complex128"),
        (seed, digits, dtype) => {
          // a state of rank 2 and a small one of rank 2, which is seen on every edge at once: on both sides of the root
          const random = seeded(seed);
          const shape = balanced(6);
          const sizes = [2, 3, 2, 3, 2, 2];
          const small = 10 ** -digits;
          const [large, other] = [2, 2].map((r) => randomState(shape, sizes, r, random, dtype)) as [TTN, TTN];
          const y = add(scale(1 / norm(large), large), scale(small / norm(other), other));
          const { y: cut, discarded } = truncate(y, { tolerance: "off", maxRank: 2 });
          const error = distance(toDense(cut), toDense(y));
          worst.of(Math.abs(discarded - error) / error);
        },
      ),
      { numRuns: runs(100) },
    );
    expect(worst.value).toBeLessThan(0.01);
    console.info(`discarded on both sides: wrong by ${worst.value.toExponential(1)} at most`);
  });

  test("small singular values next to large ones do not spoil a cut of fixed rank", () => {
    fc.assert(
      fc.property(states({ decays: [1e-4], maxRank: 4, maxEntries: 1024 }), (y) => {
        const { y: cut, discarded } = truncate(y, { tolerance: "off", maxRank: 2 });
        const tails = Math.hypot(0, ...edgesOf(y.tree).flatMap((id) => [...schmidtValues(y, id).subarray(2)]));
        expect(distance(toDense(cut), toDense(y))).toBeLessThanOrEqual(tails * (1 + 1e-8) + 1e-14);
        expect(discarded).toBeLessThanOrEqual(tails * (1 + 1e-8) + 1e-14);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe("the paper's truncation", () => {
  test("cuts by the singular values of the node tensors: error below (|C_root| (nodes - 1) + 1) tolerance, canonical", () => {
    fc.assert(
      fc.property(states({ decays }), fc.double({ min: 2, max: 12, noNaN: true }), (y, digits) => {
        const tolerance = 10 ** -digits;
        const { y: cut } = truncate(y, { tolerance, method: "paper" });
        const bound = (norm(y) * (y.tree.nodes.length - 1) + 1) * tolerance;
        expect(distance(toDense(cut), toDense(y))).toBeLessThanOrEqual(bound + 1e-14);
        expect(worstRatio(cut)).toBeLessThan(30);
        ranks(cut).forEach((r, id) => {
          expect(r).toBeLessThanOrEqual(ranks(y)[id]!);
        });
      }),
      { numRuns: runs(200) },
    );
  });

  test("agrees with the weighted one on a tree of one level, up to how the tolerance is split", () => {
    const y = scale(1, randomState(tree([0, 1]), [5, 4], 4, seeded(3), "complex128"));
    const s = schmidtValues(y, 0);
    const tolerance = (s[2]! + s[3]!) / 2;
    const paper = truncate(y, { tolerance, method: "paper" });
    expect(ranks(paper.y)).toEqual([3, 3, 1]);
    expect(distance(toDense(paper.y), toDense(y))).toBeCloseTo(s[3]!, 12);
    expect(ranks(truncate(y, { tolerance: tolerance * Math.SQRT2 }).y)).toEqual([3, 3, 1]);
  });
});

describe("kept rank", () => {
  test.each<[number[], number, number, number, number]>([
    [[4, 3, 0.1], 0.1, 1, 9, 2],
    [[4, 3, 0.1], 0.0999, 1, 9, 3],
    [[4, 3, 0.1], 5.1, 1, 9, 1],
    [[4, 3, 0.1], 5.1, 2, 9, 2],
    [[4, 3, 0.1], 0, 1, 2, 2],
    [[0, 0], 0, 1, 9, 1],
    [[4], 0, 3, 9, 1],
  ])("of %j at %d, between %d and %d, is %d", (s, theta, min, max, rank) => {
    expect(keptRank(Float64Array.from(s), theta, min, max)).toBe(rank);
  });

  test.each<[number[], number, number]>([
    [[4, 3, 0.2, 0.1], 0.31, 3], // the tail 0.2 + 0.1 may go: of the two, one is kept
    [[4, 3, 0.2, 0.1], 0.29, 4],
    [[4, 3, 0.2, 0.1], 0.05, 4], // nothing may go
    [[4, 3, 0.2, 0.1], 10, 1],
    [[0, 0], 0, 1],
  ])("of %j at %d, by sums of tails and one more, is %d", (s, theta, rank) => {
    expect(keptRank(Float64Array.from(s), theta, 1, 9, "l1-keep-one")).toBe(rank);
  });

  test.each(["weighted", "paper"] as const)("%s: keeping one more discards less", (method) => {
    const y = randomState(balanced(4), [5, 4, 6, 3], 5, seeded(4));
    const options = { tolerance: 0.3, relative: true, method };
    const l2 = truncate(y, options);
    const kept = truncate(y, { ...options, tail: "l1-keep-one" });
    expect(kept.discarded).toBeLessThan(l2.discarded);
    expect(distance(toDense(kept.y), toDense(y))).toBeLessThan(distance(toDense(l2.y), toDense(y)));
    expect(() => truncate(y, { ...options, tail: "l1" as "l2" })).toThrow(
      /tail is "l1", expected "l2" or "l1-keep-one"/,
    );
  });
});

describe("Schmidt values and entropy", () => {
  test("are the singular values of the full tensor split at the edge", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(states({ decays: [1, 0.1, 0], maxEntries: 1024 }), (y) => {
        for (const id of edgesOf(y.tree)) {
          const s = schmidtValues(y, id);
          const full = singularValues(split(y, id)).slice(0, s.length);
          s.forEach((v, k) => {
            worst.of(Math.abs(v - (full[k] ?? 0)));
          });
          expect(worst.value).toBeLessThanOrEqual(1e-13);
          const p = [...full].map((v) => v * v).filter((v) => v > 0);
          const total = p.reduce((a, b) => a + b, 0);
          expect(entropy(y, id)).toBeCloseTo(-p.reduce((sum, q) => sum + (q / total) * Math.log(q / total), 0), 11);
        }
      }),
      { numRuns: runs(100) },
    );
    console.info(`Schmidt values: ${worst.value.toExponential(1)}`);
  });

  test("a Bell pair has entropy log 2, whatever its norm; a product none", () => {
    const bell = fromDense(tree([0, 1]), fromValues([2, 2], [3, 0, 0, 3]));
    expect(entropy(bell, 0)).toBeCloseTo(Math.LN2, 14);
    expect(entropy(fromDense(tree([0, 1]), fromValues([2, 2], [1, 2, 2, 4])), 1)).toBe(0);
  });

  test.each([4, -1, Number.NaN])("node %d has no edge above it in a tree of five nodes: a RangeError", (node) => {
    const y = fromDense(balanced(3), randomTensor(seeded(1), [2, 2, 2]));
    expect(rootOf(y.tree)).toBe(4);
    expect(() => schmidtValues(y, node)).toThrow(
      new RangeError(`schmidtValues: node ${node} has no edge to a parent, expected 0 to 3`),
    );
  });
});

describe("options", () => {
  test.each<[Truncation, string]>([
    [{ tolerance: 0 }, 'truncation: tolerance is 0, expected a positive number, or "off"'],
    [{ tolerance: -1 }, 'truncation: tolerance is -1, expected a positive number, or "off"'],
    [{ tolerance: Number.NaN }, 'truncation: tolerance is NaN, expected a positive number, or "off"'],
    [
      { tolerance: Number.POSITIVE_INFINITY },
      'truncation: tolerance is Infinity, expected a positive number, or "off"',
    ],
    [{ tolerance: 1, maxRank: 0 }, "truncation: maxRank is 0, expected a positive integer"],
    [{ tolerance: 1, maxRank: 1.5 }, "truncation: maxRank is 1.5, expected a positive integer"],
    [{ tolerance: 1, maxRank: [1, 0, 1] }, "truncation: maxRank is 0, expected a positive integer"],
    [{ tolerance: 1, minRank: Number.NaN }, "truncation: minRank is NaN, expected a positive integer"],
  ])("%j is refused", (options, message) => {
    const y = fromDense(tree([0, 1]), fromValues([2, 2], [3, 0, 0, 3]));
    expect(() => truncate(y, options)).toThrow(new RangeError(message));
    expect(() => checkOptions(options)).toThrow(RangeError);
  });

  test("a list of largest ranks has to have one for each node", () => {
    const y = fromDense(tree([0, 1]), fromValues([2, 2], [3, 0, 0, 3]));
    expect(() => truncate(y, { tolerance: 1, maxRank: [1, 1] })).toThrow(
      new RangeError("truncation: maxRank has 2 entries, the tree has 3 nodes"),
    );
  });
});
