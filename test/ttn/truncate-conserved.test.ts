import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scaled } from "../../src/linalg/contract.ts";
import { norm as size } from "../../src/linalg/level1.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { asDtype, fromValues, type Tensor } from "../../src/linalg/tensor.ts";
import { states } from "../../src/testing/index.ts";
import { orthonormalityDefect } from "../../src/testing/orthonormality.ts";
import { norm, scale, toDense } from "../../src/ttn/arithmetic.ts";
import type { Functional } from "../../src/ttn/conserved.ts";
import { productState, randomState } from "../../src/ttn/construct.ts";
import { keptRank } from "../../src/ttn/cut.ts";
import { balanced, edgesOf } from "../../src/ttn/tree.ts";
import { schmidtValues, type Truncation, truncate } from "../../src/ttn/truncate.ts";
import { dtypeOfState, modeSizes, ranks, type TTN } from "../../src/ttn/ttn.ts";
import { distance, naiveModeProduct, runs, Worst } from "./dense.ts";

const vector = (values: readonly number[]): Tensor => fromValues([values.length], values);

/** The moment of a full tensor by the definition: one mode product after another. */
const moment = (full: Tensor, { vectors }: Functional): Tensor =>
  vectors.reduce<Tensor>((t, v, mode) => (v ? naiveModeProduct(t, mode, { ...v, shape: [1, v.shape[0]!] }) : t), full);

const sizeOfFunctional = ({ vectors }: Functional): number =>
  vectors.reduce((product, v) => product * (v ? size(v) : 1), 1);

/** Random functionals on a state; a mode is free where `free` says so. */
function functionals(y: TTN, count: number, seed: number, free: (k: number, mode: number) => boolean): Functional[] {
  const random = seeded(seed);
  const sizes = modeSizes(y);
  return Array.from({ length: count }, (_, k) => ({
    vectors: sizes.map((n, mode) => {
      const v = randomTensor(random, [n], dtypeOfState(y));
      return free(k, mode) && sizes.length > 1 && mode !== seed % sizes.length ? null : v;
    }),
  }));
}

const decays = [1, 0.5, 0.1, 1e-2, 1e-4, 0];
const drawn = states({ decays, maxEntries: 512, maxLeaves: 6, maxSize: 5 });

/** What truncation has to keep, over random trees; gives the moments' worst relative change to `worst`. */
function check(y: TTN, list: readonly Functional[], truncation: Truncation, worst: Worst): void {
  const { y: cut, discarded } = truncate(y, { ...truncation, conserved: list });
  const [before, after] = [toDense(y), toDense(cut)];
  const error = distance(before, after);
  for (const f of list)
    expect(
      worst.of(distance(moment(before, f), moment(after, f)) / (sizeOfFunctional(f) * (size(before) || 1))),
    ).toBeLessThan(2e-13);
  expect(Math.abs(discarded - error)).toBeLessThanOrEqual(1e-3 * error + 1e-13);
  if (truncation.tolerance !== "off" && truncation.maxRank === undefined)
    expect(error).toBeLessThanOrEqual(truncation.tolerance * (1 + 1e-10) + 1e-14);
  expect(orthonormalityDefect(cut)).toBeLessThan(1e-12);
  ranks(cut).forEach((r, id) => {
    expect(r).toBeLessThanOrEqual(ranks(y)[id]!);
  });
}

describe("truncation that keeps functionals", () => {
  test.each([1, 2, 3])("%d functionals on random trees, real and complex, are kept to round-off", (count) => {
    const worst = new Worst();
    fc.assert(
      fc.property(drawn, fc.integer(), fc.constantFrom(0.9, 1e-1, 1e-2, 1e-4, 1e-8), (y, seed, tolerance) => {
        check(
          y,
          functionals(y, count, Math.abs(seed), () => false),
          { tolerance },
          worst,
        );
      }),
      { numRuns: runs(150) },
    );
    console.info(`${count} functionals: largest relative change ${worst.value.toExponential(1)}`);
  });

  test("moments with free modes, some on both sides of an edge, are kept at every point", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(
        drawn,
        fc.integer(),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        fc.constantFrom(0.9, 1e-1, 1e-3, 1e-6),
        (y, seed, free, tolerance) => {
          const list = functionals(y, 2, Math.abs(seed), (k, mode) => free[6 * k + (mode % 6)]!);
          check(y, list, { tolerance }, worst);
        },
      ),
      { numRuns: runs(300) },
    );
    console.info(`free modes: largest relative change ${worst.value.toExponential(1)}`);
  });

  test("an edge keeps no more than its own singular values ask for and one direction a functional", () => {
    fc.assert(
      fc.property(drawn, fc.integer(), fc.integer({ min: 1, max: 3 }), (y, seed, count) => {
        const sizes = modeSizes(y);
        // one free mode at most: free on one side of every edge only
        const list = functionals(y, count, Math.abs(seed), (k, mode) => mode === k % sizes.length);
        const tolerance = 1e-2;
        const edges = edgesOf(y.tree);
        const kept = ranks(truncate(y, { tolerance, conserved: list }).y);
        for (const id of edges) {
          const own = keptRank(schmidtValues(y, id), tolerance / Math.sqrt(edges.length));
          expect(kept[id]!).toBeLessThanOrEqual(own + count);
        }
      }),
      { numRuns: runs(150) },
    );
  });

  test("with a largest rank they are kept as long as there is room", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(drawn, fc.integer(), (y, seed) => {
        const list = functionals(y, 2, Math.abs(seed), () => false);
        const truncation = { tolerance: 1e-8, maxRank: 2 };
        check(y, list, truncation, worst);
        expect(Math.max(...ranks(truncate(y, { ...truncation, conserved: list }).y))).toBeLessThanOrEqual(2);
      }),
      { numRuns: runs(100) },
    );
  });

  test("a functional that sees nothing of the state changes nothing", () => {
    const y = productState(balanced(3), [vector([1, 0, 0]), vector([1, 2]), vector([1, 1])]);
    const blind = { vectors: [vector([0, 1, 0]), vector([2, -1]), vector([1, 0])] };
    const { y: cut, discarded } = truncate(y, { tolerance: 1e-3, conserved: [blind] });
    expect(ranks(cut)).toEqual(ranks(y));
    expect(discarded).toBeLessThan(1e-15);
  });

  test("zero stays zero", () => {
    const y = scale(0, randomState(balanced(3), [3, 3, 3], 2, seeded(1)));
    const ones = { vectors: [3, 3, 3].map((n) => vector(Array(n).fill(1))) };
    expect(norm(truncate(y, { tolerance: 1e-3, conserved: [ones] }).y)).toBe(0);
  });
});

describe("functionals that do not fit are refused with both facts", () => {
  const y = randomState(balanced(4), [4, 4, 4, 4], 4, seeded(5));
  const ones = vector([1, 1, 1, 1]);
  const ramp = vector([0, 1, 2, 3]);
  const refused = (truncation: Omit<Truncation, "tolerance">) => () => truncate(y, { tolerance: 1e-3, ...truncation });

  test("a limit of ranks below the number of independent functionals, on the edge where it is", () => {
    const conserved = [ones, ramp, vector([1, -1, 1, 5])].map((v) => ({ vectors: [v, ones, ones, ones] }));
    expect(refused({ conserved, maxRank: 2 })).toThrow(
      new RangeError("conserved: the functionals need rank 3 on the edge above node 0, maxRank is 2"),
    );
    expect(refused({ conserved, maxRank: [4, 1, 2, 1, 1, 1, 1] })).toThrow("rank 3 on the edge above node 2, maxRank");
    expect(refused({ conserved: [conserved[0]!, conserved[0]!], maxRank: 1 })).not.toThrow();
  });

  test("a limit of ranks for a moment with modes free on both sides", () => {
    const conserved = [{ vectors: [null, ones, null, ones] }];
    expect(refused({ conserved, maxRank: 3 })).toThrow(
      "functional 0 leaves modes free on both sides of the edge above node 0 and may need rank 4 there, maxRank is 3",
    );
    expect(refused({ conserved, maxRank: 16 })).not.toThrow();
  });

  test("vectors of another number, size or type, or none", () => {
    expect(refused({ conserved: [] })).toThrow("no functional was given");
    expect(refused({ conserved: [{ vectors: [ones, ones] }] })).toThrow("functional 0 has 2 vectors for 4 modes");
    expect(refused({ conserved: [{ vectors: [null, null, null, null] }] })).toThrow("leaves every mode free");
    expect(refused({ conserved: [{ vectors: [ones, vector([1, 2, 3]), ones, ones] }] })).toThrow(
      "the vector of functional 0 for mode 1 is 3, expected 4 numbers",
    );
    expect(refused({ conserved: [{ vectors: [ones, scaled(0, ones), ones, ones] }] })).toThrow("zero or not finite");
    expect(refused({ conserved: [{ vectors: [ones, ones, asDtype(ones, "complex128"), ones] }] })).toThrow(TypeError);
    expect(refused({ conserved: [{ vectors: [ones, ones, ones, ones] }], method: "paper" })).toThrow('"weighted"');
  });
});
