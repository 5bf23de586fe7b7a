import { kroneckerFlops } from "../linalg/kronecker-flops.ts";
import type { KroneckerTerm } from "../linalg/kronecker-sum.ts";
import type { Matrix } from "../linalg/matrix.ts";
import { type Dtype, sizeOf, width } from "../linalg/tensor.ts";
import { cutFlops } from "../ttn/cut.ts";
import { entriesOf, type TTNO } from "../ttn/operators/ttno.ts";
import { edgesOf, levels, type NodeId, rootOf, type Tree } from "../ttn/tree.ts";
import type { Kernel } from "./machine.ts";

/** A piece of the work of a step: which kernel does it, at which node, and how much it is. */
export interface Piece {
  readonly kernel: Kernel;
  readonly node: NodeId;
  readonly flops: number;
  /** What an executor takes for them, when it divides pieces. */
  readonly estimate: number;
  /** Terms of the operator in it, which have to be found, planned and sent. */
  readonly terms: number;
  /** Components of the operator that come of it. */
  readonly components: number;
  /** Evaluations of a local field, and the numbers that each of them is of. */
  readonly evaluations: number;
  readonly size: number;
  /** How long the modes are along which its products go, those of most arithmetic counting most: kernels run faster on longer ones. */
  readonly extent: number;
  /** Bytes of what comes of it, which every rank receives. */
  readonly bytes: number;
}

/** The pieces of a step in sets: those of a set are independent of each other, each set needs the one before. */
export type StepWork = readonly (readonly Piece[])[];

/** Sizes of a state, and what its local problems need in evaluations. */
export interface StepSizes {
  /** Rank of the edge above every node. */
  readonly ranks: readonly number[];
  /** Scalar type of state and right-hand side. Default "complex128". */
  readonly dtype?: Dtype;
  /** Evaluations of a local field in the solve of a node, and in that of the root. Defaults 6 and 10; a run counts them. */
  readonly evaluations?: number;
  readonly rootEvaluations?: number;
  /** How many the solver says that a solve takes (`LocalSolver.usualEvaluations`), for executors to go by. Default 10. */
  readonly usualEvaluations?: number;
}

/**
 * The work of a step of parallel BUG (Galerkin root) for a linear right-hand side, counted from the operator's structure and the ranks: centre
 * tensors, environments, local problems, augmented bases, their environments, the root's problem in them, truncation. Ranks at most
 * double in the augmentation. Bases that span all of their subtree stay as they are, and so do the environments behind them. Cost O(entries of the operator); no tensor is made. Throws a RangeError unless there is a positive
 * integer for every node.
 */
export function stepWork(
  operator: TTNO,
  { ranks, dtype = "complex128", evaluations = 6, rootEvaluations = 10, usualEvaluations = 10 }: StepSizes,
): StepWork {
  const { tree, modeSizes } = operator;
  if (ranks.length !== tree.nodes.length || !ranks.every((r) => Number.isSafeInteger(r) && r > 0))
    throw new RangeError(
      `stepWork: ranks are [${ranks.join(", ")}], expected a positive integer for each of ${tree.nodes.length} nodes`,
    );
  const root = rootOf(tree);
  const each = width(dtype) === 2 ? 8 : 2;
  const shapeIn = (ranksNow: readonly number[], id: NodeId): number[] => {
    const { children, mode } = tree.nodes[id]!;
    return [...(mode === null ? children.map((c) => ranksNow[c]!) : [modeSizes[mode]!]), ranksNow[id]!];
  };
  const rowsOf = (ranksNow: readonly number[], id: NodeId): number => sizeOf(shapeIn(ranksNow, id).slice(0, -1));

  // edges whose bases grow, and how far
  const complete: boolean[] = [];
  tree.nodes.forEach(({ children }, id) => {
    complete[id] = rowsOf(ranks, id) === ranks[id] && children.every((c) => complete[c]);
  });
  const wide: number[] = [];
  tree.nodes.forEach((_, id) => {
    wide[id] = id === root ? 1 : complete[id] ? ranks[id]! : Math.min(2 * ranks[id]!, rowsOf(wide, id));
  });
  const growing = edgesOf(tree).filter((id) => !complete[id]);

  const narrow = environments(operator, (id) => shapeIn(ranks, id), dtype);
  const grown = environments(operator, (id) => shapeIn(wide, id), dtype);
  const piece = (
    kernel: Kernel,
    node: NodeId,
    flops: number,
    shape: readonly number[],
    results: number,
    { terms = 0, components = 0, evaluations = 0, estimate = flops } = {},
  ): Piece => ({
    kernel,
    node,
    flops,
    estimate,
    terms,
    components,
    evaluations,
    size: sizeOf(shape),
    extent: extentOf(shape),
    bytes: 8 * width(dtype) * results,
  });
  const contraction = (
    id: NodeId,
    { flops, terms, components }: Seen,
    shape: readonly number[],
    rank: number,
    share = 1,
  ): Piece => piece("contract", id, share * flops, shape, components * rank * rank, { terms, components });
  const solve = (id: NodeId, { flops, terms }: Field, shape: readonly number[], evaluations: number): Piece =>
    piece("evaluate", id, evaluations * flops, shape, sizeOf(shape), {
      terms,
      evaluations,
      estimate: usualEvaluations * flops,
    });
  const small = (id: NodeId): number[] => shapeIn(ranks, id);
  const large = (id: NodeId): number[] => shapeIn(wide, id);
  const upward = levels(tree).map((level) => level.filter((id) => id !== root));
  const downward = [...upward].reverse();

  const up = upward.map((level) =>
    level.filter((id) => !complete[id]).map((id) => contraction(id, narrow.up(id), small(id), ranks[id]!)),
  );
  const centres = downward.map((level) =>
    level.map((id) => {
      const [above, below] = [sizeOf(small(tree.nodes[id]!.parent!)), sizeOf(small(id))];
      const flops = each * ranks[id]! * (2 * above + below);
      const estimate = each * ranks[id]! * (6 * above + below);
      return piece("split", id, flops, small(tree.nodes[id]!.parent!), above + below, { estimate });
    }),
  );
  const down = downward.map((level) =>
    level.map((id) => contraction(id, narrow.down(id), small(tree.nodes[id]!.parent!), ranks[id]!)),
  );
  const solves = growing.map((id) => solve(id, narrow.field(id), small(id), evaluations));
  const augment = upward.map((level) =>
    level
      .filter((id) => !complete[id])
      .map((id) => {
        const [rows, p] = [rowsOf(wide, id), ranks[id]!];
        const fresh = wide[id]! - p; // new directions, and what the solution has in them; bases follow from these
        return piece("augment", id, each * rows * p * (4 * p + 6 * p), large(id), fresh * (rows + p));
      }),
  );
  const upGrown = upward.map((level) =>
    level
      .filter((id) => !complete[id])
      .map((id) => {
        const share = (wide[id]! - ranks[id]!) / wide[id]!; // only new columns
        return contraction(id, grown.up(id), large(id), wide[id]!, share);
      }),
  );
  const last = [solve(root, grown.field(root), large(root), rootEvaluations)];
  const cut = growing.map((id) => piece("cut", id, cutFlops(dtype, large(id)), large(id), sizeOf(small(id))));
  const { children } = tree.nodes[root]!;
  // both subtrees of a root that has two at a time; otherwise one edge after the other
  const truncation =
    children.length === 2 ? [children.flatMap((id) => inOne(cut, below(tree, id)))] : cut.map((p) => [p]);
  return [...centres, ...up, ...down, solves, ...augment, ...upGrown, last, ...truncation].filter(
    (set) => set.length > 0,
  );
}

/** Nodes of a subtree. */
function below(tree: Tree, top: NodeId): ReadonlySet<NodeId> {
  const found = new Set([top]);
  for (const id of found) for (const child of tree.nodes[id]!.children) found.add(child);
  return found;
}

/** The pieces at some of these nodes as one, which is like the largest of them; nothing where there are none. */
function inOne(pieces: readonly Piece[], nodes: ReadonlySet<NodeId>): readonly Piece[] {
  const own = pieces.filter(({ node }) => nodes.has(node));
  if (own.length === 0) return [];
  const sum = (of: (piece: Piece) => number): number => own.reduce((all, p) => all + of(p), 0);
  const largest = own.reduce((a, b) => (b.flops > a.flops ? b : a));
  return [{ ...largest, flops: sum((p) => p.flops), estimate: sum((p) => p.estimate), bytes: sum((p) => p.bytes) }];
}

/** What of an operator's components is seen through an edge: a matrix, a number, or nothing. */
type Components = readonly (Matrix | "scalar" | "zero")[];

/** An environment, and what it costs to make. */
interface Seen {
  readonly each: Components;
  readonly flops: number;
  readonly terms: number;
  /** How many components are matrices. */
  readonly components: number;
}

/** What an evaluation of a local field costs. */
type Field = Pick<Seen, "flops" | "terms">;

/** Of a tensor's modes, each weighted by its length: that of the products along it. */
const extentOf = (shape: readonly number[]): number =>
  shape.reduce((sum, n) => sum + n * n, 0) / shape.reduce((sum, n) => sum + n, 0);

/** Arithmetic of environments and fields for tensors of these shapes, from the structure of the operator alone. */
function environments(operator: TTNO, shapeOf: (id: NodeId) => readonly number[], dtype: Dtype) {
  const { tree } = operator;
  const each = width(dtype) === 2 ? 8 : 2;
  const edges = new Map<string, Seen>();
  const open: Components = [];
  const phantom = (n: number): Matrix => ({ dtype, shape: [n, n], data: nothing });

  const around = (id: NodeId, to: NodeId | null): Components[] => {
    const { children, parent, mode } = tree.nodes[id]!;
    const found: Components[] =
      mode !== null
        ? [operator.matrices[id]!.map((m, a) => (operator.identities[id] === a ? "scalar" : m))]
        : children.map((c) => (c === to ? open : behind(c, id).each));
    found.push(parent === to && parent !== null ? open : parent === null ? ["scalar"] : behind(parent, id).each);
    return found;
  };
  const termsOf = (
    id: NodeId,
    seen: readonly Components[],
    component: readonly [number, number] | null,
  ): KroneckerTerm[] =>
    entriesOf(operator, id)
      .filter(({ index }) => !component || index[component[0]] === component[1])
      .flatMap(({ index }) => {
        const matrices = seen.map((s, k) => (s === open ? "scalar" : s[index[k]!]!));
        if (matrices.includes("zero")) return [];
        return [{ coefficient: 1, matrices: matrices.map((m) => (typeof m === "string" ? null : m)) }];
      });
  const flopsOf = (id: NodeId, terms: readonly KroneckerTerm[]): number =>
    kroneckerFlops({ shapeIn: shapeOf(id), shapeOut: shapeOf(id), terms, dtype });

  function behind(id: NodeId, to: NodeId): Seen {
    const key = `${id} ${to}`;
    const known = edges.get(key);
    if (known) return known;
    const { children, parent } = tree.nodes[id]!;
    const isUp = parent === to;
    const mode = isUp ? shapeOf(id).length - 1 : children.indexOf(to);
    const all = isUp ? operator.ranks[id]! : operator.ranks[to]!;
    const seen = around(id, to);
    const rank = shapeOf(id)[mode]!;
    let flops = 0;
    let planned = 0;
    const components: Components = Array.from({ length: all }, (_, c) => {
      const terms = termsOf(id, seen, [mode, c]);
      if (terms.length === 0) return "zero";
      if (terms.every(({ matrices }) => matrices.every((m) => m === null))) return "scalar";
      planned += terms.length;
      flops += flopsOf(id, terms) + each * sizeOf(shapeOf(id)) * rank;
      return phantom(rank);
    });
    const count = components.filter((s) => typeof s !== "string").length;
    const made: Seen = { each: components, flops, terms: planned, components: count };
    edges.set(key, made);
    return made;
  }
  return {
    up: (id: NodeId): Seen => behind(id, tree.nodes[id]!.parent!),
    down: (id: NodeId): Seen => behind(tree.nodes[id]!.parent!, id),
    field(id: NodeId): Field {
      const terms = termsOf(id, around(id, null), null);
      return { flops: flopsOf(id, terms), terms: terms.length };
    },
  };
}

const nothing = new Float64Array(0);
