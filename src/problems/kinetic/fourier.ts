import { fromFunction, type Tensor } from "../../linalg/tensor.ts";

/**
 * The derivative of trigonometric interpolation at n points of a period, n x n, real and skew-symmetric; exact for all modes but,
 * when n is even, the highest, whose derivative it takes as zero. [trefethen2000spectral]
 */
export const fourierDerivative = (n: number, period: number): Tensor =>
  fromFunction([n, n], (i, j) => {
    const angle = (Math.PI * (i! - j!)) / n;
    const sign = (i! - j!) % 2 === 0 ? 1 : -1;
    return i === j ? 0 : ((Math.PI / period) * sign) / (n % 2 === 0 ? Math.tan(angle) : Math.sin(angle));
  });

/** The inverse of `fourierDerivative` on functions without mean (and without the highest mode for even n), zero on constants. */
export function fourierIntegral(n: number, period: number): Tensor {
  const row = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let m = 1; 2 * m < n; m++) sum += Math.sin((2 * Math.PI * m * i) / n) / m;
    return (sum * period) / Math.PI / n;
  });
  return fromFunction([n, n], (i, j) => row[(i! - j! + n) % n]!);
}

/** n points of a period: origin, origin + period / n, ... */
export const periodicGrid = (n: number, origin: number, period: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => origin + (i * period) / n);
