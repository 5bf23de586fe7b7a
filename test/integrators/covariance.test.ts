import { describe, expect, test } from "vitest";
import {
  exponential,
  type Integrator,
  type ProductTerm,
  productSum,
  randomState,
  randomTensor,
  schroedinger,
  seeded,
  type Tensor,
  type TTN,
  toDense,
  tree,
} from "../../src/index.ts";
import { combine, matmul, modeProduct, permute } from "../../src/linalg/contract.ts";
import { qr } from "../../src/linalg/factor.ts";
import { conj } from "../../src/linalg/level1.ts";
import { denseOf } from "../../src/linalg/matrix-product.ts";
import { distance } from "../ttn/dense.ts";
import { methods } from "./methods.ts";
import { randomChain } from "./random-hermitian.ts";
import { finalOf, unstarted } from "./support.ts";

/*
 * In other orthonormal bases of the modes and of the edges, Y -> (W_1 x ... x W_d) Y and H -> W H W*, the solution is the same in those bases. So
 * is what an integrator makes of it when all that it does is defined without reference to a basis: one that forgets a
 * conjugation somewhere is right for real data and depends on the phases of its factors otherwise.
 */
describe("three steps commute with unitary changes of the bases of all modes and edges", () => {
  const shape = tree([
    [0, 1],
    [2, 3],
  ]);
  const sizes = [5, 4, 4, 5];
  const unitaries = sizes.map((n, k) => randomUnitary(n, 50 + k));
  const terms = randomChain(sizes, 1);
  const turned = terms.map(
    ({ coefficient, factors }): ProductTerm => ({
      coefficient,
      factors: factors.map(({ mode, operator }) => ({
        mode,
        operator: hermitianPart(matmul(matmul(unitaries[mode]!, denseOf(operator)), unitaries[mode]!, "N", "C")),
      })),
    }),
  );
  const start = randomState(shape, sizes, 2, seeded(6), "complex128");
  /** The start value in the new bases, and in other bases of all its edges, U V and V* C for U and C. */
  const turnedStart = (): TTN => {
    const tensors = [...start.tensors];
    shape.nodes.forEach(({ mode, parent }, id) => {
      if (mode !== null) tensors[id] = modeProduct(tensors[id]!, 0, unitaries[mode]!);
      if (parent === null) return;
      const { shape: of } = tensors[id]!;
      const v = randomUnitary(of.at(-1)!, 60 + id);
      tensors[id] = modeProduct(tensors[id]!, of.length - 1, permute(v, [1, 0]));
      tensors[parent] = modeProduct(tensors[parent]!, shape.nodes[parent]!.children.indexOf(id), adjoint(v));
    });
    return { ...start, tensors };
  };

  const solved = async (integrator: Integrator, of: readonly ProductTerm[], initial: TTN) => {
    const rhs = schroedinger(productSum(shape, sizes, of));
    const problem = { name: "turned", rhs, initial, span: [0, 0.15], observables: {} } as const;
    const { y } = await finalOf(problem, {
      integrator,
      h: 0.05,
      solver: exponential({ tolerance: 1e-14 }),
      truncation: integrator.promises.rankAdaptive ? { tolerance: 1e-12, maxRank: 3 } : { tolerance: "off" },
    });
    return toDense(y);
  };

  test.each(methods)("$name", async ({ integrator }) => {
    const method = unstarted(integrator);
    const plain = await solved(method, terms, start);
    const other = await solved(method, turned, turnedStart());
    const expected = unitaries.reduce((x, w, mode) => modeProduct(x, mode, w), plain);
    expect(distance(other, expected)).toBeLessThan(1e-11);
  });
});

const adjoint = (a: Tensor): Tensor => permute(conj(a), [1, 0]);

const randomUnitary = (n: number, seed: number): Tensor => qr(randomTensor(seeded(seed), [n, n], "complex128")).q;

/** (A + A*) / 2: round-off must not make an operator fail to be Hermitian. */
const hermitianPart = (a: Tensor): Tensor =>
  combine([
    [0.5, a],
    [0.5, adjoint(a)],
  ]);
