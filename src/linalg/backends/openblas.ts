import type { Backend, Gemm, Op } from "../backend.ts";
import type { Complex } from "../tensor.ts";
import { width } from "../tensor.ts";
import { lapack } from "./lapack.ts";
import { loadOpenblas, type Native } from "./openblas-library.ts";

/**
 * The system's OpenBLAS, called through koffi on the callers' own memory, on one thread.
 * Null where koffi or the library is missing, a browser included. `DLRA_OPENBLAS` names a library file to try first.
 */
export function openblasBackend(): Backend | null {
  if (memo === undefined) {
    const native = loadOpenblas();
    memo = native && create(native);
  }
  return memo;
}

let memo: Backend | null | undefined;

const rowMajor = 101;
const trans: Record<Op, number> = { N: 111, T: 112, C: 113 };

function create(native: Native): Backend {
  const int = "int";
  const pointer = "void *";
  const signature = (scalar: string) => [
    int,
    int,
    int,
    int,
    int,
    int,
    scalar,
    pointer,
    int,
    pointer,
    int,
    scalar,
    pointer,
    int,
  ];
  const dgemm = native.func("cblas_dgemm", "void", signature("double"));
  const zgemm = native.func("cblas_zgemm", "void", signature(pointer));
  const scalars = new Float64Array(16);
  const alphaAt = native.address(scalars);
  const betaAt = alphaAt + 16;
  /** Arrays whose addresses are in use: an address does not keep what lies there from being collected. */
  const inUse: Float64Array[] = [];

  const gemm: Backend["gemm"] = (g, alpha, a, b, beta, c) => {
    if (g.m === 0 || g.n === 0) return;
    if (g.m * g.n * g.k <= tiny) return tinyGemm(g, alpha, a, b, beta, c);
    const isReal = g.dtype === "float64";
    const call = isReal ? dgemm : zgemm;
    if (!isReal) {
      scalars[0] = alpha.re;
      scalars[1] = alpha.im;
      scalars[2] = beta;
    }
    const first = isReal ? alpha.re : alphaAt;
    const second = isReal ? beta : betaAt;
    const [opA, opB] = [trans[g.opA], trans[g.opB]];
    // Leading dimensions of 0 (an empty operand) are refused, although nothing is read.
    const [lda, ldb] = [Math.max(1, g.lda), Math.max(1, g.ldb)];
    if (g.count === 1) {
      call(rowMajor, opA, opB, g.m, g.n, g.k, first, a, lda, b, ldb, second, c, g.ldc);
      return;
    }
    // One address a batch and numbers inside cost 0.14 us a call instead of 0.19 us with three views.
    inUse[0] = a;
    inUse[1] = b;
    inUse[2] = c;
    const bytes = 8 * width(g.dtype);
    let aAt = native.address(a);
    let bAt = native.address(b);
    let cAt = native.address(c);
    for (let batch = 0; batch < g.count; batch++) {
      call(rowMajor, opA, opB, g.m, g.n, g.k, first, aAt, lda, bAt, ldb, second, cAt, g.ldc);
      aAt += bytes * g.strideA;
      bAt += bytes * g.strideB;
      cAt += bytes * g.strideC;
    }
  };

  return {
    name: "openblas",
    description: native.description,
    allocate: (length) => new Float64Array(length),
    reaches: () => true,
    gemm,
    ...lapack(native, gemm),
  };
}

/** Size m n k up to which a foreign call (0.2 us real, 0.3 us complex) costs more than the loops here. */
const tiny = 32;

function tinyGemm(g: Gemm, alpha: Complex, a: Float64Array, b: Float64Array, beta: number, c: Float64Array): void {
  const w = width(g.dtype);
  const [aRow, aCol] = g.opA === "N" ? [g.lda, 1] : [1, g.lda];
  const [bRow, bCol] = g.opB === "N" ? [g.ldb, 1] : [1, g.ldb];
  const aSign = g.opA === "C" ? -1 : 1;
  const bSign = g.opB === "C" ? -1 : 1;
  for (let batch = 0; batch < g.count; batch++)
    for (let i = 0; i < g.m; i++)
      for (let j = 0; j < g.n; j++) {
        let p = w * (batch * g.strideA + i * aRow);
        let q = w * (batch * g.strideB + j * bCol);
        const z = w * (batch * g.strideC + i * g.ldc + j);
        let re = 0;
        let im = 0;
        if (w === 1) {
          for (let l = 0; l < g.k; l++, p += aCol, q += bRow) re += a[p]! * b[q]!;
          c[z] = beta === 0 ? alpha.re * re : alpha.re * re + beta * c[z]!;
          continue;
        }
        for (let l = 0; l < g.k; l++, p += 2 * aCol, q += 2 * bRow) {
          const aIm = aSign * a[p + 1]!;
          const bIm = bSign * b[q + 1]!;
          re += a[p]! * b[q]! - aIm * bIm;
          im += a[p]! * bIm + aIm * b[q]!;
        }
        const outRe = alpha.re * re - alpha.im * im;
        const outIm = alpha.re * im + alpha.im * re;
        c[z] = beta === 0 ? outRe : outRe + beta * c[z]!;
        c[z + 1] = beta === 0 ? outIm : outIm + beta * c[z + 1]!;
      }
}
