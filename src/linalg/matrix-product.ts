import { matmulInto } from "./contract.ts";
import { axpy } from "./level1.ts";
import { isDense, type Matrix, type PlainMatrix } from "./matrix.ts";
import { sparseProduct } from "./sparse-product.ts";
import { asDtype, type Complex, commonDtype, complex, identity, shapeText, type Tensor, tensor } from "./tensor.ts";

const unit: Complex = { re: 1, im: 0 };

/** M X of a matrix and n x columns numbers. Throws a RangeError when the sizes differ. */
export function multiply(m: Matrix, x: Tensor): Tensor {
  if (x.shape.length !== 2 || x.shape[0] !== m.shape[1])
    throw new RangeError(`multiply: the matrix is ${shapeText(m.shape)}, the columns ${shapeText(x.shape)}`);
  const dtype = commonDtype(m.dtype, x.dtype);
  const out = tensor([m.shape[0]!, x.shape[1]!], dtype);
  const from = asDtype(x, dtype);
  if (isDense(m) || m.kind !== "sum") multiplyPlain(m, from, out);
  else {
    const image = tensor(out.shape, dtype);
    for (const [c, part] of m.parts) {
      multiplyPlain(part, from, image);
      axpy(complex(c), image, out);
    }
  }
  return out;
}

function multiplyPlain(m: PlainMatrix, x: Tensor, out: Tensor): void {
  if (isDense(m)) matmulInto(asDtype(m, out.dtype), x, "N", "N", out);
  else if (m.kind === "sparse") sparseProduct(m, 1, unit, x, 0, out);
  else m.apply(seenBy(m, x), seenBy(m, out));
}

/** Columns as a matrix of this type takes them: to a real one, complex columns are twice as many real ones. */
const seenBy = (m: PlainMatrix, x: Tensor): Tensor =>
  m.dtype === x.dtype ? x : tensor([x.shape[0]!, 2 * x.shape[1]!], "float64", x.data);

/** The matrix in full, rows x columns numbers: for small ones. */
export const denseOf = (m: Matrix): Tensor => (isDense(m) ? m : multiply(m, identity(m.shape[1]!)));
