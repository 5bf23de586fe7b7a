/** Legendre polynomials of norm one on (-1, 1) at x, degrees 0 to n - 1, by Bonnet's recurrence. */
export function legendreMoments(n: number, x: number): number[] {
  const p = [1, x];
  for (let k = 1; k < n; k++) p.push(((2 * k + 1) * x * p[k]! - k * p[k - 1]!) / (k + 1));
  return p.slice(0, n).map((v, k) => v * Math.sqrt(k + 0.5));
}
