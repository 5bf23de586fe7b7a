import { type Dtype, type Tensor, tensor } from "./tensor.ts";

/** Uniform random numbers in [0, 1). */
export type Random = () => number;

/** A seeded generator (splitmix32): the same seed gives the same numbers everywhere. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    z ^= z >>> 15;
    return (z >>> 0) / 4294967296;
  };
}

/** A tensor of independent standard normal numbers (real and imaginary parts apart). */
export function randomTensor(random: Random, shape: readonly number[], dtype: Dtype = "float64"): Tensor {
  const t = tensor(shape, dtype);
  for (let i = 0; i < t.data.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    t.data[i] = radius * Math.cos(angle);
    if (i + 1 < t.data.length) t.data[i + 1] = radius * Math.sin(angle);
  }
  return t;
}
