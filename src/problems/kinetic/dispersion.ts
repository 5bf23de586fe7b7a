import { type Complex, times } from "../../linalg/tensor.ts";
import { quadrature } from "../matrix/quadrature.ts";

const plus = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });
const over = (a: Complex, b: Complex): Complex =>
  times(1 / (b.re * b.re + b.im * b.im), times(a, { re: b.re, im: -b.im }));

/** Z(zeta) = i int_0^inf exp(i zeta s - s^2 / 4) ds, the plasma dispersion function on the whole complex plane. [fried1961plasma] */
export function plasmaDispersion(zeta: Complex): Complex {
  const end = 14 + 4 * Math.max(0, -zeta.im);
  let sum: Complex = { re: 0, im: 0 };
  for (const { t: s, w } of quadrature(0, end, Math.ceil((end * (1 + Math.abs(zeta.re))) / 4))) {
    const size = w * Math.exp(-zeta.im * s - (s * s) / 4);
    sum = plus(sum, { re: size * Math.cos(zeta.re * s), im: size * Math.sin(zeta.re * s) });
  }
  return times({ re: 0, im: 1 }, sum);
}

export interface DispersionOptions {
  /** Wave number k > 0, in inverse Debye lengths. */
  readonly k: number;
  /** Half of the electrons drift at v0, half at -v0, with thermal velocity 1. Default 0: one Maxwellian. */
  readonly v0?: number;
  /** Where the search starts. Default: sqrt(1 + 3 k^2) - 0.1 i, Bohm and Gross's wave; with a drift, k v0 i / 2. */
  readonly near?: Complex;
}

/**
 * The frequency omega = re + i im at which exp(i (k x - omega t)) solves the linearised Vlasov-Poisson equations, in inverse plasma
 * frequencies: a root of
 *
 *     1 + k^-2 mean_b (1 + zeta_b Z(zeta_b)),   zeta_b = (omega / k - v_b) / sqrt 2,   v_b = v0 and -v0,
 *
 * by Newton's method. A wave is damped (im < 0, Landau) or grows (im > 0, two streams). Throws a RangeError for k <= 0 and an
 * Error when the search does not converge. [fried1961plasma]
 */
export function plasmaFrequency(options: DispersionOptions): Complex {
  const { k, v0 = 0 } = options;
  if (!(k > 0 && Number.isFinite(k + v0)))
    throw new RangeError(`plasmaFrequency: k is ${k} and v0 ${v0}, expected a positive and a finite number`);
  const { near = v0 === 0 ? { re: Math.sqrt(1 + 3 * k * k), im: -0.1 } : { re: 0, im: (k * v0) / 2 } } = options;
  let omega = near;
  for (let iteration = 0; iteration < 50; iteration++) {
    let value: Complex = { re: 1, im: 0 };
    let slope: Complex = { re: 0, im: 0 };
    for (const drift of [v0, -v0]) {
      const zeta = times(Math.SQRT1_2, plus(times(1 / k, omega), { re: -drift, im: 0 }));
      const z = plasmaDispersion(zeta);
      const response = plus({ re: 1, im: 0 }, times(zeta, z)); // 1 + zeta Z = -Z' / 2
      value = plus(value, times(0.5 / k ** 2, response));
      slope = plus(slope, times((0.5 * Math.SQRT1_2) / k ** 3, plus(z, times(-2, times(zeta, response)))));
    }
    const step = over(value, slope);
    omega = plus(omega, times(-1, step));
    if (Math.hypot(step.re, step.im) < 1e-13) return omega;
  }
  throw new Error(`plasmaFrequency: no root was found from ${near.re} + ${near.im}i for k = ${k}, v0 = ${v0}`);
}
