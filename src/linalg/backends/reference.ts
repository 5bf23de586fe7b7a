import type { Backend, Gemm, Op } from "../backend.ts";
import type { Complex, Dtype } from "../tensor.ts";
import { width } from "../tensor.ts";
import { mlEigh, mlMatrix, mlQr, mlSvd } from "./ml-matrix.ts";
import { plainQr, plainSvd } from "./plain.ts";
import { plainEigh } from "./plain-eigh.ts";

/**
 * The oracle: plain loops, slow and obvious, with `ml-matrix` for real factorisations. It shares nothing with the other
 * backends.
 */
export function referenceBackend(): Backend {
  memo ??= {
    name: "reference",
    description: "reference: plain loops, ml-matrix for real factorisations",
    allocate: (length) => new Float64Array(length),
    reaches: () => true,
    gemm,
    qr: (dtype, m, n, a, q, r) => {
      const x = a.subarray(0, m * n * width(dtype));
      const ml = real(dtype, x);
      if (ml) return mlQr(ml, m, n, x, q, r);
      asComplex(dtype, x, q ? [q, r] : [r], (y, out) => plainQr(m, n, y, q ? out[0]! : null, out[out.length - 1]!));
    },
    svd: (dtype, m, n, a, u, s, vh) => {
      const x = a.subarray(0, m * n * width(dtype));
      const ml = real(dtype, x);
      if (!ml)
        return asComplex(dtype, x, u && vh ? [u, vh] : [], (y, out) =>
          plainSvd(m, n, y, out[0] ?? null, s, out[1] ?? null),
        );
      mlSvd(ml, m, n, x, u, s, vh);
      return true;
    },
    eigh: (dtype, n, a, w, v) => {
      const x = a.subarray(0, n * n * width(dtype));
      const ml = real(dtype, x);
      if (!ml) return asComplex(dtype, x, [v], (y, out) => plainEigh(n, y, w, out[0]!));
      mlEigh(ml, n, x, w, v);
      return true;
    },
  };
  return memo;
}

/** The library for real matrices; it does not take empty ones. */
const real = (dtype: Dtype, x: Float64Array) => (dtype === "float64" && x.length > 0 ? mlMatrix() : null);

let memo: Backend | null = null;

/** Runs `f` on complex copies; a real input has real results, whose imaginary parts (exact zeros) are dropped. */
function asComplex<T>(
  dtype: Dtype,
  input: Float64Array,
  outputs: readonly Float64Array[],
  f: (input: Float64Array, outputs: readonly Float64Array[]) => T,
): T {
  if (dtype === "complex128") return f(input, outputs);
  const wide = new Float64Array(2 * input.length);
  for (let i = 0; i < input.length; i++) wide[2 * i] = input[i]!;
  const results = outputs.map((x) => new Float64Array(2 * x.length));
  const value = f(wide, results);
  for (const [j, x] of outputs.entries()) for (let i = 0; i < x.length; i++) x[i] = results[j]![2 * i]!;
  return value;
}

/** Position of entry (i, j) of op(X). */
const place = (op: Op, i: number, j: number, ld: number) => (op === "N" ? i * ld + j : j * ld + i);

function gemm(g: Gemm, alpha: Complex, a: Float64Array, b: Float64Array, beta: number, c: Float64Array): void {
  const w = width(g.dtype);
  for (let batch = 0; batch < g.count; batch++)
    for (let i = 0; i < g.m; i++)
      for (let j = 0; j < g.n; j++) {
        let re = 0;
        let im = 0;
        for (let l = 0; l < g.k; l++) {
          const p = w * (batch * g.strideA + place(g.opA, i, l, g.lda));
          const q = w * (batch * g.strideB + place(g.opB, l, j, g.ldb));
          const aRe = a[p]!;
          const bRe = b[q]!;
          re += aRe * bRe;
          if (w === 1) continue;
          const aIm = g.opA === "C" ? -a[p + 1]! : a[p + 1]!;
          const bIm = g.opB === "C" ? -b[q + 1]! : b[q + 1]!;
          re -= aIm * bIm;
          im += aRe * bIm + aIm * bRe;
        }
        const z = w * (batch * g.strideC + i * g.ldc + j);
        c[z] = alpha.re * re - (w === 2 ? alpha.im * im : 0) + (beta === 0 ? 0 : beta * c[z]!);
        if (w === 2) c[z + 1] = alpha.re * im + alpha.im * re + (beta === 0 ? 0 : beta * c[z + 1]!);
      }
}
