import { combine, matmul, matmulInto, scaled } from "../../linalg/contract.ts";
import { reshape, shapeText, type Tensor } from "../../linalg/tensor.ts";
import { scale } from "../../ttn/arithmetic.ts";
import { factorsOf } from "../../ttn/matrix-rhs.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { type Covector, type Gradient, outerProducts, products } from "./covector.ts";
import type { Tape, Variable } from "./tape.ts";

/** A weight of low rank on a tape, and the parts of dL/dW that come together in a pass. */
export class LowRankWeight {
  readonly value: TTN;
  readonly #parts: (TTN | Covector)[] = [];

  constructor(value: TTN) {
    this.value = value;
  }

  /** Adds to dL/dW. */
  add(part: TTN | Covector): void {
    this.#parts.push(part);
  }

  /** dL/dW, the sum of all parts. */
  get derivative(): Gradient {
    return this.#parts.length > 0 ? [...this.#parts] : scale(0, this.value);
  }
}

/**
 * Z = X W^T + 1 b^T for W = U S V^T, as ((X V) S^T) U^T: O(b (m + n) r) for b samples, without W. With the centre at a leaf this is the
 * K- or L-form of the papers. Without `bias` it is zero.
 */
export function applyLowRank(tape: Tape, x: Variable, weight: LowRankWeight, bias?: Variable): Variable {
  const { u, s, v } = factorsOf(weight.value);
  const { memory } = tape;
  const xv = products(x.value, memory);
  const value = onRows(tape, matmul(xv(v), s, "N", "T", memory), u, bias);
  return tape.record(value, false, (d) => {
    const du = products(d, memory);
    weight.add(outerProducts(du, xv));
    if (bias) tape.add(bias, rowSums(tape, d));
    if (!x.isConstant) tape.add(x, matmul(matmul(du(u), s, "N", "N", memory), v, "N", "T", memory));
  });
}

/** Z = X W^T + 1 b^T for a dense W, (outputs) x (inputs). Without `bias` it is zero. */
export const applyDense = (tape: Tape, x: Variable, w: Variable, bias?: Variable): Variable =>
  tape.record(
    onRows(tape, x.value, w.value, bias),
    [x, w, bias].every((v) => v?.isConstant ?? true),
    (d) => {
      if (bias) tape.add(bias, rowSums(tape, d));
      if (!w.isConstant) tape.add(w, matmul(d, x.value, "T", "N", tape.memory));
      if (!x.isConstant) tape.add(x, matmul(d, w.value, "N", "N", tape.memory));
    },
  );

/** X W^T + 1 b^T: the product is added to rows that are there already. */
function onRows(tape: Tape, x: Tensor, w: Tensor, bias: Variable | undefined): Tensor {
  if (!bias) return matmul(x, w, "N", "T", tape.memory);
  const [rows, columns] = [x.shape[0]!, w.shape[0]!];
  checkRow(bias, rows, columns);
  const value = tape.room([rows, columns]);
  for (let i = 0; i < rows; i++) value.data.set(bias.value.data, i * columns);
  matmulInto(x, w, "N", "T", value, 1);
  return value;
}

/** The sum of all rows, 1^T D. */
function rowSums(tape: Tape, d: Tensor): Tensor {
  const [rows, columns] = d.shape as [number, number];
  const ones = tape.room([1, rows]);
  ones.data.fill(1);
  return reshape(matmul(ones, d, "N", "N", tape.memory), [columns]);
}

function checkRow(row: Variable, rows: number, columns: number): void {
  if (row.value.shape.length !== 1 || row.value.shape[0] !== columns)
    throw new RangeError(`addRow: the row is ${shapeText(row.value.shape)}, the matrix ${rows}x${columns}`);
}

/** Z = X + 1 b^T: the same vector to every row. Written to `value`, which may be that of X where nothing else reads it. */
export function addRow(tape: Tape, x: Variable, row: Variable, value: Tensor = tape.room(x.value.shape)): Variable {
  const [rows, columns] = x.value.shape as [number, number];
  checkRow(row, rows, columns);
  const [from, b, out] = [x.value.data, row.value.data, value.data];
  for (let i = 0, p = 0; i < rows; i++) for (let j = 0; j < columns; j++, p++) out[p] = from[p]! + b[j]!;
  return tape.record(value, x.isConstant && row.isConstant, (d) => {
    tape.add(row, rowSums(tape, d));
    tape.add(x, d); // nothing else holds it after this
  });
}

/** A product with a bias, if there is one; in its place, since nothing else reads it. */
export const withBias = (tape: Tape, product: Variable, bias: Variable | undefined): Variable =>
  bias ? addRow(tape, product, bias, product.value) : product;

/** Z = X + factor Y. */
export const addScaled = (tape: Tape, x: Variable, factor: number, y: Variable): Variable =>
  tape.record(
    combine(
      [
        [1, x.value],
        [factor, y.value],
      ],
      tape.memory,
    ),
    x.isConstant && y.isConstant,
    (d) => {
      if (!y.isConstant) tape.add(y, scaled(factor, d, tape.memory));
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
  const value = tape.room(x.value.shape);
  for (let p = 0; p < value.data.length; p++) value.data[p] = f(x.value.data[p]!);
  return tape.record(value, x.isConstant, (d) => {
    const out = tape.room(d.shape);
    for (let p = 0; p < out.data.length; p++) out.data[p] = d.data[p]! * slope(x.value.data[p]!, value.data[p]!);
    tape.add(x, out);
  });
}

/** max(x, 0); slope 0 at 0. */
export function relu(tape: Tape, x: Variable): Variable {
  const value = tape.room(x.value.shape);
  rectify(x.value.data, value.data);
  return tape.record(value, x.isConstant, (d) => {
    keepPositive(d.data, value.data);
    tape.add(x, d); // nothing else holds it after this
  });
}

/** out := max(x, 0), without a branch: signs of activations cannot be predicted. Four at a time, which takes half as long. */
function rectify(x: Float64Array, out: Float64Array): void {
  // (x + |x|) / 2, exactly; not a number stays what it is
  const n = x.length;
  const rest = n % 4;
  for (let p = 0; p < rest; p++) out[p] = 0.5 * x[p]! + 0.5 * Math.abs(x[p]!);
  for (let p = rest; p < n; p += 4) {
    const a = x[p]!;
    const b = x[p + 1]!;
    const c = x[p + 2]!;
    const d = x[p + 3]!;
    out[p] = 0.5 * a + 0.5 * Math.abs(a);
    out[p + 1] = 0.5 * b + 0.5 * Math.abs(b);
    out[p + 2] = 0.5 * c + 0.5 * Math.abs(c);
    out[p + 3] = 0.5 * d + 0.5 * Math.abs(d);
  }
}

/** d := d where y > 0, else 0. */
function keepPositive(d: Float64Array, y: Float64Array): void {
  const n = d.length;
  const rest = n % 4;
  for (let p = 0; p < rest; p++) d[p]! *= Number(y[p]! > 0);
  for (let p = rest; p < n; p += 4) {
    d[p]! *= Number(y[p]! > 0);
    d[p + 1]! *= Number(y[p + 1]! > 0);
    d[p + 2]! *= Number(y[p + 2]! > 0);
    d[p + 3]! *= Number(y[p + 3]! > 0);
  }
}

/** tanh of each entry. */
export const tanh = (tape: Tape, x: Variable): Variable => mapEntries(tape, x, Math.tanh, (_, y) => 1 - y * y);

/** x Phi(x) with Phi(x) = (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2, the usual approximation (to 5e-4) of the normal law's. */
export const gelu = (tape: Tape, x: Variable): Variable => {
  const c = Math.sqrt(2 / Math.PI);
  const inner = (v: number): number => Math.tanh(c * (v + 0.044715 * v * v * v));
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
