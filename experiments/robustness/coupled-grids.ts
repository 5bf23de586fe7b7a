import {
  applyOperator,
  balanced,
  evolve,
  fromFunction,
  methods,
  norm,
  type Problem,
  type ProductTerm,
  productState,
  productSum,
  randomState,
  roomFor,
  scale,
  schroedinger,
  seeded,
  type Tensor,
  type TTN,
  toDense,
} from "../../src/index.ts";
import { exactSolution } from "../../src/problems/index.ts";

/**
 * Three grids of six points in a potential that couples them: the terms of a single grid each, those of two, and wave packets, of norm one.
 */
export function wavePackets() {
  const n = 6;
  const tree = balanced(3);
  const kinetic = fromFunction([n, n], (i, j) => (i === j ? 1 : Math.abs(i! - j!) === 1 ? -0.5 : 0));
  const at = (i: number): number => (i - (n - 1) / 2) / 2;
  const x = fromFunction([n, n], (i, j) => (i === j ? at(i!) : 0));
  const square = fromFunction([n, n], (i, j) => (i === j ? at(i!) ** 2 : 0));
  const term = (coefficient: number, ...factors: (readonly [number, Tensor])[]): ProductTerm => ({
    coefficient,
    factors: factors.map(([mode, operator]) => ({ mode, operator })),
  });
  const packet = (c: number): Tensor => fromFunction([n], (i) => ({ re: Math.exp(-0.5 * (i! - c) ** 2), im: 0 }));
  const start = productState(tree, [packet(1.5), packet(2), packet(3)]);
  return {
    tree,
    sizes: [n, n, n],
    single: [
      ...[0, 1, 2].map((mode) => term(1, [mode, kinetic])),
      ...[0, 1, 2].map((mode) => term(0.5, [mode, square])),
    ],
    coupling: [term(0.7, [0, square], [1, x]), term(0.5, [1, square], [2, x]), term(0.3, [0, x], [2, x])],
    packets: scale(1 / norm(start), start),
  };
}

/**
 * The coupled grids over a time of one. `whole`: wave packets, with room for where they move first, and the full solution. `projected`: a
 * random state of rank three, and what all methods of fixed rank approximate, the equation projected on the tangent spaces of the states
 * of that rank, by a run with very short steps.
 */
export function coupledGrids(): {
  readonly whole: () => { readonly problem: Problem; readonly exact: Tensor };
  readonly projected: () => Promise<{ readonly problem: Problem; readonly exact: Tensor }>;
} {
  const { tree, sizes, single, coupling, packets } = wavePackets();
  const terms = [...single, ...coupling];
  const operator = productSum(tree, sizes, terms);
  const problemOf = (initial: TTN): Problem => ({
    name: "coupled grids",
    rhs: schroedinger(operator),
    initial,
    span: [0, 1],
    observables: {},
  });
  return {
    whole: () => ({
      problem: problemOf(roomFor(packets, applyOperator(operator, packets))),
      exact: exactSolution(terms, toDense(packets))(1),
    }),
    async projected() {
      const problem = problemOf(randomState(tree, sizes, 3, seeded(3), "complex128"));
      let y = problem.initial;
      for await (const step of evolve(problem, { integrator: methods.strang, h: 1 / 512 })) y = step.y;
      return { problem, exact: toDense(y) };
    },
  };
}
