import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { augmentedBug } from "../../src/integrators/augmented-bug.ts";
import type { Integrator, StepContext } from "../../src/integrators/integrator.ts";

import { exponential } from "../../src/integrators/local/exponential.ts";
import { parallelBug } from "../../src/integrators/parallel-bug.ts";
import { solvedAtOnce } from "../../src/integrators/schedule.ts";
import { denseOf } from "../../src/linalg/matrix-product.ts";
import { type Random, seeded } from "../../src/linalg/random.ts";
import { asDtype, type Complex } from "../../src/linalg/tensor.ts";
import { states, statesWithOperators } from "../../src/testing/index.ts";
import { norm, toDense } from "../../src/ttn/arithmetic.ts";
import { orthonormalize } from "../../src/ttn/gauge.ts";
import { expectation, linearRhs } from "../../src/ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../src/ttn/operators/product-sum.ts";
import { modesBelow, type Nested, type NodeId, nestedOf, rootOf, tree } from "../../src/ttn/tree.ts";
import { truncate } from "../../src/ttn/truncate.ts";
import { modeSizes, ranks, type TTN } from "../../src/ttn/ttn.ts";
import { distance, naiveModeProduct, naivePermute, relative, runs, transpose, Worst } from "./dense.ts";

function shuffled(n: number, random: Random): number[] {
  const order = Array.from({ length: n }, (_, k) => k);
  for (let k = n - 1; k > 0; k--) {
    const j = Math.floor(random() * (k + 1));
    [order[k], order[j]] = [order[j]!, order[k]!];
  }
  return order;
}

interface Reordered {
  readonly y: TTN;
  /** The new name of each mode. */
  readonly renamed: readonly number[];
  /** The new node of each old one. */
  readonly moved: readonly NodeId[];
}

/** The same state with the children of every node in another order and the modes renamed: all nodes get other numbers. */
function reordered(y: TTN, seed: number): Reordered {
  const random = seeded(seed);
  const renamed = shuffled(y.tree.order, random);
  const orders = y.tree.nodes.map(({ children }) => shuffled(children.length, random));
  const sequence: NodeId[] = [];
  const walk = (id: NodeId): Nested => {
    const { mode, children } = y.tree.nodes[id]!;
    const nested = mode !== null ? renamed[mode]! : orders[id]!.map((k) => walk(children[k]!));
    sequence.push(id);
    return nested;
  };
  const t = tree(walk(rootOf(y.tree)));
  const tensors = sequence.map((id) =>
    y.tree.nodes[id]!.mode !== null
      ? y.tensors[id]!
      : like(y, naivePermute(y.tensors[id]!, [...orders[id]!, orders[id]!.length])),
  );
  const moved = y.tree.nodes.map((_, id) => sequence.indexOf(id));
  return { y: { tree: t, tensors, center: rootOf(t) }, renamed, moved };
}

/** naivePermute makes complex tensors; a real state takes their real parts. */
function like(y: TTN, c: ReturnType<typeof naivePermute>) {
  if (y.tensors[0]!.dtype === c.dtype) return c;
  return { ...c, dtype: "float64" as const, data: c.data.filter((_, i) => i % 2 === 0) };
}

/** The modes of a full tensor under their old names. */
const inOldNames = ({ y, renamed }: Reordered) => naivePermute(toDense(y), renamed);

/**
 * The same state hung up at another inner node. Edges on the way from it to the old root turn round; an old root with two children
 * becomes an edge, its tensor a factor of the child on the other side.
 */
function rerooted(y: TTN, at: NodeId): TTN {
  const root = rootOf(y.tree);
  const tensors: ReturnType<typeof naivePermute>[] = [];
  const neighbours = (id: NodeId): NodeId[] => {
    const { children, parent } = y.tree.nodes[id]!;
    return [...children, ...(parent === null ? [] : [parent])];
  };
  const walk = (id: NodeId, from: NodeId | null, factor: ReturnType<typeof naivePermute> | null): Nested => {
    const { mode, children, parent } = y.tree.nodes[id]!;
    let c = y.tensors[id]!;
    if (factor) c = naiveModeProduct(c, c.shape.length - 1, factor);
    if (mode !== null) {
      tensors.push(asDtype(c, "complex128"));
      return mode;
    }
    const all = neighbours(id);
    if (id === root && children.length === 2 && from !== null) {
      // only an edge is left: (a, b, 1) read as a matrix from the other child's rank to that of `from`
      const other = all.find((k) => k !== from)!;
      const m = { ...y.tensors[id]!, shape: y.tensors[id]!.shape.slice(0, 2) };
      return walk(other, id, children.indexOf(from) === 0 ? m : transpose(m));
    }
    // the modes of the tensor in the order of its neighbours; the root's own mode of size one is dropped or kept at the end
    const kept = all.filter((k) => k !== from && !(factor && k === parent));
    const modeOf = (k: NodeId): number => (k === parent ? children.length : children.indexOf(k));
    const nested = kept.map((k) => walk(k, id, null));
    const towards = from === null ? [] : [from === parent || factor ? children.length : children.indexOf(from)];
    const order = [...kept.map(modeOf), ...towards];
    const shape = parent === null ? c.shape.slice(0, -1) : c.shape;
    const turned = naivePermute({ ...c, shape }, order);
    tensors.push(
      from === null ? { ...asDtype(turned, "complex128"), shape: [...turned.shape, 1] } : asDtype(turned, "complex128"),
    );
    return nested;
  };
  const t = tree(walk(at, null, null));
  return orthonormalize({ tree: t, tensors, center: rootOf(t) });
}

/** Ranks by the set of modes on the side of an edge that lacks mode 0. */
function ranksBySplit(y: TTN): Map<string, number> {
  const found = new Map<string, number>();
  ranks(y).forEach((r, id) => {
    if (id === rootOf(y.tree)) return;
    const below = new Set(modesBelow(y.tree, id));
    const side = Array.from({ length: y.tree.order }, (_, k) => k).filter((k) => below.has(k) !== below.has(0));
    found.set(side.join(), r);
  });
  return found;
}

const near = (a: Complex, b: Complex, bound: number): void =>
  expect(Math.hypot(a.re - b.re, a.im - b.im)).toBeLessThanOrEqual(bound);

const renamedTerms = (terms: readonly ProductTerm[], renamed: readonly number[]): ProductTerm[] =>
  terms.map(({ coefficient, factors }) => ({
    coefficient,
    factors: factors.map(({ mode, operator }) => ({ mode: renamed[mode]!, operator })).sort((a, b) => a.mode - b.mode),
  }));

const spaces = { decays: [1, 0.1], maxEntries: 512, maxRank: 4 } as const;

describe("order of children and names of modes (B4)", () => {
  test("full tensor, ranks and energy do not depend on them; truncation finds the same ranks", () => {
    fc.assert(
      fc.property(statesWithOperators(spaces, { hermitian: true }), fc.integer(), ({ y, operator, terms }, seed) => {
        const other = reordered(y, seed);
        const full = toDense(y);
        expect(relative(inOldNames(other), full)).toBeLessThanOrEqual(1e-12);
        expect(ranks(other.y)).toEqual(other.moved.map((_, id) => ranks(y)[other.moved.indexOf(id)]));
        const h = productSum(other.y.tree, modeSizes(other.y), renamedTerms(terms, other.renamed));
        const energy = expectation(operator, y);
        near(expectation(h, other.y), energy, 1e-12 * (1 + Math.hypot(energy.re, energy.im)));
        const [a, b] = [truncate(y, { tolerance: 1e-13 }), truncate(other.y, { tolerance: 1e-13 })];
        expect(ranks(b.y)).toEqual(other.moved.map((_, id) => ranks(a.y)[other.moved.indexOf(id)]));
        expect(relative(inOldNames({ ...other, y: b.y }), full)).toBeLessThanOrEqual(1e-12);
      }),
      { numRuns: runs(200) },
    );
  });

  const methods: readonly Integrator[] = [
    augmentedBug(),
    parallelBug({ firstStep: "parallel" }),
    parallelBug({ root: "assembled" }),
    parallelBug({ root: "assembled", coupling: "evolved" }),
  ];

  test.each(methods.map((m) => [m.name, m] as const))("one step of %s commutes with them", async (_, method) => {
    const worst = new Worst();
    await fc.assert(
      fc.asyncProperty(
        statesWithOperators({ maxEntries: 128, maxRank: 3, maxLeaves: 6, dtypes: ["complex128"] }, { maxTerms: 4 }),
        fc.integer(),
        async ({ y, terms }, seed) => {
          const other = reordered(y, seed);
          const stepped = async (x: TTN, sum: readonly ProductTerm[]): Promise<TTN> => {
            const size = sum.reduce(
              (all, { factors }) => all + factors.reduce((p, f) => p * Math.hypot(...denseOf(f.operator).data), 1),
              1,
            );
            const context: StepContext = {
              rhs: linearRhs([{ operator: productSum(x.tree, modeSizes(x), sum) }], {
                factor: { re: 0.6 / size, im: -0.8 / size },
              }),
              solver: exponential({ tolerance: 1e-14 }),
              truncation: { tolerance: "off" },
              measureMissed: false,
            };
            const result = solvedAtOnce(method.step(context, x, 0, 0.5));
            if (!result.ok) throw new Error(`step failed: ${result.why}`);
            return result.y;
          };
          const one = toDense(await stepped(y, terms));
          const two = inOldNames({ ...other, y: await stepped(other.y, renamedTerms(terms, other.renamed)) });
          expect(worst.of(relative(two, one))).toBeLessThanOrEqual(1e-11);
        },
      ),
      { numRuns: runs(200) },
    );
    console.info(`B4, ${method.name}: ${worst.value.toExponential(1)}`);
  });
});

describe("another root (B4)", () => {
  test("full tensor, norm, exact ranks and energy do not depend on it", () => {
    fc.assert(
      fc.property(
        statesWithOperators({ ...spaces, minLeaves: 3 }, { hermitian: true }),
        fc.nat(),
        ({ y, operator, terms }, pick) => {
          const inner = y.tree.nodes.flatMap(({ mode }, id) => (mode === null ? [id] : []));
          const other = rerooted(y, inner[pick % inner.length]!);
          const full = toDense(y);
          expect(relative(toDense(other), full)).toBeLessThanOrEqual(1e-12);
          expect(norm(other)).toBeCloseTo(norm(y), 12);
          const [a, b] = [truncate(y, { tolerance: 1e-12 }).y, truncate(other, { tolerance: 1e-12 }).y];
          const [ra, rb] = [ranksBySplit(a), ranksBySplit(b)];
          for (const [side, r] of rb)
            expect(ra.get(side), `${side} of ${JSON.stringify(nestedOf(other.tree))}`).toBe(r);
          const h = productSum(other.tree, modeSizes(other), terms);
          const energy = expectation(operator, y);
          near(expectation(h, other), energy, 1e-12 * (1 + Math.hypot(energy.re, energy.im)));
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test("truncation with any root is below the same tolerance", () => {
    fc.assert(
      fc.property(states({ decays: [0.5, 0.1], minLeaves: 3, maxEntries: 512 }), fc.nat(), (y, pick) => {
        const inner = y.tree.nodes.flatMap(({ mode }, id) => (mode === null ? [id] : []));
        const { y: cut } = truncate(rerooted(y, inner[pick % inner.length]!), { tolerance: 1e-2 });
        expect(distance(toDense(cut), toDense(y))).toBeLessThanOrEqual(1e-2 + 1e-14);
      }),
      { numRuns: runs(100) },
    );
  });
});
