import { modeProduct, permute } from "../linalg/contract.ts";
import { qr, triangularOfTranspose } from "../linalg/factor.ts";
import { allDone, doneHere, type Task, type TaskKind, task, type Work } from "../linalg/task.ts";
import { reshape, sizeOf, type Tensor, width } from "../linalg/tensor.ts";
import { workspace } from "../linalg/workspace.ts";
import { type NodeId, rootOf, type Tree } from "./tree.ts";
import { checkTensors, type TTN } from "./ttn.ts";

/**
 * The network of these tensors in canonical form: every node but the root orthonormal, the centre at the root.
 * The tensors may be any that fit the tree; the represented tensor is unchanged. Throws as `checkTensors` does.
 * Cost O(sum over nodes of r^4).
 */
export function ttn(tree: Tree, tensors: readonly Tensor[]): TTN {
  checkTensors(tree, tensors);
  return orthonormalize({ tree, tensors, center: rootOf(tree) });
}

/** Orthonormalises every node but the root from the leaves up, whatever the gauge was; the centre is then the root. */
export function orthonormalize(y: TTN): TTN {
  const tensors = [...y.tensors];
  y.tree.nodes.forEach(({ parent }, id) => {
    if (parent === null) return;
    const { q, r } = qr(asBasis(tensors[id]!));
    tensors[id] = fromBasis(q, tensors[id]!.shape);
    tensors[parent] = modeProduct(tensors[parent]!, childIndex(y.tree, id), r);
  });
  return { tree: y.tree, tensors, center: rootOf(y.tree) };
}

/** The tensor of a node as its basis matrix: (product of child ranks) x (own rank). No copy. */
export const asBasis = (t: Tensor): Tensor => reshape(t, [sizeOf(t.shape.slice(0, -1)), t.shape.at(-1)!]);

/** The inverse of `asBasis`: child sizes from `shape`, the rank from the matrix. */
export const fromBasis = (matrix: Tensor, shape: readonly number[]): Tensor =>
  reshape(matrix, [...shape.slice(0, -1), matrix.shape[1]!]);

/** Which child of its parent a node is. */
export const childIndex = (tree: Tree, id: NodeId): number => tree.nodes[tree.nodes[id]!.parent!]!.children.indexOf(id);

/** The mode of the tensor at `at` that leads to its neighbour `to`; a leaf has its physical mode in front of the parent's. */
export const modeTowards = (tree: Tree, at: NodeId, to: NodeId): number =>
  tree.nodes[at]!.parent === to ? Math.max(1, tree.nodes[at]!.children.length) : tree.nodes[at]!.children.indexOf(to);

/**
 * Moves the centre to a neighbour: Mat(C)^T = Q S^T over the edge between them, Q stays, S goes across.
 * The tensor is unchanged.
 *
 * Where C has fewer directions than the rank (amplitude zero), Q is completed by unit vectors in the order of the rows.
 * Towards a child the parent's index runs slowest, so that they are new directions of the siblings with the rest of
 * the tensor as it is, which is where a right-hand side moves first.
 */
export const shiftCenter = (y: TTN, to: NodeId): TTN => shifted(y, to, shift.run(shiftOf(y, to)));

/** A centre tensor, its neighbour, and the modes of both that lead to the other. */
interface Shift {
  readonly center: Tensor;
  readonly mode: number;
  readonly neighbour: Tensor;
  readonly back: number;
}

interface Shifted {
  readonly isometry: Tensor;
  readonly center: Tensor;
}

/** What `shiftCenter` computes. */
export const shift: TaskKind<Shift, Shifted> = {
  name: "shift of the centre",
  run({ center, mode, neighbour, back }) {
    const { q, r } = splitMode(center, mode);
    return { isometry: q, center: modeProduct(neighbour, back, r) };
  },
};

const shiftOf = (y: TTN, to: NodeId): Shift => ({
  center: y.tensors[y.center]!,
  mode: modeTowards(y.tree, y.center, to),
  neighbour: y.tensors[to]!,
  back: modeTowards(y.tree, to, y.center),
});

function shifted(y: TTN, to: NodeId, { isometry, center }: Shifted): TTN {
  const tensors = [...y.tensors];
  tensors[y.center] = isometry;
  tensors[to] = center;
  return { tree: y.tree, tensors, center: to };
}

function shiftTask(y: TTN, to: NodeId): Task {
  const input = shiftOf(y, to);
  const each = width(input.center.dtype) === 2 ? 8 : 2;
  const rank = input.center.shape[input.mode]!;
  // a factorisation takes three times as long as products of as many operations
  const flops = each * rank * (6 * sizeOf(input.center.shape) + sizeOf(input.neighbour.shape));
  return task(shift, input, { node: to, flops });
}

/** C = Q x_mode R^T: an isometry towards one mode, in the order of rows told at `shiftCenter`, and a triangle across the edge. */
export function splitMode(c: Tensor, mode: number): { q: Tensor; r: Tensor } {
  const order = splitOrder(c.shape.length, mode);
  using frame = workspace().frame();
  const isMoved = mode !== c.shape.length - 1;
  const { q, r } = qr(asBasis(permute(c, order, frame)), isMoved ? frame : undefined);
  const rest = order.slice(0, -1).map((k) => c.shape[k]!);
  const back = order.map((_, k) => order.indexOf(k));
  return { q: permute(reshape(q, [...rest, r.shape[0]!]), back), r };
}

/** The R-factor of Mat_mode(A)^T. */
export function triangularOf(a: Tensor, mode: number): Tensor {
  using frame = workspace().frame();
  const order = [mode, ...a.shape.map((_, k) => k).filter((k) => k !== mode)];
  const rows = a.shape[mode]!;
  return triangularOfTranspose(reshape(permute(a, order, frame), [rows, sizeOf(a.shape) / rows]));
}

/** The modes of a node's tensor with `mode` last and, when that is a child, the parent first. */
const splitOrder = (modes: number, mode: number): number[] => {
  const others = Array.from({ length: modes }, (_, k) => k).filter((k) => k !== mode);
  return mode === modes - 1 ? [...others, mode] : [modes - 1, ...others.slice(0, -1), mode];
};

/** Moves the centre to any node, edge by edge. */
export function moveCenter(y: TTN, to: NodeId): TTN {
  const up = (id: NodeId): NodeId[] => {
    const path = [id];
    for (let p = y.tree.nodes[id]!.parent; p !== null; p = y.tree.nodes[p]!.parent) path.push(p);
    return path;
  };
  const rising = up(y.center);
  const falling = up(to);
  const meeting = rising.find((id) => falling.includes(id))!;
  const path = [
    ...rising.slice(1, rising.indexOf(meeting) + 1),
    ...falling.slice(0, falling.indexOf(meeting)).reverse(),
  ];
  return path.reduce((state, id) => (id === state.center ? state : shiftCenter(state, id)), y);
}

const centered = new WeakMap<TTN, readonly TTN[]>();

/**
 * The same state with the centre at each node in turn, from one with the centre at the root. All of them share their
 * tensors: one orthonormal one for each direction of each edge. Remembered for as long as the state lives.
 */
export const centers = (y: TTN): readonly TTN[] => centered.get(y) ?? doneHere(centering(y));

/** `centers`, with the shifts from all nodes of a depth side by side. */
export function* centering(y: TTN): Work<readonly TTN[]> {
  const known = centered.get(y);
  if (known) return known;
  const root = rootOf(y.tree);
  const at: TTN[] = [];
  at[root] = moveCenter(y, root);
  for (let parents: readonly NodeId[] = [root]; parents.length > 0; ) {
    const below: NodeId[] = [];
    const tasks: Task[] = [];
    for (const id of parents)
      for (const child of y.tree.nodes[id]!.children) {
        below.push(child);
        tasks.push(shiftTask(at[id]!, child));
      }
    const results = yield* allDone<Shifted>(tasks);
    for (const [k, child] of below.entries())
      at[child] = shifted(at[y.tree.nodes[child]!.parent!]!, child, results[k]!);
    parents = below;
  }
  centered.set(y, at);
  return at;
}
