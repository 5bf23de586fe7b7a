import { type Gemm, gemmShape, type Op } from "./backend.ts";
import { backend } from "./current.ts";
import { axpy, rowsTimesRows, scaleInto } from "./level1.ts";
import {
  asDtype,
  type Complex,
  commonDtype,
  complex,
  copy,
  type Dtype,
  dtypeOf,
  reshape,
  type Scalar,
  shapeText,
  sizeOf,
  type Tensor,
  tensor,
  width,
} from "./tensor.ts";
import { type Frame, workspace } from "./workspace.ts";

const one: Complex = { re: 1, im: 0 };

/** Where a result is made: in scratch memory when a frame is given, else on the heap. */
const made = (shape: readonly number[], dtype: Dtype, frame?: Frame): Tensor =>
  frame ? frame.take(shape, dtype) : tensor(shape, dtype);

/** op(A) op(B) of two matrices, in `frame` if given. Throws a RangeError when the inner sizes differ. */
export function matmul(a: Tensor, b: Tensor, opA: Op = "N", opB: Op = "N", frame?: Frame): Tensor {
  const [m, k] = oriented(a, opA);
  const [k2, n] = oriented(b, opB);
  if (a.shape.length !== 2 || b.shape.length !== 2 || k !== k2)
    throw new RangeError(
      `matmul: op(a) of ${shapeText(a.shape)} is ${m}x${k}, op(b) of ${shapeText(b.shape)} is ${k2}x${n}: inner sizes differ`,
    );
  const dtype = commonDtype(a.dtype, b.dtype);
  const out = made([m, n], dtype, frame);
  matmulInto(asDtype(a, dtype), asDtype(b, dtype), opA, opB, out);
  return out;
}

/** out := op(A) op(B) + beta out for matrices of one type, without allocating; shapes are the caller's business. */
export function matmulInto(a: Tensor, b: Tensor, opA: Op, opB: Op, out: Tensor, beta = 0): void {
  const [m, k] = oriented(a, opA);
  const [, n] = oriented(b, opB);
  backend().gemm(gemmShape(out.dtype, opA, opB, m, n, k), one, a.data, b.data, beta, out.data);
}

/** [X, A B] for matrices of one type: a product made in its place beside what is there. In `frame` if given. */
export function besideProduct(x: Tensor, a: Tensor, b: Tensor, frame?: Frame): Tensor {
  const [rows, left] = x.shape as [number, number];
  const [inner, right] = b.shape as [number, number];
  const out = made([rows, left + right], x.dtype, frame);
  place(x, out, [0, 0]);
  const g = { ...gemmShape(x.dtype, "N", "N", rows, right, inner), ldc: left + right };
  backend().gemm(g, one, a.data, b.data, 0, out.data.subarray(left * width(x.dtype)));
  return out;
}

const oriented = (a: Tensor, op: Op): [number, number] =>
  op === "N" ? [a.shape[0]!, a.shape[1]!] : [a.shape[1]!, a.shape[0]!];

/**
 * The mode product Y = X x_k A, that is Mat_k(Y) = A Mat_k(X), as a batch of matrix products that reads X where it lies:
 * a tensor of shape (l, n, r), with the modes before and after k merged, is one product for the first mode (l = 1) and
 * for the last (r = 1, with A transposed), and l products otherwise.
 */
export function modeGemm(dtype: Dtype, shape: readonly number[], mode: number, rows: number): Gemm & { left: boolean } {
  const before = sizeOf(shape.slice(0, mode));
  const n = shape[mode]!;
  const after = sizeOf(shape.slice(mode + 1));
  if (after === 1 && before !== 1) return { ...gemmShape(dtype, "N", "T", before, rows, n), left: false };
  return {
    ...gemmShape(dtype, "N", "N", rows, after, n),
    count: before,
    strideB: n * after,
    strideC: rows * after,
    left: true,
  };
}

/** The mode product X x_mode A with A of shape (new size) x (size of the mode), in `frame` if given. Cost 2 |X| rows (8 when complex). */
export function modeProduct(x: Tensor, mode: number, a: Tensor, frame?: Frame): Tensor {
  if (a.shape.length !== 2 || a.shape[1] !== x.shape[mode])
    throw new RangeError(
      `modeProduct: mode ${mode} of ${shapeText(x.shape)} has size ${x.shape[mode]}, the matrix is ${shapeText(a.shape)}`,
    );
  const dtype = commonDtype(x.dtype, a.dtype);
  const g = modeGemm(dtype, x.shape, mode, a.shape[0]!);
  const out = made(x.shape.with(mode, a.shape[0]!), dtype, frame);
  const xs = asDtype(x, dtype).data;
  const as = asDtype(a, dtype).data;
  backend().gemm(g, one, g.left ? as : xs, g.left ? xs : as, 0, out.data);
  return out;
}

/**
 * The matrix of inner products of two tensors over every mode but one: G[i, j] = sum conj(X[.., i, ..]) Y[.., j, ..].
 * Modes other than `mode` must agree. Cost 2 |X| size(mode of Y) (8 when complex).
 */
export function gramAllBut(x: Tensor, y: Tensor, mode: number): Tensor {
  if (!sameShape(x.shape.with(mode, 0), y.shape.with(mode, 0)))
    throw new RangeError(
      `gramAllBut: the tensors are ${shapeText(x.shape)} and ${shapeText(y.shape)}: they differ outside mode ${mode}`,
    );
  const dtype = commonDtype(x.dtype, y.dtype);
  const xs = asDtype(x, dtype).data;
  const ys = asDtype(y, dtype).data;
  const before = sizeOf(x.shape.slice(0, mode));
  const after = sizeOf(x.shape.slice(mode + 1));
  const nx = x.shape[mode]!;
  const ny = y.shape[mode]!;
  const out = tensor([nx, ny], dtype);
  if (after === 1) {
    backend().gemm(gemmShape(dtype, "C", "N", nx, ny, before), one, xs, ys, 0, out.data);
    return out;
  }
  using frame = workspace().frame();
  const transposed = frame.take([ny, nx], dtype); // rows times conjugated rows is all that a product can give here
  transposed.data.fill(0);
  const g = { ...gemmShape(dtype, "N", "C", ny, nx, after), count: before, strideA: ny * after, strideB: nx * after };
  backend().gemm(g, one, ys, xs, 1, transposed.data);
  out.data.set(permute(transposed, [1, 0], frame).data);
  return out;
}

/** The tensor with its modes in another order: mode k of the result is mode `order[k]` of `x`. In `frame` if given. */
export function permute(x: Tensor, order: readonly number[], frame?: Frame): Tensor {
  const shape = order.map((k) => x.shape[k]!);
  if (order.every((k, i) => k === i)) return x;
  const strides = x.shape.map((_, k) => sizeOf(x.shape.slice(k + 1)));
  const out = made(shape, x.dtype, frame);
  const w = width(x.dtype);
  // a mode of size 1 is nowhere
  const moving = order.filter((k, i) => x.shape[k] !== 1 || i === 0);
  const sizes = moving.map((k) => x.shape[k]!);
  const steps = moving.map((k) => strides[k]!);
  const last = moving.length - 1;
  const index = moving.map(() => 0);
  const inner = sizes[last]!;
  const step = steps[last]! * w;
  const from = x.data;
  const into = out.data;
  let start = 0;
  for (let to = 0; to < into.length; ) {
    const end = start * w + inner * step;
    if (step === w) {
      copyRun(from, start * w, inner * w, into, to);
      to += inner * w;
    } else if (w === 2)
      for (let p = start * w; p < end; p += step) {
        into[to++] = from[p]!;
        into[to++] = from[p + 1]!;
      }
    else for (let p = start; p < end; p += step) into[to++] = from[p]!;
    for (let k = last - 1; k >= 0; k--) {
      start += steps[k]!;
      if (++index[k]! < sizes[k]!) break;
      start -= steps[k]! * sizes[k]!;
      index[k] = 0;
    }
  }
  return out;
}

const lastOrder = (order: number, mode: number): number[] => [
  ...Array.from({ length: order }, (_, k) => k).filter((k) => k !== mode),
  mode,
];

/** The matricisation Mat_mode(X)^T: (all other modes, in order) x (mode). A copy, in `frame` if given, unless `mode` is the last. */
export function matricize(x: Tensor, mode: number, frame?: Frame): Tensor {
  const moved = permute(x, lastOrder(x.shape.length, mode), frame);
  const n = x.shape[mode]!;
  return reshape(moved, [sizeOf(x.shape.toSpliced(mode, 1)), n]);
}

/** The tensor whose `matricize(_, mode)` is this matrix; `shape` gives the sizes of the other modes. */
export function tensorize(matrix: Tensor, shape: readonly number[], mode: number): Tensor {
  const others = shape.toSpliced(mode, 1);
  const moved = reshape(matrix, [...others, matrix.shape[1]!]);
  const order = lastOrder(shape.length, mode);
  return permute(
    moved,
    order.map((_, k) => order.indexOf(k)),
  );
}

/** Zero-pads every mode at its end up to `shape`, in `frame` if given. */
export function pad(x: Tensor, shape: readonly number[], frame?: Frame): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const out = made(shape, x.dtype, frame);
  if (frame) out.data.fill(0);
  place(
    x,
    out,
    shape.map(() => 0),
  );
  return out;
}

/** Overwrites the block of `out` that starts at `offset` with `x`. */
export function place(x: Tensor, out: Tensor, offset: readonly number[]): void {
  copyBlock(
    x.shape,
    x,
    offset.map(() => 0),
    out,
    offset,
  );
}

/** The block of `x` of this shape that starts at `offset`. */
export function block(x: Tensor, offset: readonly number[], shape: readonly number[], frame?: Frame): Tensor {
  const out = made(shape, x.dtype, frame);
  copyBlock(
    shape,
    x,
    offset,
    out,
    offset.map(() => 0),
  );
  return out;
}

function copyBlock(
  shape: readonly number[],
  from: Tensor,
  fromOffset: readonly number[],
  to: Tensor,
  toOffset: readonly number[],
): void {
  if (sizeOf(shape) === 0) return;
  let last = shape.length - 1;
  let run = width(from.dtype);
  // modes that are copied as a whole are one with the mode before
  for (; last > 0 && from.shape[last] === shape[last] && to.shape[last] === shape[last]; last--) run *= shape[last]!;
  const source = stridesOf(from.shape, last, run);
  const target = stridesOf(to.shape, last, run);
  let start = 0;
  let at = 0;
  let runs = 1;
  for (let k = 0; k <= last; k++) {
    start += fromOffset[k]! * source[k]!;
    at += toOffset[k]! * target[k]!;
    if (k < last) runs *= shape[k]!;
  }
  const index = shape.map(() => 0);
  for (let r = 0; r < runs; r++) {
    copyRun(from.data, start, shape[last]! * run, to.data, at);
    for (let k = last - 1; k >= 0; k--) {
      start += source[k]!;
      at += target[k]!;
      if (++index[k]! < shape[k]!) break;
      start -= source[k]! * shape[k]!;
      at -= target[k]! * shape[k]!;
      index[k] = 0;
    }
  }
}

/** Distances between neighbours along the modes up to `last`, those after it being runs of numbers. */
function stridesOf(shape: readonly number[], last: number, run: number): number[] {
  const strides = new Array<number>(last + 1).fill(run);
  for (let k = last - 1; k >= 0; k--) strides[k] = strides[k + 1]! * shape[k + 1]!;
  return strides;
}

/** Copies `run` numbers; a call to do that costs as much as about fifty of them, and leaves a view behind. */
function copyRun(from: Float64Array, start: number, run: number, to: Float64Array, at: number): void {
  if (run > 64) {
    to.set(from.subarray(start, start + run), at);
    return;
  }
  const rest = run % 4;
  for (let k = 0; k < rest; k++) to[at + k] = from[start + k]!;
  for (let k = rest; k < run; k += 4) {
    to[at + k] = from[start + k]!;
    to[at + k + 1] = from[start + k + 1]!;
    to[at + k + 2] = from[start + k + 2]!;
    to[at + k + 3] = from[start + k + 3]!;
  }
}

/** Two tensors side by side along the last mode. */
export function concatLast(a: Tensor, b: Tensor): Tensor {
  const last = a.shape.length - 1;
  const out = tensor(a.shape.with(last, a.shape[last]! + b.shape[last]!), commonDtype(a.dtype, b.dtype));
  const zero = a.shape.map(() => 0);
  place(asDtype(a, out.dtype), out, zero);
  place(asDtype(b, out.dtype), out, zero.with(last, a.shape[last]!));
  return out;
}

/** alpha X, in `frame` if given. */
export function scaled(alpha: Scalar, x: Tensor, frame?: Frame): Tensor {
  const out = made(x.shape, commonDtype(x.dtype, dtypeOf(alpha)), frame);
  scaleInto(complex(alpha), asDtype(x, out.dtype), out);
  return out;
}

/** Linear combination of tensors of one shape, in `frame` if given. */
export function combine(terms: readonly (readonly [Scalar, Tensor])[], frame?: Frame): Tensor {
  const [first] = terms;
  if (!first) throw new RangeError("combine: no terms were given, expected one or more");
  const { shape } = first[1];
  let dtype: Dtype = "float64";
  for (const [alpha, x] of terms) {
    if (!sameShape(x.shape, shape))
      throw new RangeError(`combine: the tensors are ${shapeText(shape)} and ${shapeText(x.shape)}: shapes differ`);
    dtype = commonDtype(dtype, dtypeOf(alpha), x.dtype);
  }
  const out = made(shape, dtype, frame);
  for (let k = 0; k < terms.length; k++) {
    const [alpha, x] = terms[k]!;
    if (k === 0) scaleInto(complex(alpha), asDtype(x, dtype), out);
    else axpy(complex(alpha), asDtype(x, dtype), out);
  }
  return out;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return a.length === b.length;
}

/** A diag(s) for a matrix A. */
export function scaleColumns(a: Tensor, s: ArrayLike<number>): Tensor {
  const out = copy(a);
  const columns = a.shape[1]!;
  const w = width(a.dtype);
  for (let p = 0; p < out.data.length; p++) out.data[p]! *= s[((p / w) | 0) % columns]!;
  return out;
}

/**
 * The Kronecker products of equal rows of two matrices (the transposed Khatri-Rao product): entry (p, j n + k) is
 * A[p, j] B[p, k], for B with n columns. Throws a RangeError when the numbers of rows differ.
 */
export function rowwiseKronecker(a: Tensor, b: Tensor): Tensor {
  const [rows, m] = a.shape as [number, number];
  const n = b.shape[1]!;
  if (b.shape[0] !== rows)
    throw new RangeError(`rowwiseKronecker: a has ${rows} rows, b ${b.shape[0]}, expected as many`);
  const dtype = commonDtype(a.dtype, b.dtype);
  const out = tensor([rows, m * n], dtype);
  rowsTimesRows(asDtype(a, dtype), asDtype(b, dtype), out);
  return out;
}

/** The sums of products of equal rows of two matrices, sum_j A[p, j] B[p, j], without conjugation: a tensor of shape (rows). */
export function rowDots(a: Tensor, b: Tensor): Tensor {
  const [rows, n] = a.shape as [number, number];
  if (shapeText(a.shape) !== shapeText(b.shape))
    throw new RangeError(`rowDots: a is ${shapeText(a.shape)}, b is ${shapeText(b.shape)}, expected the same shape`);
  const dtype = commonDtype(a.dtype, b.dtype);
  const out = tensor([rows], dtype);
  const g = { ...gemmShape(dtype, "N", "T", 1, 1, n), count: rows, strideA: n, strideB: n, strideC: 1 };
  backend().gemm(g, one, asDtype(a, dtype).data, asDtype(b, dtype).data, 0, out.data);
  return out;
}

/** The matrix with its rows in another order: row i of the result is row `order[i]` of `a`. In `frame` if given. */
export function gatherRows(a: Tensor, order: Int32Array, frame?: Frame): Tensor {
  const out = made(a.shape, a.dtype, frame);
  const run = a.shape[1]! * width(a.dtype);
  for (let i = 0; i < order.length; i++) copyRun(a.data, order[i]! * run, run, out.data, i * run);
  return out;
}

/** The inverse of `gatherRows`: row `order[i]` of the result is row i of `a`. */
export function scatterRows(a: Tensor, order: Int32Array): Tensor {
  const out = tensor(a.shape, a.dtype);
  const run = a.shape[1]! * width(a.dtype);
  for (let i = 0; i < order.length; i++) copyRun(a.data, i * run, run, out.data, order[i]! * run);
  return out;
}
