import { describe, expect, test } from "vitest";
import {
  add,
  augmentedBug,
  balanced,
  centers,
  type Dtype,
  exactIncrement,
  exponential,
  functionRhs,
  imaginaryTime,
  type LocalField,
  linearRhs,
  prescribedRhs,
  productSum,
  type Rhs,
  randomState,
  randomTensor,
  ranks,
  rk4,
  scale,
  schroedinger,
  seeded,
  sourceRhs,
  star,
  stateAs,
  sumRhs,
  type Tensor,
  type TTN,
  tensor,
  toDense,
  tree,
  ttn,
} from "../../src/index.ts";
import { combine } from "../../src/linalg/contract.ts";
import { workspace } from "../../src/linalg/workspace.ts";
import { movingState, restriction } from "../integrators/prescribed.ts";
import { finalOf } from "../integrators/support.ts";
import { relative } from "./dense.ts";

function applied(field: LocalField, x: Tensor, t: number): Tensor {
  using frame = workspace().frame();
  const out = tensor(field.shapeOut, field.dtype);
  field.plan(frame)(t, frame.hold(x, field.dtype), out);
  return out;
}

const increment = (field: LocalField, t0: number, t1: number): Tensor => {
  const out = tensor(field.shapeOut, field.dtype);
  field.increment!(t0, t1, out);
  return out;
};

const trees = [
  ["an unbalanced tree", tree([[0, [1, 2, 3]], 4]), [3, 2, 2, 3, 3]],
  ["a Tucker star", star(3), [4, 3, 5]],
] as const;
const dtypes: readonly Dtype[] = ["float64", "complex128"];
const everywhere = trees.flatMap(([name, shape, sizes]) => dtypes.map((dtype) => ({ name, shape, sizes, dtype })));

describe.each(everywhere)("$name, $dtype", ({ shape, sizes, dtype }) => {
  const random = seeded(9);
  const state = (rank: number, type = dtype): TTN => randomState(shape, sizes, rank, random, type);
  const [y, w, g0, g1] = [2, 3, 3, 2].map((rank) => state(rank)) as [TTN, TTN, TTN, TTN];
  const atAll = (rhs: Rhs, check: (field: LocalField, seen: (full: Tensor) => Tensor, x: Tensor) => void): void => {
    centers(y).forEach((trial, node) => {
      for (const other of [trial, centers(w)[node]!])
        check(rhs.bind(trial, node, other), restriction(other, node), trial.tensors[node]!);
    });
  };

  test("a source is seen through every frame, whatever Y is, and its integral is known when it is constant", () => {
    const [full0, full1] = [toDense(g0), toDense(g1)];
    atAll(sourceRhs([g0, g1]), (field, seen, x) => {
      const sum = combine([
        [1, full0],
        [1, full1],
      ]);
      expect(field.autonomous).toBe(true);
      expect(relative(applied(field, x, 0.3), seen(sum))).toBeLessThan(1e-13);
      expect(relative(increment(field, 0.7, 0.2), seen(combine([[-0.5, sum]])))).toBeLessThan(1e-13);
    });
    const moving = sourceRhs((t) => scale(Math.cos(t), g0), { dtype, integral: (t) => scale(Math.sin(t), g0) });
    atAll(moving, (field, seen, x) => {
      expect(field.autonomous).toBe(false);
      for (const t of [0.3, 1.1, 0.3])
        expect(relative(applied(field, x, t), seen(combine([[Math.cos(t), full0]])))).toBeLessThan(1e-13);
      const change = Math.sin(0.2) - Math.sin(0.7);
      expect(relative(increment(field, 0.7, 0.2), seen(combine([[change, full0]])))).toBeLessThan(1e-13);
    });
  });

  test("a sum is the sum of the fields, and of their integrals", () => {
    const terms = [
      { coefficient: 2, factors: [{ mode: 1, operator: randomTensor(random, [sizes[1], sizes[1]], dtype) }] },
    ];
    const linear = linearRhs([{ operator: productSum(shape, sizes, terms) }]);
    const twice = functionRhs((t, at) => scale(t, at), { dtype });
    const rhs = sumRhs(linear, twice, sourceRhs(g0));
    centers(y).forEach((trial, node) => {
      const parts = [linear, twice, sourceRhs(g0)].map((part) => part.bind(trial, node, centers(w)[node]!));
      const field = rhs.bind(trial, node, centers(w)[node]!);
      const x = trial.tensors[node]!;
      const expected = combine(parts.map((part) => [1, applied(part, x, 0.4)]));
      expect(relative(applied(field, x, 0.4), expected)).toBeLessThan(1e-14);
      expect(field.kind).toBe("nonlinear");
      expect(field.increment).toBeUndefined();
    });
    atAll(sumRhs(sourceRhs(g0), sourceRhs(g1)), (field, seen) => {
      const expected = seen(
        combine([
          [0.5, toDense(g0)],
          [0.5, toDense(g1)],
        ]),
      );
      expect(relative(increment(field, 0.1, 0.6), expected)).toBeLessThan(1e-13);
    });
  });

  test("augmented BUG is exact for A(t) of its rank with exact increments, in any step, back in time too", async () => {
    const { at } = movingState(shape, 3, 2, seeded(7), dtype);
    const rhs = prescribedRhs(at, { dtype });
    const run = async (h: number, span: readonly [number, number]): Promise<number> => {
      const initial = ttn(shape, at(span[0]).tensors);
      const last = await finalOf(
        { name: "prescribed", rhs, initial, span, observables: {} },
        {
          integrator: augmentedBug(),
          h,
          solver: exactIncrement(),
          truncation: { tolerance: "off", maxRank: ranks(initial) },
        },
      );
      expect(last.applications).toBeLessThanOrEqual(shape.nodes.length);
      return relative(toDense(last.y), toDense(at(span[1])));
    };
    for (const h of [1e-1, 1e-4]) {
      expect(await run(h, [0, 10 * h])).toBeLessThan(1e-11);
      expect(await run(h, [0.3, 0.3 - 10 * h])).toBeLessThan(1e-11);
    }
  });
});

describe("what kind of field a sum is", () => {
  const shape = balanced(3);
  const sizes = [2, 3, 2];
  const term = (mode: number) => ({
    coefficient: 1,
    factors: [{ mode, operator: tensor([sizes[mode]!, sizes[mode]!]) }],
  });
  const h = (mode: number) => productSum(shape, sizes, [term(mode)]);
  const y = randomState(shape, sizes, 2, seeded(1), "complex128");
  const bound = (rhs: Rhs): LocalField => rhs.bind(y, y.center);

  test("a multiple of a Hermitian operator only when all parts are, with one phase", () => {
    const field = bound(sumRhs(schroedinger(h(0)), schroedinger(h(1))));
    expect(field).toMatchObject({ kind: "linear-hermitian", phase: { re: 0, im: -1 }, autonomous: true });
    expect(bound(sumRhs(schroedinger(h(0)), imaginaryTime(h(1))))).toMatchObject({ kind: "linear" });
    expect(bound(sumRhs(schroedinger(h(0)), linearRhs([{ operator: h(1) }]))).kind).toBe("linear");
    expect(
      bound(
        sumRhs(
          schroedinger(h(0)),
          functionRhs((_t, at) => at),
        ),
      ).kind,
    ).toBe("nonlinear");
    const driven = linearRhs([{ operator: h(1), coefficient: (t) => t }]);
    expect(bound(sumRhs(schroedinger(h(0)), driven)).autonomous).toBe(false);
  });

  test("the type is the common one, every part checks the state, and every part is told of a step", () => {
    const told: string[] = [];
    const part = (name: string): Rhs => ({
      ...functionRhs((_t, at) => at),
      beginStep: (step, t) => {
        told.push(`${name} ${step} ${t}`);
      },
    });
    const rhs = sumRhs(part("a"), linearRhs([{ operator: h(0) }]), part("b"));
    rhs.beginStep!(3, 0.5);
    expect(told).toEqual(["a 3 0.5", "b 3 0.5"]);
    expect(sumRhs(linearRhs([{ operator: h(0) }])).beginStep).toBeUndefined();
    expect(rhs.dtype).toBe("float64");
    expect(sumRhs(rhs, schroedinger(h(0))).dtype).toBe("complex128");
    expect(() => rhs.check(randomState(star(3), sizes, 2, seeded(1)))).toThrow(/tree/);
    expect(() => sumRhs(rhs, schroedinger(h(0))).check(randomState(shape, sizes, 2, seeded(1)))).toThrow(/complex128/);
    expect(() => sumRhs()).toThrow(/no right-hand side was given/);
  });
});

describe("what is refused", () => {
  const shape = star(3);
  const y = randomState(shape, [2, 3, 4], 2, seeded(1));

  test("sources on another space, and complex ones for real states", () => {
    expect(() => sourceRhs(randomState(shape, [2, 3, 5], 2, seeded(1))).check(y)).toThrow(
      /sourceRhs: G has a tensor 5x2 at node 2, expected 4x2/,
    );
    expect(() => sourceRhs(stateAs(y, "complex128")).check(y)).toThrow(/complex128, the state is float64/);
    const late = sourceRhs(() => randomState(balanced(3), [2, 3, 4], 2, seeded(1)));
    expect(() => applied(late.bind(y, 1), y.tensors[1]!, 0.5)).toThrow(
      /sourceRhs: G\(t\) at node 1 and t = 0.5: the trees differ/,
    );
  });

  test("solving for increments where there are none, and for values where there is no derivative", () => {
    const problem = (rhs: Rhs) => ({
      node: 3,
      field: rhs.bind(y, 3),
      initial: y.tensors[3]!,
      t0: 0,
      t1: 1,
      seeks: "state" as const,
    });
    expect(() => exactIncrement().solve(problem(functionRhs((_t, at) => at)))).toThrow(
      /exactIncrement: the nonlinear local field at node 3 does not know its integral/,
    );
    const prescribed = prescribedRhs(() => y);
    expect(() => rk4().solve(problem(prescribed))).toThrow(/field at node 3 .* no derivative was given/);
    expect(() => exponential().solve(problem(prescribed))).toThrow(/nonlinear/);
    expect(exactIncrement().solve(problem(prescribed))).toMatchObject({ applications: 1, converged: true });
    const known = prescribedRhs((t) => scale(1 + t * t, y), { derivative: (t) => scale(2 * t, y) });
    const twice = toDense(add(y, y));
    expect(
      relative(toDense({ ...y, tensors: y.tensors.with(3, rk4().solve(problem(known)).final) }), twice),
    ).toBeLessThan(1e-14);
  });
});
