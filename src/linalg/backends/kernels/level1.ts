import { lanes, madd, nmadd, resultAt, timesI } from "./simd";

/*
 * Vectors of n contiguous scalars. A complex result has its real part returned and its imaginary part at `resultAt`.
 */

/** Sum of conj(x) y. */
export function dot(w: i32, n: i32, x: usize, y: usize): f64 {
  const end = x + ((8 * w * n) & ~31);
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let t0 = f64x2.splat(0);
  let t1 = f64x2.splat(0);
  const rest = (w * n) & 3;
  if (w == 1) {
    for (; x < end; x += 32, y += 32) {
      s0 = madd(v128.load(x), v128.load(y), s0);
      s1 = madd(v128.load(x, 16), v128.load(y, 16), s1);
    }
    let sum = lanes(f64x2.add(s0, s1));
    for (let i = 0; i < rest; i++) sum += load<f64>(x + 8 * i) * load<f64>(y + 8 * i);
    store<f64>(resultAt, 0);
    return sum;
  }
  for (; x < end; x += 32, y += 32) {
    const x0 = v128.load(x);
    const y0 = v128.load(y);
    const x1 = v128.load(x, 16);
    const y1 = v128.load(y, 16);
    s0 = madd(x0, y0, s0);
    t0 = madd(x0, v128.shuffle<f64>(y0, y0, 1, 0), t0);
    s1 = madd(x1, y1, s1);
    t1 = madd(x1, v128.shuffle<f64>(y1, y1, 1, 0), t1);
  }
  if (rest) {
    const x0 = v128.load(x);
    const y0 = v128.load(y);
    s0 = madd(x0, y0, s0);
    t0 = madd(x0, v128.shuffle<f64>(y0, y0, 1, 0), t0);
  }
  t0 = f64x2.add(t0, t1);
  store<f64>(resultAt, f64x2.extract_lane(t0, 0) - f64x2.extract_lane(t0, 1));
  return lanes(f64x2.add(s0, s1));
}

/** Sum of |x|^2. */
export function square(w: i32, n: i32, x: usize): f64 {
  const end = x + 8 * w * n;
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (; x + 32 <= end; x += 32) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    s0 = madd(x0, x0, s0);
    s1 = madd(x1, x1, s1);
  }
  let sum = lanes(f64x2.add(s0, s1));
  for (; x < end; x += 8) sum += load<f64>(x) * load<f64>(x);
  return sum;
}

/** y := y - (re + i im) x. */
export function subtract(w: i32, n: i32, re: f64, im: f64, x: usize, y: usize): void {
  const end = x + 8 * w * n;
  const r = f64x2.splat(re);
  if (w == 1) {
    for (; x + 16 <= end; x += 16, y += 16) v128.store(y, nmadd(r, v128.load(x), v128.load(y)));
    if (x < end) store<f64>(y, load<f64>(y) - re * load<f64>(x));
    return;
  }
  const j = f64x2.splat(im);
  for (; x < end; x += 16, y += 16) {
    const z = v128.load(x);
    v128.store(y, nmadd(j, timesI(z), nmadd(r, z, v128.load(y))));
  }
}

/** x := (re + i im) x; a factor of zero writes zeros, whatever was there. */
export function scale(w: i32, n: i32, re: f64, im: f64, x: usize): void {
  const end = x + 8 * w * n;
  if (re == 0 && im == 0) {
    memory.fill(x, 0, end - x);
    return;
  }
  const r = f64x2.splat(re);
  if (w == 1 || im == 0) {
    for (; x + 16 <= end; x += 16) v128.store(x, f64x2.mul(r, v128.load(x)));
    if (x < end) store<f64>(x, re * load<f64>(x));
    return;
  }
  const j = f64x2.splat(im);
  for (; x < end; x += 16) {
    const z = v128.load(x);
    v128.store(x, f64x2.add(f64x2.mul(r, z), f64x2.mul(j, timesI(z))));
  }
}

/** (x, y) := (c x - conj(s) y, s x + c y) with real c and complex s = re + i im: a unitary rotation of two rows. */
export function rotate(w: i32, n: i32, c: f64, re: f64, im: f64, x: usize, y: usize): void {
  const end = x + 8 * w * n;
  const cc = f64x2.splat(c);
  const r = f64x2.splat(re);
  if (w == 1) {
    for (; x + 16 <= end; x += 16, y += 16) {
      const p = v128.load(x);
      const q = v128.load(y);
      v128.store(x, nmadd(r, q, f64x2.mul(cc, p)));
      v128.store(y, madd(r, p, f64x2.mul(cc, q)));
    }
    if (x < end) {
      const p = load<f64>(x);
      const q = load<f64>(y);
      store<f64>(x, c * p - re * q);
      store<f64>(y, re * p + c * q);
    }
    return;
  }
  const j = f64x2.splat(im);
  for (; x < end; x += 16, y += 16) {
    const p = v128.load(x);
    const q = v128.load(y);
    v128.store(x, madd(j, timesI(q), nmadd(r, q, f64x2.mul(cc, p))));
    v128.store(y, madd(j, timesI(p), madd(r, p, f64x2.mul(cc, q))));
  }
}

/** The transpose of the m x n matrix x, or its conjugate transpose. */
export function transpose(w: i32, m: i32, n: i32, x: usize, ldx: i32, y: usize, ldy: i32, flip: bool): void {
  const size: usize = 8 * w;
  for (let ib = 0; ib < m; ib += 8) {
    const ie = min(m, ib + 8);
    for (let j = 0; j < n; j++)
      for (let i = ib; i < ie; i++) {
        const from = x + (i * ldx + j) * size;
        const to = y + (j * ldy + i) * size;
        store<f64>(to, load<f64>(from));
        if (w == 2) store<f64>(to, flip ? -load<f64>(from, 8) : load<f64>(from, 8), 8);
      }
  }
}
