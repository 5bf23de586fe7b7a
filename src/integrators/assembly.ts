import { matmul, modeProduct, pad, place } from "../linalg/contract.ts";
import type { Tensor } from "../linalg/tensor.ts";
import { type Frame, workspace } from "../linalg/workspace.ts";
import { asBasis } from "../ttn/gauge.ts";
import type { NodeId, Tree } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";
import { augment, negligible, noiseOf, roundOffOf } from "./augment.ts";
import type { KeptMoments } from "./conserve.ts";
import type { StepContext } from "./integrator.ts";
import type { LocalSolution } from "./local/problem.ts";

/** Where a set of nodes is solved: bases of all nodes, and the state in them seen from each node. */
export interface Frames {
  readonly bases: readonly Tensor[];
  readonly at: readonly (TTN | undefined)[];
}

/** The block of a node's solution that joins the new directions of its child `i` to the old ones of everything else. */
export type Coupling = (id: NodeId, i: number, assembly: Assembly) => Tensor;

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
  /** A solution in the new bases of its children. In `frame` if given. */
  widen(id: NodeId, solution: Tensor, frame?: Frame): Tensor;
}

export interface AssembleOptions {
  /** For each node the columns of its solution that count as directions. Default: all. */
  readonly select?: readonly (Tensor | undefined)[];
  /** Adds the directions that conserved functionals need. */
  readonly moments?: KeptMoments | null;
}

/**
 * Assembles the new bases of `nodes`, children before parents, from their solutions.
 */
export function assemble(
  context: StepContext,
  y: TTN,
  frames: Frames,
  nodes: readonly NodeId[],
  solutions: readonly LocalSolution[],
  coupling: Coupling,
  { select = [], moments = null }: AssembleOptions = {},
): Assembly {
  const { tree } = y;
  const noise = negligible(context, y);
  const bases = [...frames.bases];
  const fresh: (Tensor | null)[] = [];
  const news: Tensor[] = [];
  const assembly: Assembly = {
    bases,
    fresh,
    news,
    widen(id, solution, frame) {
      const { children } = tree.nodes[id]!;
      if (children.length === 0) return solution;
      const wide = pad(solution, [...children.map((c) => bases[c]!.shape.at(-1)!), solution.shape.at(-1)!], frame);
      children.forEach((child, i) => {
        if (!fresh[child]) return;
        place(
          coupling(id, i, assembly),
          wide,
          solution.shape.map((n, k) => (k === i ? n : 0)),
        );
      });
      return wide;
    },
  };
  nodes.forEach((id, k) => {
    using frame = workspace().frame();
    const own = solutions[k]!;
    const solution = assembly.widen(id, own.final, frame);
    const columns = select[id];
    const directions = columns ? modeProduct(solution, solution.shape.length - 1, columns, frame) : solution;
    const result = augment(bases[id]!, directions, Math.max(noise, noiseOf(own)), roundOffOf(context));
    bases[id] = moments?.complete(id, result.basis, bases) ?? result.basis;
    fresh[id] = result.fresh;
    if (result.fresh) news[id] = matmul(result.fresh, asBasis(solution), "C", "N");
  });
  return assembly;
}

/** The coupling as the child's solution has it: Ut* Z Q^T, with Q the rest of the state seen from the child. */
export const evolvedCoupling =
  (tree: Tree, { at }: Frames): Coupling =>
  (id, i, { news }) => {
    const child = tree.nodes[id]!.children[i]!;
    return modeProduct(at[child]!.tensors[id]!, i, news[child]!);
  };
