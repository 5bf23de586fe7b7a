import type { Complex, Dtype } from "../tensor.ts";
import { width } from "../tensor.ts";
import type { Backend, Gemm, Op } from "../backend.ts";
import { plainEigh, plainQr, plainSvd } from "./plain.ts";

/**
 * The oracle: plain loops, slow and obvious, with `ml-matrix` for the real factorisations that it gets right.
 * Nothing of it is shared with the other backends.
 */
export function referenceBackend(): Backend {
  memo ??= {
    name: "reference",
    description: "reference: plain loops",
    allocate: (length) => new Float64Array(length),
    gemm,
    qr: (dtype, m, n, a, q, r) =>
      asComplex(dtype, [a.subarray(0, m * n * width(dtype))], q ? [q, r] : [r], ([x], out) =>
        plainQr(m, n, x!, q ? out[0]! : null, out[out.length - 1]!),
      ),
    svd: (dtype, m, n, a, u, s, vh) =>
      asComplex(dtype, [a.subarray(0, m * n * width(dtype))], u && vh ? [u, vh] : [], ([x], out) =>
        plainSvd(m, n, x!, out[0] ?? null, s, out[1] ?? null),
      ),
    eigh: (dtype, n, a, w, v) =>
      asComplex(dtype, [a.subarray(0, n * n * width(dtype))], [v], ([x], out) => plainEigh(n, x!, w, out[0]!)),
  };
  return memo;
}

let memo: Backend | null = null;

/** Runs `f` on complex copies; a real input has real results, whose imaginary parts (exact zeros) are dropped. */
function asComplex<T>(
  dtype: Dtype,
  inputs: readonly Float64Array[],
  outputs: readonly Float64Array[],
  f: (inputs: readonly Float64Array[], outputs: readonly Float64Array[]) => T,
): T {
  if (dtype === "complex128") return f(inputs, outputs);
  const wide = (x: Float64Array) => {
    const y = new Float64Array(2 * x.length);
    for (let i = 0; i < x.length; i++) y[2 * i] = x[i]!;
    return y;
  };
  const results = outputs.map((x) => new Float64Array(2 * x.length));
  const value = f(inputs.map(wide), results);
  for (const [j, x] of outputs.entries()) for (let i = 0; i < x.length; i++) x[i] = results[j]![2 * i]!;
  return value;
}

/** Position and sign of the imaginary part of entry (i, j) of op(X). */
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
