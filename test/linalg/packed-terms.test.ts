import fc from "fast-check";
import { expect, test } from "vitest";
import type { KroneckerTerm } from "../../src/linalg/kronecker-sum.ts";
import { diagonal, type Matrix } from "../../src/linalg/matrix.ts";
import { packTerms, unpackTerms } from "../../src/linalg/packed-terms.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { complex } from "../../src/linalg/tensor.ts";

const random = seeded(1);
const matrices: readonly (Matrix | null)[] = [
  null,
  randomTensor(random, [2, 2], "complex128"),
  randomTensor(random, [3, 3], "float64"),
  diagonal([1, 2]),
];

const lists = fc.integer({ min: 1, max: 4 }).chain((order) => {
  const number = fc.double({ noNaN: true });
  const term: fc.Arbitrary<KroneckerTerm> = fc.record({
    coefficient: fc.oneof(number, fc.record({ re: number, im: number })),
    matrices: fc.array(fc.constantFrom(...matrices), { minLength: order, maxLength: order }),
  });
  return fc.array(fc.array(term, { maxLength: 6 }), { maxLength: 5 });
});

test("lists of terms come back from numbers as they were, with the same matrices, also through a message", () => {
  fc.assert(
    fc.property(lists, (terms) => {
      const packed = packTerms(terms);
      const asComplex = terms.map((list) => list.map((t) => ({ ...t, coefficient: complex(t.coefficient) })));
      expect(unpackTerms(packed)).toEqual(asComplex);
      expect(unpackTerms(structuredClone(packed))).toEqual(asComplex);
      unpackTerms(packed).forEach((list, k) => {
        list.forEach(({ matrices }, i) => {
          matrices.forEach((m, mode) => {
            expect(m).toBe(terms[k]![i]!.matrices[mode]);
          });
        });
      });
      expect(new Set(packed.matrices).size).toBe(packed.matrices.length);
    }),
  );
});
