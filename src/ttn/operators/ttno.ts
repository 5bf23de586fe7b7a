import { block, combine, concatLast, matmul, permute, place } from "../../linalg/contract.ts";
import { qr } from "../../linalg/factor.ts";
import { isDense, type Matrix, partsOf } from "../../linalg/matrix.ts";
import { adjointMatrix, matrixSum } from "../../linalg/matrix-algebra.ts";
import { equalMatrices } from "../../linalg/matrix-checks.ts";
import { adjointDefect, denseOf, multiply } from "../../linalg/matrix-product.ts";
import { matrixSpace } from "../../linalg/matrix-space.ts";
import {
  asDtype,
  commonDtype,
  complex,
  type Dtype,
  dtypeOf,
  fromFunction,
  reshape,
  type Scalar,
  shapeText,
  sizeOf,
  type Tensor,
  tensor,
  width,
} from "../../linalg/tensor.ts";
import { add, norm, scale, toDense } from "../arithmetic.ts";
import { ttn } from "../gauge.ts";
import { type NodeId, nestedOf, type Tree } from "../tree.ts";
import { modeSizes, type TTN } from "../ttn.ts";

/** One non-zero entry B[c_1, ..., c_m, c] of the core of an inner node. */
export interface CoreEntry {
  /** Component of each child, then the node's own. */
  readonly index: readonly number[];
  readonly value: Scalar;
}

/**
 * A tree tensor network operator. Each node carries a few operators on the modes below it, its components: at a leaf they
 * are matrices, at an inner node the sums of products A_c = sum B[c_1, ..., c_m, c] A_{c_1} (x) ... (x) A_{c_m}. The
 * root has one, the operator itself. Cores are sparse.
 */
export interface TTNO {
  readonly tree: Tree;
  readonly modeSizes: readonly number[];
  /** Number of components of every node: the ranks of the operator's edges; 1 at the root. */
  readonly ranks: readonly number[];
  /** The components of a leaf, each n x n; empty at inner nodes. */
  readonly matrices: readonly (readonly Matrix[])[];
  /** The core of an inner node; empty at leaves. */
  readonly cores: readonly (readonly CoreEntry[])[];
  /** Which component of a node is the identity, if one is. */
  readonly identities: readonly (number | null)[];
}

/** The scalar type that holds the operator. */
export const dtypeOfOperator = (h: TTNO): Dtype =>
  commonDtype("float64", ...h.matrices.flat().map((a) => a.dtype), ...h.cores.flat().map((e) => dtypeOf(e.value)));

/** The core of any node as entries; that of a leaf is the diagonal from its matrices to its components. */
export const entriesOf = (h: TTNO, id: NodeId): readonly CoreEntry[] =>
  h.tree.nodes[id]!.mode === null ? h.cores[id]! : h.matrices[id]!.map((_, a) => ({ index: [a, a], value: 1 }));

/** The operator as a tree tensor network over pairs (row, column) of each mode, n^2 numbers a mode: for small systems. */
export const operatorAsState = (h: TTNO): TTN =>
  networkOf(h, (all) => {
    const n = all[0]!.shape[0]!;
    return all.map((a) => reshape(denseOf(a), [n * n, 1])).reduce((columns, a) => concatLast(columns, a));
  });

/** The operator's network, its leaves being the columns that `vectors` makes of their matrices. */
function networkOf(h: TTNO, vectors: (matrices: readonly Matrix[], id: NodeId) => Tensor): TTN {
  const dtype = dtypeOfOperator(h);
  return ttn(
    h.tree,
    h.tree.nodes.map(({ mode, children }, id) => {
      if (mode !== null) return asDtype(vectors(h.matrices[id]!, id), dtype);
      const core = tensor([...children.map((c) => h.ranks[c]!), h.ranks[id]!], dtype);
      for (const { index, value } of h.cores[id]!) setEntry(core, index, value);
      return core;
    }),
  );
}

function setEntry(t: Tensor, index: readonly number[], value: Scalar): void {
  const p = index.reduce((at, i, k) => at * t.shape[k]! + i, 0) * width(t.dtype);
  const { re, im } = complex(value);
  t.data[p]! += re;
  if (t.dtype === "complex128") t.data[p + 1]! += im;
}

/** The operator as a full matrix, rows and columns numbered with the first mode slowest. For small systems. */
export function denseOperator(h: TTNO): Tensor {
  const full = toDense(operatorAsState(h));
  const d = h.modeSizes.length;
  const pairs = reshape(
    full,
    h.modeSizes.flatMap((n) => [n, n]),
  );
  const order = [...Array(d).keys()].map((k) => 2 * k);
  const size = h.modeSizes.reduce((p, n) => p * n, 1);
  return reshape(permute(pairs, [...order, ...order.map((k) => k + 1)]), [size, size]);
}

/** The adjoint operator. */
export function adjoint(h: TTNO): TTNO {
  return {
    ...h,
    matrices: h.matrices.map((all) => all.map(adjointMatrix)),
    cores: h.cores.map((entries) =>
      entries.map(({ index, value }) => ({ index, value: { re: complex(value).re, im: -complex(value).im } })),
    ),
  };
}

/**
 * |H - H*| / |H| in the Frobenius norm; 0 for the zero operator. Sparse matrices enter with their entries alone, a user's
 * function as a direction of its own of length one. Throws a TypeError for a function without an adjoint.
 */
export function hermitianDefect(h: TTNO): number {
  const star = adjoint(h);
  const columns = h.matrices.map((all, id) => (all.length > 0 ? reduced([...all, ...star.matrices[id]!]) : null));
  const [a, b] = [h, star].map((o, k) =>
    networkOf(o, (all, id) => block(columns[id]!, [0, k * all.length], [columns[id]!.shape[0]!, all.length])),
  ) as [TTN, TTN];
  const size = norm(a);
  return size === 0 ? 0 : norm(add(a, scale(-1, b))) / size;
}

/**
 * Matrices as short columns with the same inner products. Those that are equal, or opposite, give columns that are: what
 * cancels between them does so to the round-off of the columns, not to that of sums over n entries.
 */
function reduced(all: readonly Matrix[]): Tensor {
  const distinct: Matrix[] = [];
  const found = all.map((m): readonly [column: number, sign: number] => {
    const opposite = matrixSum([[-1, m]]);
    const at = distinct.findIndex((d) => equalMatrices(d, m) || equalMatrices(d, opposite));
    return at < 0 ? [distinct.push(m) - 1, 1] : [at, equalMatrices(distinct[at]!, m) ? 1 : -1];
  });
  const { r } = qr(matrixSpace(distinct).coordinates(distinct));
  const pick = fromFunction([distinct.length, all.length], (i, j) => (found[j!]![0] === i ? found[j!]![1] : 0));
  return matmul(r, pick);
}

/**
 * Throws a TypeError when the operator is not Hermitian to round-off. What a user's function says of itself is tried on random
 * vectors.
 */
export function checkHermitian(what: string, h: TTNO): void {
  h.matrices.forEach((all, id) => {
    for (const [, f] of all.flatMap((a) => partsOf(a).functions)) {
      if (!f.applyAdjoint)
        throw new TypeError(`${what}: a matrix function at node ${id} is not declared Hermitian and has no adjoint`);
      const off = adjointDefect(f);
      if (!(off <= 1e-10))
        throw new TypeError(
          `${what}: a matrix function at node ${id} ${f.hermitian ? "is not Hermitian" : "and its adjoint disagree"}: <x, A y> and <A* x, y> differ by ${off.toExponential(1)}, expected round-off`,
        );
    }
  });
  const defect = hermitianDefect(h);
  if (!(defect <= 1e-12))
    throw new TypeError(
      `${what}: the operator is not Hermitian: |H - H*| / |H| is ${defect.toExponential(1)}, expected round-off`,
    );
}

/**
 * H Y as a tree tensor network: ranks multiply on every edge. Recompress with `truncate`.
 * Cost `nonzeroFlops` at the leaves, 2 |C| for each entry of a core, and an orthonormalisation.
 */
export function applyOperator(h: TTNO, y: TTN): TTN {
  checkSpace("applyOperator", h, y);
  return ttn(y.tree, imageTensors(h, y));
}

/** The tensors of H Y, in no gauge: matrices times bases at the leaves, copies of the core for each entry of the operator's. */
export function imageTensors(h: TTNO, y: TTN): Tensor[] {
  const dtype = commonDtype(dtypeOfOperator(h), y.tensors[0]!.dtype);
  return y.tree.nodes.map(({ mode, parent }, id) => {
    const c = asDtype(y.tensors[id]!, dtype);
    if (mode !== null)
      return h.matrices[id]!.map((a, k) => (k === h.identities[id] ? c : multiply(a, c))).reduce((all, part) =>
        concatLast(all, part),
      );
    const factor = (k: number): number =>
      k < c.shape.length - 1 ? h.ranks[h.tree.nodes[id]!.children[k]!]! : parent === null ? 1 : h.ranks[id]!;
    const out = tensor(
      c.shape.map((n, k) => n * factor(k)),
      dtype,
    );
    for (const { index, value } of h.cores[id]!) {
      const offset = c.shape.map((n, k) => n * index[k]!);
      place(
        combine([
          [1, block(out, offset, c.shape)],
          [value, c],
        ]),
        out,
        offset,
      );
    }
    return out;
  });
}

/**
 * Flops of the non-zero entries at an operator's leaves, applied to bases of these ranks (by node): 2 nnz(A) r for every matrix A
 * of a leaf of rank r but the identity, with nnz(A) = n^2 when A is dense. A complex A makes that four times as much, a complex
 * state with a real A twice. What functions do is not counted.
 */
export function nonzeroFlops(h: TTNO, ranks: readonly number[], dtype: Dtype = "float64"): number {
  let sum = 0;
  h.matrices.forEach((all, id) => {
    all.forEach((a, k) => {
      const { stored } = partsOf(a);
      if (!stored || k === h.identities[id]) return;
      const entries = isDense(stored) ? sizeOf(stored.shape) : stored.columns.length;
      sum += 2 * entries * ranks[id]! * width(dtype) * (dtype === "complex128" ? width(stored.dtype) : 1);
    });
  });
  return sum;
}

/** Throws a RangeError when operator and state differ in tree or mode sizes. */
export function checkSpace(what: string, h: TTNO, y: TTN): void {
  const [a, b] = [JSON.stringify(nestedOf(h.tree)), JSON.stringify(nestedOf(y.tree))];
  if (h.tree !== y.tree && a !== b)
    throw new RangeError(`${what}: the operator lives on the tree ${a}, the state on ${b}`);
  const [m, n] = [shapeText(h.modeSizes), shapeText(modeSizes(y))];
  if (m !== n) throw new RangeError(`${what}: the operator has mode sizes ${m}, the state ${n}`);
}
