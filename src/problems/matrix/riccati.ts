import { block, matmul, permute, place, scaleColumns, scaled } from "../../linalg/contract.ts";
import { expm } from "../../linalg/expm.ts";
import { svd } from "../../linalg/factor.ts";
import { norm as frobenius } from "../../linalg/level1.ts";
import { allFinite, fromFunction, identity, shapeText, type Tensor, tensor } from "../../linalg/tensor.ts";
import { add, norm } from "../../ttn/arithmetic.ts";
import { orthonormalize } from "../../ttn/gauge.ts";
import { type FactoredMatrix, factorsOf, type MatrixFactors, matrixNetwork, matrixRhs } from "../../ttn/matrix-rhs.ts";
import { linearRhs } from "../../ttn/operators/linear-rhs.ts";
import { productSum } from "../../ttn/operators/product-sum.ts";
import { applyOperator, type TTNO } from "../../ttn/operators/ttno.ts";
import { sourceRhs } from "../../ttn/source-rhs.ts";
import { sumRhs } from "../../ttn/sum-rhs.ts";
import { balanced } from "../../ttn/tree.ts";
import { stateNorm } from "../quantum/observables.ts";
import { allCounts, allNumbers } from "./checks.ts";
import { withRoom } from "./room.ts";
import type { SolvedProblem } from "./solved.ts";
import { secondDifference } from "./stencils.ts";

export interface LyapunovOptions {
  /** Size of the default matrices. Default 32. */
  readonly n?: number;
  /** A, n x n, real. Default: the second difference with zeros beyond the ends. */
  readonly a?: Tensor;
  /** B, n x k, real: Q = B B^T. Default: one constant column of norm one. */
  readonly b?: Tensor;
  /** Z, n x r, real: X(0) = Z Z^T. Default: B. */
  readonly initial?: Tensor;
  /** Give the start the bases of the source, where it does not have them, with amplitude zero. Default true. */
  readonly room?: boolean;
  /** End of the span. Default 1. */
  readonly T?: number;
}

/**
 * The differential Lyapunov equation X' = A X + X A^T + B B^T of the covariance of a linear system driven by noise, X(0) = Z Z^T;
 * X is n x n; it may start from zero. When A is stable, X tends to the solution of A X + X A^T + B B^T = 0. Observables `norm` and `residual`, the norm of
 * the right-hand side. Affine, for solvers such as `rk4` or `dopri5`. `exact(t)`, the full matrix, by exponentials of size
 * 2 n. Throws a RangeError when sizes differ. [mena2018numerical]
 */
export function lyapunovFlow(options: LyapunovOptions = {}): SolvedProblem {
  const { n = 32, T = 1, room = true } = options;
  allCounts("lyapunovFlow", { n });
  const { a = secondDifference(n) } = options;
  const { b = constantColumn(a.shape[0]!) } = options;
  const { initial = b } = options;
  checkSizes("lyapunovFlow", a, { b, initial });
  allNumbers("lyapunovFlow", { T });
  return flow("Lyapunov flow", a, b, initial, T, room, null);
}

export interface RiccatiOptions extends Omit<LyapunovOptions, "b" | "initial"> {
  /** Z, n x r, real: X(0) = Z Z^T. Default: C^T. */
  readonly initial?: Tensor;
  /** B, n x k, real: the controls. Default: one constant column of norm one. */
  readonly b?: Tensor;
  /** C, m x n, real: the outputs. Default: one row, (1, 0, ..., 0). */
  readonly c?: Tensor;
}

/**
 * The differential Riccati equation X' = A^T X + X A + C^T C - X B B^T X of optimal control, X(0) = Z Z^T (default C^T C); X is n x n. It
 * tends to the solution of the algebraic equation. The quadratic part is given in factored form, as U C V^T with the small core
 * C = -S V^T B B^T U S. Observables `norm` and `residual`, the norm of the right-hand side. For solvers such as `rk4` or
 * `dopri5`. `exact(t)`, the full matrix, from the linear flow of size 2 n that it is a quotient of. Throws a RangeError when sizes
 * differ. [mena2018numerical]
 */
export function riccatiFlow(options: RiccatiOptions = {}): SolvedProblem {
  const { n = 32, T = 1, room = true } = options;
  allCounts("riccatiFlow", { n });
  const { a = secondDifference(n) } = options;
  const { b = constantColumn(a.shape[0]!), c = firstRow(a.shape[0]!) } = options;
  const outputs = permute(c, [1, 0]);
  const { initial = outputs } = options;
  checkSizes("riccatiFlow", a, { b, "the transpose of c": outputs, initial });
  allNumbers("riccatiFlow", { T });
  return flow("Riccati flow", permute(a, [1, 0]), outputs, initial, T, room, b);
}

/** X' = A X + X A^T + Q Q^T - X B B^T X, X(0) = Z Z^T; without the quadratic part when there is no B. */
function flow(
  name: string,
  a: Tensor,
  q: Tensor,
  z: Tensor,
  T: number,
  room: boolean,
  b: Tensor | null,
): SolvedProblem {
  const tree = balanced(2);
  const n = a.shape[0]!;
  const operator: TTNO = productSum(
    tree,
    [n, n],
    [0, 1].map((mode) => ({ coefficient: 1, factors: [{ mode, operator: a }] })),
  );
  const source = matrixNetwork(tree, { left: q, right: q });
  const start = orthonormalize(matrixNetwork(tree, { left: z, right: z }));
  const quadratic = ({ u, s, v }: FactoredMatrix): MatrixFactors => {
    const before = matmul(s, matmul(v, b!, "T")); // S V^T B
    const after = matmul(matmul(b!, u, "T"), s); // B^T U S
    return { left: u, core: scaled(-1, matmul(before, after)), right: v };
  };
  const parts = [linearRhs([{ operator }]), sourceRhs(source)];
  return {
    name,
    rhs: sumRhs(...parts, ...(b ? [matrixRhs((_t, x) => quadratic(x), { autonomous: true })] : [])),
    initial: room ? withRoom(start, source) : start,
    span: [0, T],
    observables: {
      norm: stateNorm,
      residual(x) {
        const affine = add(applyOperator(operator, x), source);
        return norm(b ? add(affine, matrixNetwork(x.tree, quadratic(factorsOf(x)))) : affine);
      },
    },
    exact: quotient(a, matmul(q, q, "N", "T"), b ? matmul(b, b, "N", "T") : tensor([n, n]), matmul(z, z, "N", "T")),
  };
}

/**
 * X(t) = P(t) R(t)^-1 with R' = -A^T R + G P, P' = Q R + A P solves X' = A X + X A^T + Q - X G X. In pieces short enough that R stays
 * well conditioned.
 */
function quotient(a: Tensor, q: Tensor, g: Tensor, x0: Tensor): (t: number) => Tensor {
  const n = a.shape[0]!;
  const m = tensor([2 * n, 2 * n]);
  place(scaled(-1, permute(a, [1, 0])), m, [0, 0]);
  place(g, m, [0, n]);
  place(q, m, [n, 0]);
  place(a, m, [n, n]);
  const size = frobenius(m);
  return (t) => {
    const pieces = Math.max(1, Math.ceil(Math.abs(t) * size));
    const e = expm(scaled(t / pieces, m));
    const [toR, toP] = [block(e, [0, 0], [n, 2 * n]), block(e, [n, 0], [n, 2 * n])];
    let x = x0;
    for (let k = 0; k < pieces; k++) {
      const start = tensor([2 * n, n]);
      place(identity(n), start, [0, 0]);
      place(x, start, [n, 0]);
      x = matmul(matmul(toP, start), inverse(matmul(toR, start)));
    }
    return x;
  };
}

/** A^-1 of a real, well-conditioned matrix. */
function inverse(a: Tensor): Tensor {
  const { u, s, vh } = svd(a);
  return matmul(
    scaleColumns(
      permute(vh, [1, 0]),
      s.map((v) => 1 / v),
    ),
    u,
    "N",
    "T",
  );
}

const constantColumn = (n: number): Tensor => fromFunction([n, 1], () => 1 / Math.sqrt(n));
const firstRow = (n: number): Tensor => fromFunction([1, n], (_, j) => (j === 0 ? 1 : 0));

/** Throws unless A is square, and the others have as many rows; all real and finite. */
function checkSizes(who: string, a: Tensor, others: Readonly<Record<string, Tensor>>): void {
  const n = a.shape[0];
  if (a.shape.length !== 2 || a.shape[1] !== n)
    throw new RangeError(`${who}: a is ${shapeText(a.shape)}, expected a square matrix`);
  for (const [name, matrix] of Object.entries({ a, ...others })) {
    if (matrix.shape.length !== 2 || matrix.shape[0] !== n)
      throw new RangeError(`${who}: ${name} is ${shapeText(matrix.shape)}, expected ${n} rows as a has`);
    if (matrix.dtype !== "float64") throw new TypeError(`${who}: ${name} is ${matrix.dtype}, expected float64`);
    if (!allFinite(matrix)) throw new RangeError(`${who}: ${name} has entries that are not finite`);
  }
}
