import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { norm as frobenius } from "../../../src/linalg/level1.ts";
import { isDense } from "../../../src/linalg/matrix.ts";
import { denseOf } from "../../../src/linalg/matrix-product.ts";
import { randomTensor, seeded } from "../../../src/linalg/random.ts";
import { asDtype, type Dtype, reshape, sizeOf, type Tensor } from "../../../src/linalg/tensor.ts";
import { workspace } from "../../../src/linalg/workspace.ts";
import { trees } from "../../../src/testing/index.ts";
import { toDense } from "../../../src/ttn/arithmetic.ts";
import { randomState } from "../../../src/ttn/construct.ts";
import { moveCenter } from "../../../src/ttn/gauge.ts";
import { linearRhs } from "../../../src/ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../../src/ttn/operators/product-sum.ts";
import { adjoint, applyOperator, denseOperator, hermitianDefect } from "../../../src/ttn/operators/ttno.ts";
import type { TTN } from "../../../src/ttn/ttn.ts";
import { adjointOf, forms, randomMatrix } from "../../linalg/structured.ts";
import { denseSum, distance, product, runs } from "../dense.ts";

/** Sums of products whose factors have any form, on any tree; every factor is used a few times. */
const cases = trees({ maxLeaves: 5 }).chain((t) =>
  fc
    .record({
      sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: t.order, maxLength: t.order }),
      picks: fc.array(fc.array(fc.nat(3), { minLength: t.order, maxLength: t.order }), { maxLength: 7 }),
      kinds: fc.array(fc.constantFrom(...forms), { minLength: 3 * t.order, maxLength: 3 * t.order }),
      seed: fc.integer(),
      dtype: fc.constantFrom<Dtype>("float64", "complex128"),
    })
    .map(({ sizes, picks, kinds, seed, dtype }) => {
      const random = seeded(seed);
      const letters = sizes.map((n, k) => [0, 1, 2].map((i) => randomMatrix(random, [n, n], dtype, kinds[3 * k + i]!)));
      const terms = picks.map(
        (own): ProductTerm => ({
          coefficient: randomTensor(random, [1]).data[0]!,
          factors: own.flatMap((pick, mode) => (pick === 3 ? [] : [{ mode, operator: letters[mode]![pick]! }])),
        }),
      );
      return { tree: t, sizes, terms, dtype, random };
    }),
);

const dense = (terms: readonly ProductTerm[]): ProductTerm[] =>
  terms.map(({ coefficient, factors }) => ({
    coefficient,
    factors: factors.map(({ mode, operator }) => ({ mode, operator: denseOf(operator) })),
  }));

/** The norms of all terms: what round-off is measured by, also where terms cancel. */
const sizeOfTerms = (sizes: readonly number[], terms: readonly ProductTerm[]): number =>
  terms.reduce((sum, { coefficient, factors }) => {
    const norms = sizes.map((n, k) => {
      const factor = factors.find((f) => f.mode === k);
      return factor ? frobenius(denseOf(factor.operator)) : Math.sqrt(n);
    });
    return sum + Math.abs(coefficient as number) * norms.reduce((p, x) => p * x, 1);
  }, Number.EPSILON);

const column = (y: TTN): Tensor => {
  const full = asDtype(toDense(y), "complex128");
  return reshape(full, [sizeOf(full.shape), 1]);
};

/** The field of F(Y) = H Y seen from a node, at the node's own tensor. */
function field(h: ReturnType<typeof productSum>, y: TTN, node: number): Tensor {
  using frame = workspace().frame();
  const bound = linearRhs([{ operator: h }]).bind(y, node);
  const out = frame.take(bound.shapeOut, bound.dtype);
  bound.plan(frame)(0, asDtype(y.tensors[node]!, bound.dtype), out);
  return { ...out, data: out.data.slice() };
}

describe("operators with structured leaves", () => {
  test("are the sums of their terms, whatever form the factors have, real and complex", () => {
    fc.assert(
      fc.property(cases, ({ tree: t, sizes, terms }) => {
        const h = productSum(t, sizes, terms);
        expect(distance(denseOperator(h), denseSum(sizes, terms))).toBeLessThanOrEqual(
          1e-13 * sizeOfTerms(sizes, terms),
        );
      }),
      { numRuns: runs(150) },
    );
  });

  test("give the images, fields, adjoints and Hermitian defects of their dense copies", () => {
    fc.assert(
      fc.property(cases, fc.nat(), ({ tree: t, sizes, terms, random }, where) => {
        const [h, copy] = [productSum(t, sizes, terms), productSum(t, sizes, dense(terms))];
        const full = denseSum(sizes, terms);
        const size = sizeOfTerms(sizes, terms);
        const y = randomState(t, sizes, 3, random, "complex128");
        expect(distance(column(applyOperator(h, y)), product(full, column(y)))).toBeLessThanOrEqual(
          1e-13 * size * frobenius(column(y)),
        );
        const node = where % t.nodes.length;
        const at = moveCenter(y, node);
        expect(distance(field(h, at, node), field(copy, at, node))).toBeLessThanOrEqual(
          1e-13 * size * frobenius(column(y)),
        );
        expect(distance(denseOperator(adjoint(h)), adjointOf(full))).toBeLessThanOrEqual(1e-12 * size);
        if (
          terms.every(({ factors }) => factors.every(({ operator }) => isDense(operator) || operator.kind === "sparse"))
        )
          expect(Math.abs(hermitianDefect(h) - hermitianDefect(copy)) * frobenius(full)).toBeLessThanOrEqual(
            1e-12 * size,
          );
      }),
      { numRuns: runs(100) },
    );
  });
});
