import { gramAllBut, modeProduct } from "../linalg/contract.ts";
import type { Tensor } from "../linalg/tensor.ts";
import { modeTowards } from "./gauge.ts";
import { rememberedAmong } from "./remembered.ts";
import type { NodeId } from "./tree.ts";
import type { TTN } from "./ttn.ts";

/** All that lies behind one direction of an edge, test* z: (rank of test) x (rank of z). Null is the identity. */
export type Overlap = Tensor | null;

/**
 * The restriction P(test)* Z: the network `z` seen from `node` through the frame of `test`, whose centre is there.
 * Conjugate-linear in `test`. The tensors of `z` may be any, in no gauge at all; tree and mode sizes must be those of `test`.
 *
 * Cost O(sum over nodes of r^4), as `inner`. Overlaps are remembered while the tensors they were made of live, and behind an edge
 * where both networks share all tensors nothing is computed.
 */
export function restrict(z: TTN, test: TTN, node: NodeId): Tensor {
  return inBases(z.tensors[node]!, overlapsAround(z, test, node));
}

/**
 * What `restrict` makes of each mode of the tensor at `node`: test* z behind that edge, (rank of test) x (rank of z), and null for the
 * identity, as at a leaf's own mode.
 */
export function overlapsAround(z: TTN, test: TTN, node: NodeId): readonly Overlap[] {
  const { nodes } = test.tree;
  const around = (at: NodeId, ahead: NodeId | null): Overlap[] => {
    const { children, parent } = nodes[at]!;
    const modes = [...(children.length > 0 ? children : [null]), parent];
    return modes.map((other) => (other === null || other === ahead ? null : behind(other, at)));
  };
  const behind = (at: NodeId, to: NodeId): Overlap =>
    overlap(test.tensors[at]!, z.tensors[at]!, modeTowards(test.tree, at, to), around(at, to));
  return around(node, null);
}

/** The shape of what `node` sees through the frame of `test`: the ranks of its edges there, and a leaf's mode size. */
export function shapeSeen(test: TTN, node: NodeId): readonly number[] {
  const { children, parent } = test.tree.nodes[node]!;
  const rankOf = (other: NodeId): number => test.tensors[other]!.shape[modeTowards(test.tree, other, node)]!;
  const inside = children.length > 0 ? children.map(rankOf) : [test.tensors[node]!.shape[0]!];
  return [...inside, parent === null ? 1 : rankOf(parent)];
}

const inBases = (c: Tensor, around: readonly Overlap[]): Tensor =>
  around.reduce<Tensor>((x, o, mode) => (o ? modeProduct(x, mode, o) : x), c);

const overlap = (bra: Tensor, ket: Tensor, open: number, around: readonly Overlap[]): Overlap =>
  bra === ket && around.every((o) => o === null) ? null : computed(bra, ket, open, around);

const computed = rememberedAmong((bra: Tensor, ket: Tensor, open: number, around: readonly Overlap[]) =>
  gramAllBut(bra, inBases(ket, around), open),
);
