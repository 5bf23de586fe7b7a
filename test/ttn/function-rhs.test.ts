import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  applyOperator,
  augmentedBug,
  balanced,
  centers,
  evolve,
  functionRhs,
  linearRhs,
  localRhs,
  matrixRhs,
  norm,
  orthonormalize,
  productSum,
  type Rhs,
  randomState,
  randomTensor,
  reshape,
  restrict,
  rk4,
  scale,
  seeded,
  star,
  type Tensor,
  type TTN,
  tensor,
  toDense,
  tree,
} from "../../src/index.ts";
import { matmul } from "../../src/linalg/contract.ts";
import { norm as frobenius } from "../../src/linalg/level1.ts";
import { workspace } from "../../src/linalg/workspace.ts";
import { statesTogether } from "../../src/testing/index.ts";
import { factorsOf, matrixNetwork } from "../../src/ttn/matrix-rhs.ts";
import { withTensor } from "../../src/ttn/ttn.ts";
import { restriction } from "../integrators/prescribed.ts";
import { distance, product, relative, runs, transpose, Worst } from "./dense.ts";

/** The local field of a right-hand side, applied to a tensor. */
function seen(rhs: Rhs, trial: TTN, node: number, x: Tensor, t = 0, other: TTN = trial): Tensor {
  const field = rhs.bind(trial, node, other);
  using frame = workspace().frame();
  const out = tensor(field.shapeOut, field.dtype);
  field.plan(frame)(t, frame.hold(x, field.dtype), out);
  return out;
}

const shapes = { maxDegree: 3, maxSize: 4, maxRank: 3, maxLeaves: 6, maxEntries: 300 } as const;

describe("restriction", () => {
  const worst = new Worst();

  test("is the one of the definition, at every node, for a network in no gauge at all, real and complex", () => {
    fc.assert(
      fc.property(statesTogether(2, shapes), fc.integer(), ([z, y], seed) => {
        const random = seeded(seed);
        const any: TTN = { ...z!, tensors: z!.tensors.map((t) => randomTensor(random, t.shape, t.dtype)) };
        const full = toDense(any);
        centers(y!).forEach((at, node) => {
          const expected = restriction(at, node)(full);
          expect(worst.of(distance(restrict(any, at, node), expected) / frobenius(full))).toBeLessThan(1e-13);
        });
      }),
      { numRuns: runs(100) },
    );
    console.info(`restriction against its definition: ${worst.value.toExponential(1)}`);
  });

  test("of the state itself is its tensor, and costs nothing", () => {
    const y = randomState(star(3), [4, 3, 5], 2, seeded(1), "complex128");
    centers(y).forEach((at, node) => {
      expect(restrict(at, at, node)).toBe(at.tensors[node]);
    });
  });
});

describe("functionRhs", () => {
  const worst = new Worst();

  test("of a nonlinear function is P(test)* f(t, P(trial) X), trial and test of different ranks", () => {
    fc.assert(
      fc.property(statesTogether(3, shapes), fc.integer(), ([y, w, c], seed) => {
        // f(t, Y) = t |Y|^2 Y + C, as a sum
        const f = (t: number, at: TTN) => [scale(t * frobenius(at.tensors[at.center]!) ** 2, at), c!];
        const rhs = functionRhs(f, { dtype: c!.tensors[0]!.dtype });
        const tests = centers(w!);
        centers(y!).forEach((trial, node) => {
          const x = randomTensor(seeded(seed + node), trial.tensors[node]!.shape, trial.tensors[node]!.dtype);
          const y0 = toDense(withTensor(trial, node, x));
          const [z, full] = [toDense(c!), tensor(y0.shape, y0.dtype)];
          for (let i = 0; i < full.data.length; i++) full.data[i] = 0.7 * frobenius(y0) ** 2 * y0.data[i]! + z.data[i]!;
          for (const other of [trial, tests[node]!]) {
            const expected = restriction(other, node)(full);
            const found = seen(rhs, trial, node, x, 0.7, other);
            expect(worst.of(distance(found, expected) / frobenius(full))).toBeLessThan(1e-13);
          }
        });
      }),
      { numRuns: runs(60) },
    );
    console.info(`functionRhs against full tensors: ${worst.value.toExponential(1)}`);
  });

  test.each([
    ["an unbalanced tree", tree([[0, [1, 2, 3]], 4]), [3, 2, 2, 3, 3]],
    ["a Tucker star", star(3), [4, 3, 5]],
  ])("of an operator applied is linearRhs: %s", (_, shape, sizes) => {
    for (const dtype of ["float64", "complex128"] as const) {
      const random = seeded(3);
      const terms = [0, 1, 2].map((mode) => ({
        coefficient: mode + 1,
        factors: [mode, (mode + 1) % 3].sort().map((m) => ({
          mode: m,
          operator: randomTensor(random, [sizes[m]!, sizes[m]!], dtype),
        })),
      }));
      const operator = productSum(shape, sizes, terms);
      const linear = linearRhs([{ operator }]);
      const rhs = functionRhs((_t, y) => applyOperator(operator, y), { kind: "linear", dtype });
      const [trials, tests] = [2, 3].map((rank) => centers(randomState(shape, sizes, rank, random, dtype)));
      trials!.forEach((trial, node) => {
        const x = randomTensor(random, trial.tensors[node]!.shape, dtype);
        for (const other of [trial, tests![node]!])
          expect(relative(seen(rhs, trial, node, x, 0, other), seen(linear, trial, node, x, 0, other))).toBeLessThan(
            1e-12,
          );
      });
    }
  });

  test("gives f a state whose centre is at the node and whose memory is its own", () => {
    const y = centers(randomState(balanced(4), [3, 3, 3, 3], 2, seeded(1)));
    const kept: TTN[] = [];
    const rhs = functionRhs((_t, at) => {
      kept.push(at);
      return orthonormalize(at);
    });
    y.forEach((trial, node) => {
      const found = seen(rhs, trial, node, trial.tensors[node]!);
      expect(relative(found, trial.tensors[node]!)).toBeLessThan(1e-14);
      expect(kept.at(-1)!.center).toBe(node);
    });
    kept.forEach((at, node) => {
      expect(at.tensors[node]!.data).toEqual(y[node]!.tensors[node]!.data);
    });
  });

  test("refuses what does not fit, naming the node and both sides", () => {
    const y = randomState(balanced(3), [2, 3, 4], 2, seeded(1));
    const value = (f: (y: TTN) => unknown) => () =>
      seen(
        functionRhs((_t, at) => f(at) as TTN),
        centers(y)[1]!,
        1,
        centers(y)[1]!.tensors[1]!,
        0.5,
      );
    const other = (shape = balanced(3), sizes = [2, 3, 4], dtype: "float64" | "complex128" = "float64") =>
      randomState(shape, sizes, 2, seeded(2), dtype);
    expect(value(() => undefined)).toThrow(
      /functionRhs: f\(t, Y\) at node 1 and t = 0.5 is undefined, expected a tree tensor network/,
    );
    expect(value(async (at) => at)).toThrow(/is a promise, expected a tree tensor network/);
    expect(value(() => [])).toThrow(/node 1.* is an empty list/);
    expect(value(() => other(star(3)))).toThrow(/node 1.* the trees differ: \[0,1,2\] and \[\[0,1\],2\]/);
    expect(value(() => other(balanced(3), [2, 3, 5]))).toThrow(/node 1.* mode sizes differ: 2x3x5 and 2x3x4/);
    expect(value((at) => ({ ...other(at.tree), tensors: other().tensors.slice(1) }))).toThrow(
      /has 4 tensors, the tree 5 nodes/,
    );
    expect(value((at) => withTensor(other(at.tree), 2, tensor([2, 3, 2])))).toThrow(
      /node 1.* has a tensor 2x3x2 at node 2, expected 2x2x2/,
    );
    expect(value(() => other(balanced(3), [2, 3, 4], "complex128"))).toThrow(
      /node 1.* at node 0 that is complex128, the state is float64; declare dtype/,
    );
    expect(() => functionRhs((_t, at) => at, { dtype: "complex128" }).check(y)).toThrow(/is complex128, the state is/);
    expect(() => functionRhs((_t, at) => at, { kind: "quadratic" as "linear" })).toThrow(/kind is "quadratic"/);
  });

  test("a blow-up ends as a run that was not finite, also where f itself throws at it", async () => {
    // Y' = |Y|^4 (Y + Y), from |Y| = 1: infinite at t = 1/8
    const rhs = functionRhs((_t, y) => add(scale(norm(y) ** 4, y), scale(norm(y) ** 4, y)));
    const initial = randomState(star(3), [2, 3, 4], 2, seeded(1));
    const run = async (): Promise<void> => {
      const problem = { name: "blow-up", rhs, initial, span: [0, 1] as const, observables: {} };
      for await (const _ of evolve(problem, { integrator: augmentedBug(), h: 0.5, solver: rk4({ substeps: 20 }) }));
    };
    await expect(run()).rejects.toMatchObject({ name: "EvolutionError", code: "not-finite" });
  });

  test("lets numbers that are not finite pass to the solver", () => {
    const y = randomState(star(3), [2, 3, 4], 2, seeded(1));
    const rhs = functionRhs((_t, at) => withTensor(at, at.center, scale(Number.NaN, at).tensors[at.center]!));
    expect(seen(rhs, y, y.center, y.tensors[y.center]!).data[0]).toBeNaN();
  });
});

describe("localRhs", () => {
  test("is the function that it is made of", () => {
    const y = randomState(star(3), [2, 3, 4], 2, seeded(1), "complex128");
    const rhs = localRhs((trial, node, other) => (t, x) => {
      expect(trial).toBe(other);
      return { ...x, data: x.data.map((v) => (t + node) * v) };
    });
    const x = y.tensors[3]!;
    expect(seen(rhs, y, 3, x, 2).data).toEqual(x.data.map((v) => 5 * v));
  });

  test("refuses another shape or scalar type, naming the node and both sides", () => {
    const y = randomState(star(3), [2, 3, 4], 2, seeded(1));
    const value = (z: unknown) => () =>
      seen(
        localRhs(() => () => z as Tensor),
        y,
        3,
        y.tensors[3]!,
        2,
      );
    expect(value(tensor([2, 2, 2]))).toThrow(/value at node 3 and t = 2 is 2x2x2, expected 2x2x2x1/);
    expect(value(tensor([2, 2, 2, 1], "complex128"))).toThrow(/node 3 and t = 2 is complex128, the state is float64/);
    expect(value(undefined)).toThrow(/node 3 and t = 2 is undefined, expected a tensor/);
    const choosy = localRhs(() => (_t, x) => x, {
      check() {
        throw new RangeError("five modes");
      },
    });
    expect(() => choosy.check(y)).toThrow("five modes");
  });
});

describe("matrixRhs", () => {
  test.each([
    ["[0, 1]", tree([0, 1])],
    ["[1, 0]", tree([1, 0])],
  ])("sees U S V^T, and is seen through every frame: tree %s", (_, shape) => {
    const sizes = [6, 4];
    for (const dtype of ["float64", "complex128"] as const) {
      const random = seeded(5);
      const [a, b] = [randomTensor(random, [6, 6], dtype), randomTensor(random, [4, 4], dtype)];
      const [left, core, right] = [
        [6, 2],
        [2, 3],
        [4, 3],
      ].map((size) => randomTensor(random, size, dtype)) as [Tensor, Tensor, Tensor];
      // F = A Y B Y^T Y + L C R^T
      const rhs = matrixRhs((_t, { u, s, v }) => {
        const middle = matmul(
          matmul(matmul(s, matmul(v, matmul(b, v), "T")), s, "N", "T"),
          matmul(matmul(u, u, "T"), s),
        );
        return [
          { left: matmul(a, u), core: middle, right: v },
          { left, core, right },
        ];
      });
      const trials = centers(randomState(shape, sizes, 2, random, dtype));
      const tests = centers(randomState(shape, sizes, 3, random, dtype));
      trials.forEach((trial, node) => {
        const x = randomTensor(random, trial.tensors[node]!.shape, dtype);
        const y = toDense(withTensor(trial, node, x));
        const { u, s, v } = factorsOf(withTensor(trial, node, x));
        expect(relative(product(product(u, s), transpose(v)), y)).toBeLessThan(1e-14);
        const first = product(product(product(a, y), b), product(transpose(y), y));
        const second = product(product(left, core), transpose(right));
        expect(relative(toDense(matrixNetwork(shape, { left, core, right })), second)).toBeLessThan(1e-14);
        const full = tensor(
          first.shape,
          "complex128",
          first.data.map((e, i) => e + second.data[i]!),
        );
        for (const other of [trial, tests[node]!]) {
          const expected = restriction(other, node)(full);
          expect(distance(seen(rhs, trial, node, x, 0, other), expected)).toBeLessThan(1e-13 * frobenius(full));
        }
      });
    }
  });

  test("refuses other trees and factors that do not fit, naming both", () => {
    const y = randomState(balanced(3), [2, 3, 4], 2, seeded(1));
    expect(() => matrixRhs((_t, { u, v }) => ({ left: u, right: v })).check(y)).toThrow(
      /matrixRhs: the tree has 3 leaves, a matrix has two/,
    );
    const two = balanced(2);
    const [left, right] = [tensor([4, 3]), tensor([5, 2])];
    expect(() => matrixNetwork(two, { left, right })).toThrow(/left has 3 columns, right 2/);
    expect(() => matrixNetwork(two, { left, right, core: tensor([2, 2]) })).toThrow(/core is 2x2, expected 3x2/);
    expect(() => matrixNetwork(two, { left: reshape(left, [12]), right })).toThrow(/left is 12, expected a matrix/);
    const x = randomState(two, [4, 5], 2, seeded(1));
    expect(() =>
      seen(
        matrixRhs(() => ({ left, right: tensor([6, 3]) })),
        x,
        2,
        x.tensors[2]!,
      ),
    ).toThrow(/at node 2 and t = 0 has a tensor 6x3 at node 1, expected 5x3/);
  });
});
