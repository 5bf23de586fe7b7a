import { concatLast, gramAllBut, matricize, modeProduct, tensorize } from "../linalg/contract.ts";
import { orthAug } from "../linalg/factor.ts";
import { identity, sizeOf, type Tensor } from "../linalg/tensor.ts";
import { modeTowards, moveCenter, splitMode } from "../ttn/gauge.ts";
import { type NodeId, rootOf, type Tree } from "../ttn/tree.ts";
import { truncating } from "../ttn/truncate.ts";
import { type TTN, withTensor } from "../ttn/ttn.ts";
import { growingEdges, roundOffOf, solveProblems, widenedStart } from "./augment.ts";
import type { StepContext, StepResult } from "./integrator.ts";
import type { Schedule } from "./schedule.ts";

/** A node in a tour, and the neighbour towards which it is left; none at the end. */
interface Stop {
  readonly node: NodeId;
  readonly to: NodeId | null;
}

/** The tour that ends at `end`: every node after all beyond it. `skipped` subtrees stay as they are. */
function tour(tree: Tree, end: NodeId, skipped: ReadonlySet<NodeId>): readonly Stop[] {
  const stops: Stop[] = [];
  const visit = (node: NodeId, to: NodeId | null): void => {
    const { children, parent } = tree.nodes[node]!;
    for (const next of [...(parent === null ? [] : [parent]), ...children.filter((c) => !skipped.has(c))])
      if (next !== to) visit(next, node);
    stops.push({ node, to });
  };
  visit(end, null);
  return stops;
}

/**
 * Projector splitting without backward solves: where a node's solution replaces its basis, the old tensor is projected on the new one,
 * or (`augmented`) written in both. The tour ends in the last child of the root, whose solve then holds everything.
 * [kusch2025augmented; on trees our own]
 */
export function* correctedStep(
  context: StepContext,
  start: TTN,
  t: number,
  h: number,
  augmented: boolean,
): Schedule<StepResult> {
  const { tree } = start;
  const root = rootOf(tree);
  const growing = new Set(growingEdges(start));
  const skipped = new Set(tree.nodes.map((_, id) => id).filter((id) => id !== root && !growing.has(id)));
  const end = tree.nodes[root]!.children.filter((c) => growing.has(c)).at(-1) ?? root;
  let y = moveCenter(start, end);
  /** The start value in the bases of the tour's last solve. */
  let inFrames = y;
  let applications = 0;
  for (const { node, to } of tour(tree, end, skipped)) {
    y = moveCenter(y, node);
    const old = y.tensors[node]!;
    if (to !== null && spansAll(old, modeTowards(tree, node, to), augmented)) {
      y = crossed(context, y, to, old, 0, augmented);
      continue;
    }
    if (to === null) inFrames = y;
    const seeks = augmented && to !== null ? "basis" : "state";
    const problem = { node, field: context.rhs.bind(y, node), initial: old, t0: t, t1: t + h, seeks } as const;
    const solved = yield* solveProblems(context, [problem]);
    applications += solved.applications;
    if (solved.failure) return solved.failure;
    const solution = solved.solutions[0]!;
    y = withTensor(y, node, solution.final);
    if (to !== null) y = crossed(context, y, to, old, solution.errorEstimate, augmented);
  }
  const whole = moveCenter(y, root);
  if (!augmented) return { ok: true, y: whole, discarded: 0, applications, missed: null, widened: null };
  const { y: cut, discarded } = yield* truncating(whole, context.truncation);
  const wide = widenedStart(context, inFrames, y.tensors[end]!);
  return { ok: true, y: cut, discarded, applications, missed: null, widened: wide && moveCenter(wide, root) };
}

/**
 * Whether the range of a node's solution, seen from its neighbour, is known without a solve: a square matrix spans everything,
 * and so does an augmented one that has room for twice its columns.
 */
function spansAll(c: Tensor, mode: number, augmented: boolean): boolean {
  const columns = c.shape[mode]!;
  const rows = sizeOf(c.shape) / columns;
  return augmented ? rows <= 2 * columns : rows === columns;
}

/**
 * Carries the centre over an edge with the old tensor instead of the solution: projected on the solution's range, or in the
 * old basis augmented by that. `noise` is the error of the solution.
 */
function crossed(context: StepContext, y: TTN, to: NodeId, old: Tensor, noise: number, augmented: boolean): TTN {
  const from = y.center;
  const mode = modeTowards(y.tree, from, to);
  const solution = y.tensors[from]!;
  const basis = augmented ? augmentedTowards(context, old, solution, mode, noise) : splitMode(solution, mode).q;
  const tensors = [...y.tensors];
  tensors[from] = basis;
  tensors[to] = modeProduct(y.tensors[to]!, modeTowards(y.tree, to, from), gramAllBut(basis, old, mode));
  return { tree: y.tree, tensors, center: to };
}

/** [Q, new] towards a mode, Q that of the old tensor; all directions there are where that is at most twice as many. */
function augmentedTowards(context: StepContext, old: Tensor, solution: Tensor, mode: number, noise: number): Tensor {
  const q = matricize(splitMode(old, mode).q, mode);
  const known = spansAll(old, mode, true);
  const directions = known ? identity(q.shape[0]!, q.dtype) : matricize(solution, mode);
  const fresh = orthAug(q, directions, known ? 0 : noise, roundOffOf(context));
  return tensorize(concatLast(q, fresh), old.shape, mode);
}
