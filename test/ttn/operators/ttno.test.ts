import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { norm as frobenius } from "../../../src/linalg/level1.ts";
import { denseOf } from "../../../src/linalg/matrix-product.ts";
import { randomTensor, seeded } from "../../../src/linalg/random.ts";
import { asDtype, fromValues, identity, reshape, type Tensor } from "../../../src/linalg/tensor.ts";
import { xxz } from "../../../src/problems/quantum/hamiltonians.ts";
import { operators, statesWithOperators, trees } from "../../../src/testing/index.ts";
import { toDense } from "../../../src/ttn/arithmetic.ts";
import { randomState } from "../../../src/ttn/construct.ts";
import { moveCenter } from "../../../src/ttn/gauge.ts";
import { linearRhs } from "../../../src/ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../../src/ttn/operators/product-sum.ts";
import {
  adjoint,
  applyOperator,
  checkHermitian,
  checkSpace,
  denseOperator,
  entriesOf,
  hermitianDefect,
  operatorAsState,
} from "../../../src/ttn/operators/ttno.ts";
import { balanced, rootOf, train, tree } from "../../../src/ttn/tree.ts";
import { modeSizes, ranks, type TTN } from "../../../src/ttn/ttn.ts";
import { worstRatio } from "../checks.ts";
import { denseSum, distance, minus, product, relative, runs, transpose, Worst } from "../dense.ts";

const small = { maxLeaves: 6, maxEntries: 256, maxRank: 4 } as const;

const column = (y: TTN): Tensor => {
  const full = toDense(y);
  return reshape(asDtype(full, "complex128"), [full.shape.reduce((p, n) => p * n, 1), 1]);
};

const conjugated = (a: Tensor): Tensor => ({ ...a, data: a.data.map((v, i) => (i % 2 === 1 ? -v : v)) });

describe("an operator applied to a state", () => {
  test("is the full matrix times the full tensor; ranks multiply; the result is canonical", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(statesWithOperators(small, { maxTerms: 5 }), fc.nat(), ({ y, operator, terms }, where) => {
        const full = denseSum(modeSizes(y), terms);
        const image = applyOperator(operator, moveCenter(y, where % y.tree.nodes.length));
        expect(
          worst.of(distance(column(image), product(full, column(y))) / (frobenius(full) || 1)),
        ).toBeLessThanOrEqual(1e-13);
        expect(image.center).toBe(rootOf(y.tree));
        expect(worstRatio(image)).toBeLessThan(30);
        ranks(image).forEach((r, id) => {
          expect(r).toBeLessThanOrEqual(ranks(y)[id]! * operator.ranks[id]!);
        });
      }),
      { numRuns: runs(200) },
    );
    console.info(`applyOperator: ${worst.value.toExponential(1)}`);
  });

  test("the identity gives the state back, a real operator keeps it real", () => {
    const y = randomState(balanced(4), [2, 3, 2, 2], 3, seeded(1));
    const image = applyOperator(productSum(y.tree, [2, 3, 2, 2], [{ coefficient: 1, factors: [] }]), y);
    expect(image.tensors[0]!.dtype).toBe("float64");
    expect(relative(column(image), column(y))).toBeLessThanOrEqual(1e-15);
  });

  test("works on a single leaf", () => {
    const y = randomState(tree(0), [3], 1, seeded(2), "complex128");
    const a = randomTensor(seeded(3), [3, 3], "complex128");
    const h = productSum(y.tree, [3], [{ coefficient: { re: 0, im: 2 }, factors: [{ mode: 0, operator: a }] }]);
    expect(relative(column(applyOperator(h, y)), product(denseOperator(h), column(y)))).toBeLessThanOrEqual(1e-15);
  });
});

describe("adjoint and Hermitian defect", () => {
  test("the adjoint is the conjugate transpose of the full matrix", () => {
    fc.assert(
      fc.property(
        trees({ maxLeaves: 5 }).chain((t) =>
          operators(
            t,
            t.leaves.map((_, k) => 1 + (k % 3)),
          ),
        ),
        ({ operator }) => {
          const full = denseOperator(operator);
          expect(
            distance(denseOperator(adjoint(operator)), conjugated(asDtype(transpose(full), "complex128"))),
          ).toBeLessThanOrEqual(1e-13 * (frobenius(full) || 1));
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test("the defect is that of the full matrix, and zero to round-off for Hermitian terms", () => {
    fc.assert(
      fc.property(
        trees({ maxLeaves: 5 }).chain((t) =>
          fc.boolean().chain((hermitian) =>
            operators(
              t,
              t.leaves.map((_, k) => 1 + (k % 3)),
              { hermitian },
            ).map((h) => ({ hermitian, ...h })),
          ),
        ),
        ({ operator, terms, hermitian }) => {
          const full = asDtype(denseSum(operator.modeSizes, terms), "complex128");
          const size = frobenius(full);
          const expected = size === 0 ? 0 : frobenius(minus(full, conjugated(transpose(full)))) / size;
          const defect = hermitianDefect(operator);
          expect(Math.abs(defect - expected)).toBeLessThanOrEqual(1e-12);
          if (hermitian) checkHermitian("here", operator);
          else if (expected > 1e-11) expect(() => checkHermitian("here", operator)).toThrow(TypeError);
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test("a Hermitian operator whose parts are not is accepted; one term alone is refused with its defect", () => {
    const t = balanced(2);
    const raising = fromValues([2, 2], [0, 1, 0, 0]);
    const lowering = fromValues([2, 2], [0, 0, 1, 0]);
    const hop: ProductTerm = {
      coefficient: 1,
      factors: [
        { mode: 0, operator: raising },
        { mode: 1, operator: lowering },
      ],
    };
    const back: ProductTerm = {
      coefficient: 1,
      factors: [
        { mode: 0, operator: lowering },
        { mode: 1, operator: raising },
      ],
    };
    checkHermitian("hopping", productSum(t, [2, 2], [hop, back]));
    expect(linearRhs([{ operator: productSum(t, [2, 2], [hop, back]) }], { hermitian: true }).dtype).toBe("float64");
    expect(() => checkHermitian("hopping", productSum(t, [2, 2], [hop]))).toThrow(
      new TypeError("hopping: the operator is not Hermitian: |H - H*| / |H| is 1.4e+0, expected round-off"),
    );
    expect(hermitianDefect(productSum(t, [2, 2], []))).toBe(0);
  });

  test("the Heisenberg chain, complex in its terms, is Hermitian", () => {
    expect(hermitianDefect(xxz(balanced(8), { Delta: 0.5, hx: 0.1 }))).toBeLessThanOrEqual(1e-14);
  });
});

describe("the operator as data", () => {
  test("norms of the operator as a state are those of the full matrix", () => {
    fc.assert(
      fc.property(
        trees({ maxLeaves: 5 }).chain((t) =>
          operators(
            t,
            t.leaves.map((_, k) => 1 + (k % 3)),
          ),
        ),
        ({ operator, terms }) => {
          const state = operatorAsState(operator);
          const size = frobenius(denseSum(operator.modeSizes, terms));
          expect(Math.abs(frobenius(state.tensors[state.center]!) - size)).toBeLessThanOrEqual(1e-13 * size);
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test("entries of a leaf's core are the diagonal, each component of a leaf is used, cores are sparse", () => {
    const h = xxz(balanced(4));
    for (const leaf of h.tree.leaves)
      expect(entriesOf(h, leaf)).toEqual(h.matrices[leaf]!.map((_, a) => ({ index: [a, a], value: 1 })));
    h.tree.nodes.forEach(({ children }, id) => {
      expect(h.ranks[id]).toBe(
        children.length === 0 ? h.matrices[id]!.length : Math.max(...h.cores[id]!.map((e) => e.index.at(-1)!)) + 1,
      );
      const one = h.identities[id] ?? null;
      if (one !== null && children.length === 0)
        expect([...denseOf(h.matrices[id]![one]!).data]).toEqual([...identity(2).data]);
    });
  });

  test("another tree or other mode sizes are refused, naming both", () => {
    const h = xxz(balanced(3));
    const onTrain = randomState(train(3), [2, 2, 2], 2, seeded(1));
    const wide = randomState(balanced(3), [2, 3, 2], 2, seeded(1));
    expect(() => applyOperator(h, onTrain)).toThrow(
      new RangeError("applyOperator: the operator lives on the tree [[0,1],2], the state on [0,[1,2]]"),
    );
    expect(() => checkSpace("here", h, wide)).toThrow(
      new RangeError("here: the operator has mode sizes 2x2x2, the state 2x3x2"),
    );
  });
});
