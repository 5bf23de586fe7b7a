import { block, matmul, modeProduct, pad, place, scaled } from "../linalg/contract.ts";
import { norm } from "../linalg/level1.ts";
import { type Tensor, tensor } from "../linalg/tensor.ts";
import { type Frame, workspace } from "../linalg/workspace.ts";
import { asBasis, centers } from "../ttn/gauge.ts";
import { type NodeId, rootOf } from "../ttn/tree.ts";
import { truncate } from "../ttn/truncate.ts";
import type { TTN } from "../ttn/ttn.ts";
import { type AugmentedBasis, assembled, augment, growingEdges, inBases, noiseOf, solveNodes } from "./augment.ts";
import { augmentedBug } from "./augmented-bug.ts";
import type { Integrator, StepContext } from "./integrator.ts";
import type { LocalSolution } from "./local/problem.ts";

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
  const { root = "galerkin", firstStep = "augmented" } = options;
  const { coupling = root === "galerkin" ? "evolved" : "euler" } = options;
  oneOf("root", root, ["galerkin", "assembled"]);
  oneOf("coupling", coupling, ["euler", "evolved"]);
  oneOf("firstStep", firstStep, ["augmented", "parallel"]);
  const method: Integrator = {
    name: root === "galerkin" ? "parallel BUG, Galerkin root" : `parallel BUG, assembled root, ${coupling} coupling`,
    reference: "ceruti2024parallel",
    promises: {
      order: 1,
      exact: false,
      conserves: root === "galerkin" ? "norm and energy" : "nothing",
      descends: root === "galerkin",
      rankAdaptive: true,
    },
    step: (context, y, t, h) => step(context, y, t, h, root, coupling),
  };
  return firstStep === "augmented" ? { ...method, starter: { integrator: augmentedBug(), steps: 2 } } : method;
}

function oneOf(name: string, value: string, known: readonly string[]): void {
  if (!known.includes(value))
    throw new RangeError(
      `parallelBug: ${name} is ${JSON.stringify(value)}, expected ${known.map((k) => `"${k}"`).join(" or ")}`,
    );
}

async function step(
  context: StepContext,
  y: TTN,
  t: number,
  h: number,
  rootKind: "galerkin" | "assembled",
  coupling: "euler" | "evolved",
): ReturnType<Integrator["step"]> {
  const at = centers(y);
  const root = rootOf(y.tree);
  const growing = growingEdges(y);
  const nodes = rootKind === "assembled" ? [...growing, root] : growing;
  const seeks = rootKind === "assembled" ? "state" : "basis"; // an assembled root takes its blocks from all solutions
  const solved = await solveNodes(
    context,
    nodes.map((id) => at[id]!),
    seeks,
    t,
    h,
  );
  if (solved.failure) return solved.failure;
  let { applications } = solved;
  let missed: number | null = context.measureMissed ? 0 : null;

  const bases: Tensor[] = [...y.tensors];
  const grown: (AugmentedBasis | undefined)[] = [];
  /** What a child's solution has in its new directions: Ut* Z, (new) x (old rank). */
  const news: Tensor[] = [];

  /** The solution of a node in the new bases of its children: its own block, and one for each child's new directions. */
  const widen = (id: NodeId, solution: Tensor, frame?: Frame): Tensor => {
    const { children } = y.tree.nodes[id]!;
    const wide = pad(solution, [...children.map((c) => bases[c]!.shape.at(-1)!), solution.shape.at(-1)!], frame);
    if (wide === solution) return solution;
    const field = coupling === "euler" || missed !== null ? fieldInNewBases(id) : null;
    if (missed !== null) missed = Math.max(missed, h * norm(withoutSimpleBlocks(field!, solution.shape)));
    children.forEach((child, i) => {
      if (!grown[child]?.fresh) return;
      const offset = solution.shape.map((n, k) => (k === i ? n : 0));
      const shape = solution.shape.with(i, grown[child].fresh.shape[1]!);
      const part =
        coupling === "euler"
          ? scaled(h, block(field!, offset, shape))
          : modeProduct(at[child]!.tensors[id]!, i, news[child]!);
      place(part, wide, offset);
    });
    return wide;
  };

  /** F(t0, Y0) at a node, seen in the new bases of its children. */
  const fieldInNewBases = (id: NodeId): Tensor => {
    using frame = workspace().frame();
    const field = context.rhs.bind(at[id]!, id, inBases(y, id, bases));
    const out = tensor(field.shapeOut, field.dtype);
    field.plan(frame)(t, at[id]!.tensors[id]!, out);
    applications++;
    return out;
  };

  const solutionOf = (id: NodeId): LocalSolution => solved.solutions[nodes.indexOf(id)]!;
  for (const id of growing) {
    using frame = workspace().frame();
    const own = solutionOf(id);
    const solution = y.tree.nodes[id]!.children.length > 0 ? widen(id, own.final, frame) : own.final;
    const result = augment(y.tensors[id]!, solution, noiseOf(own));
    grown[id] = result;
    bases[id] = result.basis;
    if (result.fresh) news[id] = matmul(result.fresh, asBasis(solution), "C", "N");
  }

  const start = inBases(y, root, bases);
  let core: Tensor;
  if (rootKind === "galerkin") {
    const last = await solveNodes(context, [start], "state", t, h);
    if (last.failure) return last.failure;
    applications += last.applications;
    core = last.solutions[0]!.final;
  } else core = widen(root, solutionOf(root).final);
  const { y: end, discarded } = truncate(assembled(y, bases, core), context.truncation);
  return { ok: true, y: end, discarded, applications, missed, widened: start };
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
