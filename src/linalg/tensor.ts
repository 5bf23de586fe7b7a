/** Scalar type of a tensor: real double precision, or complex with interleaved (re, im) pairs. */
export type Dtype = "float64" | "complex128";

/** A complex number as a plain value. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** A scalar as a user writes it: a real number, or a complex one. */
export type Scalar = number | Complex;

/**
 * A dense tensor: row-major, complex entries interleaved (re, im), as in NumPy.
 * `data.length` is the product of `shape`, times two for `complex128`. Tensors are values: no function of this
 * library changes one that it was given, unless its name says so.
 */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Numbers of a scalar of this type: 1 or 2. */
export const width = (dtype: Dtype): 1 | 2 => (dtype === "complex128" ? 2 : 1);

/** The smallest type that holds both. */
export const commonDtype = (...dtypes: readonly Dtype[]): Dtype =>
  dtypes.includes("complex128") ? "complex128" : "float64";

/** The scalar as a complex number. */
export const complex = (z: Scalar): Complex => (typeof z === "number" ? { re: z, im: 0 } : z);

/** The type that a scalar needs. */
export const dtypeOf = (z: Scalar): Dtype => (typeof z === "number" || z.im === 0 ? "float64" : "complex128");

/** Product of two scalars. */
export const times = (a: Scalar, b: Scalar): Complex => {
  const x = complex(a);
  const y = complex(b);
  return { re: x.re * y.re - x.im * y.im, im: x.re * y.im + x.im * y.re };
};

/** Number of entries of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((p, n) => p * n, 1);

/**
 * A tensor of this shape over `data` (not copied); without `data`, zeros.
 * Throws a RangeError when the shape is not made of non-negative integers or the data has another length.
 */
export function tensor(shape: readonly number[], dtype: Dtype = "float64", data?: Float64Array): Tensor {
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new RangeError(`tensor: shape is [${shape.join(", ")}], expected non-negative integers`);
  const length = sizeOf(shape) * width(dtype);
  if (data && data.length !== length)
    throw new RangeError(
      `tensor: shape [${shape.join(", ")}] of ${dtype} needs ${length} numbers, the data has ${data.length}`,
    );
  return { dtype, shape: [...shape], data: data ?? new Float64Array(length) };
}

/** A real tensor from nested or flat numbers: `fromValues([2, 2], [1, 2, 3, 4])`. */
export const fromValues = (shape: readonly number[], values: Iterable<number>): Tensor =>
  tensor(shape, "float64", Float64Array.from(values));

/** A tensor from a function of the multi-index; complex when any value is. */
export function fromFunction(shape: readonly number[], f: (...index: number[]) => Scalar): Tensor {
  const size = sizeOf(shape);
  const index = shape.map(() => 0);
  const data = new Float64Array(2 * size);
  let isComplex = false;
  for (let p = 0; p < size; p++) {
    const z = f(...index);
    if (typeof z !== "number") isComplex = true;
    const { re, im } = complex(z);
    data[2 * p] = re;
    data[2 * p + 1] = im;
    for (let k = shape.length - 1; k >= 0; k--) {
      index[k]!++;
      if (index[k]! < shape[k]!) break;
      index[k] = 0;
    }
  }
  const full = tensor(shape, "complex128", data);
  return isComplex ? full : realPart(full);
}

/** The n x n identity. */
export function identity(n: number, dtype: Dtype = "float64"): Tensor {
  const t = tensor([n, n], dtype);
  const w = width(dtype);
  for (let i = 0; i < n; i++) t.data[w * i * (n + 1)] = 1;
  return t;
}

/** The same numbers under another shape, without a copy. */
export const reshape = (t: Tensor, shape: readonly number[]): Tensor => tensor(shape, t.dtype, t.data);

/** The tensor with its own memory. */
export const copy = (t: Tensor): Tensor => tensor(t.shape, t.dtype, t.data.slice());

/** The tensor as `dtype`. Throws a TypeError when complex data would lose its imaginary part. */
export function asDtype(t: Tensor, dtype: Dtype): Tensor {
  if (t.dtype === dtype) return t;
  if (dtype === "float64") throw new TypeError("asDtype: a complex128 tensor cannot become float64; take realPart");
  const data = new Float64Array(2 * t.data.length);
  for (let i = 0; i < t.data.length; i++) data[2 * i] = t.data[i]!;
  return tensor(t.shape, dtype, data);
}

/** Real part, as a float64 tensor. */
export function realPart(t: Tensor): Tensor {
  if (t.dtype === "float64") return t;
  return tensor(
    t.shape,
    "float64",
    Float64Array.from({ length: t.data.length / 2 }, (_, i) => t.data[2 * i]!),
  );
}

/** One entry. */
export function entry(t: Tensor, ...index: readonly number[]): Complex {
  let p = 0;
  for (let k = 0; k < t.shape.length; k++) p = p * t.shape[k]! + index[k]!;
  return t.dtype === "float64" ? { re: t.data[p]!, im: 0 } : { re: t.data[2 * p]!, im: t.data[2 * p + 1]! };
}

/** Whether every number is finite. */
export function allFinite(t: Tensor): boolean {
  // differences x - x see NaN and infinity without a test per entry: they are 0 for every finite x
  const { data } = t;
  const n = data.length;
  const rest = n % 4;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < rest; i++) s0 += data[i]! - data[i]!;
  for (let i = rest; i < n; i += 4) {
    s0 += data[i]! - data[i]!;
    s1 += data[i + 1]! - data[i + 1]!;
    s2 += data[i + 2]! - data[i + 2]!;
    s3 += data[i + 3]! - data[i + 3]!;
  }
  return s0 + s1 + s2 + s3 === 0;
}

/** Sizes as text: `2x3x4`. */
export const shapeText = (shape: readonly number[]): string => (shape.length === 0 ? "scalar" : shape.join("x"));
