import type { Complex, Dtype, Tensor } from "./tensor.ts";

/*
 * Vector kernels on interleaved data: with the complex matrix product, all that has to know how a scalar is stored.
 * Sums run in four interleaved strands of fixed order: same input, same bits. Loops of four take half the time of single ones; what is
 * left over comes first, since V8 compiles a long loop while it runs and then knows nothing of what follows it.
 */

/** Euclidean norm of all entries. */
export function norm(x: Tensor): number {
  const sum = products(x.data, x.data);
  return sum > 1e-280 && sum < 1e280 ? Math.sqrt(sum) : scaledNorm(x.data);
}

/** Sum of the products of the stored numbers. */
function products(a: Float64Array, b: Float64Array): number {
  const n = a.length;
  const whole = n - (n % 4);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < n; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

/** Largest absolute value of the stored numbers (real and imaginary parts apart); NaN when one is. */
export const maxAbs = (x: Tensor): number => x.data.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);

function scaledNorm(v: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < v.length; i++) largest = Math.max(largest, Math.abs(v[i]!));
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += (v[i]! / largest) * (v[i]! / largest);
  return largest * Math.sqrt(sum);
}

/** Inner product `sum conj(x) y`. */
export function dot(x: Tensor, y: Tensor): Complex {
  const a = x.data;
  const b = y.data;
  const n = a.length;
  if (x.dtype === "float64") return { re: products(a, b), im: 0 };
  let r0 = 0;
  let r1 = 0;
  let i0 = 0;
  let i1 = 0;
  for (let i = 0; i < n; i += 2) {
    r0 += a[i]! * b[i]!;
    r1 += a[i + 1]! * b[i + 1]!;
    i0 += a[i]! * b[i + 1]!;
    i1 += a[i + 1]! * b[i]!;
  }
  return { re: r0 + r1, im: i0 - i1 };
}

/** y := y + alpha x. */
export function axpy(alpha: Complex, x: Tensor, y: Tensor): void {
  const a = x.data;
  const b = y.data;
  const { re, im } = alpha;
  if (im === 0) {
    const n = a.length;
    const rest = n % 4;
    for (let i = 0; i < rest; i++) b[i]! += re * a[i]!;
    for (let i = rest; i < n; i += 4) {
      b[i]! += re * a[i]!;
      b[i + 1]! += re * a[i + 1]!;
      b[i + 2]! += re * a[i + 2]!;
      b[i + 3]! += re * a[i + 3]!;
    }
    return;
  }
  needsComplex("axpy", y.dtype, im);
  for (let i = 0; i < a.length; i += 2) {
    const xr = a[i]!;
    const xi = a[i + 1]!;
    b[i]! += re * xr - im * xi;
    b[i + 1]! += re * xi + im * xr;
  }
}

/** out := alpha x; `out` may be `x`. */
export function scaleInto(alpha: Complex, x: Tensor, out: Tensor): void {
  const a = x.data;
  const b = out.data;
  const { re, im } = alpha;
  if (im === 0) {
    const n = a.length;
    const rest = n % 4;
    for (let i = 0; i < rest; i++) b[i] = re * a[i]!;
    for (let i = rest; i < n; i += 4) {
      b[i] = re * a[i]!;
      b[i + 1] = re * a[i + 1]!;
      b[i + 2] = re * a[i + 2]!;
      b[i + 3] = re * a[i + 3]!;
    }
    return;
  }
  needsComplex("scale", out.dtype, im);
  for (let i = 0; i < a.length; i += 2) {
    const xr = a[i]!;
    const xi = a[i + 1]!;
    b[i] = re * xr - im * xi;
    b[i + 1] = re * xi + im * xr;
  }
}

/** Row by row, every entry of `x` times the row of `y`: out[p, j n + k] := x[p, j] y[p, k]; all of one type. */
export function rowsTimesRows(x: Tensor, y: Tensor, out: Tensor): void {
  const [a, b, c] = [x.data, y.data, out.data];
  const rows = x.shape[0]!;
  const [m, n] = [rows === 0 ? 0 : a.length / rows, rows === 0 ? 0 : b.length / rows];
  let q = 0;
  if (out.dtype === "float64") {
    for (let p = 0; p < rows; p++)
      for (let j = p * m; j < (p + 1) * m; j++) {
        const v = a[j]!;
        for (let k = p * n; k < (p + 1) * n; k++) c[q++] = v * b[k]!;
      }
    return;
  }
  for (let p = 0; p < rows; p++)
    for (let j = p * m; j < (p + 1) * m; j += 2) {
      const [re, im] = [a[j]!, a[j + 1]!];
      for (let k = p * n; k < (p + 1) * n; k += 2) {
        c[q++] = re * b[k]! - im * b[k + 1]!;
        c[q++] = re * b[k + 1]! + im * b[k]!;
      }
    }
}

/** A copy with every entry replaced by its complex conjugate. */
export function conj(x: Tensor): Tensor {
  if (x.dtype === "float64") return x;
  const data = x.data.slice();
  for (let i = 1; i < data.length; i += 2) data[i] = -data[i]!;
  return { ...x, data };
}

function needsComplex(what: string, dtype: Dtype, im: number): void {
  if (dtype === "float64")
    throw new TypeError(`${what}: the factor has imaginary part ${im}, the tensor is float64, expected complex128`);
}
