import { nearest } from "./nearest.ts";

/**
 * Throws a RangeError for an option that is not among the known ones, telling these and the one that most likely was meant. `known` has every key
 * of the options, so that the compiler finds one that was forgotten.
 */
export function checkKeys<Options extends object>(
  who: string,
  options: Options,
  known: Readonly<Record<keyof Options, true>>,
): void {
  const names = Object.keys(known);
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(known, key));
  if (unknown === undefined) return;
  const near = nearest(unknown, names);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  throw new RangeError(`${who}: unknown option "${unknown}"; known: ${names.join(", ")}${hint}`);
}
