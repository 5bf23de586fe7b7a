import { combine, gatherRows, matmul, modeProduct, pad, place, scatterRows } from "../linalg/contract.ts";
import { norm } from "../linalg/level1.ts";
import { orthAug } from "../linalg/orth-aug.ts";
import { excess, normalised, powerOfTwo } from "../linalg/scaling.ts";
import { allDone, inParallel, type TaskKind, task, type Work } from "../linalg/task.ts";
import { allFinite, sizeOf, type Tensor, tensor, width } from "../linalg/tensor.ts";
import { type Frame, workspace } from "../linalg/workspace.ts";
import { asBasis, centering, centers, fromBasis, moveCenter } from "../ttn/gauge.ts";
import { grow, grownFrom } from "../ttn/growth.ts";
import { edgesOf, type NodeId, rootOf } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";
import type { StepContext, StepFailure } from "./integrator.ts";
import type { LocalProblem, LocalSolution } from "./local/problem.ts";
import type { Schedule } from "./schedule.ts";

/**
 * The edges whose basis can still grow: not those at a leaf with a full basis, nor those above a node that already spans
 * all products of complete children. Their K-step would be wasted: it stays in the same space.
 */
export function growingEdges(y: TTN): readonly NodeId[] {
  const complete: boolean[] = [];
  y.tree.nodes.forEach(({ children }, id) => {
    const [rows, rank] = asBasis(y.tensors[id]!).shape;
    complete[id] = rows === rank && children.every((child) => complete[child]);
  });
  return edgesOf(y.tree).filter((id) => !complete[id]);
}

/** The basis of one node, grown by the directions of a solution. */
export interface AugmentedBasis {
  /** [U0, Ut] as a tensor of the node, old directions first and unchanged. */
  readonly basis: Tensor;
  /** Ut, a matrix; null when there is no new direction. */
  readonly fresh: Tensor | null;
}

/**
 * Augments the old basis by the range of a solution in the augmented bases of the children. Rows that belong to old
 * directions of all children are brought to the top, where alone the old basis is not zero. Directions smaller than
 * `noise`, the error of the solution, are not directions of the solution and are left out.
 */
export function augment(old: Tensor, solution: Tensor, noise: number, roundOff?: number): AugmentedBasis {
  using frame = workspace().frame();
  const shape = [...solution.shape.slice(0, -1), old.shape.at(-1)!];
  const isWider = sizeOf(shape.slice(0, -1)) > sizeOf(old.shape.slice(0, -1));
  const order = isWider ? cornerFirst(shape.slice(0, -1), old.shape.slice(0, -1)) : null;
  const rows = order ? gatherRows(asBasis(solution), order, frame) : asBasis(solution);
  const e = excess(rows, "augment", 8); // what is small is judged against the solution, whatever its size
  const judged = { ...rows, data: normalised(rows, e, frame) };
  const fresh = orthAug(asBasis(old), judged, noise * powerOfTwo(-e), roundOff);
  if (fresh.shape[1] === 0) return grownBy(null, old, shape);
  return grownBy(order ? scatterRows(fresh, order) : fresh, old, shape);
}

/** The old basis in the children's new ones, and the new directions beside it. */
const grownBy = (fresh: Tensor | null, old: Tensor, shape: readonly number[]): AugmentedBasis => ({
  basis: fresh ? grow(old, fromBasis(fresh, shape)) : pad(old, shape),
  fresh,
});

/** A block of a solution that joins new directions of the child in front of `mode` to old ones of everything else: x, or x x_mode matrix. */
export interface Block {
  readonly mode: number;
  readonly x: Tensor;
  readonly matrix: Tensor | null;
}

/** A solution, and what it has in new bases of the children. */
export interface Widened {
  readonly solution: Tensor;
  /** Of the solution in the new bases. */
  readonly shape: readonly number[];
  readonly blocks: readonly Block[];
}

/** The solution in the new bases of the children: zero padded, with its blocks. In `frame` if given. */
export function widened({ solution, shape, blocks }: Widened, frame?: Frame): Tensor {
  const wide = pad(solution, shape, frame);
  for (const { mode, x, matrix } of blocks)
    place(
      matrix ? modeProduct(x, mode, matrix) : x,
      wide,
      solution.shape.map((n, k) => (k === mode ? n : 0)),
    );
  return wide;
}

interface Augmentation extends Widened {
  readonly old: Tensor;
  /** The columns of the solution that count as directions; null: all. */
  readonly columns: Tensor | null;
  readonly noise: number;
  readonly roundOff: number | null;
  /** Whether a node above will ask for `news`. */
  readonly isCoupled: boolean;
}

/** A basis with what its solution has in the new directions, Ut* Z; null when there are none or nothing above asks for it. */
export interface AugmentedNode extends AugmentedBasis {
  readonly news: Tensor | null;
}

/** `augment` by a widened solution. */
export const augmentation: TaskKind<Augmentation, AugmentedNode> = {
  name: "augmentation",
  run({ old, columns, noise, roundOff, isCoupled, ...wide }) {
    using frame = workspace().frame();
    const solution = widened(wide, frame);
    const directions = columns ? modeProduct(solution, solution.shape.length - 1, columns, frame) : solution;
    const made = augment(old, directions, noise, roundOff ?? undefined);
    return { ...made, news: made.fresh && isCoupled ? matmul(made.fresh, asBasis(solution), "C", "N") : null };
  },
  // the basis is more than half of the result, and follows from the rest
  resultPacking: {
    pack: ({ fresh, news }) => ({ fresh, news }),
    unpack: ({ fresh, news }: Omit<AugmentedNode, "basis">, { old, shape }) => ({
      ...grownBy(fresh, old, [...shape.slice(0, -1), old.shape.at(-1)!]),
      news,
    }),
  },
};

/** Augments bases of several nodes side by side. */
export function* augmentAll(
  nodes: readonly { readonly id: NodeId; readonly input: Augmentation }[],
): Work<readonly AugmentedNode[]> {
  const results = yield* allDone<AugmentedNode>(
    nodes.map(({ id, input }) => {
      const [rows, columns] = [sizeOf(input.shape.slice(0, -1)), input.columns?.shape[0] ?? input.shape.at(-1)!];
      const each = width(input.solution.dtype) === 2 ? 8 : 2;
      const flops = each * rows * columns * (4 * input.old.shape.at(-1)! + 6 * columns);
      return task(augmentation, input, { node: id, flops });
    }),
  );
  results.forEach(({ basis, fresh }, k) => {
    if (fresh) grownFrom(basis, { old: nodes[k]!.input.old, fresh: fromBasis(fresh, basis.shape) });
  });
  return results;
}

/** The row numbers of a tensor's basis matrix, those of its leading corner first. */
function cornerFirst(shape: readonly number[], corner: readonly number[]): Int32Array {
  const order = new Int32Array(sizeOf(shape));
  let [inside, outside] = [0, sizeOf(corner)];
  const index = shape.map(() => 0);
  for (let row = 0; row < order.length; row++) {
    let isInside = true;
    for (let mode = 0; mode < index.length; mode++) isInside &&= index[mode]! < corner[mode]!;
    order[isInside ? inside++ : outside++] = row;
    for (let mode = index.length - 1; mode >= 0; mode--) {
      if (++index[mode]! < shape[mode]!) break;
      index[mode] = 0;
    }
  }
  return order;
}

/** The state seen from `node` (its centre moved there), with other bases below: its tensor is padded to their ranks. */
export function inBases(y: TTN, node: NodeId, bases: readonly (Tensor | undefined)[]): TTN {
  const at = centers(y)[node]!;
  const tensors = [...at.tensors];
  const { children } = y.tree.nodes[node]!;
  const below = [...children];
  for (let id = below.pop(); id !== undefined; id = below.pop()) {
    const basis = bases[id];
    if (!basis) continue;
    tensors[id] = basis;
    below.push(...y.tree.nodes[id]!.children);
  }
  if (children.length > 0)
    tensors[node] = pad(at.tensors[node]!, [
      ...children.map((c) => tensors[c]!.shape.at(-1)!),
      at.tensors[node]!.shape.at(-1)!,
    ]);
  return { tree: y.tree, tensors, center: node };
}

/**
 * The start of a repeated step: the start value in the augmented bases of the rejected attempt, plus 2^-200 of where that ended. No number of
 * the tensor feels the second part; but frames have to be completed where the start value is nothing, and so are by the directions
 * that the attempt has found to matter. Null where no rejection was asked for.
 */
export function widenedStart({ measureMissed }: StepContext, start: TTN, end: Tensor): TTN | null {
  if (!measureMissed) return null;
  const root = start.tensors[start.center]!;
  const hint = combine([
    [1, root],
    [2 ** -200, end],
  ]);
  return { ...start, tensors: start.tensors.with(start.center, hint) };
}

/** F(t, trial) at the centre of `trial`, seen through the frame of `test`. One application. */
export function fieldAt({ rhs }: StepContext, trial: TTN, test: TTN, t: number): Tensor {
  using frame = workspace().frame();
  const field = rhs.bind(trial, trial.center, test);
  const out = tensor(field.shapeOut, field.dtype);
  field.plan(frame)(t, trial.tensors[trial.center]!, out);
  return out;
}

/**
 * What counts as round-off where a basis is augmented: the numerical rank's usual threshold under a tolerance; without one, as
 * little as there is, since then small singular values are kept and so count.
 */
export const roundOffOf = ({ truncation }: StepContext): number | undefined =>
  truncation.tolerance === "off" ? 8 * Number.EPSILON : undefined;

/**
 * Directions of a smaller amplitude are not worth a column: a tenth of what truncation may remove on an edge. Zero where truncation is
 * off, or keeps one direction more than its tolerance asks for.
 */
export function negligible({ truncation }: StepContext, y: TTN): number {
  const { tolerance, relative = false, tail } = truncation;
  if (tolerance === "off" || tail === "l1-keep-one") return 0;
  return (
    ((relative ? tolerance * norm(y.tensors[y.center]!) : tolerance) * 0.1) / Math.sqrt(edgesOf(y.tree).length || 1)
  );
}

/** Throws a RangeError when a setting is none of the known words. */
export function oneOf(what: string, value: string, known: readonly string[]): void {
  if (!known.includes(value))
    throw new RangeError(`${what} is ${JSON.stringify(value)}, expected ${known.map((k) => `"${k}"`).join(" or ")}`);
}

/** What a set of local problems came to. */
export interface Solved {
  readonly solutions: readonly LocalSolution[];
  readonly applications: number;
  readonly failure: StepFailure | null;
}

/** Solves a set of independent local problems. */
export function* solveProblems({ solver }: StepContext, problems: readonly LocalProblem[]): Schedule<Solved> {
  const solutions = (yield { problems, solver }) as readonly LocalSolution[];
  const applications = solutions.reduce((sum, s) => sum + s.applications, 0);
  const bad = solutions.findIndex((s) => !s.converged);
  if (bad < 0) return { solutions, applications, failure: null };
  const why = allFinite(solutions[bad]!.final) ? "solver-stalled" : "not-finite";
  return { solutions, applications, failure: { ok: false, why, node: problems[bad]!.node } };
}

/**
 * The state with its centre at each node, and meanwhile what the right-hand side sees of it from the root: neither needs the other, where
 * the centre is at the root, as between steps.
 */
export function* fromAllNodes({ rhs }: StepContext, y: TTN): Work<readonly TTN[]> {
  if (!rhs.prepare) return yield* centering(y);
  const [at] = yield* inParallel(centering(y), rhs.prepare([moveCenter(y, rootOf(y.tree))]));
  return at;
}

/** Solves a set of independent nodes, each from the centre tensor of its own trial state. */
export function* solveNodes(
  context: StepContext,
  trials: readonly TTN[],
  seeks: LocalProblem["seeks"],
  t: number,
  h: number,
): Schedule<Solved> {
  if (context.rhs.prepare) yield* context.rhs.prepare(trials);
  return yield* solveProblems(
    context,
    trials.map((trial) => ({
      node: trial.center,
      field: context.rhs.bind(trial, trial.center),
      initial: trial.tensors[trial.center]!,
      t0: t,
      t1: t + h,
      seeks,
    })),
  );
}

/** The state of these bases and this root tensor. */
export const assembled = (y: TTN, bases: readonly Tensor[], root: Tensor): TTN => ({
  tree: y.tree,
  tensors: [...bases.slice(0, rootOf(y.tree)), root],
  center: rootOf(y.tree),
});
