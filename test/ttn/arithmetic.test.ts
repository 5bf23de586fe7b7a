import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dot } from "../../src/linalg/level1.ts";
import { seeded } from "../../src/linalg/random.ts";
import { asDtype, complex, entry, fromFunction, type Scalar, type Tensor, times } from "../../src/linalg/tensor.ts";
import { states, statesTogether } from "../../src/testing/index.ts";
import { add, densityMatrix, inner, norm, sameSpace, scale, stateAs, toDense } from "../../src/ttn/arithmetic.ts";
import { fromDense, randomState } from "../../src/ttn/construct.ts";
import { moveCenter } from "../../src/ttn/gauge.ts";
import { balanced, rootOf, train, tree } from "../../src/ttn/tree.ts";
import { dtypeOfState, modeSizes, ranks } from "../../src/ttn/ttn.ts";
import { checkNorm, worstRatio } from "./checks.ts";
import { addTo, distance, naiveModeProduct, naivePermute, relative, runs } from "./dense.ts";

const decays = [1, 0.1, 1e-6, 0];
const scalars = fc.oneof(
  fc.double({ min: -10, max: 10, noNaN: true }),
  fc.record({ re: fc.double({ min: -10, max: 10, noNaN: true }), im: fc.double({ min: -10, max: 10, noNaN: true }) }),
);
const c128 = (t: Tensor): Tensor => asDtype(t, "complex128");
const size = (z: Scalar): number => Math.hypot(complex(z).re, complex(z).im);

describe("inner product and norm (B5)", () => {
  test("the norm from the centre is that of a contraction and of the full tensor, wherever the centre is", () => {
    fc.assert(
      fc.property(states({ decays }), fc.nat(), (y, where) => {
        checkNorm(moveCenter(y, where % y.tree.nodes.length));
      }),
      { numRuns: runs(200) },
    );
  });

  test("equals that of the full tensors, conjugate-linear in the first argument, Hermitian, linear in the second", () => {
    fc.assert(
      fc.property(statesTogether(3, { decays, maxEntries: 1024 }), scalars, ([x, y, z], alpha) => {
        const full = dot(c128(toDense(x!)), c128(toDense(y!)));
        const near = (a: Scalar, b: Scalar, scale = 1): void => {
          const difference = size({ re: complex(a).re - complex(b).re, im: complex(a).im - complex(b).im });
          expect(difference).toBeLessThanOrEqual(1e-13 * Math.max(1, scale));
        };
        near(inner(x!, y!), full);
        const { re, im } = inner(y!, x!);
        near(inner(x!, y!), { re, im: -im });
        const a = complex(alpha);
        near(inner(scale(alpha, x!), y!), times({ re: a.re, im: -a.im }, full), size(alpha));
        near(inner(x!, scale(alpha, y!)), times(a, full), size(alpha));
        const parts = [inner(x!, y!), inner(x!, z!)] as const;
        near(inner(x!, add(y!, z!)), { re: parts[0].re + parts[1].re, im: parts[0].im + parts[1].im }, 2);
        expect(inner(x!, x!).re).toBeGreaterThan(0);
      }),
      { numRuns: runs(200) },
    );
  });

  test("real and complex states mix", () => {
    const t = balanced(3);
    const x = randomState(t, [2, 3, 2], 2, seeded(1));
    const y = randomState(t, [2, 3, 2], 2, seeded(2), "complex128");
    const full = dot(c128(toDense(x)), toDense(y));
    const z = inner(x, y);
    expect(Math.hypot(z.re - full.re, z.im - full.im)).toBeLessThanOrEqual(1e-15);
    expect(inner(y, x).im).toBeCloseTo(-full.im, 15);
  });

  test("refuses other trees and other mode sizes, naming both", () => {
    const x = randomState(train(3), [2, 2, 2], 2, seeded(1));
    const y = randomState(balanced(3), [2, 2, 2], 2, seeded(1));
    const z = randomState(train(3), [2, 3, 2], 2, seeded(1));
    expect(() => inner(x, y)).toThrow(new RangeError("inner: the trees differ: [0,[1,2]] and [[0,1],2]"));
    expect(() => add(x, z)).toThrow(new RangeError("add: mode sizes differ: 2x2x2 and 2x3x2"));
    expect(() => sameSpace("here", x, y)).toThrow(/^here: /);
  });
});

describe("sum and multiple", () => {
  test("the sum of two states is that of the full tensors, exact ranks add up, and the result is canonical", () => {
    fc.assert(
      fc.property(statesTogether(2, { decays, maxEntries: 1024 }), fc.nat(), scalars, ([x, y], where, alpha) => {
        const sum = add(moveCenter(x!, where % x!.tree.nodes.length), scale(alpha, y!));
        const full = c128(toDense(x!));
        const expected = { ...full, data: full.data.slice() };
        addTo(expected, alpha, toDense(y!));
        expect(distance(toDense(sum), expected)).toBeLessThanOrEqual(1e-13 * (1 + size(alpha)));
        expect(sum.center).toBe(rootOf(sum.tree));
        expect(worstRatio(sum)).toBeLessThan(30);
        ranks(sum).forEach((r, id) => {
          expect(r).toBeLessThanOrEqual(id === rootOf(sum.tree) ? 1 : ranks(x!)[id]! + ranks(y!)[id]!);
        });
      }),
      { numRuns: runs(200) },
    );
  });

  test("a state minus itself is zero to round-off", () => {
    fc.assert(
      fc.property(states({ maxEntries: 1024 }), (y) => {
        expect(norm(add(y, scale(-1, y)))).toBeLessThanOrEqual(1e-15 * 10);
      }),
      { numRuns: runs(50) },
    );
  });

  test("a single leaf adds up like a vector", () => {
    const x = fromDense(
      tree(0),
      fromFunction([3], (i) => i),
    );
    expect([...toDense(add(x, scale(2, x))).data]).toEqual([0, 3, 6]);
  });

  test("a complex multiple of a real state is complex; complex to real is refused", () => {
    const y = randomState(balanced(2), [2, 2], 2, seeded(1));
    const z = scale({ re: 0, im: 2 }, y);
    expect(dtypeOfState(z)).toBe("complex128");
    expect(dtypeOfState(scale({ re: 2, im: 0 }, y))).toBe("float64");
    expect(
      relative(
        toDense(z),
        fromFunction([2, 2], (i, j) => ({ re: 0, im: 2 * entry(toDense(y), i, j).re })),
      ),
    ).toBeLessThan(1e-15);
    expect(() => stateAs(z, "float64")).toThrow(TypeError);
    expect(stateAs(y, "float64")).toBe(y);
  });
});

test("the full tensor is the contraction of all node tensors, by definition", () => {
  fc.assert(
    fc.property(states({ maxEntries: 256, maxLeaves: 5 }), (y) => {
      const at = rootOf(y.tree);
      const below = (id: number): { full: Tensor; modes: number[] } => {
        const { mode, children } = y.tree.nodes[id]!;
        if (mode !== null) return { full: y.tensors[id]!, modes: [mode] };
        let full = y.tensors[id]!;
        const modes: number[] = [];
        const shapes: number[] = [];
        children.forEach((child, i) => {
          const part = below(child);
          modes.push(...part.modes);
          const rank = part.full.shape.at(-1)!;
          const rows = part.full.shape.slice(0, -1).reduce((p, n) => p * n, 1);
          shapes.push(...part.full.shape.slice(0, -1));
          full = naiveModeProduct(
            full,
            i,
            fromFunction([rows, rank], (a, b) => entry({ ...part.full, shape: [rows, rank] }, a, b)),
          );
        });
        return { full: { ...full, shape: [...shapes, full.shape.at(-1)!] }, modes };
      };
      const { full, modes } = below(at);
      const inTreeOrder = { ...full, shape: full.shape.slice(0, -1) };
      const expected = naivePermute(
        inTreeOrder,
        modes.map((_, k) => modes.indexOf(k)),
      );
      expect(distance(toDense(y), expected)).toBeLessThanOrEqual(1e-14);
    }),
    { numRuns: runs(100) },
  );
});

test("the density matrix of a mode is the partial trace of |Y><Y|, for every mode", () => {
  fc.assert(
    fc.property(states({ decays: [1, 0], maxEntries: 512 }), (y) => {
      const full = c128(toDense(y));
      modeSizes(y).forEach((n, mode) => {
        const rho = densityMatrix(y, mode);
        const expected = fromFunction([n, n], (i, j) => {
          let sum = { re: 0, im: 0 };
          const walk = (k: number, index: number[]): void => {
            if (k === full.shape.length) {
              const a = entry(full, ...index.with(mode, i));
              const b = entry(full, ...index.with(mode, j));
              const z = times(a, { re: b.re, im: -b.im });
              sum = { re: sum.re + z.re, im: sum.im + z.im };
              return;
            }
            for (let v = 0; v < (k === mode ? 1 : full.shape[k]!); v++) walk(k + 1, [...index, v]);
          };
          walk(0, []);
          return sum;
        });
        expect(distance(rho, expected)).toBeLessThanOrEqual(1e-13);
      });
    }),
    { numRuns: runs(30) },
  );
});

test("scaling keeps its input", () => {
  const y = randomState(balanced(3), [2, 2, 2], 2, seeded(4));
  const before = y.tensors.map((t) => t.data.slice());
  scale(3, y);
  add(y, y);
  moveCenter(y, 0);
  y.tensors.forEach((t, k) => {
    expect(t.data).toEqual(before[k]);
  });
});
