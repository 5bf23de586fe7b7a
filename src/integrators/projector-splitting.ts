import { matmul, matmulInto, modeProduct, permute } from "../linalg/contract.ts";
import { sizeOf, type Tensor } from "../linalg/tensor.ts";
import { checkKeys } from "../text/known-keys.ts";
import { asBasis, childIndex, fromBasis, modeTowards, moveCenter, splitMode } from "../ttn/gauge.ts";
import type { LocalField, Rhs } from "../ttn/rhs.ts";
import { edgesOf, type NodeId, rootOf, type Tree } from "../ttn/tree.ts";
import { type TTN, withTensor } from "../ttn/ttn.ts";
import { oneOf, solveProblems } from "./augment.ts";
import { correctedStep } from "./corrected-splitting.ts";
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
 * Projector splitting for any tree: children before parents, each node is solved, and then, backwards in time, the edge above it.
 * Order one ("lie") or two ("strang"); reproduces solutions of the tree's rank; norm and energy are kept. All solves wait for each
 * other; ranks stay as they are. The backward solves are unstable for dissipative problems, which "corrected" and
 * "augmented-corrected" cure: their tour ends in the last child of the root, whose solve then holds everything, and the
 * latter is a Galerkin method that holds Y0, adapts ranks and lets no gradient flow rise. Cost: a solve a node and one an edge, at the
 * old ranks, less those that cancel: of a node and of an edge towards which its tensor is a square matrix. A binary root always is
 * one: a matrix takes three solves (K, S, L), five with "strang". [lubich2014projector; ceruti2021time; on trees the two
 * corrections are our own, docs/integrators.md]
 */
export function projectorSplitting(options: ProjectorSplittingOptions = {}): Integrator {
  checkKeys("projectorSplitting", options, { splitting: true, backward: true });
  const { splitting = "lie", backward = "ode" } = options;
  oneOf("projectorSplitting: splitting", splitting, ["lie", "strang"]);
  oneOf("projectorSplitting: backward", backward, ["ode", "corrected", "augmented-corrected"]);
  if (splitting === "strang" && backward !== "ode")
    throw new RangeError(`projectorSplitting: backward is "${backward}", but the Strang splitting needs "ode"`);
  return {
    name: backward === "ode" ? `projector splitting, ${splitting}` : `projector splitting, ${backward}`,
    reference: backward === "ode" ? "lubich2014projector" : "kusch2025augmented",
    promises: { ...promises[backward], ...orders[backward === "augmented-corrected" ? backward : splitting] },
    step: (context, y, t, h) =>
      backward === "ode"
        ? splitStep(context, y, splitting === "lie" ? lie(y.tree, t, t + h) : strang(y.tree, t, h))
        : correctedStep(context, y, t, h, backward === "augmented-corrected"),
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

/** A node solved from t0 to t1, or the edge above it. */
interface Solve {
  readonly what: "node" | "edge";
  readonly id: NodeId;
  readonly t0: number;
  readonly t1: number;
}

/** Children before parents: every node forwards in time, and after it the edge above it backwards. */
const lie = (tree: Tree, t0: number, t1: number): readonly Solve[] =>
  tree.nodes.flatMap(({ parent }, id) => [
    { what: "node", id, t0, t1 },
    ...(parent === null ? [] : [{ what: "edge", id, t0: t1, t1: t0 } as const]),
  ]);

/** Half a step of the Lie splitting, then half a step of its adjoint. */
const strang = (tree: Tree, t: number, h: number): readonly Solve[] => [
  ...lie(tree, t, t + h / 2),
  ...lie(tree, t + h / 2, t + h).toReversed(),
];

/** Solves that follow each other in one space are one solve; one that ends where it began is none. */
function merged(y: TTN, solves: readonly Solve[]): readonly Solve[] {
  const space = spaces(y);
  const kept: Solve[] = [];
  for (const next of solves) {
    const last = kept.at(-1);
    if (!last || last.t1 !== next.t0 || space[last.what][last.id] !== space[next.what][next.id]) kept.push(next);
    else {
      kept.pop();
      if (last.t0 !== next.t1) kept.push({ ...last, t1: next.t1 });
    }
  }
  return kept;
}

/**
 * The spaces in which the tensors of nodes and edges move the state, numbered so that equal ones have one number. That of an edge is
 * that of the node at an end of it whose tensor is a square matrix towards it: an edge's tensor times a unitary one is all
 * that the node's can be.
 */
function spaces({ tree, tensors }: TTN): Readonly<Record<Solve["what"], readonly number[]>> {
  const node = tree.nodes.map((_, id) => id);
  const edge = tree.nodes.map((_, id) => tree.nodes.length + id);
  for (const id of edgesOf(tree).toReversed()) {
    const parent = tree.nodes[id]!.parent!;
    const isSquare = (end: NodeId): boolean => sizeOf(tensors[end]!.shape) === tensors[id]!.shape.at(-1)! ** 2;
    if (isSquare(parent)) edge[id] = node[parent]!;
    if (isSquare(parent) && isSquare(id)) node[id] = edge[id]!;
    else if (isSquare(id)) edge[id] = node[id]!;
  }
  return { node, edge };
}

/** The state without ranks that cannot be filled: an edge holds no more than all other edges of the node above it together. */
const withinRoom = (y: TTN): TTN =>
  edgesOf(y.tree)
    .toReversed()
    .reduce((state, id) => {
      const parent = y.tree.nodes[id]!.parent!;
      const isFillable = state.tensors[id]!.shape.at(-1)! ** 2 <= sizeOf(state.tensors[parent]!.shape);
      return isFillable ? state : moveCenter(moveCenter(state, parent), id);
    }, y);

function* splitStep(context: StepContext, start: TTN, solves: readonly Solve[]): Schedule<StepResult> {
  let y = withinRoom(start);
  let applications = 0;
  for (const { what, id, t0, t1 } of merged(y, solves)) {
    const end = what === "node" || isWithin(y.tree, y.center, id) ? id : y.tree.nodes[id]!.parent!;
    const { field, initial, updated } = (what === "node" ? atNode : atEdge)(context.rhs, moveCenter(y, end), id);
    const solved = yield* solveProblems(context, [{ node: id, field, initial, t0, t1, seeks: "state" }]);
    if (solved.failure) return solved.failure;
    applications += solved.applications;
    y = updated(solved.solutions[0]!.final);
  }
  return { ok: true, y: moveCenter(y, rootOf(y.tree)), discarded: 0, applications, missed: null, widened: null };
}

/** What is solved for a state: a field, its initial value, and the state that a solution makes of it. */
interface Posed {
  readonly field: LocalField;
  readonly initial: Tensor;
  readonly updated: (solution: Tensor) => TTN;
}

/** The tensor of a node, which is the centre. */
const atNode = (rhs: Rhs, y: TTN, id: NodeId): Posed => ({
  field: rhs.bind(y, id),
  initial: y.tensors[id]!,
  updated: (c) => withTensor(y, id, c),
});

/**
 * The tensor S of the edge above a node, split off from the end at which the centre is, C = Q S; S then joins the other end, which is the next
 * centre. The basis there stays as it is: made again, its directions would be others by round-off over the smallest singular value.
 */
function atEdge(rhs: Rhs, y: TTN, id: NodeId): Posed {
  const { tree, center } = y;
  const parent = tree.nodes[id]!.parent!;
  const { q, r } = splitMode(y.tensors[center]!, modeTowards(tree, center, center === id ? parent : id));
  const split = withTensor(y, center, q).tensors;
  if (center === id) {
    const above = (s: Tensor): Tensor => modeProduct(split[parent]!, childIndex(tree, id), s);
    return {
      field: onEdge(rhs.bind(y, id), q),
      initial: r,
      updated: (s) => ({ tree, tensors: split.with(parent, above(s)), center: parent }),
    };
  }
  const basis = split[id]!;
  const below = (s: Tensor): Tensor => fromBasis(matmul(asBasis(basis), s), basis.shape);
  const updated = (s: Tensor): TTN => ({ tree, tensors: split.with(id, below(s)), center: id });
  const initial = permute(r, [1, 0]);
  return { field: onEdge(rhs.bind(updated(initial), id), basis), initial, updated };
}

/** Whether a node is `id` or below it. */
const isWithin = (tree: Tree, node: NodeId, id: NodeId): boolean =>
  node === id || (node < id && isWithin(tree, tree.nodes[node]!.parent!, id));

/** A local field seen from the edge above its node, whose basis is U: S -> U* g(t, U S). */
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
