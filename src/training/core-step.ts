import { solveNodes } from "../integrators/augment.ts";
import type { Integrator } from "../integrators/integrator.ts";
import { rootOf } from "../ttn/tree.ts";
import { withTensor } from "../ttn/ttn.ts";

/**
 * The Galerkin step in the bases that are there: only the root's tensor moves, at the cost of a single small solve. What the published
 * codes do between two changes of bases, and at the end ("S fine-tuning"). Consistent with the flow only as far as the bases go.
 */
export const coreStep = (): Integrator => ({
  name: "core step",
  reference: "schotthoefer2024geolora",
  promises: { order: 1, exact: false, conserves: "nothing", descends: true, rankAdaptive: false },
  *step(context, y, t, h) {
    const solved = yield* solveNodes(context, [y], "state", t, h);
    if (solved.failure) return solved.failure;
    const end = withTensor(y, rootOf(y.tree), solved.solutions[0]!.final);
    return { ok: true, y: end, discarded: 0, applications: solved.applications, missed: null, widened: null };
  },
});
