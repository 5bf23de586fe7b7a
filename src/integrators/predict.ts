import { block, concatLast, matmul, matricize, modeProduct, pad, permute, tensorize } from "../linalg/contract.ts";
import { orthAug, qr } from "../linalg/factor.ts";
import { axpy, conj } from "../linalg/level1.ts";
import { copy, type Tensor } from "../linalg/tensor.ts";
import { centers, splitMode } from "../ttn/gauge.ts";
import { rootOf } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";
import type { Frames } from "./assembly.ts";
import { augment, fieldAt, growingEdges, inBases, negligible, roundOffOf } from "./augment.ts";
import type { KeptMoments } from "./conserve.ts";
import type { StepContext } from "./integrator.ts";

/**
 * The bases of a state grown by the directions in which it moves: [U, F(t, Y)] with F seen from each node, in the grown
 * bases of its children; from the leaves up, one application a node.
 */
export function grownByField(
  context: StepContext,
  y: TTN,
  t: number,
  h: number,
  moments: KeptMoments | null = null,
): { bases: readonly Tensor[]; applications: number } {
  const at = centers(y);
  const growing = growingEdges(y);
  const bases = [...y.tensors];
  for (const id of growing) {
    const motion = fieldAt(context, at[id]!, inBases(y, id, bases), t);
    const { basis } = augment(y.tensors[id]!, motion, negligible(context, y) / Math.abs(h), roundOffOf(context));
    bases[id] = moments?.complete(id, basis, bases) ?? basis;
  }
  return { bases, applications: growing.length };
}

/** Frames grown by where the state moves first, with what that cost. */
export interface PredictedFrames extends Frames {
  readonly applications: number;
  /** For each node, the columns of its solution that belong to Y + h/2 F(t, Y). */
  readonly main: readonly (Tensor | undefined)[];
}

/**
 * The state in frames grown by F(t, Y) on both sides of every edge, seen from every node. Below a node its frame holds U and F(t, Y);
 * what lies beyond it, Q in Mat(C)^T = Q S^T, is grown by F(t, Y) in the same way, so that a node's tensor gets up to twice as
 * many columns, the new ones zero at first. Cost: two applications a node. [kusch2024second; docs/integrators.md]
 */
export function predictedFrames(context: StepContext, y: TTN, t: number, h: number): PredictedFrames {
  const { nodes } = y.tree;
  const root = rootOf(y.tree);
  const { bases, applications } = grownByField(context, y, t, h);
  const inside = new Set(growingEdges(y));
  const at: TTN[] = [];
  const main: Tensor[] = [];
  let more = 0;
  at[root] = inBases(y, root, bases);
  for (let id = root; id >= 0; id--) {
    const { children } = nodes[id]!;
    const here = at[id];
    if (!here || !children.some((child) => inside.has(child))) continue;
    const motion = fieldAt(context, centers(y)[id]!, here, t);
    more++;
    children.forEach((child, i) => {
      // of mode i only the old directions carry anything
      const shape = here.tensors[id]!.shape.with(i, y.tensors[child]!.shape.at(-1)!);
      const old = (x: Tensor): Tensor =>
        block(
          x,
          shape.map(() => 0),
          shape,
        );
      const own = old(here.tensors[id]!);
      const { q, r } = splitMode(own, i);
      const beyond = grownBeyond(context, y, q, own, old(motion), i, h);
      main[child] = beyond.main;
      const amplitude = modeProduct(y.tensors[child]!, y.tensors[child]!.shape.length - 1, r);
      const below = nodes[child]!.children.map((c) => bases[c]!.shape.at(-1)!);
      const sizes = below.length > 0 ? below : amplitude.shape.slice(0, -1);
      const tensors = [...here.tensors];
      tensors[id] = beyond.q;
      tensors[child] = pad(amplitude, [...sizes, beyond.q.shape[i]!]);
      at[child] = { tree: y.tree, tensors, center: child };
    });
  }
  return { bases, at, main, applications: applications + more };
}

/** [Q, F] over one mode; and the columns in which (C + h/2 F) = Q X^T has its part, an orthonormal basis of the rows of X. */
function grownBeyond(
  context: StepContext,
  y: TTN,
  q: Tensor,
  c: Tensor,
  motion: Tensor,
  mode: number,
  h: number,
): { q: Tensor; main: Tensor } {
  const isometry = matricize(q, mode);
  const fresh = orthAug(isometry, matricize(motion, mode), negligible(context, y) / Math.abs(h), roundOffOf(context));
  const grown = concatLast(isometry, fresh);
  const halfway = copy(c);
  axpy({ re: h / 2, im: 0 }, motion, halfway);
  const columns = qr(matmul(grown, matricize(halfway, mode), "C", "N")).q;
  return { q: tensorize(grown, c.shape, mode), main: permute(conj(columns), [1, 0]) };
}
