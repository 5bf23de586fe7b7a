/**
 * The candidate that `name` most likely was meant to be, or undefined when none is close.
 * Distance: insertions, deletions, replacements and swaps of neighbours count 1, a wrong case counts 1/4. A candidate
 * is close when the distance is at most a third of the longer name (rounded down, but one), and the names share something.
 * Of equally close candidates the first is returned.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const longer = Math.max(name.length, candidate.length);
    const distance = editDistance(name, candidate);
    if (distance <= Math.max(1, Math.floor(longer / 3)) && distance < longer && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance (Damerau-Levenshtein without repeated edits), with cheap changes of case. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      let d = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + replacement(a[i - 1]!, b[j - 1]!));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, beforeLast[j - 2]! + 1);
      row.push(d);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

const replacement = (x: string, y: string): number => (x === y ? 0 : x.toLowerCase() === y.toLowerCase() ? 0.25 : 1);
