import { block, place, scaled } from "../linalg/contract.ts";
import { norm } from "../linalg/level1.ts";
import { type Tensor, tensor } from "../linalg/tensor.ts";
import { checkKeys } from "../text/known-keys.ts";
import { type NodeId, rootOf } from "../ttn/tree.ts";
import { truncating } from "../ttn/truncate.ts";
import type { TTN } from "../ttn/ttn.ts";
import { type Assembly, assemble, type Coupling, evolvedCoupling, type Frames } from "./assembly.ts";
import { assembled, fieldAt, fromAllNodes, growingEdges, inBases, oneOf, solveNodes, widenedStart } from "./augment.ts";
import { augmentedBug } from "./augmented-bug.ts";
import { keptMoments } from "./conserve.ts";
import type { Integrator, StepContext } from "./integrator.ts";

export interface ParallelBugOptions {
  /**
   * How the root's tensor is found. "galerkin" (default, our own variant): one small Galerkin solve in the augmented bases,
   * after all others; conserves what augmented BUG does. "assembled": from blocks, as in the paper; all solves at once.
   */
  readonly root?: "galerkin" | "assembled";
  /**
   * The blocks that couple a new direction with old ones: "euler", h F(t0, Y0) seen there, as in the paper, or "evolved", from the
   * solution of the child. Default "evolved" with the Galerkin root, "euler" with the assembled one.
   */
  readonly coupling?: "euler" | "evolved";
  /**
   * How a run starts. "augmented" (default, our own): its first two steps by augmented BUG. From a product state nearly all of
   * the error is made in the first step, in frames of rank one, and with short-ranged coupling most of the rest in the second.
   */
  readonly firstStep?: "augmented" | "parallel";
}

/**
 * The parallel BUG integrator for any tree. All nodes are solved at once, from the same frames, at the old ranks; then, from
 * the leaves up, the solution of each node gets blocks for the new directions of its children, and its old basis is
 * augmented by the range of that; at last the root's tensor, and truncation. First order; with the assembled root not
 * exact and not conservative. Cost: one solve a node at the old ranks. [ceruti2024parallel; the Galerkin root is our own]
 */
export function parallelBug(options: ParallelBugOptions = {}): Integrator {
  checkKeys("parallelBug", options, { root: true, coupling: true, firstStep: true });
  const { root = "galerkin", firstStep = "augmented" } = options;
  const { coupling = root === "galerkin" ? "evolved" : "euler" } = options;
  oneOf("parallelBug: root", root, ["galerkin", "assembled"]);
  oneOf("parallelBug: coupling", coupling, ["euler", "evolved"]);
  oneOf("parallelBug: firstStep", firstStep, ["augmented", "parallel"]);
  const method: Integrator = {
    name: root === "galerkin" ? "parallel BUG, Galerkin root" : `parallel BUG, assembled root, ${coupling} coupling`,
    reference: "ceruti2024parallel",
    promises: {
      order: 1,
      exact: false,
      conserves: root === "galerkin" ? "norm and energy" : "nothing",
      descends: root === "galerkin",
      rankAdaptive: true,
      keepsMoments: root === "galerkin",
    },
    step: (context, y, t, h) => step(context, y, t, h, root, coupling),
  };
  return firstStep === "augmented" ? { ...method, starter: { integrator: augmentedBug(), steps: 2 } } : method;
}

function* step(
  context: StepContext,
  y: TTN,
  t: number,
  h: number,
  rootKind: "galerkin" | "assembled",
  coupling: "euler" | "evolved",
): ReturnType<Integrator["step"]> {
  const at = yield* fromAllNodes(context, y);
  const root = rootOf(y.tree);
  const growing = growingEdges(y);
  const nodes = rootKind === "assembled" ? [...growing, root] : growing;
  const seeks = rootKind === "assembled" ? "state" : "basis"; // an assembled root takes its blocks from all solutions
  const solved = yield* solveNodes(
    context,
    nodes.map((id) => at[id]!),
    seeks,
    t,
    h,
  );
  if (solved.failure) return solved.failure;
  let { applications } = solved;

  const frames: Frames = { bases: y.tensors, at };
  /** F(t0, Y0) seen in the new bases of a node's children, and from it the blocks with one new direction. */
  const fields: (Tensor | undefined)[] = [];
  const fieldAbove = (id: NodeId, { bases }: Assembly): Tensor => {
    if (fields[id]) return fields[id];
    applications++;
    fields[id] = fieldAt(context, at[id]!, inBases(y, id, bases), t);
    return fields[id];
  };
  const eulerCoupling: Coupling = (id, i, assembly) => {
    const field = fieldAbove(id, assembly);
    const old = at[id]!.tensors[id]!.shape;
    const offset = old.map((n, k) => (k === i ? n : 0));
    return { mode: i, x: scaled(h, block(field, offset, old.with(i, field.shape[i]! - old[i]!))), matrix: null };
  };
  const blocks = coupling === "euler" ? eulerCoupling : evolvedCoupling(y.tree, frames);
  const moments = rootKind === "galerkin" ? keptMoments(context, y, y.tensors, new Set(growing), t) : null;
  const options = { moments, widensRoot: rootKind === "assembled" };
  const assembly = yield* assemble(context, y, frames, growing, solved.solutions, blocks, options);
  applications += moments?.applications ?? 0;
  const { bases } = assembly;

  let missed: number | null = null;
  if (context.measureMissed) {
    missed = 0;
    for (const id of [...growing, root]) {
      if (!y.tree.nodes[id]!.children.some((child) => assembly.fresh[child])) continue;
      const old = at[id]!.tensors[id]!.shape;
      missed = Math.max(missed, Math.abs(h) * norm(withoutSimpleBlocks(fieldAbove(id, assembly), old)));
    }
  }

  const start = inBases(y, root, bases);
  let core: Tensor;
  if (rootKind === "galerkin") {
    const last = yield* solveNodes(context, [start], "state", t, h);
    if (last.failure) return last.failure;
    applications += last.applications;
    core = last.solutions[0]!.final;
  } else core = assembly.widen(root, solved.solutions[nodes.indexOf(root)]!.final);
  const { y: end, discarded } = yield* truncating(assembled(y, bases, core), context.truncation);
  return { ok: true, y: end, discarded, applications, missed, widened: widenedStart(context, start, core) };
}

/** Zeroes the blocks with no new direction and with one, so that those with two or more remain. */
function withoutSimpleBlocks(wide: Tensor, old: readonly number[]): Tensor {
  const rest = { ...wide, data: wide.data.slice() };
  place(
    tensor(old, wide.dtype),
    rest,
    old.map(() => 0),
  );
  old.forEach((n, i) => {
    place(
      tensor(old.with(i, wide.shape[i]! - n), wide.dtype),
      rest,
      old.map((_, k) => (k === i ? n : 0)),
    );
  });
  return rest;
}
