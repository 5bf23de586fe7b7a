import { rootOf } from "../ttn/tree.ts";
import { truncating } from "../ttn/truncate.ts";
import { assemble, evolvedCoupling } from "./assembly.ts";
import { assembled, fromAllNodes, growingEdges, inBases, solveNodes, widenedStart } from "./augment.ts";
import { keptMoments } from "./conserve.ts";
import type { Integrator } from "./integrator.ts";
import { midpointBug } from "./midpoint-bug.ts";
import { predictedFrames } from "./predict.ts";

/**
 * Parallel BUG in predicted frames, our own, for any tree. All frames are first grown by F(t0, Y0) on both sides of every edge, as
 * in second-order parallel BUG; then all nodes but the root are solved at once in these frames; bases [U0, F(t0, Y0), Ut] take
 * what is new in the solutions where Y0 + h/2 F(t0, Y0) lies (its 3r variant); at last the root is solved in them (Galerkin), and ranks are truncated.
 *
 * A basis that holds Y0, its first derivative and the end of the step holds the solution at all times of the step up to O(h^3),
 * so that the Galerkin solve is of order three on linear problems in the tangent space; order two is what we promise
 * (docs/integrators.md has the derivation, and what did not work). A run makes its first step with midpoint BUG: from low rank
 * nearly all of the error is made there, and a sequential method makes less of it. The space holds Y0: norm, energy and descent are
 * kept as by augmented BUG. Cost: two applications a node; one solve a node with all its ranks doubled, all of them
 * independent; one of the root at up to three times its ranks, a matrix on binary trees.
 */
export function predictedBug(): Integrator {
  return {
    name: "parallel BUG in predicted frames",
    reference: "dlra",
    promises: {
      order: 2,
      usualOrder: 3,
      exact: false,
      conserves: "norm and energy",
      descends: true,
      rankAdaptive: true,
      keepsMoments: true,
    },
    starter: { integrator: midpointBug(), steps: 1 },
    *step(context, y, t, h) {
      const { tree } = y;
      yield* fromAllNodes(context, y);
      const root = rootOf(tree);
      const frames = predictedFrames(context, y, t, h);
      const growing = growingEdges(frames.at[root]!);
      const trials = growing.map((id) => frames.at[id]!);
      const solved = yield* solveNodes(context, trials, "basis", t, h);
      if (solved.failure) return solved.failure;
      const coupling = evolvedCoupling(tree, frames);
      const moments = keptMoments(context, y, frames.bases, new Set(growing), t);
      const options = { select: frames.main, moments, widensRoot: false };
      const { bases } = yield* assemble(context, y, frames, growing, solved.solutions, coupling, options);
      const start = inBases(y, root, bases);
      const last = yield* solveNodes(context, [start], "state", t, h);
      if (last.failure) return last.failure;
      const { y: end, discarded } = yield* truncating(
        assembled(y, bases, last.solutions[0]!.final),
        context.truncation,
      );
      const kept = moments?.applications ?? 0;
      const applications = frames.applications + solved.applications + kept + last.applications;
      const widened = widenedStart(context, start, last.solutions[0]!.final);
      return { ok: true, y: end, discarded, applications, missed: null, widened };
    },
  };
}
