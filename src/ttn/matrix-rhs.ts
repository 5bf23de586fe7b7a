import { permute } from "../linalg/contract.ts";
import { asDtype, commonDtype, identity, reshape, shapeText, type Tensor } from "../linalg/tensor.ts";
import { functionRhs } from "./function-rhs.ts";
import type { FunctionOptions } from "./local-rhs.ts";
import type { Rhs } from "./rhs.ts";
import { rootOf, type Tree } from "./tree.ts";
import type { TTN } from "./ttn.ts";

/** A matrix Y = U S V^T (no conjugation). */
export interface FactoredMatrix {
  /** Rows x rank. */
  readonly u: Tensor;
  /** Rank x rank; may be rectangular while bases are being augmented. */
  readonly s: Tensor;
  /** Columns x rank. */
  readonly v: Tensor;
}

/** A matrix L C R^T of any rank: `left` rows x k, `right` columns x l, `core` k x l (default: the identity, k = l). */
export interface MatrixFactors {
  readonly left: Tensor;
  readonly core?: Tensor;
  readonly right: Tensor;
}

/** U, S and V of a state over two modes, in the gauge it is in. Throws a RangeError for another number of modes. */
export function factorsOf(y: TTN): FactoredMatrix {
  checkTwo("factorsOf", y.tree);
  const [row, column] = y.tree.leaves as [number, number];
  const root = y.tensors[rootOf(y.tree)]!;
  const s = reshape(root, root.shape.slice(0, 2));
  return { u: y.tensors[row]!, s: row < column ? s : permute(s, [1, 0]), v: y.tensors[column]! };
}

/**
 * L C R^T as a network over a tree of two leaves, in no gauge: what `matrixRhs` and `sourceRhs` take. For a state,
 * `orthonormalize` it. Throws a RangeError when the sizes do not fit.
 */
export function matrixNetwork(tree: Tree, { left, right, core }: MatrixFactors): TTN {
  checkTwo("matrixNetwork", tree);
  for (const [name, factor] of Object.entries({ left, right }))
    if (factor.shape.length !== 2)
      throw new RangeError(`matrixNetwork: ${name} is ${shapeText(factor.shape)}, expected a matrix`);
  const [k, l] = [left.shape[1]!, right.shape[1]!];
  if (!core && k !== l)
    throw new RangeError(`matrixNetwork: left has ${k} columns, right ${l}: without a core they have to be as many`);
  if (core && shapeText(core.shape) !== `${k}x${l}`)
    throw new RangeError(
      `matrixNetwork: the core is ${shapeText(core.shape)}, expected ${k}x${l} between left and right`,
    );
  const dtype = commonDtype(left.dtype, right.dtype, core?.dtype ?? "float64");
  const [row, column] = tree.leaves as [number, number];
  const middle = core ?? identity(k);
  const tensors: Tensor[] = [];
  tensors[row] = left;
  tensors[column] = right;
  tensors[rootOf(tree)] = row < column ? reshape(middle, [k, l, 1]) : reshape(permute(middle, [1, 0]), [l, k, 1]);
  return { tree, tensors: tensors.map((t) => asDtype(t, dtype)), center: rootOf(tree) };
}

/**
 * A matrix differential equation Y' = F(t, Y) in factored form: f is given U, S, V with Y = U S V^T and returns factors of
 * F = L C R^T, or a list of them for a sum, with any number of columns. Of U, S and V one at a time is arbitrary, depending on the
 * node that is being solved, and the others orthonormal: f may not rely on either.
 *
 *     matrixRhs((t, { u, s, v }) => [{ left: matmul(a, u), core: s, right: v }, { left: b, right: b }])   // A Y + B B^T
 *
 * Cost of an evaluation: that of f, and O((rows + columns) k r) for each term. Throws as `functionRhs` and `matrixNetwork`.
 */
export const matrixRhs = (
  f: (t: number, y: FactoredMatrix) => MatrixFactors | readonly MatrixFactors[],
  options: FunctionOptions = {},
): Rhs =>
  functionRhs((t, y) => [f(t, factorsOf(y))].flat().map((term) => matrixNetwork(y.tree, term as MatrixFactors)), {
    ...options,
    check(y) {
      checkTwo("matrixRhs", y.tree);
      options.check?.(y);
    },
  });

function checkTwo(who: string, { order }: Tree): void {
  if (order !== 2) throw new RangeError(`${who}: the tree has ${order} leaves, a matrix has two`);
}
