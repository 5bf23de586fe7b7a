/** A planar pulse: the normal density of standard deviation `width`. Throws a RangeError, in the name of `who`, when that is not positive. */
export function planarPulse(width: number, who = "planarPulse"): (x: number) => number {
  checkWidth(width, who);
  return (x) => Math.exp(-((x / width) ** 2) / 2) / (Math.sqrt(2 * Math.PI) * width);
}

/**
 * The pulse of a line source at the origin, not below a floor: max(floor, exp(-(x^2 + y^2) / 4 s^2) / (4 pi s^2)) / 4 pi with s = `width`, its
 * standard deviation being s sqrt(2). Throws a RangeError, in the name of `who`, for a width that is not positive and a negative floor.
 */
export function linePulse(width: number, floor: number, who = "linePulse"): (x: number, y: number) => number {
  checkWidth(width, who);
  checkFloor(floor, who);
  const square = 4 * width * width;
  return (x, y) => Math.max(floor, Math.exp(-(x * x + y * y) / square) / (Math.PI * square)) / (4 * Math.PI);
}

/** Throws a RangeError for a negative floor of a pulse. */
export function checkFloor(floor: number, who: string): void {
  if (!(floor >= 0)) throw new RangeError(`${who}: floor is ${floor}, expected zero or more`);
}

function checkWidth(width: number, who: string): void {
  if (!(width > 0 && width < Number.POSITIVE_INFINITY))
    throw new RangeError(`${who}: width is ${width}, expected a positive number`);
}
