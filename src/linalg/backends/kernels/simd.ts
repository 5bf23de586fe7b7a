/*
 * What differs between the two builds, and the memory that the kernels own. A scalar is `w` doubles wide: 1 real,
 * 2 complex (re, im). Pointers are byte addresses; sizes and leading dimensions count scalars.
 */

/** a * b + c: fused where the engine has relaxed SIMD. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** c - a * b. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_nmadd(a, b, c);
  return f64x2.sub(c, f64x2.mul(a, b));
}

/** The product of the complex number x with i: (-im, re). */
// @ts-ignore: decorator
@inline
export function timesI(x: v128): v128 {
  return v128.xor(v128.shuffle<f64>(x, x, 1, 0), i64x2(0x8000000000000000, 0));
}

/** The complex conjugate of x. */
// @ts-ignore: decorator
@inline
export function conj(x: v128): v128 {
  return v128.xor(x, i64x2(0, 0x8000000000000000));
}

/** Sum of the two lanes. */
// @ts-ignore: decorator
@inline
export function lanes(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** Block sizes in doubles: A's block stays in the second-level cache, a column panel of B in the first. */
export const blockM: usize = 64;
export const blockK: usize = 256;
export const blockN: usize = 512;

/** Fixed places below the heap, which begins at 2 MiB (wasm.ts knows the number). */
export const resultAt: usize = 1024;
export const tileAt: usize = 2048;
export const packedA: usize = 4096;
export const packedB: usize = 4096 + 16 * 64 * 256;
