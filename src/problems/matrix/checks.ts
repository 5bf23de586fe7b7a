/** Throws a RangeError for the first number that is not finite, naming it. */
export function allNumbers(who: string, numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isFinite(value)) throw new RangeError(`${who}: ${name} is ${value}, expected a finite number`);
}

/** Throws a RangeError for the first number that is not a positive integer, of at least `least`. */
export function allCounts(who: string, numbers: Readonly<Record<string, number>>, least = 1): void {
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`${who}: ${name} is ${value}, expected an integer of at least ${least}`);
}
