import type { Work } from "../linalg/task.ts";
import type { Tensor } from "../linalg/tensor.ts";
import { levels, type NodeId, rootOf, type Tree } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";
import { augmentAll, type Block, negligible, roundOffOf, type Widened, widened } from "./augment.ts";
import type { KeptMoments } from "./conserve.ts";
import type { StepContext } from "./integrator.ts";
import type { LocalSolution } from "./local/problem.ts";

/** Where a set of nodes is solved: bases of all nodes, and the state in them seen from each node. */
export interface Frames {
  readonly bases: readonly Tensor[];
  readonly at: readonly (TTN | undefined)[];
}

/** The block of a node's solution that joins the new directions of its child `i` to the old ones of everything else. */
export type Coupling = (id: NodeId, i: number, assembly: Assembly) => Block;

/**
 * New bases put together from independent solutions, from the leaves up: the solution of each node gets a block for the new
 * directions of each child; by the range of that its basis is augmented. Blocks with two or more new directions stay zero.
 * [ceruti2024parallel, algorithms 4 and 5]
 */
export interface Assembly {
  /** [U, Ut] for every node that is through, else U. */
  readonly bases: readonly Tensor[];
  /** Ut, a matrix; null where there is nothing new. */
  readonly fresh: readonly (Tensor | null | undefined)[];
  /** What a solution has in its own new directions: Ut* Z, (new) x (columns of Z). */
  readonly news: readonly (Tensor | undefined)[];
  /** A solution in the new bases of its children. */
  widen(id: NodeId, solution: Tensor): Tensor;
}

export interface AssembleOptions {
  /** For each node the columns of its solution that count as directions. Default: all. */
  readonly select?: readonly (Tensor | undefined)[];
  /** Whether the root's solution is one of those that will be widened. Default: it is; a Galerkin root needs none. */
  readonly widensRoot?: boolean;
  /** Adds the directions that conserved functionals need. */
  readonly moments?: KeptMoments | null;
}

/**
 * Assembles the new bases of `nodes`, children before parents, from their solutions: those of a height side by side.
 */
export function* assemble(
  context: StepContext,
  y: TTN,
  frames: Frames,
  nodes: readonly NodeId[],
  solutions: readonly LocalSolution[],
  coupling: Coupling,
  { select = [], widensRoot = true, moments = null }: AssembleOptions = {},
): Work<Assembly> {
  const { tree } = y;
  const noise = negligible(context, y);
  const bases = [...frames.bases];
  const fresh: (Tensor | null)[] = [];
  const news: Tensor[] = [];
  const inNewBases = (id: NodeId, solution: Tensor): Widened => {
    const { children } = tree.nodes[id]!;
    const inside = children.length === 0 ? [solution.shape[0]!] : children.map((c) => bases[c]!.shape.at(-1)!);
    const blocks = children.flatMap((child, i) => (fresh[child] ? coupling(id, i, assembly) : []));
    return { solution, shape: [...inside, solution.shape.at(-1)!], blocks };
  };
  const assembly: Assembly = {
    bases,
    fresh,
    news,
    widen: (id, solution) => widened(inNewBases(id, solution)),
  };
  for (const level of levels(tree)) {
    const here = nodes.flatMap((id, k) => (level.includes(id) ? [{ id, own: solutions[k]! }] : []));
    const results = yield* augmentAll(
      here.map(({ id, own }) => ({
        id,
        input: {
          ...inNewBases(id, own.final),
          old: bases[id]!,
          columns: select[id] ?? null,
          noise: Math.max(noise, own.errorEstimate),
          roundOff: roundOffOf(context) ?? null,
          isCoupled: widensRoot || tree.nodes[id]!.parent !== rootOf(tree),
        },
      })),
    );
    here.forEach(({ id }, k) => {
      const result = results[k]!;
      bases[id] = moments?.complete(id, result.basis, bases) ?? result.basis;
      fresh[id] = result.fresh;
      if (result.news) news[id] = result.news;
    });
  }
  return assembly;
}

/** The coupling as the child's solution has it: Ut* Z Q^T, with Q the rest of the state seen from the child. */
export const evolvedCoupling =
  (tree: Tree, { at }: Frames): Coupling =>
  (id, i, { news }) => {
    const child = tree.nodes[id]!.children[i]!;
    return { mode: i, x: at[child]!.tensors[id]!, matrix: news[child]! };
  };
