import {
  add,
  balanced,
  evolve,
  exactIncrement,
  methods,
  modeSizes,
  norm,
  randomState,
  rk4,
  scale,
  seeded,
  type Tensor,
  type TTN,
  toDense,
} from "../../src/index.ts";
import {
  exactSolution,
  heatWithSource,
  largestExact,
  longRangeIsing,
  longRangeIsingTerms,
  matrixSchroedinger,
  prescribedMotion,
  spinChain,
  spinState,
} from "../../src/problems/index.ts";
import type { Case } from "./case.ts";
import { coupledGrids } from "./coupled-grids.ts";
import { leafFields, sigmas } from "./leaf-fields.ts";

const powers = (first: number, count: number): number[] => Array.from({ length: count }, (_, k) => first / 2 ** k);

function distance(a: Tensor, b: Tensor): number {
  if (a.data.length !== b.data.length) throw new RangeError("distance: the tensors differ in size or type");
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return Math.sqrt(sum);
}

/** A state with edges of higher rank: new directions are random, with amplitude zero. */
const padded = (y: TTN, rank: number, dtype: "float64" | "complex128"): TTN =>
  add(y, scale(0, randomState(y.tree, modeSizes(y), rank, seeded(21), dtype)));

/** A coupled potential, where order shows: see `coupledGrids`. */
export function coupledCase(count: number): Case {
  const grids = coupledGrids();
  return {
    name: "coupled",
    label: "coupled potential",
    steps: powers(1 / 4, count),
    tolerance: 1e-10,
    async prepare(isAdaptive) {
      const { problem, exact } = isAdaptive ? grids.whole() : await grids.projected();
      return { problem, errorOf: (y) => distance(toDense(y), exact) };
    },
  };
}

/** A dissipative problem with a source that moves. */
export const heatCase = (count: number): Case => ({
  name: "heat",
  label: "heat with a moving source",
  steps: powers(1 / 8, count),
  tolerance: 1e-10,
  solver: (h) => rk4({ substeps: Math.ceil(64 * h) }),
  async prepare(isAdaptive) {
    const problem = heatWithSource();
    const exact = problem.exact(1);
    return {
      problem: isAdaptive ? problem : { ...problem, initial: padded(problem.initial, 6, "float64") },
      errorOf: (y) => distance(toDense(y), exact),
    };
  },
});

/**
 * The quench of a long-range Ising chain at limited rank. Up to twelve spins against the full solution; above, against midpoint
 * BUG at a quarter of the smallest step and twice the rank. Methods that adapt ranks start from rank one; those that
 * keep them from the limit.
 */
export function quenchCase(d: number, steps: readonly number[], T: number, rank: number, tolerance: number): Case {
  const tree = balanced(d);
  const start = (r: number): TTN => spinState(tree, "up", r);
  const problemOf = (initial: TTN) => spinChain("quench", longRangeIsing(tree), initial, T);
  let truth: Promise<(y: TTN) => number> | undefined;
  const errors = async (): Promise<(y: TTN) => number> => {
    if (2 ** d <= largestExact) {
      const exact = exactSolution(longRangeIsingTerms(d), toDense(start(1)))(T);
      return (y) => distance(toDense(y), exact);
    }
    const fine = { tolerance: tolerance / 10, maxRank: 2 * rank };
    let reference = start(1);
    const options = { integrator: methods.midpoint, h: Math.min(...steps) / 4, truncation: fine };
    for await (const { y } of evolve({ ...problemOf(reference), observables: {} }, options)) reference = y;
    return (y) => norm(add(y, scale(-1, reference)));
  };
  return {
    name: `quench${d}`,
    label: `quench of ${d} spins`,
    steps,
    tolerance,
    maxRank: rank,
    async prepare(isAdaptive) {
      truth ??= errors();
      return { problem: problemOf(start(isAdaptive ? 1 : rank)), errorOf: await truth };
    },
  };
}

const robustSteps = powers(0.1, 3);

/** The matrix Schroedinger equation with singular values from 1 to 1e-12, cut at a rank. */
export const matrixCase = (rank: number): Case => ({
  name: `matrix${rank}`,
  label: `matrix Schrödinger, rank ${rank}`,
  steps: robustSteps,
  maxRank: rank,
  async prepare() {
    const problem = matrixSchroedinger({ rank });
    const exact = problem.exact(0.5);
    return { problem, errorOf: (y) => distance(toDense(y), exact) };
  },
});

/** Leaf fields with singular values of one size, or down to 1e-12. */
export const leafCase = (which: keyof typeof sigmas, eps: number): Case => ({
  name: `leaves-${which}-${eps}`,
  label: `leaf fields, ${which} singular values${eps > 0 ? `, coupled by ${eps}` : ""}`,
  steps: robustSteps,
  maxRank: 4,
  async prepare() {
    const { problem, exact } = leafFields(sigmas[which], eps);
    return { problem, errorOf: (y) => distance(toDense(y), exact) };
  },
});

/** A motion at the tree's rank, ten steps long, without quadrature: the error is that of the method alone. */
export const motionCase = (shape: "matrix" | "tree", h: number): Case => ({
  name: `motion-${shape}-${h}`,
  label: `prescribed motion, ${shape}`,
  steps: [h],
  maxRank: 3,
  solver: () => exactIncrement(),
  async prepare() {
    const problem = prescribedMotion({ tree: balanced(shape === "matrix" ? 2 : 4), n: 8, rank: 3, T: 10 * h });
    const exact = toDense(problem.exact(10 * h));
    return { problem, errorOf: (y) => distance(toDense(y), exact) };
  },
});
