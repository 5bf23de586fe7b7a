import { madd, tileAt, timesI } from "./simd";

/**
 * The only inner loop of all products: the 4 x 4 outer-product sum over k of packed rows of A (four doubles for each k,
 * each stored twice, which is faster than to spread it at every use) with four contiguous doubles of B for each k, `stepB` bytes apart. For complex scalars the four doubles are two
 * (re, im) pairs; the real outer product then holds every cross product of a 2 x 2 complex tile, and only the write-back
 * combines them, so that real and complex run at the same rate. Writes or adds to the tile at `c`.
 */
export function micro(w: i32, k: i32, a: usize, b: usize, stepB: usize, c: usize, stepC: usize, add: bool): void {
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  let x: v128;
  // Not unrolled: a longer body makes V8 (11.3) spill accumulators, which costs a fifth of the speed.
  for (; k > 0; k--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    x = v128.load(a, 0);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    x = v128.load(a, 16);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    x = v128.load(a, 32);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    x = v128.load(a, 48);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    a += 64;
    b += stepB;
  }
  if (w == 2) {
    // Rows are (re, im) of two scalars: re-row + i * im-row.
    c00 = f64x2.add(c00, timesI(c10));
    c01 = f64x2.add(c01, timesI(c11));
    c10 = f64x2.add(c20, timesI(c30));
    c11 = f64x2.add(c21, timesI(c31));
    if (add) {
      c00 = f64x2.add(c00, v128.load(c));
      c01 = f64x2.add(c01, v128.load(c, 16));
      c10 = f64x2.add(c10, v128.load(c + stepC));
      c11 = f64x2.add(c11, v128.load(c + stepC, 16));
    }
    v128.store(c, c00);
    v128.store(c, c01, 16);
    v128.store(c + stepC, c10);
    v128.store(c + stepC, c11, 16);
    return;
  }
  if (add) {
    c00 = f64x2.add(c00, v128.load(c));
    c01 = f64x2.add(c01, v128.load(c, 16));
    c10 = f64x2.add(c10, v128.load(c + stepC));
    c11 = f64x2.add(c11, v128.load(c + stepC, 16));
    c20 = f64x2.add(c20, v128.load(c + 2 * stepC));
    c21 = f64x2.add(c21, v128.load(c + 2 * stepC, 16));
    c30 = f64x2.add(c30, v128.load(c + 3 * stepC));
    c31 = f64x2.add(c31, v128.load(c + 3 * stepC, 16));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c + stepC, c10);
  v128.store(c + stepC, c11, 16);
  v128.store(c + 2 * stepC, c20);
  v128.store(c + 2 * stepC, c21, 16);
  v128.store(c + 3 * stepC, c30);
  v128.store(c + 3 * stepC, c31, 16);
}

/**
 * Independent multiply-adds in registers and nothing else: the speed limit that a product can be measured against.
 * Thirteen chains hide the latency of a multiplication followed by an addition. Returns the floating-point operations done.
 */
export function peak(iterations: i32): f64 {
  let c0 = f64x2.splat(1);
  let c1 = f64x2.splat(2);
  let c2 = f64x2.splat(3);
  let c3 = f64x2.splat(4);
  let c4 = f64x2.splat(5);
  let c5 = f64x2.splat(6);
  let c6 = f64x2.splat(7);
  let c7 = f64x2.splat(8);
  let c8 = f64x2.splat(9);
  let c9 = f64x2.splat(10);
  let c10 = f64x2.splat(11);
  let c11 = f64x2.splat(12);
  let c12 = f64x2.splat(13);
  // From memory: V8 would build a constant anew at each of its uses.
  v128.store(tileAt, f64x2.splat(0.999999));
  v128.store(tileAt, f64x2.splat(1e-9), 16);
  const x = v128.load(tileAt);
  const y = v128.load(tileAt, 16);
  for (let i = 0; i < iterations; i++) {
    c0 = madd(c0, x, y);
    c1 = madd(c1, x, y);
    c2 = madd(c2, x, y);
    c3 = madd(c3, x, y);
    c4 = madd(c4, x, y);
    c5 = madd(c5, x, y);
    c6 = madd(c6, x, y);
    c7 = madd(c7, x, y);
    c8 = madd(c8, x, y);
    c9 = madd(c9, x, y);
    c10 = madd(c10, x, y);
    c11 = madd(c11, x, y);
    c12 = madd(c12, x, y);
  }
  let sum = c0;
  sum = f64x2.add(sum, c1);
  sum = f64x2.add(sum, c2);
  sum = f64x2.add(sum, c3);
  sum = f64x2.add(sum, c4);
  sum = f64x2.add(sum, c5);
  sum = f64x2.add(sum, c6);
  sum = f64x2.add(sum, c7);
  sum = f64x2.add(sum, c8);
  sum = f64x2.add(sum, c9);
  sum = f64x2.add(sum, c10);
  sum = f64x2.add(sum, c11);
  sum = f64x2.add(sum, c12);
  // The sum is used, so that no compiler may leave the loop out.
  return f64x2.extract_lane(sum, 0) == 0 ? 0 : <f64>iterations * 52;
}
