import { matmulInto } from "./contract.ts";
import { axpy, dot, norm } from "./level1.ts";
import { isDense, type Matrix, type MatrixFunction, partsOf } from "./matrix.ts";
import { addEntries } from "./matrix-algebra.ts";
import { randomTensor, seeded } from "./random.ts";
import { sparseProduct } from "./sparse-product.ts";
import { asDtype, type Complex, commonDtype, complex, identity, shapeText, type Tensor, tensor } from "./tensor.ts";

const unit: Complex = { re: 1, im: 0 };

/** M X for n x columns numbers X. Throws a RangeError when the sizes differ. */
export function multiply(m: Matrix, x: Tensor): Tensor {
  if (x.shape.length !== 2 || x.shape[0] !== m.shape[1])
    throw new RangeError(`multiply: the matrix is ${shapeText(m.shape)}, the columns ${shapeText(x.shape)}`);
  const dtype = commonDtype(m.dtype, x.dtype);
  const out = tensor([m.shape[0]!, x.shape[1]!], dtype);
  const from = asDtype(x, dtype);
  const { stored, functions } = partsOf(m);
  if (stored && isDense(stored)) matmulInto(asDtype(stored, dtype), from, "N", "N", out);
  else if (stored) sparseProduct(stored, 1, unit, from, 0, out);
  for (const [c, f] of functions) {
    const image = tensor(out.shape, dtype);
    applyFunction(f, from, image);
    axpy(complex(c), image, out);
  }
  return out;
}

/** out := f(x) for x and out of n x columns numbers; to a real function complex columns are twice as many real ones. */
export function applyFunction(f: MatrixFunction, x: Tensor, out: Tensor): void {
  const seen = (t: Tensor): Tensor =>
    f.dtype === t.dtype ? t : tensor([t.shape[0]!, 2 * t.shape[1]!], "float64", t.data);
  f.apply(seen(x), seen(out));
}

/**
 * How far a function is from what it says of its adjoint: |<x, f(y)> - <f*(x), y>| / (|x| |f(y)| + |f*(x)| |y|) for random x and y;
 * 0 when it says nothing.
 */
export function adjointDefect(f: MatrixFunction): number {
  if (!f.applyAdjoint) return 0;
  const random = seeded(1);
  const [x, y] = [0, 1].map(() => randomTensor(random, [f.shape[1], 1], f.dtype)) as [Tensor, Tensor];
  const [fy, fx] = [tensor(y.shape, f.dtype), tensor(x.shape, f.dtype)];
  f.apply(y, fy);
  f.applyAdjoint(x, fx);
  const size = norm(x) * norm(fy) + norm(fx) * norm(y);
  const [a, b] = [dot(x, fy), dot(fx, y)];
  return size === 0 ? 0 : Math.hypot(a.re - b.re, a.im - b.im) / size;
}

/** The matrix in full, rows x columns numbers: for small ones. */
export function denseOf(m: Matrix): Tensor {
  if (isDense(m)) return m;
  if (m.kind !== "sparse") return multiply(m, identity(m.shape[1]));
  const out = tensor(m.shape, m.dtype);
  addEntries(m, out);
  return out;
}
