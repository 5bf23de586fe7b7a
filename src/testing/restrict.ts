import { gramAllBut, matmul, modeProduct } from "../linalg/contract.ts";
import type { Tensor } from "../linalg/tensor.ts";
import { asBasis, childIndex, modeTowards } from "../ttn/gauge.ts";
import type { NodeId } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";

/**
 * P(test)* T: a tensor, given as a network in any gauge, seen through the frame of `test` around `node`. By the definition:
 * overlaps of everything below and beyond the node. Cost O(sum over nodes of r^4).
 */
export function restrict(test: TTN, node: NodeId, t: TTN): Tensor {
  const { nodes } = test.tree;
  const below: Tensor[] = [];
  nodes.forEach(({ children }, id) => {
    const moved = children.reduce((c, child, i) => modeProduct(c, i, below[child]!), t.tensors[id]!);
    below[id] = matmul(asBasis(test.tensors[id]!), asBasis(moved), "C", "N");
  });
  /** The tensor of a node with all of its neighbours but one in the bases of `test`. */
  const seen = (id: NodeId, without: NodeId | null): Tensor => {
    const { children, parent } = nodes[id]!;
    const fromBelow = children.reduce(
      (c, child, i) => (child === without ? c : modeProduct(c, i, below[child]!)),
      t.tensors[id]!,
    );
    return parent === null ? fromBelow : modeProduct(fromBelow, modeTowards(test.tree, id, parent), beyond(id));
  };
  /** Overlap of everything beyond the edge above a node. */
  const beyond = (id: NodeId): Tensor => {
    const parent = nodes[id]!.parent!;
    return gramAllBut(test.tensors[parent]!, seen(parent, id), childIndex(test.tree, id));
  };
  return seen(node, null);
}
