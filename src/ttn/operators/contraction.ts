import { block, gramAllBut, permute, place, scaled } from "../../linalg/contract.ts";
import { kroneckerFlops } from "../../linalg/kronecker-flops.ts";
import { type KroneckerTerm, kroneckerSum, planKroneckerSum } from "../../linalg/kronecker-sum.ts";
import { conj } from "../../linalg/level1.ts";
import { isDense, isSparse, type Matrix } from "../../linalg/matrix.ts";
import { denseOf } from "../../linalg/matrix-product.ts";
import { type Task, type TaskKind, task } from "../../linalg/task.ts";
import {
  asDtype,
  type Complex,
  type Dtype,
  identity,
  sizeOf,
  type Tensor,
  tensor,
  width,
} from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import type { NodeId } from "../tree.ts";

/** One operator component seen through a frame: a matrix (test rank x trial rank), or a multiple of the identity. */
export type Component = { readonly matrix: Matrix } | { readonly scalar: Complex };

/** 1: Hermitian, -1: skew-Hermitian, 0: neither. */
export type Symmetry = 1 | -1 | 0;

/** A node's tensors contracted with components of an operator over all modes but one. */
export interface Contraction {
  readonly ket: Tensor;
  readonly bra: Tensor;
  readonly open: number;
  readonly dtype: Dtype;
  /** The new columns of ket = bra = [U0, Ut], where components of U0 are known. */
  readonly fresh: Tensor | null;
  readonly components: readonly {
    readonly terms: readonly KroneckerTerm[];
    readonly symmetry: Symmetry;
    /** That of U0, where it is known and has a symmetry: then only the new columns are contracted. */
    readonly old: Component | null;
  }[];
}

/** For each component the matrix of inner products of bra with the image of ket. */
export const contraction: TaskKind<Contraction, readonly Tensor[]> = {
  name: "environment",
  run({ ket, bra, open, dtype, fresh, components }) {
    using frame = workspace().frame();
    const y = frame.hold(bra, dtype);
    const whole = bra === ket || components.every(({ old }) => old) ? y : frame.hold(ket, dtype);
    const columns = fresh && frame.hold(fresh, dtype);
    return components.map(({ terms, symmetry, old }) => {
      using inner = workspace().frame();
      const x = old ? columns! : whole;
      const map = kroneckerSum(x.shape, terms, dtype);
      const image = inner.take(map.shapeOut, dtype);
      planKroneckerSum(map, inner)(unit, x, 0, image);
      const matrix = gramAllBut(y, image, open);
      return old && symmetry !== 0 ? bordered(old, matrix, symmetry) : matrix;
    });
  },
};

/** The contraction as a task; one with a user's function as a matrix can run in this thread only. */
export function contractionTask(input: Contraction, node: NodeId): Task {
  const { ket, bra, open, dtype, fresh, components } = input;
  const flops = components.reduce((sum, { terms, old }) => {
    const x = old && fresh ? fresh : ket;
    const gram = (width(dtype) === 2 ? 8 : 2) * sizeOf(bra.shape) * x.shape[open]!;
    return sum + gram + kroneckerFlops(kroneckerSum(x.shape, terms, dtype));
  }, 0);
  const isPlain = components.every(({ terms }) =>
    terms.every(({ matrices }) => matrices.every((m) => m === null || isDense(m) || isSparse(m))),
  );
  const made = task(contraction, input, { node, flops });
  return isPlain ? made : { ...made, input: null };
}

/** The matrix whose new columns (and, by symmetry, rows) are `columns`, with the old component in its corner. */
function bordered(old: Component, columns: Tensor, symmetry: 1 | -1): Tensor {
  const [size, fresh] = columns.shape as [number, number];
  const before = size - fresh;
  const out = tensor([size, size], columns.dtype);
  const corner = "matrix" in old ? denseOf(old.matrix) : scaled(old.scalar, identity(before, out.dtype));
  place(asDtype(corner, out.dtype), out, [0, 0]);
  place(columns, out, [0, before]);
  const above = permute(conj(block(columns, [0, 0], [before, fresh])), [1, 0]);
  place(symmetry === 1 ? above : scaled(-1, above), out, [before, 0]);
  return out;
}

const unit: Complex = { re: 1, im: 0 };
