import { gramAllBut, place, scaled } from "../../linalg/contract.ts";
import { kroneckerFlops } from "../../linalg/kronecker-flops.ts";
import { planKroneckerSum } from "../../linalg/kronecker-plan.ts";
import { areStored, type KroneckerTerm, kroneckerSum } from "../../linalg/kronecker-sum.ts";
import type { Matrix } from "../../linalg/matrix.ts";
import { denseOf } from "../../linalg/matrix-product.ts";
import { type PackedTerms, packTerms, unpackTerms } from "../../linalg/packed-terms.ts";
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
    const y = frame.within(bra, dtype);
    const whole = bra === ket || components.every(({ old }) => old) ? y : frame.within(ket, dtype);
    const columns = fresh && frame.within(fresh, dtype);
    const matrices: Tensor[] = [];
    for (const { terms, symmetry, old } of components) {
      const matrix = contracted(terms, old ? columns! : whole, y, open);
      matrices.push(old && symmetry !== 0 ? bordered(old, matrix, symmetry) : matrix);
    }
    return matrices;
  },
  packing: {
    pack: ({ components, ...rest }): PackedContraction => ({
      ...rest,
      components: components.map(withoutTerms),
      terms: packTerms(components.map(termsOf)),
    }),
    unpack({ components, terms, ...rest }: PackedContraction) {
      const lists = unpackTerms(terms);
      return { ...rest, components: components.map((component, k) => ({ ...component, terms: lists[k]! })) };
    },
  },
};

type Part = Contraction["components"][number];
const withoutTerms = ({ symmetry, old }: Part): Omit<Part, "terms"> => ({ symmetry, old });
const termsOf = ({ terms }: Part): Part["terms"] => terms;

/** A contraction as it is sent. */
type PackedContraction = Omit<Contraction, "components"> & {
  readonly components: readonly Omit<Part, "terms">[];
  readonly terms: PackedTerms;
};

/** The inner products of y with the image of x, over every mode but one. */
function contracted(terms: readonly KroneckerTerm[], x: Tensor, y: Tensor, open: number): Tensor {
  using frame = workspace().frame();
  const map = kroneckerSum(x.shape, terms, x.dtype);
  const image = frame.take(map.shapeOut, x.dtype);
  planKroneckerSum(map, frame)(unit, x, 0, image);
  return gramAllBut(y, image, open);
}

/** The contraction as a task; one with a user's function as a matrix can run in this thread only. */
export function contractionTask(input: Contraction, node: NodeId): Task {
  const { ket, bra, open, dtype, fresh, components } = input;
  const gram = (width(dtype) === 2 ? 8 : 2) * sizeOf(bra.shape);
  let flops = 0;
  let isPlain = true;
  for (const { terms, old } of components) {
    const x = old && fresh ? fresh : ket;
    flops += gram * x.shape[open]! + kroneckerFlops(kroneckerSum(x.shape, terms, dtype));
    isPlain &&= areStored(terms);
  }
  const made = task(contraction, input, { node, flops });
  return isPlain ? made : { ...made, message: null };
}

/** The matrix whose new columns (and, by symmetry, rows) are `columns`, with the old component in its corner. */
function bordered(old: Component, columns: Tensor, symmetry: 1 | -1): Tensor {
  const [size, fresh] = columns.shape as [number, number];
  const before = size - fresh;
  const out = tensor([size, size], columns.dtype);
  const corner = "matrix" in old ? denseOf(old.matrix) : scaled(old.scalar, identity(before, out.dtype));
  place(asDtype(corner, out.dtype), out, [0, 0]);
  place(columns, out, [0, before]);
  const w = width(out.dtype);
  for (let i = 0; i < before; i++)
    for (let j = 0; j < fresh; j++) {
      const p = w * (i * fresh + j);
      const q = w * ((before + j) * size + i);
      out.data[q] = symmetry * columns.data[p]!;
      if (w === 2) out.data[q + 1] = -symmetry * columns.data[p + 1]!;
    }
  return out;
}

const unit: Complex = { re: 1, im: 0 };
