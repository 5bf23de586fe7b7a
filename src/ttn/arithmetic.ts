import { matmul, modeProduct, pad, permute, place, scaled } from "../linalg/contract.ts";
import { norm as frobenius } from "../linalg/level1.ts";
import {
  asDtype,
  type Complex,
  commonDtype,
  type Dtype,
  entry,
  reshape,
  type Scalar,
  shapeText,
  type Tensor,
  tensor,
} from "../linalg/tensor.ts";
import { asBasis, centers, moveCenter, orthonormalize } from "./gauge.ts";
import { modesBelow, nestedOf, rootOf } from "./tree.ts";
import { dtypeOfState, modeSizes, type TTN, withTensor } from "./ttn.ts";

/** The state with another scalar type. Throws a TypeError from complex to real. */
export const stateAs = (y: TTN, dtype: Dtype): TTN =>
  dtypeOfState(y) === dtype ? y : { ...y, tensors: y.tensors.map((t) => asDtype(t, dtype)) };

/** alpha Y; complex alpha makes a complex state. */
export function scale(alpha: Scalar, y: TTN): TTN {
  const c = scaled(alpha, y.tensors[y.center]!);
  return withTensor(stateAs(y, c.dtype), y.center, c);
}

/** Norm of the represented tensor: that of the tensor at the centre. Cost O(r^(m+1)). */
export const norm = (y: TTN): number => frobenius(y.tensors[y.center]!);

/**
 * Inner product <x, y>, conjugate-linear in x, contracted from the leaves up. Cost O(sum over nodes of r^4).
 * Throws a RangeError when trees or mode sizes differ.
 */
export function inner(x: TTN, y: TTN): Complex {
  sameSpace("inner", x, y);
  const overlaps: Tensor[] = [];
  x.tree.nodes.forEach(({ children }, id) => {
    // y's children in the basis of x's children, then one product over the whole node
    const moved = children.reduce((c, child, i) => modeProduct(c, i, overlaps[child]!), y.tensors[id]!);
    overlaps[id] = matmul(asBasis(x.tensors[id]!), asBasis(moved), "C", "N");
  });
  return entry(overlaps[rootOf(x.tree)]!, 0, 0);
}

/**
 * x + y, exactly: ranks add up on every edge, the tensors stand in a block-diagonal. Recompress with `truncate`.
 * Throws a RangeError when trees or mode sizes differ.
 */
export function add(x: TTN, y: TTN): TTN {
  sameSpace("add", x, y);
  const dtype = commonDtype(dtypeOfState(x), dtypeOfState(y));
  const a = stateAs(moveCenter(x, rootOf(x.tree)), dtype);
  const b = stateAs(moveCenter(y, rootOf(y.tree)), dtype);
  const tensors = a.tensors.map((s, id) => {
    const t = b.tensors[id]!;
    const { mode, parent } = x.tree.nodes[id]!;
    const stays = (k: number): boolean => (mode !== null && k === 0) || (parent === null && k === s.shape.length - 1);
    const both = pad(
      s,
      s.shape.map((n, k) => (stays(k) ? n : n + t.shape[k]!)),
    );
    const out = both === s ? tensor(s.shape, dtype) : both;
    if (both === s) return addTensors(s, t, out);
    place(
      t,
      out,
      s.shape.map((n, k) => (stays(k) ? 0 : n)),
    );
    return out;
  });
  return orthonormalize({ tree: x.tree, tensors, center: rootOf(x.tree) });
}

function addTensors(s: Tensor, t: Tensor, out: Tensor): Tensor {
  for (let i = 0; i < out.data.length; i++) out.data[i] = s.data[i]! + t.data[i]!;
  return out;
}

/** The full tensor, modes in their own order. Cost and memory are those of the full tensor. */
export function toDense(y: TTN): Tensor {
  const bases: Tensor[] = [];
  y.tree.nodes.forEach(({ children }, id) => {
    const c = y.tensors[id]!;
    if (children.length === 0) {
      bases[id] = c;
      return;
    }
    const full = children.reduce((t, child, i) => modeProduct(t, i, bases[child]!), c);
    bases[id] = asBasis(full);
  });
  const order = modesBelow(y.tree, rootOf(y.tree));
  const sizes = modeSizes(y);
  const inTreeOrder = reshape(
    bases.at(-1)!,
    order.map((mode) => sizes[mode]!),
  );
  return permute(
    inTreeOrder,
    sizes.map((_, mode) => order.indexOf(mode)),
  );
}

/** Reduced density matrix of one mode, rho[i, j] = sum conj(Y[.. j ..]) Y[.. i ..]; its trace is the norm squared. */
export function densityMatrix(y: TTN, mode: number): Tensor {
  const leaf = y.tree.leaves[mode]!;
  const k = centers(y)[leaf]!.tensors[leaf]!;
  return matmul(k, k, "N", "C");
}

/** Throws a RangeError when two states live on different trees or mode sizes. */
export function sameSpace(what: string, x: TTN, y: TTN): void {
  const [a, b] = [JSON.stringify(nestedOf(x.tree)), JSON.stringify(nestedOf(y.tree))];
  if (x.tree !== y.tree && a !== b) throw new RangeError(`${what}: the trees differ: ${a} and ${b}`);
  const [m, n] = [modeSizes(x), modeSizes(y)];
  if (shapeText(m) !== shapeText(n))
    throw new RangeError(`${what}: mode sizes differ: ${shapeText(m)} and ${shapeText(n)}`);
}
