import { asDtype, reshape, sizeOf, type Tensor, tensor } from "../../src/linalg/tensor.ts";
import type { NodeId } from "../../src/ttn/tree.ts";
import { modesBelow, rootOf } from "../../src/ttn/tree.ts";
import { modeSizes, type TTN } from "../../src/ttn/ttn.ts";
import { product, transpose } from "./dense.ts";

/*
 * The nested definition of reduced vector fields, written down slowly: full basis matrices U, splittings
 * Mat_i(C)^T = Q S^T, explicit V_i, and F_{tau_i} = restriction o F_tau o prolongation as closures around the full operator.
 * Bases are full matrices (all entries of the subtree, in the order of its leaves) x (rank). All is complex.
 */

/** Columns orthonormalised in order, R with a positive diagonal: Gram-Schmidt, twice. */
function gramSchmidt(a: Tensor): { q: Tensor; r: Tensor } {
  const [m, n] = a.shape as [number, number];
  const q = tensor(a.shape, "complex128", asDtype(a, "complex128").data.slice());
  for (let j = 0; j < n; j++) {
    for (let pass = 0; pass < 3; pass++)
      for (let k = 0; k < j; k++) {
        let re = 0;
        let im = 0;
        for (let i = 0; i < m; i++) {
          const [x, y] = [2 * (i * n + k), 2 * (i * n + j)];
          re += q.data[x]! * q.data[y]! + q.data[x + 1]! * q.data[y + 1]!;
          im += q.data[x]! * q.data[y + 1]! - q.data[x + 1]! * q.data[y]!;
        }
        for (let i = 0; i < m; i++) {
          const [x, y] = [2 * (i * n + k), 2 * (i * n + j)];
          q.data[y]! -= re * q.data[x]! - im * q.data[x + 1]!;
          q.data[y + 1]! -= re * q.data[x + 1]! + im * q.data[x]!;
        }
      }
    let square = 0;
    for (let i = 0; i < m; i++) square += q.data[2 * (i * n + j)]! ** 2 + q.data[2 * (i * n + j) + 1]! ** 2;
    for (let i = 0; i < m; i++) for (const k of [0, 1]) q.data[2 * (i * n + j) + k]! /= Math.sqrt(square);
  }
  return { q, r: product(q, a, true) };
}

/** Mat_mode(t): (mode) x (all others, in order). */
export function mat(t: Tensor, mode: number): Tensor {
  const c = asDtype(t, "complex128");
  const n = c.shape[mode]!;
  const before = sizeOf(c.shape.slice(0, mode));
  const after = sizeOf(c.shape.slice(mode + 1));
  const out = tensor([n, before * after], "complex128");
  for (let a = 0; a < before; a++)
    for (let j = 0; j < n; j++)
      for (let b = 0; b < after; b++)
        for (const k of [0, 1])
          out.data[2 * (j * before * after + a * after + b) + k] = c.data[2 * ((a * n + j) * after + b) + k]!;
  return out;
}

/** Ten_mode, the inverse of `mat`: the sizes of the other modes from `shape`. */
export function ten(m: Tensor, shape: readonly number[], mode: number): Tensor {
  const n = m.shape[0]!;
  const before = sizeOf(shape.slice(0, mode));
  const after = sizeOf(shape.slice(mode + 1));
  const out = tensor(shape.with(mode, n), "complex128");
  for (let a = 0; a < before; a++)
    for (let j = 0; j < n; j++)
      for (let b = 0; b < after; b++)
        for (const k of [0, 1])
          out.data[2 * ((a * n + j) * after + b) + k] = m.data[2 * (j * before * after + a * after + b) + k]!;
  return out;
}

/** t x_mode a. */
export const modeTimes = (t: Tensor, mode: number, a: Tensor): Tensor => ten(product(a, mat(t, mode)), t.shape, mode);

/** t x_mode a*, the restriction to a basis. */
export const modeRestrict = (t: Tensor, mode: number, a: Tensor): Tensor =>
  ten(product(a, mat(t, mode), true), t.shape, mode);

/** The full basis matrix of a subtree for these tensors: U_tau = (C x_i U_i) with the children's modes merged. */
export function fullBasis(tree: TTN["tree"], tensors: readonly Tensor[], id: NodeId): Tensor {
  const { children } = tree.nodes[id]!;
  const c = asDtype(tensors[id]!, "complex128");
  const t = children.reduce((x, child, i) => modeTimes(x, i, fullBasis(tree, tensors, child)), c);
  return reshape(t, [sizeOf(t.shape.slice(0, -1)), t.shape.at(-1)!]);
}

/** One subtree as the definition sees it. */
export interface NestedNode {
  readonly id: NodeId;
  /** The node's tensor with the amplitude S of all splittings above, C x_0 S^T. */
  readonly amplitude: Tensor;
  /** F_tau on (entries of the subtree) x (rank). */
  readonly field: (z: Tensor) => Tensor;
  /** pi_i and its adjoint; the identity at the root. */
  readonly prolong: (z: Tensor) => Tensor;
  readonly restrict: (g: Tensor) => Tensor;
}

/** All subtrees of a state with its centre at the root, under the full operator in the order of the tree's leaves. */
export function nestedDefinition(y: TTN, operator: Tensor): readonly NestedNode[] {
  const found: NestedNode[] = [];
  const bases = y.tree.nodes.map((_, id) => fullBasis(y.tree, y.tensors, id));
  const descend = (node: NestedNode): void => {
    found[node.id] = node;
    const { children } = y.tree.nodes[node.id]!;
    const c = node.amplitude;
    const sizes = [...children.map((child) => bases[child]!.shape[0]!), c.shape.at(-1)!];
    children.forEach((child, i) => {
      const { q, r } = gramSchmidt(transpose(mat(c, i))); // Mat_i(C)^T = Q S^T
      const small = ten(transpose(q), c.shape, i);
      const wide = children.reduce((t, other, j) => (j === i ? t : modeTimes(t, j, bases[other]!)), small);
      const vt = mat(wide, i); // V^T, (rank) x (everything else)
      const conjugated = transpose(vt);
      const prolong = (z: Tensor): Tensor => {
        const t = ten(product(z, vt), sizes, i);
        return reshape(t, [sizeOf(sizes.slice(0, -1)), sizes.at(-1)!]);
      };
      const restrict = (g: Tensor): Tensor => {
        // Mat_i(G) conj(V) = (V* Mat_i(G)^T)^T with V = (V^T)^T
        const m = mat(reshape(g, sizes), i);
        return transpose(product(conjugated, transpose(m), true));
      };
      const own = asDtype(y.tensors[child]!, "complex128");
      descend({
        id: child,
        amplitude: modeTimes(own, own.shape.length - 1, r), // X x_0 S^T with Mat^T = Q R, S^T = R
        field: (z) => restrict(node.field(prolong(z))),
        prolong,
        restrict,
      });
    });
  };
  const root = rootOf(y.tree);
  descend({
    id: root,
    amplitude: asDtype(y.tensors[root]!, "complex128"),
    field: (z) => product(operator, z),
    prolong: (z) => z,
    restrict: (g) => g,
  });
  return found;
}

/** The value of a node's own equation at a tensor x in its place: C -> F_tau(C x_i U_i) x_i W_i*, K -> F_l(K) at a leaf. */
export function nestedField(
  y: TTN,
  node: NestedNode,
  x: Tensor,
  trial: readonly Tensor[],
  test: readonly Tensor[],
): Tensor {
  const { children } = y.tree.nodes[node.id]!;
  if (children.length === 0) return node.field(asDtype(x, "complex128"));
  const bases = children.map((child) => fullBasis(y.tree, trial, child));
  const full = bases.reduce((t, u, i) => modeTimes(t, i, u), asDtype(x, "complex128"));
  const rank = x.shape.at(-1)!;
  const value = node.field(reshape(full, [sizeOf(full.shape.slice(0, -1)), rank]));
  const back = reshape(value, [...bases.map((u) => u.shape[0]!), rank]);
  return children.reduce((t, child, i) => modeRestrict(t, i, fullBasis(y.tree, test, child)), back);
}

/** The order of the modes that full matrices of this file use. */
export const leafOrder = (y: TTN): readonly number[] => modesBelow(y.tree, rootOf(y.tree));
export const leafSizes = (y: TTN): readonly number[] => leafOrder(y).map((mode) => modeSizes(y)[mode]!);
