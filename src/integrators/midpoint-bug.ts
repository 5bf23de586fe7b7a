import { rootOf } from "../ttn/tree.ts";
import { truncating } from "../ttn/truncate.ts";
import { assembled, growingEdges, inBases, solveNodes, widenedStart } from "./augment.ts";
import { augmentedBases } from "./augmented-bug.ts";
import { keptMoments } from "./conserve.ts";
import type { Integrator } from "./integrator.ts";
import { grownByField } from "./predict.ts";

/**
 * The midpoint BUG integrator, for any tree. A step of augmented BUG without truncation to t0 + h/2; its bases grown by F there;
 * in them the root is solved from Y0 over the whole step (Galerkin). Order two, robust; norm, energy and descent are kept up to
 * the tolerance. Solutions of the tree's rank are reproduced for matrices, on deeper trees up to O(h^3) a step. Matrices: [ceruti2024midpoint]; on trees it is our own
 * (docs/integrators.md). Cost: a step of augmented BUG, one application a node, and a solve of the root at four times its ranks.
 */
export function midpointBug(): Integrator {
  return {
    name: "midpoint BUG",
    reference: "ceruti2024midpoint",
    promises: {
      order: 2,

      exact: false,
      conserves: "norm and energy",
      descends: true,
      rankAdaptive: true,
      keepsMoments: true,
    },
    *step(context, y, t, h) {
      const root = rootOf(y.tree);
      const { conserved: _, ...truncation } = context.truncation; // what moments need is added to the last bases only
      const half = yield* augmentedBases({ ...context, truncation }, y, t, h / 2);
      if (half.failure) return half.failure;
      const middle = yield* solveNodes(context, [inBases(y, root, half.bases)], "state", t, h / 2);
      if (middle.failure) return middle.failure;
      const between = assembled(y, half.bases, middle.solutions[0]!.final);
      const moments = keptMoments(context, y, between.tensors, new Set(growingEdges(between)), t);
      const { bases, ...grown } = grownByField(context, between, t + h / 2, h, moments);
      const start = inBases(y, root, bases);
      const last = yield* solveNodes(context, [start], "state", t, h);
      if (last.failure) return last.failure;
      const { y: end, discarded } = yield* truncating(
        assembled(y, bases, last.solutions[0]!.final),
        context.truncation,
      );
      const applications =
        half.applications + middle.applications + grown.applications + last.applications + (moments?.applications ?? 0);
      const widened = widenedStart(context, start, last.solutions[0]!.final);
      return { ok: true, y: end, discarded, applications, missed: null, widened };
    },
  };
}
