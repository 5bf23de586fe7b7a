import { describe, expect, test } from "vitest";
import { seeded } from "../../src/linalg/random.ts";
import { powerLaw } from "../../src/problems/quantum/hamiltonians.ts";
import { spinOperators } from "../../src/problems/quantum/spin-operators.ts";
import { inner, norm } from "../../src/ttn/arithmetic.ts";
import { randomState } from "../../src/ttn/construct.ts";
import { centers } from "../../src/ttn/gauge.ts";
import { expectation } from "../../src/ttn/operators/linear-rhs.ts";
import { pairwise } from "../../src/ttn/operators/pairwise.ts";
import { applyOperator } from "../../src/ttn/operators/ttno.ts";
import { balanced, star, type Tree, train, tree } from "../../src/ttn/tree.ts";
import { truncate } from "../../src/ttn/truncate.ts";
import { ranks } from "../../src/ttn/ttn.ts";
import { checkFrames, checkGauge, checkNorm, checkRoundTrip, checkTruncation, worstRatio } from "./checks.ts";

const repeat = (n: number, times: number): number[] => Array<number>(times).fill(n);

/** Few modes of size two in the midst of many of size one. */
const sparse = (d: number): number[] => Array.from({ length: d }, (_, k) => (k % 3 === 1 ? 2 : 1));

const cases: [string, Tree, number[], number][] = [
  ["one leaf", tree(0), [5], 1],
  ["one leaf of size one", tree(0), [1], 1],
  ["two leaves, a matrix", balanced(2), [5, 4], 4],
  ["a chain (tensor train)", train(6), [2, 3, 2, 2, 3, 2], 4],
  ["a chain with modes out of order", tree([3, [0, [4, [1, 2]]]]), [2, 3, 2, 2, 3], 4],
  ["a star (Tucker)", star(5), [2, 3, 2, 3, 2], 2],
  ["a star of ten", star(10), repeat(2, 10), 2],
  ["all mode sizes one", balanced(5), repeat(1, 5), 3],
  ["some mode sizes one", balanced(6), [1, 3, 1, 2, 4, 1], 4],
  ["rank one", balanced(6), repeat(3, 6), 1],
  [
    "a tree of one level above another",
    tree([
      [0, 1, 2],
      [3, 4, 5],
    ]),
    repeat(2, 6),
    5,
  ],
  ["order 26, balanced", balanced(26), sparse(26), 3],
  ["order 26, a chain", train(26), sparse(26), 3],
  ["order 26, rank one", balanced(26), sparse(26), 1],
];

describe.each(cases)("%s (B8)", (_, t, sizes, rank) => {
  for (const dtype of ["float64", "complex128"] as const) {
    const y = randomState(t, sizes, rank, seeded(11), dtype);

    test(`${dtype}: round trip, truncation, gauge, norm and frames are as for any tree`, () => {
      checkRoundTrip(y);
      for (const tolerance of [1e-14, 1e-6, 1e-2, 0.5]) checkTruncation(y, tolerance);
      checkGauge(y);
      checkNorm(y);
      checkFrames(y);
    });
  }
});

describe("order 26, all modes of size two, no full tensor", () => {
  const { X, n } = spinOperators;
  const [a, b] = [1, 2].map((seed) => randomState(balanced(26), repeat(2, 26), 6, seeded(seed), "complex128")) as [
    ReturnType<typeof randomState>,
    ReturnType<typeof randomState>,
  ];

  test("all centres have one norm, and inner products do not depend on them", () => {
    const overlap = inner(a, b);
    for (const at of centers(a)) {
      expect(Math.abs(norm(at) - 1)).toBeLessThanOrEqual(1e-13);
      expect(worstRatio(at)).toBeLessThan(30);
      const z = inner(at, b);
      expect(Math.hypot(z.re - overlap.re, z.im - overlap.im)).toBeLessThanOrEqual(1e-13);
    }
  });

  test("a cut by rank discards what its overlap says: |Y|^2 = |cut|^2 + discarded^2", () => {
    const { y, discarded } = truncate(a, { tolerance: "off", maxRank: 3 });
    expect(Math.max(...ranks(y))).toBe(3);
    expect(norm(y) ** 2 + discarded ** 2).toBeCloseTo(1, 12);
    expect(inner(y, a).re).toBeCloseTo(norm(y) ** 2, 12);
  });

  test("<Y, H Y> is the inner product of Y with H applied to it", () => {
    const h = pairwise(
      balanced(26),
      powerLaw(26, 2, 1),
      repeat(0, 26).map(() => n!),
      repeat(0, 26).map(() => X!),
    );
    const energy = expectation(h, a);
    const image = applyOperator(h, a);
    const z = inner(a, image);
    expect(Math.hypot(z.re - energy.re, z.im - energy.im)).toBeLessThanOrEqual(1e-12 * norm(image));
    expect(Math.abs(energy.im)).toBeLessThanOrEqual(1e-12 * norm(image));
  });
});
