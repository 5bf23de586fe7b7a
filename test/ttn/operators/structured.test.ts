import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { inline } from "../../../src/executors/inline.ts";
import { augmentedBug } from "../../../src/integrators/augmented-bug.ts";
import { evolve } from "../../../src/integrators/evolve.ts";
import { rk4 } from "../../../src/integrators/local/rk4.ts";
import { matmul, scaleColumns } from "../../../src/linalg/contract.ts";
import { eigh } from "../../../src/linalg/factor.ts";
import { norm as frobenius } from "../../../src/linalg/level1.ts";
import {
  banded,
  diagonal,
  isDense,
  kroneckerProduct,
  type Matrix,
  matrixFunction,
  type SparseMatrix,
  scaledIdentity,
} from "../../../src/linalg/matrix.ts";
import { matrixSum } from "../../../src/linalg/matrix-algebra.ts";
import { denseOf, multiply } from "../../../src/linalg/matrix-product.ts";
import { randomTensor, seeded } from "../../../src/linalg/random.ts";
import {
  asDtype,
  type Dtype,
  fromFunction,
  identity,
  reshape,
  sizeOf,
  type Tensor,
  tensor,
} from "../../../src/linalg/tensor.ts";
import { workspace } from "../../../src/linalg/workspace.ts";
import { trees } from "../../../src/testing/index.ts";
import { toDense } from "../../../src/ttn/arithmetic.ts";
import { randomState } from "../../../src/ttn/construct.ts";
import { moveCenter } from "../../../src/ttn/gauge.ts";
import { Environments } from "../../../src/ttn/operators/environment.ts";
import { linearRhs } from "../../../src/ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../../src/ttn/operators/product-sum.ts";
import {
  adjoint,
  applyOperator,
  checkHermitian,
  denseOperator,
  hermitianDefect,
  imageTensors,
  nonzeroFlops,
} from "../../../src/ttn/operators/ttno.ts";
import { tree } from "../../../src/ttn/tree.ts";
import type { TTN } from "../../../src/ttn/ttn.ts";
import { productFlops } from "../../linalg/flops.ts";
import { adjointOf, byFunction, forms, randomMatrix } from "../../linalg/structured.ts";
import { denseSum, distance, product, runs, term } from "../dense.ts";

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

const coupled = tree([
  [0, 1],
  [2, 3],
]);
const weights = Array.from({ length: 100 }, (_, k) => Math.cos(k + 0.5));
const skew = (n: number, dx: number): Matrix => banded(n, { [-1]: -0.5 / dx, 1: 0.5 / dx });
const second = (n: number, dx: number): Matrix => banded(n, { [-1]: 0.5 / dx, 0: -1 / dx, 1: 0.5 / dx });

/** Multiplication by mu in normalised Legendre polynomials, its absolute value, and the collision matrix. */
function moments(n: number): { A: Matrix; absA: Tensor; G: Matrix } {
  const off = Array.from({ length: n - 1 }, (_, k) => (k + 1) / Math.sqrt(4 * (k + 1) ** 2 - 1));
  const A = banded(n, { [-1]: off, 1: off });
  const { values, vectors } = eigh(denseOf(A));
  const absA = matmul(scaleColumns(vectors, values.map(Math.abs)), vectors, "N", "T");
  return { A, absA, G: diagonal(Array.from({ length: n }, (_, k) => (k === 0 ? 0 : 1))) };
}

/** The slab of uncertain radiative transfer: modes space, angle and two random inputs. */
function slab(nx: number, n: number, absorption = 0): ProductTerm[] {
  const { A, absA, G } = moments(n);
  const dx = 5 / (nx - 1);
  const I = scaledIdentity(nx);
  return [
    term(-1, [0, skew(nx, dx)], [1, A]),
    term(1, [0, second(nx, dx)], [1, absA]),
    term(-1, [0, scaledIdentity(nx, absorption)]),
    term(-5, [0, I], [1, G]),
    term(-1, [0, I], [1, G], [2, diagonal(weights.map((w) => 4 * w))]),
    term(-1, [0, I], [1, G], [3, diagonal(weights)]),
  ];
}

describe("the operators of radiative transfer", () => {
  test("have rank two at the root for the slab, with absorption too, and three for the plane", () => {
    for (const absorption of [0, 0.5]) {
      const h = productSum(coupled, [21, 6, 100, 100], slab(21, 6, absorption));
      expect([h.ranks[2], h.ranks[5]]).toEqual([2, 2]);
      // A, |A| and G, which scatters alone and with the inputs; the identity where absorption needs it
      expect(h.ranks[1]).toBe(absorption === 0 ? 3 : 4);
    }
    const [D, D2, I] = [skew(10, 0.1), second(10, 0.1), scaledIdentity(10)] as [
      SparseMatrix,
      SparseMatrix,
      SparseMatrix,
    ];
    const { A, absA, G } = moments(6);
    const B = banded(6, { [-2]: 1, 2: 1 });
    const plane = [
      term(-1, [0, kroneckerProduct(D, I)], [1, A]),
      term(1, [0, kroneckerProduct(D2, I)], [1, absA]),
      term(-1, [0, kroneckerProduct(I, D)], [1, B]),
      term(1, [0, kroneckerProduct(I, D2)], [1, B]),
      term(-1, [0, scaledIdentity(100)], [1, identity(6)]),
      term(-1, [1, G]),
      term(1, [1, G], [2, diagonal(weights)]),
      term(1, [3, diagonal(weights)]),
    ];
    const h = productSum(coupled, [100, 6, 100, 100], plane);
    expect([h.ranks[2], h.ranks[5]]).toEqual([3, 3]);
  });

  test("the slab at full scale is applied for the flops of its non-zero entries", () => {
    const sizes = [201, 100, 100, 100];
    const h = productSum(coupled, sizes, slab(201, 100));
    const ranks = [36, 35, 6, 8, 6, 6, 1];
    const y = randomState(coupled, sizes, ranks, seeded(1));
    const entries = nonzeroFlops(h, ranks);
    // D and D2 on 36 columns; |A| in full, A and G on 35; one diagonal for each input
    expect(entries).toBe(2 * (36 * (400 + 601) + 35 * (100 * 100 + 198 + 99) + 8 * 100 + 6 * 100));

    const image = productFlops(() => imageTensors(h, y));
    expect(image).toBeLessThanOrEqual(1.5 * entries);

    // a field at a leaf: besides its entries the products with the environments, r x r, that are no multiples of the identity
    const rhs = linearRhs([{ operator: h }]);
    let [fields, environments, own] = [0, 0, 0];
    for (const leaf of coupled.leaves) {
      const at = moveCenter(y, leaf);
      const [n, r] = at.tensors[leaf]!.shape as [number, number];
      using frame = workspace().frame();
      const field = rhs.bind(at, leaf);
      const out = tensor([n, r]);
      fields += productFlops(() => field.plan(frame)(0, at.tensors[leaf]!, out));
      const seen = new Environments(h);
      environments += 2 * n * r * r * seen.terms(leaf, seen.around(at, leaf)).filter((t) => t.matrices[1]).length;
      own += nonzeroFlops(
        h,
        ranks.map((rank, id) => (id === leaf ? rank : 0)),
      );
    }
    expect(fields).toBeLessThanOrEqual(1.5 * own + environments);
    expect(own).toBe(entries);
    console.info(
      `slab: image ${(image / entries).toFixed(3)} of its entries; leaf fields ${(fields / entries).toFixed(2)}, of which environments ${(environments / entries).toFixed(2)}`,
    );
  });
});

describe("factors that make no sense", () => {
  const build = (operator: Matrix) =>
    productSum(tree([0, 1]), [3, 3], [term(1, [0, operator], [1, diagonal([1, 2, 3])])]);
  const transposed = fromFunction([3, 3], (i, j) => i! + 2 * j!);
  const wrong = matrixFunction({
    size: 3,
    hermitian: true,
    apply: (x, out) => out.data.set(multiply(transposed, x).data),
  });

  test("are refused, whatever their form, naming the term and the mode", () => {
    for (const operator of [diagonal([1, Number.NaN, 2]), matrixSum([[Number.NaN, wrong]])])
      expect(() => build(operator)).toThrow("productSum: the factor of term 0 on mode 0 is not finite");
    for (const operator of [diagonal([1, 2]), matrixFunction({ size: 2, apply: () => {} })])
      expect(() => build(operator)).toThrow("productSum: the factor of term 0 on mode 0 is 2x2, expected 3x3");
  });

  test("functions that are not what they say are found by trying them", () => {
    expect(() => linearRhs([{ operator: build(wrong) }], { hermitian: true })).toThrow(
      /part 0: a matrix function at node 0 is not Hermitian: <x, A y> and <A\* x, y> differ by \d/,
    );
    expect(() => checkHermitian("here", build(matrixFunction({ size: 3, apply: wrong.apply })))).toThrow(
      "here: a matrix function at node 0 is not declared Hermitian and has no adjoint",
    );
    const honest = build(
      byFunction(
        fromFunction([3, 3], (i, j) => ({ re: i! * j!, im: i! - j! })),
        true,
      ),
    );
    expect(linearRhs([{ operator: honest }], { hermitian: true }).dtype).toBe("complex128");
  });
});

describe("large modes", () => {
  test("nothing of size mode x mode is made for banded and diagonal factors, in a step of an integrator either", async () => {
    const n = 20000;
    const t = tree([0, 1]);
    const x = diagonal(Array.from({ length: n }, (_, i) => i / n));
    const laplace = banded(n, { [-1]: 1, 0: -2, 1: 1 });
    const terms = [
      term(1, [0, laplace]),
      term(1, [1, laplace]),
      term(0.5, [0, x], [1, x]),
      term(0.25, [0, scaledIdentity(n, 3)], [1, x]),
      term(-2, [0, banded(n, { [-1]: 2, 0: -4, 1: 2 })], [1, x]),
    ];
    workspace().frame()[Symbol.dispose]();
    const start = randomState(t, [n, n], 2, seeded(1));
    let largest = 0;
    const plain = Float64Array;
    const watch = new Proxy(plain, {
      construct(target, args, self) {
        const made = Reflect.construct(target, args, self === watch ? target : self) as Float64Array;
        largest = Math.max(largest, made.length);
        return made;
      },
    });
    vi.stubGlobal("Float64Array", watch);
    try {
      const h = productSum(t, [n, n], terms);
      // on mode 0 the identity, what acts there alone, and one combination of x and the second difference
      expect(h.ranks).toEqual([3, 3, 1]);
      checkHermitian("here", h);
      expect(hermitianDefect(h)).toBeLessThanOrEqual(1e-14);
      const rhs = linearRhs([{ operator: h }], { hermitian: true });
      expect(applyOperator(adjoint(h), start).tensors[0]!.shape[0]).toBe(n);
      const problem = { name: "large", rhs, initial: start, span: [0, 1e-3] as const, observables: {} };
      const steps = evolve(problem, {
        executor: inline(),
        integrator: augmentedBug(),
        solver: rk4(),
        h: 1e-3,
        truncation: { tolerance: 1e-3 },
      });
      for await (const { y } of steps) expect(y.tensors[0]!.shape[0]).toBe(n);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(largest).toBeGreaterThan(n);
    // workspaces come in slabs of 2^23, and a backend's heap is one array
    expect(largest).toBeLessThan((n * n) / 20);
  });
});
