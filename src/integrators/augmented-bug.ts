import type { Tensor } from "../linalg/tensor.ts";
import { checkKeys } from "../text/known-keys.ts";
import { levels, type NodeId, rootOf } from "../ttn/tree.ts";
import { truncating } from "../ttn/truncate.ts";
import type { TTN } from "../ttn/ttn.ts";
import {
  assembled,
  augmentAll,
  fromAllNodes,
  growingEdges,
  inBases,
  negligible,
  roundOffOf,
  solveNodes,
  widenedStart,
} from "./augment.ts";
import { keptMoments } from "./conserve.ts";
import type { Integrator, StepContext, StepFailure } from "./integrator.ts";
import type { LocalSolver } from "./local/problem.ts";
import type { Schedule } from "./schedule.ts";

export interface AugmentedBugOptions {
  /**
   * Solver of the inner nodes below the root, which only serve to find directions: `midpointRule()` does nearly as well as an exact
   * solve at a third of the work, `krylov(4)` as well (our own variant). Leaves and root keep the solver of the run. Default: that
   * one too.
   */
  readonly innerSolver?: LocalSolver;
}

/**
 * The rank-adaptive (augmented) BUG integrator for any tree. Level by level from the leaves: solve all nodes of a level in
 * the augmented bases of their children, augment their own bases [U0, K(t1)]; solve the root in all of them (Galerkin);
 * truncate. Old bases stay in the augmented ones, so the start value is represented exactly; norm and energy of
 * Schroedinger's equation are kept up to the tolerance. Order 1 is proven, 2 is what one observes.
 * Cost: a node with ranks r is solved with its children's ranks doubled. [ceruti2023rank]
 */
export function augmentedBug(options: AugmentedBugOptions = {}): Integrator {
  checkKeys("augmentedBug", options, { innerSolver: true });
  const { innerSolver } = options;
  if (innerSolver !== undefined && typeof innerSolver.solve !== "function")
    throw new TypeError(
      `augmentedBug: innerSolver is ${JSON.stringify(innerSolver)}, expected one such as midpointRule()`,
    );
  return {
    name: innerSolver ? `augmented BUG, inner bases by ${innerSolver.name}` : "augmented BUG",
    reference: "ceruti2023rank",
    promises: {
      order: 1,
      usualOrder: 2,
      exact: !innerSolver,
      conserves: "norm and energy",
      descends: true,
      rankAdaptive: true,
      keepsMoments: true,
    },
    *step(context, y, t, h) {
      const found = yield* augmentedBases(context, y, t, h, innerSolver);
      if (found.failure) return found.failure;
      const start = inBases(y, rootOf(y.tree), found.bases);
      const solved = yield* solveNodes(context, [start], "state", t, h);
      if (solved.failure) return solved.failure;
      const { y: end, discarded } = yield* truncating(
        assembled(y, found.bases, solved.solutions[0]!.final),
        context.truncation,
      );
      const applications = found.applications + solved.applications;
      const widened = widenedStart(context, start, solved.solutions[0]!.final);
      return { ok: true, y: end, discarded, applications, missed: null, widened };
    },
  };
}

/** The bases [U0, K(t + h)] of all nodes below the root, level by level, each in those of its children. */
export function* augmentedBases(
  context: StepContext,
  y: TTN,
  t: number,
  h: number,
  innerSolver?: LocalSolver,
): Schedule<{
  readonly bases: readonly Tensor[];
  readonly applications: number;
  readonly failure: StepFailure | null;
}> {
  yield* fromAllNodes(context, y);
  const bases: Tensor[] = [...y.tensors];
  const growing = new Set(growingEdges(y));
  const moments = keptMoments(context, y, bases, growing, t);
  const noise = negligible(context, y);
  let applications = 0;
  for (const level of levels(y.tree)) {
    const nodes = level.filter((id) => growing.has(id));
    const isLeaf = (id: NodeId): boolean => y.tree.nodes[id]!.mode !== null;
    const groups = innerSolver
      ? [
          { nodes: nodes.filter(isLeaf), solver: context.solver },
          { nodes: nodes.filter((id) => !isLeaf(id)), solver: innerSolver },
        ]
      : [{ nodes, solver: context.solver }];
    for (const group of groups) {
      const trials = group.nodes.map((id) => inBases(y, id, bases));
      const solved = yield* solveNodes({ ...context, solver: group.solver }, trials, "basis", t, h);
      if (solved.failure) return { bases, applications, failure: solved.failure };
      applications += solved.applications;
      const augmented = yield* augmentAll(
        group.nodes.map((id, k) => {
          const { final, errorEstimate } = solved.solutions[k]!;
          const least = Math.max(noise, errorEstimate);
          const roundOff = roundOffOf(context) ?? null;
          const all = { solution: final, shape: final.shape, blocks: [], columns: null, isCoupled: false };
          return { id, input: { ...all, old: y.tensors[id]!, noise: least, roundOff } };
        }),
      );
      group.nodes.forEach((id, k) => {
        const { basis } = augmented[k]!;
        bases[id] = moments?.complete(id, basis, bases) ?? basis;
      });
    }
  }
  return { bases, applications: applications + (moments?.applications ?? 0), failure: null };
}
