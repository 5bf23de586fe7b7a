import { checkKeys } from "../text/known-keys.ts";
import { rootOf } from "../ttn/tree.ts";
import { truncating } from "../ttn/truncate.ts";
import { assemble, evolvedCoupling } from "./assembly.ts";
import { assembled, fromAllNodes, growingEdges, inBases, oneOf, solveNodes, widenedStart } from "./augment.ts";
import type { Integrator } from "./integrator.ts";
import { predictedFrames } from "./predict.ts";

export interface SecondOrderParallelBugOptions {
  /** How many directions a basis may gain: "4r" keeps all of a solution's, "3r" those in which Y + h/2 F(t0, Y) lies. Default "4r". */
  readonly variant?: "4r" | "3r";
}

/**
 * The second-order parallel BUG integrator, for any tree. All frames are first grown by F(t0, Y0), on both sides of every
 * edge; then all nodes, the root with them, are solved at once in these frames, of twice the rank; bases are augmented by
 * the solutions and the root is assembled from blocks. Matrices: [kusch2024second]; on trees the "4r" variant follows the
 * authors' code, "3r" is our own (docs/integrators.md). Neither exact nor conservative; the norm moves by O(h^4) a step.
 * Cost: one solve a node with all ranks doubled, and two applications.
 */
export function secondOrderParallelBug(options: SecondOrderParallelBugOptions = {}): Integrator {
  checkKeys("secondOrderParallelBug", options, { variant: true });
  const { variant = "4r" } = options;
  oneOf("secondOrderParallelBug: variant", variant, ["4r", "3r"]);
  return {
    name: `second-order parallel BUG, ${variant}`,
    reference: "kusch2024second",
    promises: { order: 2, exact: false, conserves: "nothing", descends: false, rankAdaptive: true },
    *step(context, y, t, h) {
      const { tree } = y;
      yield* fromAllNodes(context, y);
      const root = rootOf(tree);
      const frames = predictedFrames(context, y, t, h);
      const start = frames.at[root]!;
      const growing = growingEdges(start);
      const nodes = [...growing, root];
      const trials = nodes.map((id) => frames.at[id]!);
      const solved = yield* solveNodes(context, trials, "state", t, h);
      if (solved.failure) return solved.failure;
      const coupling = evolvedCoupling(tree, frames);
      const select = variant === "3r" ? frames.main : [];
      const { bases, widen } = yield* assemble(context, y, frames, growing, solved.solutions, coupling, { select });
      const core = widen(root, solved.solutions.at(-1)!.final);
      const { y: end, discarded } = yield* truncating(assembled(y, bases, core), context.truncation);
      const applications = frames.applications + solved.applications;
      const widened = widenedStart(context, inBases(y, root, bases), core);
      return { ok: true, y: end, discarded, applications, missed: null, widened };
    },
  };
}
