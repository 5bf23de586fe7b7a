/*
 * Means over random inputs of what depends on them through one number only, as the solution does on a scattering coefficient that is
 * the same everywhere: known at a few Chebyshev points, interpolated to the nodes of any number of inputs.
 */

/** `count` Chebyshev points of the second kind from `low` to `high`, ascending; one point where the interval is empty. */
export const chebyshevPoints = (count: number, low: number, high: number): Float64Array =>
  low === high || count === 1
    ? Float64Array.of((low + high) / 2)
    : Float64Array.from(
        { length: count },
        (_, k) => (low + high) / 2 - ((high - low) / 2) * Math.cos((Math.PI * k) / (count - 1)),
      );

/** The Lagrange polynomials of Chebyshev points, at a value in their interval; the barycentric formula. [berrut2004barycentric] */
export function lagrange(points: Float64Array, value: number): Float64Array {
  const last = points.length - 1;
  const hit = points.indexOf(value);
  if (hit >= 0 || last === 0) return points.map((_, k) => (k === Math.max(hit, 0) ? 1 : 0));
  const terms = points.map((p, k) => ((k % 2 === 0 ? 1 : -1) * (k === 0 || k === last ? 0.5 : 1)) / (value - p));
  const sum = terms.reduce((a, b) => a + b, 0);
  return terms.map((t) => t / sum);
}

/** Means of the Lagrange polynomials over a distribution, and of their products (row-major). */
export interface LagrangeMeans {
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/** The means over values with weights that sum to one. */
export function lagrangeMeans(
  points: Float64Array,
  distribution: Iterable<readonly [value: number, weight: number]>,
): LagrangeMeans {
  const n = points.length;
  const first = new Float64Array(n);
  const second = new Float64Array(n * n);
  for (const [value, weight] of distribution) {
    const at = lagrange(points, value);
    for (let k = 0; k < n; k++) {
      first[k]! += weight * at[k]!;
      for (let l = 0; l < n; l++) second[k * n + l]! += weight * at[k]! * at[l]!;
    }
  }
  return { first, second };
}

/** Fields at the Chebyshev points, of one value of everything else that is random, with its probability. */
export interface Family {
  readonly weight: number;
  readonly fields: readonly Float64Array[];
}

/** Mean and variance of interpolated fields, point by point. The variance is a sum of squares about the mean: nothing cancels. */
export function meanAndVariance(
  { first, second }: LagrangeMeans,
  families: readonly Family[],
): { readonly E: Float64Array; readonly Var: Float64Array } {
  const size = families[0]!.fields[0]!.length;
  const n = first.length;
  const E = new Float64Array(size);
  const Var = new Float64Array(size);
  for (const { weight, fields } of families)
    fields.forEach((field, k) => {
      for (let i = 0; i < size; i++) E[i]! += weight * first[k]! * field[i]!;
    });
  const off = new Float64Array(n);
  for (const { weight, fields } of families)
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < n; k++) off[k] = fields[k]![i]! - E[i]!;
      let sum = 0;
      for (let k = 0; k < n; k++) {
        let row = 0;
        for (let l = 0; l < n; l++) row += second[k * n + l]! * off[l]!;
        sum += row * off[k]!;
      }
      Var[i]! += weight * sum;
    }
  return { E, Var };
}
