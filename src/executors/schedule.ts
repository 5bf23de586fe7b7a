/**
 * Divides tasks of these costs among `count` places: the longest first, each to the place with least to do so far, the first of
 * equals. At most 4/3 of the best division's largest sum [graham1969bounds]. Returns the tasks of each place, the longest first.
 */
export function longestFirst(costs: readonly number[], count: number): number[][] {
  const shares: number[][] = Array.from({ length: count }, () => []);
  const load = new Float64Array(count);
  const order = costs.map((_, k) => k).sort((a, b) => costs[b]! - costs[a]! || a - b);
  for (const task of order) {
    let least = 0;
    for (let place = 1; place < count; place++) if (load[place]! < load[least]!) least = place;
    shares[least]!.push(task);
    load[least]! += costs[task]!;
  }
  return shares;
}
