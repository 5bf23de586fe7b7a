import type { Tensor } from "../linalg/tensor.ts";
import { levels, rootOf } from "../ttn/tree.ts";
import { truncate } from "../ttn/truncate.ts";
import { assembled, augment, growingEdges, inBases, noiseOf, solveNodes } from "./augment.ts";
import type { Integrator, Promises } from "./integrator.ts";

/**
 * The rank-adaptive (augmented) BUG integrator for any tree. Level by level from the leaves: solve all nodes of a level in
 * the augmented bases of their children, augment their own bases [U0, K(t1)]; solve the root in all of them (Galerkin);
 * truncate. Old bases stay in the augmented ones, so the start value is represented exactly; norm and energy of
 * Schroedinger's equation are kept up to the tolerance. Order 1 is proven, 2 is what one observes.
 * Cost: a node with ranks r is solved with its children's ranks doubled. [ceruti2023rank]
 */
export function augmentedBug(): Integrator {
  const promises: Promises = {
    order: 1,
    exact: true,
    conserves: "norm and energy",
    descends: true,
    rankAdaptive: true,
  };
  return {
    name: "augmented BUG",
    reference: "ceruti2023rank",
    promises,
    async step(context, y, t, h) {
      const bases: Tensor[] = [...y.tensors];
      const root = rootOf(y.tree);
      const growing = new Set(growingEdges(y));
      let applications = 0;
      for (const level of levels(y.tree)) {
        const nodes = level.filter((id) => growing.has(id));
        const trials = nodes.map((id) => inBases(y, id, bases));
        const solved = await solveNodes(context, trials, "basis", t, h);
        if (solved.failure) return solved.failure;
        applications += solved.applications;
        nodes.forEach((id, k) => {
          const solution = solved.solutions[k]!;
          bases[id] = augment(y.tensors[id]!, solution.final, noiseOf(solution)).basis;
        });
      }
      const start = inBases(y, root, bases);
      const solved = await solveNodes(context, [start], "state", t, h);
      if (solved.failure) return solved.failure;
      const { y: end, discarded } = truncate(assembled(y, bases, solved.solutions[0]!.final), context.truncation);
      return {
        ok: true,
        y: end,
        discarded,
        applications: applications + solved.applications,
        missed: null,
        widened: start,
      };
    },
  };
}
