/** The normal density of standard deviation `width`. Throws a RangeError when that is not positive. */
export function gaussian(who: string, width: number): (x: number) => number {
  if (!(width > 0)) throw new RangeError(`${who}: width is ${width}, expected a positive number`);
  return (x) => Math.exp(-((x / width) ** 2) / 2) / (Math.sqrt(2 * Math.PI) * width);
}
