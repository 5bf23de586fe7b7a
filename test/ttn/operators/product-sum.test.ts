import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scaled } from "../../../src/linalg/contract.ts";
import { norm as frobenius } from "../../../src/linalg/level1.ts";
import { randomTensor, seeded } from "../../../src/linalg/random.ts";
import {
  entry,
  fromFunction,
  fromValues,
  identity,
  type Scalar,
  type Tensor,
  tensor,
} from "../../../src/linalg/tensor.ts";
import { longRangeIsing, powerLaw } from "../../../src/problems/quantum/hamiltonians.ts";
import { spinOperators } from "../../../src/problems/quantum/spin-operators.ts";
import { operators, productTerms, trees } from "../../../src/testing/index.ts";
import { pairwise } from "../../../src/ttn/operators/pairwise.ts";
import { type ProductTerm, productSum } from "../../../src/ttn/operators/product-sum.ts";
import { denseOperator, dtypeOfOperator, type TTNO } from "../../../src/ttn/operators/ttno.ts";
import { balanced, edgesOf, modesBelow, star, type Tree, train, tree } from "../../../src/ttn/tree.ts";
import { addTo, denseSum, distance, eye, kron, relative, runs, Worst } from "../dense.ts";

const sizesOf = (t: Tree, from = 0): number[] => t.leaves.map((_, k) => 1 + ((k + from) % 3));
const matrix = (n: number, seed: number): Tensor => randomTensor(seeded(seed), [n, n], "complex128");

describe("a sum of products in tree form", () => {
  test("is the Kronecker sum, for complex non-symmetric terms on any tree", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(
        trees({ maxLeaves: 6 }).chain((t) =>
          fc.integer({ min: 0, max: 2 }).chain((from) => {
            const sizes = sizesOf(t, from);
            return operators(t, sizes, { maxTerms: 8, dtypes: ["complex128", "float64"] }).map((h) => ({
              sizes,
              ...h,
            }));
          }),
        ),
        ({ sizes, operator, terms }) => {
          const full = denseSum(sizes, terms);
          expect(worst.of(relative(denseOperator(operator), full))).toBeLessThanOrEqual(1e-12);
        },
      ),
      { numRuns: runs(200) },
    );
    console.info(`productSum: ${worst.value.toExponential(1)}`);
  });

  test("its ranks are at most those of the terms that cross an edge, plus identity and closed terms", () => {
    fc.assert(
      fc.property(
        trees({ maxLeaves: 6 }).chain((t) => operators(t, sizesOf(t, 1), { maxTerms: 8 }).map((h) => ({ t, ...h }))),
        ({ t, operator, terms }) => {
          for (const id of edgesOf(t)) {
            const below = new Set(modesBelow(t, id));
            const crossing = terms.filter(({ factors }) => {
              const inside = factors.filter((f) => below.has(f.mode)).length;
              return inside > 0 && inside < factors.length;
            });
            expect(operator.ranks[id]).toBeLessThanOrEqual(crossing.length + 2);
          }
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test("linearly dependent factors become one partner", () => {
    const [a, b, c] = [matrix(3, 1), matrix(3, 2), matrix(2, 3)];
    const sum = fromFunction([3, 3], (i, j) => {
      const [x, y] = [entry(a, i, j), entry(b, i, j)];
      return { re: x.re + 2 * y.re, im: x.im + 2 * y.im };
    });
    const t = balanced(2);
    // a (x) c + 2 b (x) c - (a + 2b) (x) c + a (x) c  =  a (x) c : one partner on each side
    const terms: ProductTerm[] = (
      [
        [1, a],
        [2, b],
        [-1, sum],
        [1, a],
      ] as [Scalar, Tensor][]
    ).map(([coefficient, operator]) => ({
      coefficient,
      factors: [
        { mode: 0, operator },
        { mode: 1, operator: c },
      ],
    }));
    const h = productSum(t, [3, 2], terms);
    expect(h.ranks).toEqual([1, 1, 1]);
    expect(relative(denseOperator(h), kron(a, c))).toBeLessThanOrEqual(1e-14);
  });

  test("terms that cancel vanish, up to the tolerance", () => {
    const terms: ProductTerm[] = [1, -1].map((coefficient) => ({
      coefficient,
      factors: [
        { mode: 0, operator: matrix(2, 1) },
        { mode: 2, operator: matrix(2, 2) },
      ],
    }));
    const h = productSum(balanced(3), [2, 2, 2], terms);
    expect(frobenius(denseOperator(h))).toBe(0);
    expect(h.ranks).toEqual([1, 1, 1, 1, 1]);
  });

  test("constants, and nothing but constants", () => {
    const one: ProductTerm = { coefficient: { re: 2, im: -1 }, factors: [] };
    const x: ProductTerm = { coefficient: 1, factors: [{ mode: 1, operator: matrix(3, 4) }] };
    for (const t of [balanced(3), star(3), train(3)]) {
      const expected = tensor([12, 12], "complex128");
      addTo(expected, { re: 4, im: -2 }, eye(12));
      expect(distance(denseOperator(productSum(t, [2, 3, 2], [one, one])), expected)).toBeLessThanOrEqual(1e-14);
      expect(
        relative(denseOperator(productSum(t, [2, 3, 2], [one, x, one])), denseSum([2, 3, 2], [one, x, one])),
      ).toBeLessThanOrEqual(1e-14);
    }
  });

  test("the zero operator has one component everywhere", () => {
    for (const terms of [
      [],
      [{ coefficient: 0, factors: [] }],
      [{ coefficient: 5, factors: [{ mode: 1, operator: tensor([2, 2]) }] }],
    ]) {
      const h = productSum(balanced(4), [2, 2, 2, 2], terms);
      expect(h.ranks).toEqual([1, 1, 1, 1, 1, 1, 1]);
      expect(frobenius(denseOperator(h))).toBe(0);
    }
  });

  test("on a single leaf it is the sum of the matrices", () => {
    const terms: ProductTerm[] = [
      { coefficient: 3, factors: [] },
      { coefficient: { re: 0, im: 1 }, factors: [{ mode: 0, operator: matrix(3, 1) }] },
      { coefficient: 2, factors: [{ mode: 0, operator: matrix(3, 2) }] },
    ];
    const h = productSum(tree(0), [3], terms);
    expect(h.ranks).toEqual([1]);
    expect(relative(denseOperator(h), denseSum([3], terms))).toBeLessThanOrEqual(1e-15);
    expect(frobenius(denseOperator(productSum(tree(0), [3], [])))).toBe(0);
  });

  test("factors in any units: a tiny matrix against a huge one is not lost", () => {
    for (const unit of [1e-30, 1e-15, 1e15, 1e150]) {
      const [a, b] = [matrix(2, 1), matrix(3, 2)];
      const terms: ProductTerm[] = [
        {
          coefficient: 1,
          factors: [
            { mode: 0, operator: scaled(unit, a) },
            { mode: 1, operator: scaled(1 / unit, b) },
          ],
        },
        {
          coefficient: { re: 0.5, im: 1 },
          factors: [
            { mode: 0, operator: b.shape[0] === 2 ? b : matrix(2, 5) },
            { mode: 1, operator: matrix(3, 6) },
          ],
        },
      ];
      const h = productSum(balanced(2), [2, 3], terms);
      expect(relative(denseOperator(h), denseSum([2, 3], terms))).toBeLessThanOrEqual(1e-14);
    }
  });

  test("multiplying every coefficient by a power of two changes no rank", () => {
    fc.assert(
      fc.property(productTerms([2, 3, 2, 2], { maxTerms: 8 }), fc.integer({ min: -60, max: 60 }), (terms, e) => {
        const t = balanced(4);
        const grown = terms.map(({ coefficient, factors }) => {
          const { re, im } = coefficient as { re: number; im: number };
          return { coefficient: { re: re * 2 ** e, im: im * 2 ** e }, factors };
        });
        const [a, b] = [productSum(t, [2, 3, 2, 2], terms), productSum(t, [2, 3, 2, 2], grown)];
        expect(b.ranks).toEqual(a.ranks);
        expect(relative(scaled(2 ** -e, denseOperator(b)), denseOperator(a))).toBeLessThanOrEqual(1e-13);
      }),
      { numRuns: runs(50) },
    );
  });

  test("real terms make a real operator, complex ones a complex one", () => {
    const real = productSum(
      balanced(2),
      [2, 2],
      [{ coefficient: { re: 2, im: 0 }, factors: [{ mode: 0, operator: identity(2) }] }],
    );
    expect(dtypeOfOperator(real)).toBe("float64");
    const one = productSum(balanced(2), [2, 2], [{ coefficient: { re: 0, im: 1 }, factors: [] }]);
    expect(dtypeOfOperator(one)).toBe("complex128");
  });

  const factor = (mode: number, operator = identity(2)) => ({ mode, operator });
  test.each<[string, number[], ProductTerm[], string]>([
    ["mode sizes that do not fit", [2], [], "productSum: 1 mode sizes for a tree of 2 leaves"],
    [
      "a coefficient that is NaN",
      [2, 2],
      [{ coefficient: Number.NaN, factors: [] }],
      "productSum: term 0 has coefficient NaN + 0i, expected a finite number",
    ],
    [
      "a mode that does not exist",
      [2, 2],
      [{ coefficient: 1, factors: [factor(2)] }],
      "productSum: term 0 acts on mode 2, the tree has modes 0 to 1",
    ],
    [
      "two factors on one mode",
      [2, 2],
      [
        { coefficient: 1, factors: [] },
        { coefficient: 1, factors: [factor(1), factor(1)] },
      ],
      "productSum: term 1 has two factors on mode 1; multiply them first",
    ],
    [
      "a matrix of another size",
      [2, 3],
      [{ coefficient: 1, factors: [factor(1)] }],
      "productSum: the factor of term 0 on mode 1 is 2x2, expected 3x3",
    ],
    [
      "a matrix that is not finite",
      [2, 2],
      [{ coefficient: 1, factors: [factor(0, fromValues([2, 2], [0, 0, Number.POSITIVE_INFINITY, 0]))] }],
      "productSum: the factor of term 0 on mode 0 is not finite",
    ],
  ])("%s: refused, naming the term", (_, sizes, terms, message) => {
    expect(() => productSum(balanced(2), sizes, terms)).toThrow(new RangeError(message));
  });
});

describe("pairwise interactions", () => {
  test("equal their Kronecker sum, for complex couplings and different matrices on every site", () => {
    fc.assert(
      fc.property(trees({ maxLeaves: 6 }), fc.integer(), (t, seed) => {
        const random = seeded(seed);
        const d = t.order;
        const beta = randomTensor(random, [d, d], "complex128");
        const a = t.leaves.map(() => randomTensor(random, [2, 2], "complex128"));
        const local = t.leaves.map((_, k) => (k % 2 === 0 ? randomTensor(random, [2, 2], "complex128") : null));
        const terms: ProductTerm[] = local.flatMap((operator, mode) =>
          operator ? [{ coefficient: 1, factors: [{ mode, operator }] }] : [],
        );
        for (let i = 0; i < d; i++)
          for (let j = i + 1; j < d; j++)
            terms.push({
              coefficient: entry(beta, i, j),
              factors: [
                { mode: i, operator: a[i]! },
                { mode: j, operator: a[j]! },
              ],
            });
        const h = pairwise(t, beta, a, local);
        expect(
          relative(
            denseOperator(h),
            denseSum(
              t.leaves.map(() => 2),
              terms,
            ),
          ),
        ).toBeLessThanOrEqual(1e-12);
      }),
      { numRuns: runs(100) },
    );
  });

  test("a coupling matrix of another size is refused", () => {
    expect(() => pairwise(balanced(3), identity(2), [identity(2), identity(2), identity(2)])).toThrow(
      /coupling matrix is 2x2/,
    );
  });

  test("what the tolerance cuts is an error of at most tolerance x largest coefficient x edges", () => {
    const n = spinOperators["n"]!;
    for (const alpha of [1, 3])
      for (const tolerance of [1e-2, 1e-4]) {
        const t = balanced(8);
        const beta = powerLaw(8, 2, alpha);
        const exact = denseOperator(pairwise(t, beta, Array<Tensor>(8).fill(n), []));
        const cut = denseOperator(pairwise(t, beta, Array<Tensor>(8).fill(n), [], tolerance));
        const largest = cut.data.reduce((m, v, i) => Math.max(m, Math.abs(v - exact.data[i]!)), 0);
        // n is a projector: a coupling matrix that is off by delta changes an entry by at most sum |delta| <= d |delta|_F / 2
        expect(largest).toBeLessThanOrEqual(tolerance * 2 * edgesOf(t).length * 4);
      }
  });
});

describe("the long-range Ising chain", () => {
  test.each([0, 1, 1.5, 3, Number.POSITIVE_INFINITY])(
    "for alpha = %d equals the full matrix on eight sites to 1e-12",
    (alpha) => {
      const [Omega, Delta, nu, d] = [0.7, -1.3, 2, 8];
      const { X, n } = spinOperators as Record<string, Tensor>;
      const terms: ProductTerm[] = [];
      for (let i = 0; i < d; i++) {
        terms.push(
          { coefficient: Omega, factors: [{ mode: i, operator: X! }] },
          { coefficient: Delta, factors: [{ mode: i, operator: n! }] },
        );
        for (let j = i + 1; j < d; j++) {
          const coefficient = alpha === Number.POSITIVE_INFINITY ? (j === i + 1 ? nu : 0) : nu / (j - i) ** alpha;
          terms.push({
            coefficient,
            factors: [
              { mode: i, operator: n! },
              { mode: j, operator: n! },
            ],
          });
        }
      }
      const full = denseSum(Array<number>(d).fill(2), terms);
      for (const t of [balanced(d), train(d), star(d), tree([[0, 7, [1, 6]], [2, [5, 3]], 4])])
        expect(relative(denseOperator(longRangeIsing(t, { Omega, Delta, nu, alpha })), full)).toBeLessThanOrEqual(
          1e-12,
        );
    },
  );

  // { "d8_alpha1": { "1e-12": { "4": 6, ... } } }: the largest rank of the edges above subtrees of 4 leaves, ...
  const near = new URL("../../../../shared/reference/ttno_edge_ranks.json", import.meta.url);
  const committed = new URL("../../data/ttno_edge_ranks.json", import.meta.url);
  const reference = JSON.parse(readFileSync(existsSync(near) ? near : committed, "utf8")) as Record<
    string,
    Record<string, Record<string, number>>
  >;

  const largestBySize = (t: Tree, h: TTNO): Record<string, number> => {
    const found: Record<string, number> = {};
    for (const id of edgesOf(t)) {
      const size = modesBelow(t, id).length;
      found[size] = Math.max(found[size] ?? 0, h.ranks[id]!);
    }
    return found;
  };

  test.each(Object.keys(reference))("%s: edge ranks are the minimal ones at every tolerance", (key) => {
    const [, sites, exponent] = /^d(\d+)_alpha(.+)$/.exec(key)!;
    const d = Number(sites);
    const t = balanced(d);
    const { X, n } = spinOperators as Record<string, Tensor>;
    const beta = powerLaw(d, 2, exponent === "inf" ? Number.POSITIVE_INFINITY : Number(exponent));
    for (const [tolerance, ranks] of Object.entries(reference[key]!)) {
      const h = pairwise(t, beta, Array<Tensor>(d).fill(n!), Array<Tensor>(d).fill(X!), Number(tolerance));
      expect(largestBySize(t, h), `tolerance ${tolerance}`).toEqual(ranks);
    }
  });
});
