import { type Dtype, fromFunction, type ProductTerm, randomTensor, seeded, type Tensor } from "../../src/index.ts";

/** A random Hermitian matrix of spectral norm about one. */
export function randomHermitian(n: number, seed: number, dtype: Dtype = "complex128"): Tensor {
  const { data } = randomTensor(seeded(seed), [n, n], dtype);
  const size = 2 * Math.sqrt(2 * n);
  if (dtype === "float64") return fromFunction([n, n], (i, j) => (data[i! * n + j!]! + data[j! * n + i!]!) / size);
  const at = (i: number, j: number, part: 0 | 1): number => data[2 * (i * n + j) + part]!;
  return fromFunction([n, n], (i, j) => ({
    re: (at(i!, j!, 0) + at(j!, i!, 0)) / size,
    im: (at(i!, j!, 1) - at(j!, i!, 1)) / size,
  }));
}

/** sum_i A_i + coupling sum_i B_i C_(i+1) with random Hermitian matrices, neighbours in the order of the modes. */
export function randomChain(sizes: readonly number[], coupling: number, dtype: Dtype = "complex128"): ProductTerm[] {
  const on = (mode: number, seed: number) => ({ mode, operator: randomHermitian(sizes[mode]!, seed, dtype) });
  return sizes.flatMap((_, mode) => [
    { coefficient: 1, factors: [on(mode, 101 + mode)] },
    ...(mode > 0 ? [{ coefficient: coupling, factors: [on(mode - 1, 201 + mode), on(mode, 301 + mode)] }] : []),
  ]);
}
