import { conj } from "./simd";

/**
 * Packs `rows` x k scalars of B into panels of four doubles for each k (four real columns or two complex ones), the last
 * panel filled up with zeros. `stepRow` and `stepK` are the distances in bytes, so that both orders of the source are
 * the same text; with `flip` the conjugates are packed.
 */
export function pack(w: i32, rows: i32, k: i32, source: usize, stepRow: usize, stepK: usize, flip: bool, to: usize): void {
  const tile = w == 2 ? 2 : 4;
  for (let i = 0; i < rows; i += tile, source += tile * stepRow) {
    const rest = rows - i;
    let p = source;
    if (w == 2) {
      const second = rest > 1 ? stepRow : 0;
      for (let l = 0; l < k; l++, p += stepK, to += 32) {
        let x = v128.load(p);
        let y = rest > 1 ? v128.load(p + second) : f64x2.splat(0);
        if (flip) {
          x = conj(x);
          y = conj(y);
        }
        v128.store(to, x);
        v128.store(to, y, 16);
      }
    } else if (rest >= 4 && stepRow == 8) {
      for (let l = 0; l < k; l++, p += stepK, to += 32) {
        v128.store(to, v128.load(p));
        v128.store(to, v128.load(p, 16), 16);
      }
    } else if (rest >= 4) {
      for (let l = 0; l < k; l++, p += stepK, to += 32) {
        store<f64>(to, load<f64>(p));
        store<f64>(to, load<f64>(p + stepRow), 8);
        store<f64>(to, load<f64>(p + 2 * stepRow), 16);
        store<f64>(to, load<f64>(p + 3 * stepRow), 24);
      }
    } else {
      for (let l = 0; l < k; l++, p += stepK, to += 32)
        for (let r = 0; r < 4; r++) store<f64>(to + 8 * r, r < rest ? load<f64>(p + r * stepRow) : 0);
    }
  }
}

/** The same for A, with every double stored twice. */
export function packTwice(w: i32, rows: i32, k: i32, source: usize, stepRow: usize, stepK: usize, flip: bool, to: usize): void {
  const tile = w == 2 ? 2 : 4;
  for (let i = 0; i < rows; i += tile, source += tile * stepRow) {
    const rest = rows - i;
    let p = source;
    if (w == 2) {
      const second = rest > 1 ? stepRow : 0;
      for (let l = 0; l < k; l++, p += stepK, to += 64) {
        let x = v128.load(p);
        let y = rest > 1 ? v128.load(p + second) : f64x2.splat(0);
        if (flip) {
          x = conj(x);
          y = conj(y);
        }
        v128.store(to, v128.shuffle<f64>(x, x, 0, 0));
        v128.store(to, v128.shuffle<f64>(x, x, 1, 1), 16);
        v128.store(to, v128.shuffle<f64>(y, y, 0, 0), 32);
        v128.store(to, v128.shuffle<f64>(y, y, 1, 1), 48);
      }
    } else if (rest >= 4) {
      for (let l = 0; l < k; l++, p += stepK, to += 64) {
        v128.store(to, v128.load_splat<f64>(p));
        v128.store(to, v128.load_splat<f64>(p + stepRow), 16);
        v128.store(to, v128.load_splat<f64>(p + 2 * stepRow), 32);
        v128.store(to, v128.load_splat<f64>(p + 3 * stepRow), 48);
      }
    } else {
      for (let l = 0; l < k; l++, p += stepK, to += 64)
        for (let r = 0; r < 4; r++) v128.store(to + 16 * r, f64x2.splat(r < rest ? load<f64>(p + r * stepRow) : 0));
    }
  }
}
