/** The list in parts whose sizes add up to the limit, or of one member. */
export function* parts<T>(list: readonly T[], size: (member: T) => number, limit: number): Generator<T[]> {
  let part: T[] = [];
  let sum = 0;
  for (const member of list) {
    const own = size(member);
    if (part.length > 0 && sum + own > limit) {
      yield part;
      part = [];
      sum = 0;
    }
    part.push(member);
    sum += own;
  }
  if (part.length > 0) yield part;
}
