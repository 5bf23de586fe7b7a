import { combine, matmul, modeProduct, permute, scaled } from "../linalg/contract.ts";
import { axpy } from "../linalg/level1.ts";
import { identity, reshape, shapeText, type Tensor, tensor } from "../linalg/tensor.ts";
import { factorsOf, type MatrixFactors, matrixNetwork } from "../ttn/matrix-rhs.ts";
import { rootOf } from "../ttn/tree.ts";
import { modeSizes, type TTN } from "../ttn/ttn.ts";
import type { Tape, Variable } from "./tape.ts";

/** A weight of low rank on a tape, and the parts of dL/dW that come together in a pass. */
export class LowRankWeight {
  readonly value: TTN;
  readonly #parts: Part[] = [];

  constructor(value: TTN) {
    this.value = value;
  }

  /** Adds D^T X to dL/dW: X what the weight was applied to, D the derivative by what came out, a row a sample. */
  add(outputs: Tensor, inputs: Tensor): void {
    this.#parts.push({ outputs, inputs });
  }

  /**
   * dL/dW = sum D^T X as networks of min(samples, outputs, inputs) columns: in factors, unless there are more rows than the matrix has,
   * as in a convolution, where it is the smaller thing.
   */
  get derivative(): readonly TTN[] {
    if (this.value.tree.order !== 2) return [this.#whole()];
    const { u, v } = factorsOf(this.value);
    const [m, n] = [u.shape[0]!, v.shape[0]!];
    const parts = this.#parts.length > 0 ? this.#parts : [{ outputs: tensor([1, m]), inputs: tensor([1, n]) }];
    return parts.map((part) => matrixNetwork(this.value.tree, inFewColumns(part, m, n)));
  }

  /** dL/dW of a Tucker tensor as its own core: kernels are small. */
  #whole(): TTN {
    const { tree } = this.value;
    const sizes = modeSizes(this.value);
    const sum = tensor(sizes);
    for (const { outputs, inputs } of this.#parts) axpy({ re: 1, im: 0 }, matmul(outputs, inputs, "T", "N"), sum);
    return { tree, tensors: [...sizes.map((n) => identity(n)), reshape(sum, [...sizes, 1])], center: rootOf(tree) };
  }
}

/** D^T X as L R^T. */
function inFewColumns({ outputs, inputs }: Part, m: number, n: number): MatrixFactors {
  const rows = outputs.shape[0]!;
  if (rows <= Math.min(m, n)) return { left: permute(outputs, [1, 0]), right: permute(inputs, [1, 0]) };
  return m <= n
    ? { left: identity(m), right: matmul(inputs, outputs, "T", "N") }
    : { left: matmul(outputs, inputs, "T", "N"), right: identity(n) };
}

/** What a weight was applied to, and the derivative by what came out; a row a sample. */
interface Part {
  readonly outputs: Tensor;
  readonly inputs: Tensor;
}

/**
 * Z = X W^T for W = U S V^T, as ((X V) S^T) U^T: O(b (m + n) r) for b samples, without W. With the centre at a leaf this is the K- or
 * L-form of the papers.
 */
export function applyLowRank(tape: Tape, x: Variable, weight: LowRankWeight): Variable {
  const { u, s, v } = factorsOf(weight.value);
  const value = matmul(matmul(matmul(x.value, v), s, "N", "T"), u, "N", "T");
  return tape.record(value, false, (d) => {
    weight.add(d, x.value);
    if (!x.isConstant) tape.add(x, matmul(matmul(matmul(d, u), s), v, "N", "T"));
  });
}

/**
 * Z = X W^T for W the matricisation of a Tucker tensor (a star of leaves) along its first mode: (X M^T) U^T with U its first basis and M, r x
 * (all other modes), the core times the other bases.
 */
export function applyTucker(tape: Tape, x: Variable, weight: LowRankWeight): Variable {
  const { tree, tensors } = weight.value;
  const modes = tree.order;
  const u = tensors[0]!;
  const rest = tensors
    .slice(1, modes)
    .reduce((core, basis, k) => modeProduct(core, k + 1, basis), tensors[rootOf(tree)]!);
  const [r] = rest.shape as [number];
  const m = reshape(rest, [r, rest.data.length / r]);
  return tape.record(matmul(matmul(x.value, m, "N", "T"), u, "N", "T"), false, (d) => {
    weight.add(d, x.value);
    if (!x.isConstant) tape.add(x, matmul(matmul(d, u), m));
  });
}

/** Z = X W^T for a dense W, (outputs) x (inputs). */
export const applyDense = (tape: Tape, x: Variable, w: Variable): Variable =>
  tape.record(matmul(x.value, w.value, "N", "T"), x.isConstant && w.isConstant, (d) => {
    if (!w.isConstant) tape.add(w, matmul(d, x.value, "T", "N"));
    if (!x.isConstant) tape.add(x, matmul(d, w.value));
  });

/** Z = X + 1 b^T: the same vector to every row. */
export function addRow(tape: Tape, x: Variable, row: Variable): Variable {
  const [rows, columns] = x.value.shape as [number, number];
  if (row.value.shape.length !== 1 || row.value.shape[0] !== columns)
    throw new RangeError(`addRow: the row is ${shapeText(row.value.shape)}, the matrix ${rows}x${columns}`);
  const value = tensor([rows, columns]);
  const b = row.value.data;
  for (let i = 0, p = 0; i < rows; i++) for (let j = 0; j < columns; j++, p++) value.data[p] = x.value.data[p]! + b[j]!;
  return tape.record(value, x.isConstant && row.isConstant, (d) => {
    const sums = tensor([columns]);
    for (let i = 0, p = 0; i < rows; i++) for (let j = 0; j < columns; j++, p++) sums.data[j]! += d.data[p]!;
    tape.add(row, sums);
    tape.add(x, d); // nothing else holds it after this
  });
}

/** Z = X + factor Y. */
export const addScaled = (tape: Tape, x: Variable, factor: number, y: Variable): Variable =>
  tape.record(
    combine([
      [1, x.value],
      [factor, y.value],
    ]),
    x.isConstant && y.isConstant,
    (d) => {
      if (!y.isConstant) tape.add(y, scaled(factor, d));
      tape.add(x, d);
    },
  );

/** Z = f(X) entry by entry; `slope(x, f(x))` is f'. */
export function mapEntries(
  tape: Tape,
  x: Variable,
  f: (x: number) => number,
  slope: (x: number, y: number) => number,
): Variable {
  const value = tensor(x.value.shape);
  for (let p = 0; p < value.data.length; p++) value.data[p] = f(x.value.data[p]!);
  return tape.record(value, x.isConstant, (d) => {
    const out = tensor(d.shape);
    for (let p = 0; p < out.data.length; p++) out.data[p] = d.data[p]! * slope(x.value.data[p]!, value.data[p]!);
    tape.add(x, out);
  });
}

/** max(x, 0); slope 0 at 0. */
export const relu = (tape: Tape, x: Variable): Variable =>
  mapEntries(
    tape,
    x,
    (v) => (v > 0 ? v : v <= 0 ? 0 : v), // not a number stays what it is
    (v) => (v > 0 ? 1 : 0),
  );

export const tanh = (tape: Tape, x: Variable): Variable => mapEntries(tape, x, Math.tanh, (_, y) => 1 - y * y);

/** x Phi(x) with Phi(x) = (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2, the usual approximation (to 5e-4) of the normal law's. */
export const gelu = (tape: Tape, x: Variable): Variable => {
  const c = Math.sqrt(2 / Math.PI);
  const inner = (v: number): number => Math.tanh(c * (v + 0.044715 * v ** 3));
  return mapEntries(
    tape,
    x,
    (v) => 0.5 * v * (1 + inner(v)),
    (v) => {
      const t = inner(v);
      return 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * c * (1 + 3 * 0.044715 * v * v);
    },
  );
};
