import { conj } from "./simd";

/**
 * Packs `rows` x k scalars into panels of four doubles for each k (four real rows or two complex ones), the last one
 * filled up with zeros. `stepRow` and `stepK` are the distances in bytes, so that both orders of the source are the
 * same text; with `flip` the conjugates are packed.
 */
export function pack(w: i32, rows: i32, k: i32, source: usize, stepRow: usize, stepK: usize, flip: bool, to: usize): void {
  if (w == 2) {
    for (let i = 0; i < rows; i += 2, source += 2 * stepRow) {
      let p = source;
      let q = i + 1 < rows ? source + stepRow : source;
      const single = i + 1 >= rows;
      for (let l = 0; l < k; l++, p += stepK, q += stepK, to += 32) {
        let x = v128.load(p);
        let y = single ? f64x2.splat(0) : v128.load(q);
        if (flip) {
          x = conj(x);
          y = conj(y);
        }
        v128.store(to, x);
        v128.store(to, y, 16);
      }
    }
    return;
  }
  let i = 0;
  for (; i + 4 <= rows; i += 4, source += 4 * stepRow) {
    let p = source;
    let l = 0;
    if (stepRow == 8) {
      for (; l < k; l++, p += stepK, to += 32) {
        v128.store(to, v128.load(p));
        v128.store(to, v128.load(p, 16), 16);
      }
      continue;
    }
    const p1 = stepRow;
    const p2 = 2 * stepRow;
    const p3 = 3 * stepRow;
    if (stepK == 8)
      for (; l + 2 <= k; l += 2, p += 16, to += 64) {
        const x0 = v128.load(p);
        const x1 = v128.load(p + p1);
        const x2 = v128.load(p + p2);
        const x3 = v128.load(p + p3);
        v128.store(to, v128.shuffle<f64>(x0, x1, 0, 2));
        v128.store(to, v128.shuffle<f64>(x2, x3, 0, 2), 16);
        v128.store(to, v128.shuffle<f64>(x0, x1, 1, 3), 32);
        v128.store(to, v128.shuffle<f64>(x2, x3, 1, 3), 48);
      }
    for (; l < k; l++, p += stepK, to += 32) {
      store<f64>(to, load<f64>(p));
      store<f64>(to, load<f64>(p + p1), 8);
      store<f64>(to, load<f64>(p + p2), 16);
      store<f64>(to, load<f64>(p + p3), 24);
    }
  }
  if (i == rows) return;
  for (let l = 0; l < k; l++, source += stepK, to += 32)
    for (let r = 0; r < 4; r++) store<f64>(to + 8 * r, i + r < rows ? load<f64>(source + r * stepRow) : 0);
}
