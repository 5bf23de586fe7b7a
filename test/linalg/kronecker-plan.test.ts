import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyKroneckerSum, planKroneckerSum } from "../../src/linalg/kronecker-plan.ts";
import { type KroneckerTerm, kroneckerSum } from "../../src/linalg/kronecker-sum.ts";
import { norm } from "../../src/linalg/level1.ts";
import { denseOf } from "../../src/linalg/matrix-product.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import {
  asDtype,
  type Complex,
  complex,
  type Dtype,
  fromFunction,
  type Scalar,
  type Tensor,
  tensor,
  times,
} from "../../src/linalg/tensor.ts";
import { workspace } from "../../src/linalg/workspace.ts";
import { addTo, distance, naiveModeProduct, runs } from "../ttn/dense.ts";
import { forms, randomMatrix } from "./structured.ts";

/** sum_k c_k X x_1 M_1k x_2 M_2k ..., by definition. */
function naive(terms: readonly KroneckerTerm[], x: Tensor, shapeOut: readonly number[]): Tensor {
  const out = tensor(shapeOut, "complex128");
  for (const { coefficient, matrices } of terms)
    addTo(
      out,
      coefficient,
      matrices.reduce<Tensor>((t, m, mode) => (m ? naiveModeProduct(t, mode, denseOf(m)) : t), x),
    );
  return out;
}

/** Random terms; on each mode either square matrices and identities, or matrices to one other size. */
const problems = fc
  .record({
    sizes: fc.array(
      fc.record({ from: fc.integer({ min: 1, max: 4 }), to: fc.option(fc.integer({ min: 1, max: 4 })) }),
      { minLength: 1, maxLength: 4 },
    ),
    terms: fc.array(fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }), { maxLength: 7 }),
    seed: fc.integer(),
    dtype: fc.constantFrom<Dtype>("float64", "complex128"),
    letterDtype: fc.constantFrom<Dtype>("float64", "complex128"),
    kinds: fc.array(fc.constantFrom(...forms), { minLength: 8, maxLength: 8 }),
  })
  .map(({ sizes, terms, seed, dtype, letterDtype, kinds }) => {
    const random = seeded(seed);
    const shapeIn = sizes.map((s) => s.from);
    const shapeOut = sizes.map((s) => s.to ?? s.from);
    // two matrices a mode, shared between terms as environments are; 0 stands for the identity where the mode keeps its size
    const letters = sizes.map((_, k) =>
      [0, 1].map((i) =>
        randomMatrix(random, [shapeOut[k]!, shapeIn[k]!], dtype === "float64" ? dtype : letterDtype, kinds[2 * k + i]!),
      ),
    );
    const list = terms.map((picks): KroneckerTerm => {
      const z = randomTensor(random, [2]).data;
      const coefficient: Scalar = dtype === "complex128" ? { re: z[0]!, im: z[1]! } : picks[0] === 0 ? 1 : z[0]!;
      return {
        coefficient,
        matrices: sizes.map((_, k) =>
          picks[k] === 0 && shapeIn[k] === shapeOut[k] ? null : letters[k]![picks[k]! % 2]!,
        ),
      };
    });
    return { shapeIn, shapeOut, terms: list, dtype, random };
  });

const size = (terms: readonly KroneckerTerm[]): number =>
  terms.reduce(
    (s, { coefficient, matrices }) =>
      s +
      Math.hypot(complex(coefficient).re, complex(coefficient).im) *
        matrices.reduce((p, m) => p * (m ? norm(denseOf(m)) : 1), 1),
    1,
  );

describe("planned sums of Kronecker products", () => {
  test("are their definition, with rectangular matrices, identities and shared factors", () => {
    fc.assert(
      fc.property(problems, ({ shapeIn, shapeOut, terms, dtype, random }) => {
        const x = randomTensor(random, shapeIn, dtype);
        const map = kroneckerSum(shapeIn, terms, dtype, shapeOut);
        const y = applyKroneckerSum(map, x);
        expect(y.shape).toEqual(shapeOut);
        expect(distance(y, naive(terms, x, shapeOut))).toBeLessThanOrEqual(1e-14 * size(terms) * norm(x));
      }),
      { numRuns: runs(300) },
    );
  });

  test("give out := alpha A(x) + beta out, again and again, never reading out when beta is zero", () => {
    fc.assert(
      fc.property(problems, fc.constantFrom(0, 1, -0.5), ({ shapeIn, shapeOut, terms, random }, beta) => {
        using frame = workspace().frame();
        const map = kroneckerSum(shapeIn, terms, "complex128", shapeOut);
        const apply = planKroneckerSum(map, frame);
        const alpha: Complex = { re: 0.3, im: -1.2 };
        for (let again = 0; again < 3; again++) {
          const x = randomTensor(random, shapeIn, "complex128");
          const before = randomTensor(random, shapeOut, "complex128");
          const out = frame.hold(before);
          if (beta === 0) out.data.fill(Number.NaN);
          const kept = x.data.slice();
          apply(alpha, x, beta, out);
          const expected = tensor(shapeOut, "complex128");
          addTo(expected, alpha, naive(terms, x, shapeOut));
          addTo(expected, beta, before);
          expect(distance(out, expected)).toBeLessThanOrEqual(1e-14 * size(terms) * (norm(x) + norm(before)) * 2);
          expect(x.data).toEqual(kept);
        }
      }),
      { numRuns: runs(200) },
    );
  });

  test("no terms at all is the zero map: out := beta out", () => {
    const map = kroneckerSum([2, 3], [], "float64");
    const x = fromFunction([2, 3], (i, j) => i + j);
    expect(applyKroneckerSum(map, x).data.every((v) => v === 0)).toBe(true);
    using frame = workspace().frame();
    const out = frame.hold(x);
    planKroneckerSum(map, frame)({ re: 1, im: 0 }, x, -2, out);
    expect([...out.data]).toEqual([...x.data].map((v) => -2 * v));
  });

  test("identities alone are a multiple of the argument, also beside other terms", () => {
    const x = randomTensor(seeded(1), [2, 3, 2], "complex128");
    const one: KroneckerTerm = { coefficient: { re: 1, im: 2 }, matrices: [null, null, null] };
    const two: KroneckerTerm = { coefficient: -0.5, matrices: [null, randomTensor(seeded(2), [3, 3]), null] };
    for (const terms of [[one], [one, one], [one, two], [two, one]])
      expect(
        distance(applyKroneckerSum(kroneckerSum([2, 3, 2], terms, "complex128"), x), naive(terms, x, [2, 3, 2])),
      ).toBeLessThanOrEqual(1e-14 * norm(x) * 10);
    const cancels = [one, { ...one, coefficient: { re: -1, im: -2 } }];
    expect(norm(applyKroneckerSum(kroneckerSum([2, 3, 2], cancels, "complex128"), x))).toBe(0);
  });

  test("the type of the map is the smallest that holds everything", () => {
    const real = randomTensor(seeded(1), [2, 2]);
    expect(kroneckerSum([2], [{ coefficient: 1, matrices: [real] }], "float64").dtype).toBe("float64");
    expect(kroneckerSum([2], [{ coefficient: { re: 0, im: 1 }, matrices: [real] }], "float64").dtype).toBe(
      "complex128",
    );
    expect(kroneckerSum([2], [{ coefficient: 1, matrices: [asDtype(real, "complex128")] }], "float64").dtype).toBe(
      "complex128",
    );
    const y = applyKroneckerSum(
      kroneckerSum([2], [{ coefficient: { re: 0, im: 1 }, matrices: [null] }], "float64"),
      fromFunction([2], (i) => i + 1),
    );
    expect([...y.data]).toEqual([0, 1, 0, 2].map((v) => times(v, 1).re));
  });

  test("a matrix of another size is refused, naming the mode and both sizes; an identity too where sizes change", () => {
    const m = tensor([3, 2]);
    expect(() =>
      kroneckerSum(
        [2, 2],
        [
          { coefficient: 1, matrices: [m, null] },
          { coefficient: 1, matrices: [null, null] },
        ],
        "float64",
      ),
    ).toThrow(new RangeError("kroneckerSum: mode 0 has a matrix 2x2, expected 3x2"));
    expect(() => kroneckerSum([2, 2], [{ coefficient: 1, matrices: [null, m] }], "float64", [2, 2])).toThrow(
      new RangeError("kroneckerSum: mode 1 has a matrix 3x2, expected 2x2"),
    );
  });
});
