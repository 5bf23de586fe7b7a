import { beforeAll, describe, expect, test } from "vitest";
import { type Gemm, gemmShape, type Op } from "../../src/linalg/backend.ts";
import { backend, useBackend } from "../../src/linalg/current.ts";
import { type Complex, type Dtype, tensor, width } from "../../src/linalg/tensor.ts";
import { backends, eps, everywhere, random, randomMatrix } from "./zoo.ts";

const one: Complex = { re: 1, im: 0 };
const ops: readonly Op[] = ["N", "T", "C"];

const integers = (length: number, seed: number): Float64Array => {
  const next = random(seed);
  return Float64Array.from({ length }, () => Math.trunc(next() * (2 ** 20 - 1)));
};

/** The product of integer matrices in exact arithmetic. */
function exact(g: Gemm, a: Float64Array, b: Float64Array): bigint[] {
  const w = width(g.dtype);
  const at = (x: Float64Array, op: Op, ld: number, i: number, j: number): [bigint, bigint] => {
    const p = w * (op === "N" ? i * ld + j : j * ld + i);
    return [BigInt(x[p]!), w === 1 ? 0n : BigInt(x[p + 1]!) * (op === "C" ? -1n : 1n)];
  };
  const out: bigint[] = [];
  for (let i = 0; i < g.m; i++)
    for (let j = 0; j < g.n; j++) {
      let re = 0n;
      let im = 0n;
      for (let l = 0; l < g.k; l++) {
        const [ar, ai] = at(a, g.opA, g.lda, i, l);
        const [br, bi] = at(b, g.opB, g.ldb, l, j);
        re += ar * br - ai * bi;
        im += ar * bi + ai * br;
      }
      out.push(re);
      if (w === 2) out.push(im);
    }
  return out;
}

const multiply = (
  dtype: Dtype,
  opA: Op,
  opB: Op,
  m: number,
  n: number,
  k: number,
  a: Float64Array,
  b: Float64Array,
) => {
  const c = new Float64Array(width(dtype) * m * n).fill(Number.NaN);
  backend().gemm(gemmShape(dtype, opA, opB, m, n, k), one, a, b, 0, c);
  return c;
};

describe.each(everywhere)("matrix products on $name, $dtype", ({ name, dtype }) => {
  const w = width(dtype);
  beforeAll(() => void useBackend(name));

  test("integers below 2^20 with inner size up to 2^10 are multiplied exactly, for all ops and ragged sizes", () => {
    const shapes = [
      [1, 1, 1],
      [2, 3, 4],
      [5, 7, 9],
      [1, 33, 17],
      [33, 1, 17],
      [16, 16, 16],
      [67, 5, 70],
      [3, 4, 1024],
      [9, 300, 6],
    ] as const;
    for (const opA of ops)
      for (const opB of ops)
        for (const [m, n, k] of shapes) {
          const a = integers(w * m * k, 1);
          const b = integers(w * k * n, 2);
          const c = multiply(dtype, opA, opB, m, n, k, a, b);
          const expected = exact(gemmShape(dtype, opA, opB, m, n, k), a, b);
          expect(Array.from(c, BigInt), `${opA}${opB} ${m}x${n}x${k}`).toEqual(expected);
        }
  });

  test("batches, strides, leading dimensions, alpha and beta: only C's own entries change, as the definition says", () => {
    for (const inside of [false, true])
      for (const opA of ops)
        for (const [m, n, k, count] of [
          [2, 3, 4, 3],
          [4, 4, 4, 5],
          [7, 5, 6, 2],
          [17, 9, 3, 2],
        ] as const)
          for (const beta of [0, 1, -3])
            for (const strideA of [0, 200]) {
              const shape = gemmShape(dtype, opA, "N", m, n, k);
              const g = {
                ...shape,
                lda: shape.lda + 2,
                ldb: n + 1,
                ldc: n + 3,
                count,
                strideA,
                strideB: k * (n + 1),
                strideC: m * (n + 3) + 1,
              };
              const memory = (x: Float64Array) => {
                const y = inside ? backend().allocate(x.length) : new Float64Array(x.length);
                y.set(x);
                return y;
              };
              const a = integers(w * 1000, 3).map((x) => x % 1000);
              const b = integers(w * g.strideB * count, 4).map((x) => x % 1000);
              const c = integers(w * g.strideC * count, 5).map((x) => x % 1000);
              const out = memory(c);
              const alpha = { re: 2, im: w === 2 ? -1 : 0 };
              backend().gemm(g, alpha, memory(a), memory(b), beta, out);
              const expected = c.slice();
              for (let batch = 0; batch < count; batch++) {
                const product = exact({ ...g }, a.subarray(w * batch * strideA), b.subarray(w * batch * g.strideB)).map(
                  Number,
                );
                for (let i = 0; i < m; i++)
                  for (let j = 0; j < n; j++) {
                    const p = w * (batch * g.strideC + i * g.ldc + j);
                    const q = w * (i * n + j);
                    const im = w === 2 ? product[q + 1]! : 0;
                    expected[p] = alpha.re * product[q]! - alpha.im * im + beta * c[p]!;
                    if (w === 2) expected[p + 1] = alpha.re * im + alpha.im * product[q]! + beta * c[p + 1]!;
                  }
              }
              expect(
                out.every((x, i) => x === expected[i]),
                `${opA} ${m}x${n}x${k} beta ${beta}`,
              ).toBe(true);
            }
  });

  test("empty sizes: nothing is written, and an empty inner size writes beta C", () => {
    const c = Float64Array.from({ length: w * 6 }, (_, i) => i + 1);
    const nothing = new Float64Array(0);
    backend().gemm(gemmShape(dtype, "N", "N", 0, 3, 2), one, nothing, new Float64Array(6 * w), 0, nothing);
    backend().gemm(gemmShape(dtype, "N", "N", 2, 3, 0), one, nothing, nothing, 1, c);
    expect(Array.from(c)).toEqual(Array.from(c, (_, i) => i + 1));
    backend().gemm(gemmShape(dtype, "N", "N", 2, 3, 0), one, nothing, nothing, 0, c);
    expect(c.every((x) => x === 0)).toBe(true);
  });

  test("the product is linear, an impulse picks a row, a permutation permutes", () => {
    const [m, n, k] = [13, 21, 70];
    const a = randomMatrix(m, k, dtype, 6).data;
    const b = randomMatrix(k, n, dtype, 7).data;
    const b2 = randomMatrix(k, n, dtype, 8).data;
    const sum = multiply(
      dtype,
      "N",
      "N",
      m,
      n,
      k,
      a,
      b.map((x, i) => x + b2[i]!),
    );
    const first = multiply(dtype, "N", "N", m, n, k, a, b);
    const second = multiply(dtype, "N", "N", m, n, k, a, b2);
    for (let i = 0; i < sum.length; i++)
      expect(Math.abs(sum[i]! - first[i]! - second[i]!)).toBeLessThanOrEqual(10 * k * eps);
    const order = Array.from({ length: k }, (_, i) => (i * 37) % k);
    const permutation = tensor([k, k], dtype).data;
    order.forEach((j, i) => {
      permutation[w * (i * k + j)] = 1;
    });
    const permuted = multiply(dtype, "N", "N", k, n, k, permutation, b);
    for (let i = 0; i < k; i++)
      expect(permuted.subarray(w * i * n, w * (i + 1) * n)).toEqual(
        b.subarray(w * order[i]! * n, w * (order[i]! + 1) * n),
      );
  });

  test("the same product twice gives the same bits, in any memory", () => {
    const a = randomMatrix(37, 65, dtype, 9).data;
    const b = randomMatrix(65, 19, dtype, 10).data;
    const c = multiply(dtype, "N", "N", 37, 19, 65, a, b);
    const [x, y, z] = [a, b, c].map((s) => backend().allocate(s.length)) as [Float64Array, Float64Array, Float64Array];
    x.set(a);
    y.set(b);
    backend().gemm(gemmShape(dtype, "N", "N", 37, 19, 65), one, x, y, 0, z);
    expect(Array.from(z)).toEqual(Array.from(c));
  });
});

test.each(backends)("on %s a real product run as complex has imaginary parts that are exactly zero", (name) => {
  useBackend(name);
  const a = randomMatrix(20, 30, "float64", 11).data;
  const b = randomMatrix(30, 10, "float64", 12).data;
  const wide = (x: Float64Array) => Float64Array.from({ length: 2 * x.length }, (_, i) => (i % 2 ? 0 : x[i / 2]!));
  const real = multiply("float64", "N", "N", 20, 10, 30, a, b);
  const full = multiply("complex128", "N", "N", 20, 10, 30, wide(a), wide(b));
  real.forEach((x, i) => {
    expect(Math.abs(full[2 * i]! - x)).toBeLessThanOrEqual(4 * 30 * eps);
    expect(Math.abs(full[2 * i + 1]!)).toBe(0);
  });
});

test.each(backends)("on %s arrays from allocate keep their contents while more is allocated", (name) => {
  const blas = useBackend(name);
  const first = blas.allocate(1000).fill(7);
  const big = blas.allocate(4_000_000).fill(1);
  expect(first.every((x) => x === 7)).toBe(true);
  const c = blas.allocate(1);
  blas.gemm(gemmShape("float64", "N", "N", 1, 1, 1000), one, first, big, 0, c);
  expect(c[0]).toBe(7000);
});
