import { gemmShape } from "./backend.ts";
import { backend } from "./current.ts";
import { ConvergenceError } from "./errors.ts";
import { norm } from "./level1.ts";
import { excess, scaleByPower } from "./scaling.ts";
import { type Complex, commonDtype, shapeText, type Tensor, tensor } from "./tensor.ts";
import { inverseNorm } from "./triangular-norm.ts";
import { workspace } from "./workspace.ts";

const eps = Number.EPSILON;
const scaledBy = (x: number, e: number): number => {
  const cell = Float64Array.of(x);
  scaleByPower(cell, e, cell);
  return cell[0]!;
};

const one: Complex = { re: 1, im: 0 };
const minusOne: Complex = { re: -1, im: 0 };

/**
 * The new directions of an augmentation: for A (n x r, orthonormal columns) and any B (n x p), an orthonormal U
 * (n x k, k <= min(p, n - r)) with A* U = 0 whose columns together with A's span the range of [A, B], up to singular
 * values below `roundOff` max(1, |B|), by default 10 max(n, r + p) eps, or below `noise`. The columns of A are never touched: [A, U] starts with them bit by bit.
 * A may have fewer rows than B; those that are missing are zero, and cost nothing.
 * Cost about 4 n r p + 6 n p^2 products. Throws a RangeError when A has more rows than B or more columns than rows, and a
 * NonFiniteError when an entry of A or B is NaN or infinite.
 */
export function orthAug(a: Tensor, b: Tensor, noise = 0, roundOff?: number): Tensor {
  const [top, r] = a.shape;
  const [n, p] = b.shape;
  if (
    a.shape.length !== 2 ||
    b.shape.length !== 2 ||
    top === undefined ||
    r === undefined ||
    n === undefined ||
    p === undefined ||
    top > n
  )
    throw new RangeError(
      `orthAug: a is ${shapeText(a.shape)}, b is ${shapeText(b.shape)}: expected matrices, a with no more rows than b`,
    );
  if (r > top)
    throw new RangeError(`orthAug: a is ${shapeText(a.shape)}: ${r} columns of length ${n} are not orthonormal`);
  const dtype = commonDtype(a.dtype, b.dtype);
  const blas = backend();
  using frame = workspace().frame();
  const basis = frame.within(a, dtype).data;
  const rest = frame.hold(b, dtype);
  const overlap = frame.take([r, p], dtype);

  // Products along A: overlap := A* x, and x := x - A overlap, for an n x k matrix x.
  const project = (x: Float64Array, k: number) => {
    const part = tensor([r, k], dtype, overlap.data.subarray(0, (overlap.data.length / Math.max(p, 1)) * k));
    blas.gemm(gemmShape(dtype, "C", "N", r, k, top), one, basis, x, 0, part.data);
    return part;
  };
  const subtract = (part: Tensor, x: Float64Array, k: number) =>
    blas.gemm(gemmShape(dtype, "N", "N", top, k, r), minusOne, basis, part.data, 1, x);

  const along = project(rest.data, p);
  subtract(along, rest.data, p);
  // A NaN or infinity of either operand reaches the difference.
  const e = excess(rest, "orthAug");
  const sizeOfB = Math.hypot(norm(along), norm(rest));
  const threshold = Math.max(noise, (roundOff ?? 10 * Math.max(n, r + p) * eps) * Math.max(1, sizeOfB));
  const sizeOfRest = norm(rest);
  if (Math.min(p, n - r) === 0 || sizeOfRest <= threshold) return tensor([n, 0], dtype);
  // What is small beside B has parts along A of the size of B's round-off: a second projection leaves those of its own.
  if (sizeOfRest < 0.01 * sizeOfB) subtract(project(rest.data, p), rest.data, p);

  const q = Math.min(n, p);
  scaleByPower(rest.data, -e, rest.data);
  const basisOfRest = frame.take([n, q], dtype).data;
  const triangle = frame.take([q, p], dtype).data;
  blas.qr(dtype, n, p, rest.data, basisOfRest, triangle);
  const room = Math.min(p, n - r);
  const scaledThreshold = scaledBy(threshold, -e);
  let k = q;
  let u = tensor([n, q], dtype, basisOfRest);
  // Mostly every direction counts, and a bound of the smallest singular value tells: Q itself is a basis of them.
  if (q < p || p > room || !(inverseNorm(dtype, p, triangle) * scaledThreshold < 0.99)) {
    const s = new Float64Array(q);
    const left = frame.take([q, q], dtype).data;
    if (!blas.svd(dtype, q, p, triangle, left, s, frame.take([q, p], dtype).data))
      throw new ConvergenceError(`orthAug: no convergence for the ${q}x${p} triangle`);
    for (k = 0; k < room && s[k]! > scaledThreshold; ) k++;
    // Otherwise the leading singular vectors are.
    if (k < q) {
      u = frame.take([n, k], dtype);
      blas.gemm({ ...gemmShape(dtype, "N", "N", n, k, q), ldb: q }, one, basisOfRest, left, 0, u.data);
    }
  }

  // One projection leaves eps |B| along A, which a small singular value magnifies in U: project U until nothing is left.
  // A part of size c along A costs U c^2 of its orthonormality, so that only a visible one needs a new QR.
  for (let pass = 0; pass < 3; pass++) {
    const part = project(u.data, k);
    const size = norm(part);
    if (size <= 4 * eps) break;
    subtract(part, u.data, k);
    if (size * size < eps / 4) break;
    const copy = rest.data.subarray(0, u.data.length);
    copy.set(u.data);
    blas.qr(dtype, n, k, copy, u.data, triangle);
  }
  return tensor([n, k], dtype, u.data.slice());
}
