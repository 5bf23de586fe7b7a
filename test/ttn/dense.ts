import { dopri5 } from "../../src/integrators/local/dopri5.ts";
import { maxAbs, norm } from "../../src/linalg/level1.ts";
import type { Matrix } from "../../src/linalg/matrix.ts";
import { denseOf } from "../../src/linalg/matrix-product.ts";
import {
  asDtype,
  complex,
  entry,
  fromFunction,
  type Scalar,
  sizeOf,
  type Tensor,
  tensor,
} from "../../src/linalg/tensor.ts";
import type { ProductTerm } from "../../src/ttn/operators/product-sum.ts";

/*
 * The slow, obvious side of these tests: full complex matrices and plain loops, no function of src/linalg/contract.ts.
 */

export const eps = Number.EPSILON;

/** Random cases of a property: a hundred times as many in the nightly run, DLRA_RUNS=100. */
export const runs = (cases: number): number => cases * Number(process.env["DLRA_RUNS"] ?? 1);

export const minus = (a: Tensor, b: Tensor): Tensor => {
  const [x, y] = [asDtype(a, "complex128"), asDtype(b, "complex128")];
  if (x.shape.join() !== y.shape.join())
    throw new Error(`shapes differ: ${x.shape.join("x")} and ${y.shape.join("x")}`);
  return tensor(
    x.shape,
    "complex128",
    x.data.map((v, i) => v - y.data[i]!),
  );
};

/** |a - b|, Frobenius. */
export const distance = (a: Tensor, b: Tensor): number => norm(minus(a, b));

/** The largest entry of a - b. */
export const largestDifference = (a: Tensor, b: Tensor): number => maxAbs(minus(a, b));

/** |a - b| / |b|, or |a| when b vanishes. */
export const relative = (a: Tensor, b: Tensor): number => distance(a, b) / (norm(b) || 1);

/** op(a) b for complex matrices; `adjoint` takes a*. */
export function product(a: Tensor, b: Tensor, adjoint = false): Tensor {
  const [x, y] = [asDtype(a, "complex128"), asDtype(b, "complex128")];
  const [rows, columns] = x.shape as [number, number];
  const [m, k] = adjoint ? [columns, rows] : [rows, columns];
  const n = y.shape[1]!;
  if (y.shape[0] !== k) throw new Error(`product: inner sizes ${k} and ${y.shape[0]}`);
  const out = tensor([m, n], "complex128");
  for (let i = 0; i < m; i++)
    for (let l = 0; l < k; l++) {
      const p = 2 * (adjoint ? l * columns + i : i * columns + l);
      const re = x.data[p]!;
      const im = adjoint ? -x.data[p + 1]! : x.data[p + 1]!;
      if (re === 0 && im === 0) continue;
      for (let j = 0; j < n; j++) {
        out.data[2 * (i * n + j)]! += re * y.data[2 * (l * n + j)]! - im * y.data[2 * (l * n + j) + 1]!;
        out.data[2 * (i * n + j) + 1]! += re * y.data[2 * (l * n + j) + 1]! + im * y.data[2 * (l * n + j)]!;
      }
    }
  return out;
}

/** The transpose, without conjugation. */
export function transpose(a: Tensor): Tensor {
  const x = asDtype(a, "complex128");
  const [m, n] = x.shape as [number, number];
  const out = tensor([n, m], "complex128");
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++)
      for (const part of [0, 1]) out.data[2 * (j * m + i) + part] = x.data[2 * (i * n + j) + part]!;
  return out;
}

/** The Kronecker product of two matrices. */
export function kron(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [asDtype(a, "complex128"), asDtype(b, "complex128")];
  const [ra, ca] = x.shape as [number, number];
  const [rb, cb] = y.shape as [number, number];
  const out = tensor([ra * rb, ca * cb], "complex128");
  for (let i = 0; i < ra; i++)
    for (let j = 0; j < ca; j++) {
      const re = x.data[2 * (i * ca + j)]!;
      const im = x.data[2 * (i * ca + j) + 1]!;
      if (re === 0 && im === 0) continue;
      for (let k = 0; k < rb; k++)
        for (let l = 0; l < cb; l++) {
          const q = 2 * (k * cb + l);
          const p = 2 * ((i * rb + k) * ca * cb + j * cb + l);
          out.data[p] = re * y.data[q]! - im * y.data[q + 1]!;
          out.data[p + 1] = re * y.data[q + 1]! + im * y.data[q]!;
        }
    }
  return out;
}

export const eye = (n: number): Tensor => fromFunction([n, n], (i, j) => ({ re: i === j ? 1 : 0, im: 0 }));

/** out += alpha x, in place. */
export function addTo(out: Tensor, alpha: Scalar, x: Tensor): void {
  const { re, im } = complex(alpha);
  const c = asDtype(x, "complex128");
  for (let i = 0; i < out.data.length; i += 2) {
    out.data[i]! += re * c.data[i]! - im * c.data[i + 1]!;
    out.data[i + 1]! += re * c.data[i + 1]! + im * c.data[i]!;
  }
}

/** The full matrix of a sum of products; the modes in the given order, the first slowest. */
export function denseSum(
  sizes: readonly number[],
  terms: readonly ProductTerm[],
  order: readonly number[] = sizes.map((_, k) => k),
): Tensor {
  const n = sizeOf(sizes);
  const out = tensor([n, n], "complex128");
  for (const { coefficient, factors } of terms)
    addTo(
      out,
      coefficient,
      order
        .map((mode) => denseOf(factors.find((f) => f.mode === mode)?.operator ?? eye(sizes[mode]!)))
        .reduce(kron, eye(1)),
    );
  return out;
}

/** X x_mode A by the definition. */
export function naiveModeProduct(x: Tensor, mode: number, a: Tensor): Tensor {
  return fromFunction(x.shape.with(mode, a.shape[0]!), (...index) => {
    let re = 0;
    let im = 0;
    for (let j = 0; j < x.shape[mode]!; j++) {
      const u = entry(a, index[mode]!, j);
      const v = entry(x, ...index.with(mode, j));
      re += u.re * v.re - u.im * v.im;
      im += u.re * v.im + u.im * v.re;
    }
    return { re, im };
  });
}

/** The modes in another order: mode k of the result is mode order[k] of x. */
export const naivePermute = (x: Tensor, order: readonly number[]): Tensor =>
  fromFunction(
    order.map((k) => x.shape[k]!),
    (...index) => entry(x, ...x.shape.map((_, k) => index[order.indexOf(k)]!)),
  );

/** The largest value seen, for reports. */
export class Worst {
  value = 0;
  of(x: number): number {
    if (!(x <= this.value)) this.value = x;
    return x;
  }
}

/** A y over one mode of a full complex tensor. */
function imageOverMode(y: Tensor, mode: number, a: Tensor): Tensor {
  const before = sizeOf(y.shape.slice(0, mode));
  const n = y.shape[mode]!;
  const after = sizeOf(y.shape.slice(mode + 1));
  const m = asDtype(a, "complex128").data;
  const out = tensor(y.shape, "complex128");
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const [re, im] = [m[2 * (i * n + j)]!, m[2 * (i * n + j) + 1]!];
      if (re === 0 && im === 0) continue;
      for (let b = 0; b < before; b++)
        for (let k = 0; k < after; k++) {
          const [to, from] = [2 * ((b * n + i) * after + k), 2 * ((b * n + j) * after + k)];
          out.data[to]! += re * y.data[from]! - im * y.data[from + 1]!;
          out.data[to + 1]! += re * y.data[from + 1]! + im * y.data[from]!;
        }
    }
  return out;
}

/** A sum of products applied to a full tensor, complex. */
export function denseImage(terms: readonly ProductTerm[], y: Tensor): Tensor {
  const out = tensor(y.shape, "complex128");
  for (const { coefficient, factors } of terms) {
    const c = complex(coefficient);
    const image = factors.reduce((x, f) => imageOverMode(x, f.mode, denseOf(f.operator)), asDtype(y, "complex128"));
    for (let i = 0; i < out.data.length; i += 2) {
      out.data[i]! += c.re * image.data[i]! - c.im * image.data[i + 1]!;
      out.data[i + 1]! += c.re * image.data[i + 1]! + c.im * image.data[i]!;
    }
  }
  return out;
}

/** A term of a sum of products: a number times matrices on modes. */
export const term = (coefficient: number, ...factors: (readonly [mode: number, operator: Matrix])[]): ProductTerm => ({
  coefficient,
  factors: factors.map(([mode, operator]) => ({ mode, operator })),
});

/** One part of a Hamiltonian: a sum of products, times a number that may depend on time. */
export type HamiltonianPart = readonly [terms: readonly ProductTerm[], coefficient?: (t: number) => number];

/** F(t, Y) = -i (c_1(t) H_1 + c_2(t) H_2 + ...) Y of Schroedinger's equation for full tensors, for `denseFlow`. */
export const denseSchroedinger =
  (...parts: readonly HamiltonianPart[]) =>
  (t: number, y: Tensor, out: Tensor): void => {
    out.data.fill(0);
    for (const [terms, coefficient = () => 1] of parts)
      addTo(out, { re: 0, im: -coefficient(t) }, denseImage(terms, y));
  };

/** Y(T) of Y' = F(t, Y) for full complex tensors, to round-off. */
export const denseFlow = (apply: (t: number, y: Tensor, out: Tensor) => void, start: Tensor, T: number): Tensor =>
  dopri5({ rtol: 1e-12, atol: 1e-13, maxSteps: 1e6 }).solve({
    node: 0,
    field: { kind: "nonlinear", autonomous: false, dtype: "complex128", shapeOut: start.shape, plan: () => apply },
    initial: asDtype(start, "complex128"),
    t0: 0,
    t1: T,
    seeks: "state",
  }).final;
