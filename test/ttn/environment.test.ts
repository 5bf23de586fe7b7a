import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { augment, growingEdges, inBases } from "../../src/integrators/augment.ts";
import { dot, norm as frobenius } from "../../src/linalg/level1.ts";
import { denseOf } from "../../src/linalg/matrix-product.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { asDtype, type Complex, complex, reshape, type Tensor, tensor, times } from "../../src/linalg/tensor.ts";
import { workspace } from "../../src/linalg/workspace.ts";
import { states, statesWithOperators } from "../../src/testing/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { centers, moveCenter, shiftCenter } from "../../src/ttn/gauge.ts";
import { expectation, linearRhs } from "../../src/ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../src/ttn/operators/product-sum.ts";
import type { LocalField } from "../../src/ttn/rhs.ts";
import { edgesOf, rootOf } from "../../src/ttn/tree.ts";
import { modeSizes, type TTN, withTensor } from "../../src/ttn/ttn.ts";
import { denseSum, distance, product, relative, runs, Worst } from "./dense.ts";
import { leafOrder, nestedDefinition, nestedField } from "./nested.ts";

// unbalanced trees up to three children, mode sizes one to five, complex numbers only: real ones hide conjugations
const shapes = { maxDegree: 3, maxSize: 5, maxLeaves: 6, maxEntries: 200, dtypes: ["complex128"] } as const;

/** The field applied to a tensor. */
function applied(field: LocalField, x: Tensor, t = 0): Tensor {
  using frame = workspace().frame();
  const out = tensor(field.shapeOut, field.dtype);
  field.plan(frame)(t, x, out);
  return out;
}

const scaledTo = (t: Tensor, f: Complex): Tensor => {
  const c = asDtype(t, "complex128");
  const out = tensor(c.shape, "complex128");
  for (let i = 0; i < c.data.length; i += 2) {
    const z = times(f, { re: c.data[i]!, im: c.data[i + 1]! });
    out.data[i] = z.re;
    out.data[i + 1] = z.im;
  }
  return out;
};

/** Bases [U0, Ut] with random new directions at every node, made as an integrator does; or without their history. */
function widened(y: TTN, seed: number, history: boolean): Tensor[] {
  const random = seeded(seed);
  const bases: Tensor[] = [...y.tensors];
  for (const id of growingEdges(y)) {
    const { children } = y.tree.nodes[id]!;
    const old = y.tensors[id]!;
    const shape =
      children.length > 0 ? [...children.map((c) => bases[c]!.shape.at(-1)!), old.shape.at(-1)!] : old.shape;
    const grown = augment(old, randomTensor(random, shape, "complex128"), 0).basis;
    bases[id] = history ? grown : { ...grown, data: grown.data.slice() };
  }
  return bases;
}

/** Hermitian terms made skew-Hermitian in part: a factor, a coefficient or both times i. */
const turned = (terms: readonly ProductTerm[]): ProductTerm[] =>
  terms.map(({ coefficient, factors }, k) => ({
    coefficient: k % 3 === 0 ? times(coefficient, { re: 0, im: 1 }) : coefficient,
    factors: factors.map(({ mode, operator }, i) => ({
      mode,
      operator: (k + i) % 2 === 0 ? operator : scaledTo(denseOf(operator), { re: 0, im: 1 }),
    })),
  }));

describe("environment form and nested definition", () => {
  const worst = new Worst();

  test("every node and leaf sees the nested reduced vector field", () => {
    fc.assert(
      fc.property(statesWithOperators(shapes, { maxTerms: 5 }), fc.integer(), ({ y, operator, terms }, seed) => {
        const full = denseSum(modeSizes(y), terms, leafOrder(y));
        const size = frobenius(full);
        const nested = nestedDefinition(y, full);
        const factor = { re: 0.6, im: -0.8 };
        const rhs = linearRhs([{ operator }], { factor });
        centers(y).forEach((at, id) => {
          const c = at.tensors[id]!;
          expect(relative(c, nested[id]!.amplitude)).toBeLessThanOrEqual(1e-12);
          for (const x of [c, randomTensor(seeded(seed + id), c.shape, "complex128")]) {
            const seen = applied(rhs.bind(at, id), x);
            const expected = scaledTo(nestedField(y, nested[id]!, x, y.tensors, y.tensors), factor);
            expect(worst.of(distance(seen, expected) / (size * frobenius(x) || 1))).toBeLessThanOrEqual(1e-12);
          }
        });
      }),
      { numRuns: runs(200) },
    );
    console.info(`environments against the nested definition: ${worst.value.toExponential(1)}`);
  });

  test("coupling blocks: the old state seen through bases with new directions", () => {
    const coupling = new Worst();
    fc.assert(
      fc.property(
        statesWithOperators({ ...shapes, maxRank: 3 }, { maxTerms: 5 }),
        fc.integer(),
        fc.boolean(),
        ({ y, operator, terms }, seed, history) => {
          const full = denseSum(modeSizes(y), terms, leafOrder(y));
          const nested = nestedDefinition(y, full);
          const rhs = linearRhs([{ operator }]);
          const bases = widened(y, seed, history);
          centers(y).forEach((at, id) => {
            if (y.tree.nodes[id]!.children.length === 0) return;
            const c = at.tensors[id]!;
            const field = rhs.bind(at, id, inBases(y, id, bases));
            const expected = nestedField(y, nested[id]!, c, y.tensors, bases);
            expect(field.shapeOut).toEqual(expected.shape);
            const seen = applied(field, c);
            expect(coupling.of(distance(seen, expected) / (frobenius(full) || 1))).toBeLessThanOrEqual(1e-12);
          });
        },
      ),
      { numRuns: runs(200) },
    );
    console.info(`coupling blocks: ${coupling.value.toExponential(1)}`);
  });

  test.each(["any", "Hermitian", "Hermitian and skew-Hermitian"])(
    "Galerkin fields in grown bases, factors: %s, with and without the bases' history",
    (factors) => {
      const galerkin = new Worst();
      fc.assert(
        fc.property(
          statesWithOperators({ ...shapes, maxRank: 3 }, { maxTerms: 5, hermitian: factors !== "any" }),
          fc.integer(),
          fc.boolean(),
          ({ y, ...drawn }, seed, history) => {
            const terms = factors === "Hermitian and skew-Hermitian" ? turned(drawn.terms) : drawn.terms;
            const operator = productSum(y.tree, modeSizes(y), terms);
            const full = denseSum(modeSizes(y), terms, leafOrder(y));
            const nested = nestedDefinition(y, full);
            const rhs = linearRhs([{ operator }]);
            const bases = widened(y, seed, history);
            const random = seeded(seed);
            centers(y).forEach((_, id) => {
              const trial = inBases(y, id, bases);
              const x = randomTensor(random, trial.tensors[id]!.shape, "complex128");
              const seen = applied(rhs.bind(trial, id), x);
              const expected = nestedField(y, nested[id]!, x, bases, bases);
              expect(galerkin.of(distance(seen, expected) / (frobenius(full) * frobenius(x) || 1))).toBeLessThanOrEqual(
                1e-12,
              );
            });
          },
        ),
        { numRuns: runs(100) },
      );
      console.info(`Galerkin fields, ${factors}: ${galerkin.value.toExponential(1)}`);
    },
  );

  test("prolongation is an isometry, restriction its adjoint and left inverse (B6)", () => {
    fc.assert(
      fc.property(states(shapes), fc.integer(), (y, seed) => {
        const n = modeSizes(y).reduce((p, k) => p * k, 1);
        const nested = nestedDefinition(y, tensor([n, n], "complex128"));
        const random = seeded(seed);
        for (const id of edgesOf(y.tree)) {
          const { amplitude, prolong, restrict } = nested[id]!;
          const z = randomTensor(random, [entriesBelow(y, id), amplitude.shape.at(-1)!], "complex128");
          const p = prolong(z);
          const g = randomTensor(random, p.shape, "complex128");
          const size = frobenius(z);
          expect(distance(restrict(p), z)).toBeLessThanOrEqual(1e-13 * size);
          expect(Math.abs(frobenius(p) - size)).toBeLessThanOrEqual(1e-13 * size);
          const [a, b] = [dot(p, g), dot(z, restrict(g))];
          expect(Math.hypot(a.re - b.re, a.im - b.im)).toBeLessThanOrEqual(1e-13 * size * frobenius(g));
        }
      }),
      { numRuns: runs(100) },
    );
  });

  const entriesBelow = (y: TTN, id: number): number => {
    const { mode, children } = y.tree.nodes[id]!;
    return mode !== null ? modeSizes(y)[mode]! : children.reduce((p, c) => p * entriesBelow(y, c), 1);
  };
});

describe("linear right-hand sides", () => {
  test("the projected fields are compressions: Hermitian operators give Hermitian local fields", () => {
    fc.assert(
      fc.property(statesWithOperators(shapes, { hermitian: true }), fc.integer(), ({ y, operator, terms }, seed) => {
        const rhs = linearRhs([{ operator }], { hermitian: true });
        // terms may cancel where they are projected; rounding is by their own size
        const sizes = terms.map(({ coefficient, factors }) => {
          const { re, im } = complex(coefficient);
          return factors.reduce((size, f) => size * frobenius(denseOf(f.operator)), Math.hypot(re, im));
        });
        const bound = sizes.reduce((a, b) => a + b, 0);
        const random = seeded(seed);
        centers(y).forEach((at, id) => {
          const field = rhs.bind(at, id);
          expect(field.kind).toBe("linear-hermitian");
          const [u, v] = [0, 1].map(() => randomTensor(random, at.tensors[id]!.shape, "complex128")) as [
            Tensor,
            Tensor,
          ];
          const [a, b] = [dot(u, applied(field, v)), dot(applied(field, u), v)];
          expect(Math.hypot(a.re - b.re, a.im - b.im)).toBeLessThanOrEqual(1e-13 * bound * frobenius(u) * frobenius(v));
        });
      }),
      { numRuns: runs(100) },
    );
  });

  test("the expectation value is that of the full matrix, from any centre", () => {
    fc.assert(
      fc.property(
        statesWithOperators({ ...shapes, dtypes: ["float64", "complex128"] }, { dtypes: ["float64", "complex128"] }),
        fc.nat(),
        ({ y, operator, terms }, where) => {
          const full = denseSum(modeSizes(y), terms);
          const n = full.shape[0]!;
          const v = reshape(asDtype(toDense(y), "complex128"), [n, 1]);
          const expected = dot(v, product(full, v));
          for (const x of [y, moveCenter(y, where % y.tree.nodes.length)]) {
            const seen = expectation(operator, x);
            expect(Math.hypot(seen.re - expected.re, seen.im - expected.im)).toBeLessThanOrEqual(
              1e-12 * frobenius(full),
            );
          }
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test("a real state under a complex operator is seen as a complex one", () => {
    fc.assert(
      fc.property(statesWithOperators({ ...shapes, dtypes: ["float64"] }), ({ y, operator }) => {
        const rhs = linearRhs([{ operator }]);
        const asComplex = { ...y, tensors: y.tensors.map((t) => asDtype(t, "complex128")) };
        centers(y).forEach((at, id) => {
          const field = rhs.bind(at, id);
          const same = rhs.bind(centers(asComplex)[id]!, id);
          const x = asDtype(at.tensors[id]!, field.dtype);
          const [a, b] = [applied(field, x), applied(same, asDtype(x, same.dtype))];
          expect(distance(a, b)).toBeLessThanOrEqual(1e-12 * (1 + frobenius(b)));
        });
      }),
      { numRuns: runs(50) },
    );
  });

  test("several parts with complex coefficients in time add up, times the factor", () => {
    fc.assert(
      fc.property(
        statesWithOperators({ ...shapes, maxLeaves: 4 }, { maxTerms: 4 }),
        fc.double({ min: -2, max: 2, noNaN: true }),
        ({ y, operator, terms }, t) => {
          const other = productSum(y.tree, modeSizes(y), terms.slice(0, 1));
          const rhs = linearRhs(
            [
              { operator, coefficient: (s) => ({ re: Math.cos(s), im: s }) },
              { operator: other, coefficient: { re: 0, im: 2 } },
              { operator: other },
            ],
            { factor: { re: 0, im: -1 } },
          );
          const root = rootOf(y.tree);
          const x = y.tensors[root]!;
          const field = rhs.bind(y, root);
          expect(field.autonomous).toBe(false);
          const seen = applied(field, x, t);
          const one = applied(linearRhs([{ operator }]).bind(y, root), x);
          const two = applied(linearRhs([{ operator: other }]).bind(y, root), x);
          const parts = [
            scaledTo(one, times({ re: 0, im: -1 }, { re: Math.cos(t), im: t })),
            scaledTo(two, times({ re: 0, im: -1 }, { re: 1, im: 2 })),
          ];
          const expected = { ...parts[0]!, data: parts[0]!.data.map((v, i) => v + parts[1]!.data[i]!) };
          expect(distance(seen, expected)).toBeLessThanOrEqual(1e-12 * (frobenius(parts[0]!) + frobenius(parts[1]!)));
        },
      ),
      { numRuns: runs(50) },
    );
  });

  test("misuse is refused, naming what disagrees", () => {
    const gen = fc.sample(statesWithOperators({ ...shapes, minLeaves: 3 }, { maxTerms: 4 }), { numRuns: 30, seed: 7 });
    const { y, operator } = gen.find((g) => g.terms.length > 2 && modeSizes(g.y).every((n) => n > 1)) ?? gen[0]!;
    expect(() => linearRhs([])).toThrow(new RangeError("linearRhs: no operator was given, expected one or more"));
    expect(() => linearRhs([{ operator }], { hermitian: true })).toThrow(
      /^linearRhs: part 0: the operator is not Hermitian: \|H - H\*\| \/ \|H\| is /,
    );
    const rhs = linearRhs([{ operator, coefficient: (t) => 1 / t }]);
    expect(() => applied(rhs.bind(y, rootOf(y.tree)), y.tensors.at(-1)!, 0)).toThrow(
      /the coefficient of part 0 is Infinity \+ 0i at t = 0/,
    );
    const real = { ...y, tensors: y.tensors.map((t) => tensor(t.shape)) };
    expect(() => rhs.check(real)).toThrow(
      new TypeError("right-hand side: it is complex128, the state is float64; make the state complex first"),
    );
  });
});

describe("cached environments (B7)", () => {
  const bits = (t: Tensor): string =>
    Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength).toString("base64");

  test("are bitwise those of a fresh cache, after fifty updates of random tensors", () => {
    fc.assert(
      fc.property(
        statesWithOperators({ maxLeaves: 6, maxRank: 4, maxEntries: 512 }, { maxTerms: 5 }),
        fc.integer(),
        ({ y, operator }, seed) => {
          const random = seeded(seed);
          const rhs = linearRhs([{ operator }]);
          let x: TTN = { ...y, tensors: y.tensors.map((t) => asDtype(t, "complex128")) };
          for (let update = 0; update < 50; update++) {
            const to = Math.floor(random() * x.tree.nodes.length);
            x = moveCenter(x, to);
            x = withTensor(x, to, randomTensor(random, x.tensors[to]!.shape, "complex128"));
            const { children, parent } = x.tree.nodes[to]!;
            const next = [...children, ...(parent === null ? [] : [parent])][
              update % (children.length + (parent === null ? 0 : 1))
            ];
            if (next !== undefined && update % 3 === 0) x = shiftCenter(x, next);
            const c = x.tensors[x.center]!;
            const cached = applied(rhs.bind(x, x.center), c);
            const fresh = applied(linearRhs([{ operator }]).bind(x, x.center), c);
            expect(bits(cached)).toBe(bits(fresh));
            expect(rhs.expectation(x)).toEqual(linearRhs([{ operator }]).expectation(x));
          }
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test("a basis without history gives the same numbers as one that remembers its parts, to round-off", () => {
    fc.assert(
      fc.property(
        statesWithOperators({ ...shapes, maxRank: 3 }, { hermitian: true }),
        fc.integer(),
        ({ y, operator }, seed) => {
          const root = rootOf(y.tree);
          const [a, b] = [true, false].map((history) => inBases(y, root, widened(y, seed, history))) as [TTN, TTN];
          const x = randomTensor(seeded(seed), a.tensors[root]!.shape, "complex128");
          const [seenA, seenB] = [a, b].map((trial) => applied(linearRhs([{ operator }]).bind(trial, root), x)) as [
            Tensor,
            Tensor,
          ];
          expect(distance(seenA, seenB)).toBeLessThanOrEqual(1e-13 * (frobenius(seenB) + 1e-3));
        },
      ),
      { numRuns: runs(50) },
    );
  });
});
