import {
  factorsOf,
  identity,
  matrixNetwork,
  orthonormalize,
  reshape,
  type Tensor,
  type TTN,
  tensor,
  tree,
} from "../../src/index.ts";
import type { Weights } from "../../src/training/index.ts";

/** A matrix U S V^T. */
interface Factors {
  readonly u: Tensor;
  readonly s: Tensor;
  readonly v: Tensor;
}

/** All weights of a model as one block-diagonal matrix, blocks first, networks of more modes tensor by tensor: a single state for its results, nothing left out. */
export function asOneMatrix({ blocks, passengers }: Weights): TTN {
  const parts: Factors[] = [
    ...blocks.flatMap((y) => (y.tree.order === 2 ? [factorsOf(y)] : tensorsOf(y))),
    ...passengers.map(dense),
  ];
  const stacked = (key: keyof Factors): Tensor => blockDiagonal(parts.map((part) => part[key]));
  return orthonormalize(matrixNetwork(tree([0, 1]), { left: stacked("u"), core: stacked("s"), right: stacked("v") }));
}

/** The tensors of a network as matrices, the last rank, or at the root the first, by everything else. */
const tensorsOf = ({ tensors }: TTN): Factors[] =>
  tensors.map(({ shape, data, dtype }) => {
    const rank = shape.at(-1) === 1 ? shape[0]! : data.length / shape.at(-1)!;
    return dense(tensor([rank, data.length / rank], dtype, data));
  });

/** A dense matrix, or a vector as a column, with its smaller side as the rank. */
function dense(w: Tensor): Factors {
  const [m, n] = [w.shape[0]!, w.shape[1] ?? 1];
  const matrix = reshape(w, [m, n]);
  const r = Math.min(m, n);
  return m <= n
    ? { u: identity(m), s: identity(r), v: transposed(matrix) }
    : { u: matrix, s: identity(r), v: identity(n) };
}

const transposed = (a: Tensor): Tensor => {
  const [m, n] = a.shape as [number, number];
  const out = tensor([n, m]);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out.data[j * m + i] = a.data[i * n + j]!;
  return out;
};

function blockDiagonal(parts: readonly Tensor[]): Tensor {
  const columns = parts.reduce((sum, a) => sum + a.shape[1]!, 0);
  const out = tensor([parts.reduce((sum, a) => sum + a.shape[0]!, 0), columns]);
  let [row, column] = [0, 0];
  for (const a of parts) {
    const [m, n] = a.shape as [number, number];
    for (let i = 0; i < m; i++) out.data.set(a.data.subarray(i * n, (i + 1) * n), (row + i) * columns + column);
    row += m;
    column += n;
  }
  return out;
}
