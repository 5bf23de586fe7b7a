import { matmul, modeProduct } from "../linalg/contract.ts";
import { qr } from "../linalg/factor.ts";
import type { Tensor } from "../linalg/tensor.ts";
import { asBasis, centering, centers, fromBasis } from "../ttn/gauge.ts";
import { levels, type NodeId, rootOf } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";
import { assembled, growingEdges, solveNodes } from "./augment.ts";
import type { Integrator } from "./integrator.ts";

/**
 * The fixed-rank ("unconventional") BUG integrator, for any tree. Level by level from the leaves: solve all nodes of a level in
 * the new bases of their children and take the range of the solution as the new basis; then solve the root, whose start is
 * Y0 projected on the new bases. First order; reproduces solutions of the tree's rank; keeps neither norm nor energy.
 * Ranks stay as they are. Cost: one solve a node at its own ranks. [ceruti2022unconventional; ceruti2021time]
 */
export function fixedRankBug(): Integrator {
  return {
    name: "fixed-rank BUG",
    reference: "ceruti2022unconventional",
    promises: { order: 1, exact: true, conserves: "nothing", descends: false, rankAdaptive: false },
    *step(context, y, t, h) {
      const root = rootOf(y.tree);
      const growing = new Set(growingEdges(y));
      const bases: Tensor[] = [...y.tensors];
      /** Overlaps M = U1* U0 of the new bases with the old ones. */
      const overlaps: (Tensor | undefined)[] = [];
      let applications = 0;
      yield* centering(y);
      for (const level of levels(y.tree)) {
        const nodes = level.filter((id) => growing.has(id));
        const trials = nodes.map((id) => projected(y, id, bases, overlaps));
        const solved = yield* solveNodes(context, trials, "state", t, h);
        if (solved.failure) return solved.failure;
        applications += solved.applications;
        nodes.forEach((id, k) => {
          const { final } = solved.solutions[k]!;
          const { q } = qr(asBasis(final));
          bases[id] = fromBasis(q, final.shape);
          overlaps[id] = matmul(q, asBasis(inNewBases(y, id, y.tensors[id]!, overlaps)), "C", "N");
        });
      }
      const last = yield* solveNodes(context, [projected(y, root, bases, overlaps)], "state", t, h);
      if (last.failure) return last.failure;
      const end = assembled(y, bases, last.solutions[0]!.final);
      return {
        ok: true,
        y: end,
        discarded: 0,
        applications: applications + last.applications,
        missed: null,
        widened: null,
      };
    },
  };
}

/** A tensor of node `id` in the new bases of its children: C x_i M_i. */
const inNewBases = (y: TTN, id: NodeId, c: Tensor, overlaps: readonly (Tensor | undefined)[]): Tensor =>
  y.tree.nodes[id]!.children.reduce((x, child, i) => (overlaps[child] ? modeProduct(x, i, overlaps[child]) : x), c);

/** The state seen from a node, projected on the new bases below it. */
function projected(y: TTN, id: NodeId, bases: readonly Tensor[], overlaps: readonly (Tensor | undefined)[]): TTN {
  const at = centers(y)[id]!;
  const tensors = [...at.tensors];
  const replace = (node: NodeId): void => {
    tensors[node] = bases[node]!;
    y.tree.nodes[node]!.children.forEach(replace);
  };
  y.tree.nodes[id]!.children.forEach(replace);
  tensors[id] = inNewBases(y, id, at.tensors[id]!, overlaps);
  return { tree: y.tree, tensors, center: id };
}
