/** The complex rotation that makes two vectors orthogonal: real cosine and sine, and the phase of their inner product. */
export interface JacobiRotation {
  readonly c: number;
  readonly s: number;
  readonly zRe: number;
  readonly zIm: number;
}

/**
 * The rotation of Jacobi's method for the Hermitian matrix [[alpha, g], [g*, beta]], g = re + i im: its off-diagonal entry becomes zero,
 * by the smaller of the two angles that do so. `size` is |g|, not zero.
 */
export function jacobiRotation(alpha: number, beta: number, re: number, im: number, size: number): JacobiRotation {
  const zeta = (beta - alpha) / (2 * size);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const c = 1 / Math.sqrt(1 + t * t);
  return { c, s: c * t, zRe: re / size, zIm: im / size };
}

/** The same for the conjugate of g. */
export const conjugateRotation = ({ c, s, zRe, zIm }: JacobiRotation): JacobiRotation => ({ c, s, zRe, zIm: -zIm });

/**
 * The vectors p and q, `count` complex numbers `stride` apart from `p` and `q` on, are replaced by (c p - s z* q, s p + c z* q).
 */
export function rotate(
  y: Float64Array,
  { c, s, zRe, zIm }: JacobiRotation,
  p: number,
  q: number,
  count: number,
  stride: number,
): void {
  for (let i = 0; i < count; i++) {
    const a = 2 * (p + i * stride);
    const b = 2 * (q + i * stride);
    const qRe = y[b]! * zRe + y[b + 1]! * zIm;
    const qIm = y[b + 1]! * zRe - y[b]! * zIm;
    const pRe = y[a]!;
    const pIm = y[a + 1]!;
    y[a] = c * pRe - s * qRe;
    y[a + 1] = c * pIm - s * qIm;
    y[b] = s * pRe + c * qRe;
    y[b + 1] = s * pIm + c * qIm;
  }
}
