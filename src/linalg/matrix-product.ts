import { matmulInto } from "./contract.ts";
import { axpy } from "./level1.ts";
import { isDense, type Matrix, type MatrixFunction, partsOf } from "./matrix.ts";
import { addEntries } from "./matrix-algebra.ts";
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

/** The matrix in full, rows x columns numbers: for small ones. */
export function denseOf(m: Matrix): Tensor {
  if (isDense(m)) return m;
  if (m.kind !== "sparse") return multiply(m, identity(m.shape[1]));
  const out = tensor(m.shape, m.dtype);
  addEntries(m, out);
  return out;
}
