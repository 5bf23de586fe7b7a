/** A set is worth handing over when its larger pieces are together as much as so many of the smallest ones that count. */
const worthwhile = 3;

/** A piece that is alone gains nothing elsewhere; from so many of the smallest ones on it is handed over to keep this thread awake. */
const tooLong = 50;

/**
 * Which pieces of a set are worth handing over to other threads: those of `smallest` operations or more, where all of them together are as much
 * as three such, or as fifty where the set is a single piece; otherwise none. Other cores have to wake up, and their caches to fill.
 */
export function worthHandingOver(flops: readonly number[], smallest: number): number[] {
  const larger: number[] = [];
  let all = 0;
  for (let k = 0; k < flops.length; k++)
    if (flops[k]! >= smallest) {
      larger.push(k);
      all += flops[k]!;
    }
  return all >= (flops.length === 1 ? tooLong : worthwhile) * smallest ? larger : [];
}

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
