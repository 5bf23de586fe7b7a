import {
  augmentedBug,
  fixedRankBug,
  type Integrator,
  krylov,
  midpointBug,
  midpointRule,
  operatorSplitting,
  parallelBug,
  predictedBug,
  projectorSplitting,
  secondOrderParallelBug,
} from "../../src/index.ts";

/** What the contract suite knows of a method beside what that says of itself. */
export interface Method {
  readonly name: string;
  readonly integrator: Integrator;
  /**
   * Evaluations in the first step, and in each later one, by RK4 on a binary tree of four modes of size 4 at rank 2: four leaves, two
   * inner nodes, a root, of which the leaves are complete once their bases have doubled.
   */
  readonly applications: readonly [number, number];
  /** Whether it needs a linear right-hand side. */
  readonly linearOnly?: boolean;
  /** Whether its error from a start with zero singular values is of an order below that of its steps: .7 to .8 measured. */
  readonly startsSlowly?: boolean;
}

const always = (n: number): readonly [number, number] => [n, n];
const [leaves, inner, root] = [4, 2, 1];
const all = leaves + inner + root;
/** What a step of projector splitting solves: a node and the edge above it, less the root and an edge to it, which cancel. */
const splittingSolves = 2 * (leaves + inner) - 1;
const midpointWork = 4 * (leaves + inner) + 4 * root + inner + 4 * root;

/** Every integrator, in every form: what the contract suite runs over. A new one is one entry here. */
export const methods: readonly Method[] = [
  {
    name: "parallel BUG in predicted frames",
    integrator: predictedBug(),
    applications: [midpointWork, leaves + inner + (inner + root) + 4 * inner + 4 * root],
  },
  { name: "augmented BUG", integrator: augmentedBug(), applications: always(4 * all) },
  {
    name: "augmented BUG, inner bases by the midpoint rule",
    integrator: augmentedBug({ innerSolver: midpointRule() }),
    applications: always(4 * (leaves + root) + 2 * inner),
  },
  {
    name: "augmented BUG, inner bases from small Krylov spaces",
    integrator: augmentedBug({ innerSolver: krylov(3) }),
    applications: always(4 * (leaves + root) + 3 * inner),
    linearOnly: true,
  },
  { name: "parallel BUG", integrator: parallelBug(), applications: always(4 * all) },
  {
    name: "parallel BUG, not started by another",
    integrator: parallelBug({ firstStep: "parallel" }),
    applications: always(4 * all),
  },
  {
    name: "parallel BUG, Galerkin root, Euler coupling",
    integrator: parallelBug({ coupling: "euler", firstStep: "parallel" }),
    applications: always(4 * all + inner),
  },
  {
    name: "parallel BUG, assembled root, Euler coupling",
    integrator: parallelBug({ root: "assembled", firstStep: "parallel" }),
    applications: always(4 * all + inner + root),
    startsSlowly: true,
  },
  {
    name: "parallel BUG, assembled root, evolved coupling",
    integrator: parallelBug({ root: "assembled", coupling: "evolved", firstStep: "parallel" }),
    applications: always(4 * all),
  },
  {
    name: "second-order parallel BUG, 4r",
    integrator: secondOrderParallelBug(),
    applications: always(leaves + inner + (inner + root) + 4 * (inner + root)),
  },
  {
    name: "second-order parallel BUG, 3r",
    integrator: secondOrderParallelBug({ variant: "3r" }),
    applications: always(leaves + inner + (inner + root) + 4 * (inner + root)),
  },
  {
    name: "augmented BUG, split from a flow that does nothing",
    integrator: operatorSplitting(augmentedBug(), (y) => y),
    applications: always(4 * all),
  },
  { name: "midpoint BUG", integrator: midpointBug(), applications: always(midpointWork) },
  { name: "fixed-rank BUG", integrator: fixedRankBug(), applications: always(4 * all) },
  {
    name: "projector splitting, Lie",
    integrator: projectorSplitting(),
    applications: always(4 * splittingSolves),
  },
  {
    name: "projector splitting, Strang",
    integrator: projectorSplitting({ splitting: "strang" }),
    // two halves, of which the last solve of one and the first of the other are one
    applications: always(4 * (2 * splittingSolves - 1)),
  },
  {
    // the root is square as seen from its last child, where the tour ends
    name: "projector splitting, corrected",
    integrator: projectorSplitting({ backward: "corrected" }),
    applications: always(4 * (leaves + inner)),
  },
  {
    // neither the leaves nor the root have to be solved: their augmented bases are complete
    name: "projector splitting, augmented and corrected",
    integrator: projectorSplitting({ backward: "augmented-corrected" }),
    applications: always(4 * inner),
  },
];
