import { describe, expect, test } from "vitest";
import {
  add,
  applyOperator,
  augmentedBug,
  balanced,
  evolve,
  leavesTangentSpace,
  norm,
  parallelBug,
  productSum,
  randomState,
  ranks,
  roomFor,
  scale,
  seeded,
  type TTN,
  toDense,
} from "../../src/index.ts";
import { exactSolution, parseSpinExpression, spinChain, spinState } from "../../src/problems/index.ts";
import { distance } from "./dense.ts";

const d = 6;
const tree = balanced(d);
const chain = (text: string) => {
  const terms = parseSpinExpression(text, d);
  return { terms, h: productSum(tree, Array<number>(d).fill(2), terms) };
};
const ising = chain("-sum(Z[i]*Z[i+1]) - sum(X[i])");
const xxz = chain("sum(X[i]*X[i+1] + Y[i]*Y[i+1] + 0.5*Z[i]*Z[i+1])");

describe("room for a derivative", () => {
  test("fields on single sites move a product state within its tangent space, a flip of two sites does not", () => {
    const up = spinState(tree, "up");
    expect(leavesTangentSpace(up, applyOperator(ising.h, up))).toBe(false);
    const plus = spinState(tree, "plus");
    expect(leavesTangentSpace(plus, applyOperator(ising.h, plus))).toBe(true);
    const neel = spinState(tree, "neel");
    expect(leavesTangentSpace(neel, applyOperator(xxz.h, neel))).toBe(true);
  });

  test("neither an offset of the energy nor a large field hides a flip of two sites", () => {
    const neel = spinState(tree, "neel");
    for (const text of ["1000*sum(n[i])", "1e-3*0*sum(Z[i]) + 20*sum(X[i])", "500"]) {
      const { h } = chain(`sum(X[i]*X[i+1] + Y[i]*Y[i+1]) + ${text}`);
      expect(leavesTangentSpace(neel, applyOperator(h, neel))).toBe(true);
      const weak = chain(`1e-2*sum(X[i]*X[i+1] + Y[i]*Y[i+1]) + ${text}`);
      expect(leavesTangentSpace(neel, applyOperator(weak.h, neel))).toBe(true);
    }
    const field = chain("3*sum(X[i]) + sum(Z[i]*Z[i+1])");
    expect(leavesTangentSpace(neel, applyOperator(field.h, neel))).toBe(false);
  });

  test("a random direction leaves it, the state itself and zero do not, at any scale", () => {
    const y = randomState(tree, Array<number>(d).fill(2), 2, seeded(3), "complex128");
    const other = randomState(tree, Array<number>(d).fill(2), 2, seeded(4), "complex128");
    for (const size of [1e-8, 1, 1e8]) {
      expect(leavesTangentSpace(y, scale(size, other))).toBe(true);
      expect(leavesTangentSpace(y, scale(size, y))).toBe(false);
    }
    expect(leavesTangentSpace(y, scale(0, y))).toBe(false);
  });

  test("the state is the same, its bases hold the derivative", () => {
    const y = spinState(tree, "neel");
    const f = applyOperator(xxz.h, y);
    const wide = roomFor(y, f);
    expect(distance(toDense(wide), toDense(y))).toBeLessThan(1e-14);
    // a sum with the derivative needs no other bases: the projection on them is the identity
    const sum = add(y, f);
    expect(ranks(wide)).toEqual(ranks(sum));
    expect(Math.abs(norm(wide) - norm(y))).toBeLessThan(1e-14);
  });

  test.each([augmentedBug(), parallelBug()])(
    "$name stands still without it and follows the solution with it",
    async (integrator) => {
      const y = spinState(tree, "neel");
      const exact = exactSolution(xxz.terms, toDense(y))(0.2);
      const end = async (initial: TTN): Promise<number> => {
        let last = initial;
        const problem = { ...spinChain("xxz", xxz.h, initial, 0.2), observables: {} };
        for await (const step of evolve(problem, { integrator, h: 0.01, truncation: { tolerance: 1e-10 } }))
          last = step.y;
        return distance(toDense(last), exact);
      };
      expect(await end(y)).toBeGreaterThan(0.1);
      expect(await end(roomFor(y, applyOperator(xxz.h, y)))).toBeLessThan(1e-4);
    },
  );
});
