import {
  concatLast,
  gramAllBut,
  matmul,
  matmulInto,
  matricize,
  modeProduct,
  permute,
  tensorize,
} from "../linalg/contract.ts";
import { orthAug } from "../linalg/factor.ts";
import { identity, type Tensor } from "../linalg/tensor.ts";
import { asBasis, fromBasis, modeTowards, moveCenter, shiftCenter, splitMode } from "../ttn/gauge.ts";
import type { LocalField } from "../ttn/rhs.ts";
import { type NodeId, rootOf, type Tree } from "../ttn/tree.ts";
import { truncate } from "../ttn/truncate.ts";
import { type TTN, withTensor } from "../ttn/ttn.ts";
import { growingEdges, noiseOf, oneOf, roundOffOf, solveProblems, widenedStart } from "./augment.ts";
import type { Integrator, Promises, StepContext, StepResult } from "./integrator.ts";
import type { Schedule } from "./schedule.ts";

export interface ProjectorSplittingOptions {
  /** "lie" (default): one tour, order one; "strang": half a tour and half of it in reverse, order two. */
  readonly splitting?: "lie" | "strang";
  /**
   * What takes a node's motion back where its new basis meets the old rest: "ode" (default), the tensor of the edge solved backwards in
   * time, as in the papers; "corrected", the old tensor projected on the new basis, without a solve; "augmented-corrected", the
   * same in the basis [old, new], with truncation at the end. The last two only with "lie". [kusch2025augmented]
   */
  readonly backward?: "ode" | "corrected" | "augmented-corrected";
}

/**
 * Projector splitting for any tree: the centre tours the tree; on its way back from a node it solves that node, and then,
 * backwards in time, the edge it leaves by. Order one ("lie") or two ("strang"); reproduces solutions of the tree's rank; norm and
 * energy are kept. All solves wait for each other; ranks stay as they are. The backward solves are unstable for dissipative
 * problems, which "corrected" and "augmented-corrected" cure: their tour ends in the last child of the root, whose solve
 * then holds everything, and the latter is a Galerkin method that holds Y0, adapts ranks and lets no gradient flow rise.
 * Cost: a solve a node and one an edge, at the old ranks. [lubich2014projector; ceruti2021time; on trees the two
 * corrections are our own, docs/integrators.md]
 */
export function projectorSplitting(options: ProjectorSplittingOptions = {}): Integrator {
  const { splitting = "lie", backward = "ode" } = options;
  oneOf("projectorSplitting: splitting", splitting, ["lie", "strang"]);
  oneOf("projectorSplitting: backward", backward, ["ode", "corrected", "augmented-corrected"]);
  if (splitting === "strang" && backward !== "ode")
    throw new RangeError(`projectorSplitting: backward is "${backward}", but the Strang splitting needs "ode"`);
  return {
    name: backward === "ode" ? `projector splitting, ${splitting}` : `projector splitting, ${backward}`,
    reference: backward === "ode" ? "lubich2014projector" : "kusch2025augmented",
    promises: { ...promises[backward], ...orders[backward === "augmented-corrected" ? backward : splitting] },
    step: (context, y, t, h) => step(context, y, t, h, splitting, backward),
  };
}

const promises: Readonly<Record<"ode" | "corrected" | "augmented-corrected", Omit<Promises, "order" | "usualOrder">>> =
  {
    ode: { exact: true, conserves: "norm and energy", descends: false, rankAdaptive: false },
    corrected: { exact: true, conserves: "nothing", descends: false, rankAdaptive: false },
    "augmented-corrected": { exact: true, conserves: "norm and energy", descends: true, rankAdaptive: true },
  };

const orders = {
  lie: { order: 1, usualOrder: 1 },
  strang: { order: 2, usualOrder: 2 },
  "augmented-corrected": { order: 1, usualOrder: 2 },
} as const;

/** One move of a tour: a node is solved, or the centre crosses an edge, with a solve of the edge or without. */
type Move =
  | { readonly kind: "solve"; readonly node: NodeId; readonly t0: number; readonly t1: number }
  | {
      readonly kind: "cross";
      readonly from: NodeId;
      readonly to: NodeId;
      /** The times between which the edge's own motion is taken back; null on the way out. */
      readonly over: readonly [number, number] | null;
    };

/** The tour from `end` through the tree and back: neighbours first, each left by its edge. `skipped` subtrees stay as they are. */
function tour(tree: Tree, end: NodeId, skipped: ReadonlySet<NodeId>, t0: number, t1: number): readonly Move[] {
  const moves: Move[] = [];
  const visit = (node: NodeId, from: NodeId | null): void => {
    const { children, parent } = tree.nodes[node]!;
    for (const next of [...(parent === null ? [] : [parent]), ...children.filter((c) => !skipped.has(c))]) {
      if (next === from) continue;
      moves.push({ kind: "cross", from: node, to: next, over: null });
      visit(next, node);
      moves.push({ kind: "cross", from: next, to: node, over: [t0, t1] });
    }
    moves.push({ kind: "solve", node, t0, t1 });
  };
  visit(end, null);
  return moves;
}

/** The adjoint of a tour: every move undone in reverse order, forwards in time. */
const reversed = (moves: readonly Move[]): readonly Move[] =>
  moves.toReversed().map((m) => (m.kind === "solve" ? m : { ...m, from: m.to, to: m.from }));

function schedule(
  tree: Tree,
  end: NodeId,
  skipped: ReadonlySet<NodeId>,
  t: number,
  h: number,
  splitting: "lie" | "strang",
) {
  if (splitting === "lie") return tour(tree, end, skipped, t, t + h);
  const half = t + h / 2;
  const there = tour(tree, end, skipped, t, half).slice(0, -1);
  const back = reversed(tour(tree, end, skipped, half, t + h)).slice(1);
  return [...there, { kind: "solve", node: end, t0: t, t1: t + h } as const, ...back];
}

function* step(
  context: StepContext,
  start: TTN,
  t: number,
  h: number,
  splitting: "lie" | "strang",
  backward: "ode" | "corrected" | "augmented-corrected",
): Schedule<StepResult> {
  const { tree } = start;
  const root = rootOf(tree);
  const growing = new Set(growingEdges(start));
  const skipped = new Set(tree.nodes.map((_, id) => id).filter((id) => id !== root && !growing.has(id)));
  const end = backward === "ode" ? root : (tree.nodes[root]!.children.filter((c) => growing.has(c)).at(-1) ?? root);
  let y = moveCenter(start, end);
  /** The start value in the bases of the tour's last solve. */
  let inFrames = y;
  let applications = 0;
  /** The last node's tensor before its solve, and the error of that. */
  let before = { tensor: y.tensors[end]!, noise: 0 };
  const moves = schedule(tree, end, skipped, t, h, splitting);
  for (const [k, move] of moves.entries()) {
    if (move.kind === "solve") {
      const { node, t0, t1 } = move;
      const initial = y.tensors[node]!;
      if (node === end) inFrames = y;
      before = { tensor: initial, noise: 0 };
      const next = moves[k + 1];
      if (next?.kind === "cross" && spansAll(initial, modeTowards(tree, node, next.to), backward)) continue;
      const seeks = backward === "augmented-corrected" && node !== end ? "basis" : "state";
      const problem = { node, field: context.rhs.bind(y, node), initial, t0, t1, seeks } as const;
      const solved = yield* solveProblems(context, [problem]);
      applications += solved.applications;
      if (solved.failure) return solved.failure;
      const solution = solved.solutions[0]!;
      before = { tensor: initial, noise: noiseOf(solution) };
      y = withTensor(y, node, solution.final);
    } else if (move.over === null) y = shiftCenter(y, move.to);
    else if (backward === "ode") {
      const crossed = yield* crossBackwards(context, y, move.from, move.to, move.over);
      if ("ok" in crossed) return crossed;
      y = crossed.y;
      applications += crossed.applications;
    } else y = crossCorrected(context, y, move.to, before, backward === "augmented-corrected");
  }
  const whole = moveCenter(y, root);
  const { y: cut, discarded } =
    backward === "augmented-corrected" ? truncate(whole, context.truncation) : { y: whole, discarded: 0 };
  const wide = backward === "augmented-corrected" ? widenedStart(context, inFrames, y.tensors[end]!) : null;
  const widened = wide && moveCenter(wide, root);
  return { ok: true, y: cut, discarded, applications, missed: null, widened };
}

/**
 * Whether the range of a node's solution, seen from its neighbour, is known without a solve: a square matrix spans everything,
 * and so does an augmented one that has room for twice its columns.
 */
function spansAll(c: Tensor, mode: number, backward: "ode" | "corrected" | "augmented-corrected"): boolean {
  const columns = c.shape[mode]!;
  const rows = c.shape.reduce((p, n) => p * n, 1) / columns;
  return backward === "augmented-corrected" ? rows <= 2 * columns : backward === "corrected" && rows === columns;
}

/**
 * Carries the centre over an edge while the edge's tensor moves backwards: C = U S, S' = U* g(t, U S) from t1 to t0, with g the local
 * field of the lower node. Upwards S then joins the upper tensor, downwards U.
 */
function* crossBackwards(
  context: StepContext,
  y: TTN,
  from: NodeId,
  to: NodeId,
  [t0, t1]: readonly [number, number],
): Schedule<Exclude<StepResult, { ok: true }> | { y: TTN; applications: number }> {
  const { tree } = y;
  const upwards = tree.nodes[from]!.parent === to;
  const child = upwards ? from : to;
  const { q, r } = splitMode(y.tensors[from]!, modeTowards(tree, from, to));
  const basis = upwards ? q : y.tensors[child]!;
  const edge = upwards ? r : permute(r, [1, 0]);
  const on = (s: Tensor): Tensor => fromBasis(matmul(asBasis(basis), s), basis.shape);
  const below = { tree, tensors: upwards ? y.tensors : y.tensors.with(from, q), center: child };
  const field = onEdge(context.rhs.bind(withTensor(below, child, on(edge)), child), basis);
  const solved = yield* solveProblems(context, [{ node: child, field, initial: edge, t0: t1, t1: t0, seeks: "state" }]);
  if (solved.failure) return solved.failure;
  const s = solved.solutions[0]!.final;
  const tensors = [...below.tensors];
  tensors[child] = upwards ? basis : on(s);
  if (upwards) tensors[to] = modeProduct(tensors[to]!, modeTowards(tree, to, from), s);
  return { y: { tree, tensors, center: to }, applications: solved.applications };
}

/** A local field seen from the edge above its node: S -> U* g(t, U S). */
function onEdge(field: LocalField, basis: Tensor): LocalField {
  const u = asBasis(basis);
  const columns = field.shapeOut.at(-1)!;
  const shapeOut = [u.shape[1]!, columns];
  const flat = [u.shape[0]!, columns];
  const { increment, data: _, ...rest } = field;
  const restricted = (image: Tensor, out: Tensor): void => matmulInto(u, { ...image, shape: flat }, "C", "N", out);
  return {
    ...rest,
    shapeOut,
    ...(increment && {
      increment(t0: number, t1: number, out: Tensor) {
        const image = {
          ...out,
          shape: field.shapeOut,
          data: new Float64Array((out.data.length / u.shape[1]!) * u.shape[0]!),
        };
        increment(t0, t1, image);
        restricted(image, out);
      },
    }),
    plan(frame) {
      const g = field.plan(frame);
      const x = frame.take(field.shapeOut, field.dtype);
      const image = frame.take(field.shapeOut, field.dtype);
      return (t, s, out) => {
        matmulInto(u, s, "N", "N", { ...x, shape: flat });
        g(t, x, image);
        restricted(image, out);
      };
    },
  };
}

/**
 * Carries the centre over an edge with the old tensor instead of the solution: projected on the solution's range, or in the
 * old basis augmented by that.
 */
function crossCorrected(
  context: StepContext,
  y: TTN,
  to: NodeId,
  before: { readonly tensor: Tensor; readonly noise: number },
  augmented: boolean,
): TTN {
  const from = y.center;
  const mode = modeTowards(y.tree, from, to);
  const solution = y.tensors[from]!;
  const basis = augmented
    ? augmentedTowards(context, before.tensor, solution, mode, before.noise)
    : splitMode(solution, mode).q;
  const tensors = [...y.tensors];
  tensors[from] = basis;
  tensors[to] = modeProduct(y.tensors[to]!, modeTowards(y.tree, to, from), gramAllBut(basis, before.tensor, mode));
  return { tree: y.tree, tensors, center: to };
}

/** [Q, new] towards a mode, Q that of the old tensor; all directions there are where that is at most twice as many. */
function augmentedTowards(context: StepContext, old: Tensor, solution: Tensor, mode: number, noise: number): Tensor {
  const q = matricize(splitMode(old, mode).q, mode);
  const known = spansAll(old, mode, "augmented-corrected");
  const directions = known ? identity(q.shape[0]!, q.dtype) : matricize(solution, mode);
  const fresh = orthAug(q, directions, known ? 0 : noise, roundOffOf(context));
  return tensorize(concatLast(q, fresh), old.shape, mode);
}
