import { modeProduct, permute, rowwiseKronecker } from "../linalg/contract.ts";
import { asDtype, commonDtype, identity, reshape, sizeOf, type Tensor } from "../linalg/tensor.ts";
import { sameSpace } from "./arithmetic.ts";
import { dtypeOfState, modeSizes, type TTN } from "./ttn.ts";

/** What lies below a node: the values of x and y in their bases, rows being entries of the full tensor there; or pairs of both bases. */
type Branch = { readonly x: Tensor; readonly y: Tensor } | null;

/**
 * The product of two tensors entry by entry, exactly, as a network in no gauge (`orthonormalize` makes a state of it).
 *
 * Its rank on an edge is the product of the ranks, or the number of entries on the side of the edge away from the root where
 * that is less: there the tensors are multiplied out, so that the cost is never much above that of full tensors, below the node as
 * well as in all. Where ranks are small it is O(sum over nodes of r^6), or n r^2 at a leaf; memory likewise.
 * Throws a RangeError when trees or mode sizes differ.
 */
export function hadamard(x: TTN, y: TTN): TTN {
  sameSpace("hadamard", x, y);
  const dtype = commonDtype(dtypeOfState(x), dtypeOfState(y));
  const whole = multipliedOut(x, y);
  const branches: Branch[] = [];
  const tensors = x.tree.nodes.map(({ children }, id) => {
    const below = children.map((child) => branches[child]!);
    // multiplied out where the children are; a leaf's mode is
    const [a, b] = ([x, y] as const).map((z, k) =>
      below.reduce<Tensor>(
        (t, branch, i) => (branch ? modeProduct(t, i, k === 0 ? branch.x : branch.y) : t),
        asDtype(z.tensors[id]!, dtype),
      ),
    ) as [Tensor, Tensor];
    const paired = below.flatMap((branch, i) => (branch ? [] : [i]));
    const common = a.shape.map((_, i) => i).filter((i) => i < a.shape.length - 1 && !paired.includes(i));
    const rows = sizeOf(common.map((i) => a.shape[i]!));
    const own = [...paired, a.shape.length - 1];
    const asRows = (t: Tensor): Tensor => {
      const first = permute(t, [...common, ...own]);
      return reshape(first, [rows, sizeOf(own.map((i) => t.shape[i]!))]);
    };
    if (whole[id]) {
      branches[id] = { x: asRows(a), y: asRows(b) };
      return entries(common.map((i) => a.shape[i]!));
    }
    branches[id] = null;
    const product = reshape(rowwiseKronecker(asRows(a), asRows(b)), [
      ...common.map((i) => a.shape[i]!),
      ...own.map((i) => a.shape[i]!),
      ...own.map((i) => b.shape[i]!),
    ]);
    const order = a.shape.flatMap((_, i) => {
      const at = own.indexOf(i);
      return at < 0 ? [common.indexOf(i)] : [common.length + at, common.length + own.length + at];
    });
    const shape = a.shape.map((n, i) => (own.includes(i) ? n * b.shape[i]! : n));
    return reshape(permute(product, order), shape);
  });
  return { tree: x.tree, tensors: tensors.map((t) => asDtype(t, dtype)), center: x.center };
}

/** The nodes below which there are no more entries than pairs of basis vectors, and all nodes below those. */
function multipliedOut(x: TTN, y: TTN): readonly boolean[] {
  const { nodes } = x.tree;
  const sizes = modeSizes(x);
  const below: number[] = [];
  nodes.forEach(({ mode, children }, id) => {
    below[id] = mode !== null ? sizes[mode]! : children.reduce((p, child) => p * below[child]!, 1);
  });
  const whole = nodes.map(() => false);
  for (let id = nodes.length - 2; id >= 0; id--)
    whole[id] = whole[nodes[id]!.parent!]! || below[id]! <= x.tensors[id]!.shape.at(-1)! * y.tensors[id]!.shape.at(-1)!;
  return whole;
}

const known = new Map<string, Tensor>();

/** The identity from the entries of a tensor to themselves; the same object for the same shape, so that what is contracted with it is remembered. */
function entries(shape: readonly number[]): Tensor {
  const key = shape.join("x");
  const found = known.get(key) ?? reshape(identity(sizeOf(shape)), [...shape, sizeOf(shape)]);
  known.delete(key);
  known.set(key, found);
  if (known.size > 8) known.delete(known.keys().next().value!);
  return found;
}
