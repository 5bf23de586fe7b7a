import { scale } from "./level1";
import { micro } from "./micro";
import { pack, packTwice } from "./pack";
import { blockK, blockM, blockN, packedA, packedB, tileAt } from "./simd";

/** The largest operand in bytes that is read in place, from the first-level cache, when its rows need no packing. */
const inPlace: usize = 16384;

/**
 * A batch of products C := alpha op(A) op(B) + beta C on row-major matrices, as `Gemm` in backend.ts; op is 0 (as it
 * is), 1 (transposed), 2 (conjugate-transposed). Blocked after Goto and van de Geijn [goto2008anatomy].
 */
export function gemm(
  w: i32, opA: i32, opB: i32, m: i32, n: i32, k: i32, lda: i32, ldb: i32, ldc: i32,
  count: i32, strideA: i32, strideB: i32, strideC: i32,
  alphaRe: f64, alphaIm: f64, a: usize, b: usize, beta: f64, c: usize,
): void {
  const size: usize = 8 * w;
  const tile: i32 = w == 2 ? 2 : 4;
  const rowA: usize = opA == 0 ? lda * size : size;
  const kA: usize = opA == 0 ? size : lda * size;
  const columnB: usize = opB == 0 ? size : ldb * size;
  const kB: usize = opB == 0 ? ldb * size : size;
  const rowC: usize = ldc * size;
  const mMax: i32 = <i32>blockM / w;
  const nMax: i32 = <i32>blockN / w;
  const kMax = <i32>blockK;
  const unit = alphaRe == 1 && alphaIm == 0;
  const keepA = strideA == 0 && m <= mMax && k <= kMax;
  const keepB = strideB == 0 && n <= nMax && k <= kMax;
  const direct = opB == 0 && (m <= 4 * tile || <usize>k * kB <= inPlace);

  for (let batch = 0; batch < count; batch++, a += strideA * size, b += strideB * size, c += strideC * size) {
    if (k == 0 || (beta != 0 && beta != 1)) for (let i = 0; i < m; i++) scale(w, n, beta, 0, c + i * rowC);
    for (let jc = 0; jc < n; jc += nMax) {
      const nc = min(nMax, n - jc);
      const whole = direct ? nc - (nc % tile) : 0;
      for (let pc = 0; pc < k; pc += kMax) {
        const kc = min(kMax, k - pc);
        const add = pc > 0 || beta != 0;
        const panel: usize = kc * 32;
        const fromB = b + jc * columnB + pc * kB;
        if (whole < nc && !(keepB && batch > 0))
          pack(w, nc - whole, kc, fromB + whole * columnB, columnB, kB, opB == 2, packedB);
        for (let ic = 0; ic < m; ic += mMax) {
          const mc = min(mMax, m - ic);
          if (!(keepA && batch > 0)) {
            packTwice(w, mc, kc, a + ic * rowA + pc * kA, rowA, kA, opA == 2, packedA);
            if (!unit) scalePacked(w, ((mc + tile - 1) / tile) * kc, alphaRe, alphaIm);
          }
          for (let j = 0; j < nc; j += tile) {
            const inB = j < whole ? fromB + j * size : packedB + ((j - whole) / tile) * panel;
            const stepB: usize = j < whole ? kB : 32;
            let inA = packedA;
            for (let i = 0; i < mc; i += tile, inA += 2 * panel) {
              const at = c + (ic + i) * rowC + (jc + j) * size;
              if (i + tile <= mc && j + tile <= nc) micro(w, kc, inA, inB, stepB, at, rowC, add);
              else {
                micro(w, kc, inA, inB, stepB, tileAt, 32, false);
                edge(w, min(tile, mc - i), min(tile, nc - j), at, rowC, add);
              }
            }
          }
        }
      }
    }
  }
}

/** Moves the part of a tile that lies inside C. */
function edge(w: i32, rows: i32, columns: i32, c: usize, rowC: usize, add: bool): void {
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns * w; j++) {
      const x = load<f64>(tileAt + 32 * i + 8 * j);
      const to = c + i * rowC + 8 * j;
      store<f64>(to, add ? load<f64>(to) + x : x);
    }
}

/** Multiplies the packed block of A, `groups` times four doubles stored twice, by alpha. */
function scalePacked(w: i32, groups: i32, re: f64, im: f64): void {
  const r = f64x2.splat(re);
  const j = f64x2.splat(im);
  for (let p = packedA, end = packedA + 64 * groups; p < end; p += 32) {
    const x = v128.load(p);
    const y = v128.load(p, 16);
    if (w == 1) {
      v128.store(p, f64x2.mul(r, x));
      v128.store(p, f64x2.mul(r, y), 16);
    } else {
      // x is (re, re), y is (im, im) of one scalar.
      v128.store(p, f64x2.sub(f64x2.mul(r, x), f64x2.mul(j, y)));
      v128.store(p, f64x2.add(f64x2.mul(r, y), f64x2.mul(j, x)), 16);
    }
  }
}
