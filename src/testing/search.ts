import fc, { type Arbitrary } from "fast-check";
import { BrokenPromise, type Measurement, type Report, type Sense } from "./broken-promise.ts";

/** How a check looks for a case that breaks a promise. */
export interface CheckOptions {
  /** Seed of the random cases. Default 1: a check gives the same report every time. */
  readonly seed?: number;
  /** Number of random cases. */
  readonly numRuns?: number;
  /** Path of a BrokenPromise: runs that case, and no other. */
  readonly path?: string;
  /** Smaller cases that are tried once a case fails. Default 100. */
  readonly shrinks?: number;
}

/** What one case showed. */
export interface Finding {
  readonly measured: number;
  readonly demanded: number;
  /** Default "at most". */
  readonly sense?: Sense;
  /** The case cannot tell. */
  readonly floor?: boolean;
  readonly numbers?: Measurement["numbers"];
}

/** A promise as a property of random cases. */
export interface Search<Case> {
  readonly promise: string;
  readonly subject: string;
  readonly cases: Arbitrary<Case>;
  /** Default number of cases. */
  readonly numRuns: number;
  /** Default number of smaller cases tried after a failure; few where a case takes long. Default 100. */
  readonly shrinks?: number;
  describe(example: Case): string;
  /** Numbers that are not finite are a broken promise, as is an error thrown on the way. */
  measure(example: Case): Finding | Promise<Finding>;
}

/**
 * Measures random cases until one breaks the promise, then smaller ones, and throws a BrokenPromise with the smallest; with the
 * verdict "floor" when not a single case could tell. Throws a RangeError for numbers of cases that make no sense.
 */
export async function search<Case>(
  { promise, subject, cases, numRuns, shrinks: fewer = 100, describe, measure }: Search<Case>,
  options: CheckOptions,
): Promise<Report> {
  const { seed = 1, path, shrinks = fewer } = options;
  const runs = options.numRuns ?? numRuns;
  for (const [name, value, least] of [
    ["numRuns", runs, 1],
    ["shrinks", shrinks, 0],
  ] as const)
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`${promise}: ${name} is ${value}, expected an integer of at least ${least}`);
  const measurements: Measurement[] = [];
  let failure: { readonly measurement: Measurement; readonly cause: unknown } | null = null;
  let tried = 0;
  let last: Case | undefined;
  const property = fc.asyncProperty(cases, async (example) => {
    if (failure && ++tried > shrinks) return true; // counted, not timed: the same smallest case on any machine
    last = example;
    const { measurement, cause } = await judged(example, describe, measure);
    if (measurement.verdict === "broken") {
      failure = { measurement, cause };
      return false;
    }
    if (!failure) measurements.push(measurement);
    return true;
  });
  const details = await fc.check(property, {
    seed,
    numRuns: runs,
    ...(path === undefined ? {} : { path, endOnFailure: true }),
  });
  const found = failure as { readonly measurement: Measurement; readonly cause: unknown } | null;
  const breach = { promise, subject, seed };
  if (found)
    throw new BrokenPromise(
      {
        ...breach,
        measurement: found.measurement,
        example: details.counterexample?.[0],
        path: details.counterexamplePath ?? "0",
      },
      found.cause,
    );
  if (details.failed) throw details.errorInstance ?? new Error(`${promise}: no case could be made`);
  const conclusive = measurements.filter(({ verdict }) => verdict === "held");
  if (conclusive.length === 0)
    throw new BrokenPromise({
      ...breach,
      measurement: measurements.at(-1)!,
      example: last,
      path: path ?? `${measurements.length - 1}`,
    });
  const worst = conclusive.reduce((a, b) => (strain(b) > strain(a) ? b : a));
  return { ...breach, measurements, worst };
}

/** Throws a RangeError when a check is given too few values to see anything. */
export function checkLength(who: string, name: string, values: readonly number[], least: number): void {
  if (values.length < least)
    throw new RangeError(
      `${who}: ${name} is [${values.join(", ")}], expected at least ${least} ${least > 1 ? "numbers" : "number"}`,
    );
}

async function judged<Case>(
  example: Case,
  describe: Search<Case>["describe"],
  measure: Search<Case>["measure"],
): Promise<{ measurement: Measurement; cause: unknown }> {
  const text = describe(example);
  try {
    const { measured, demanded, sense = "at most", floor = false, numbers = {} } = await measure(example);
    const holds = sense === "at most" ? measured <= demanded : measured >= demanded;
    const verdict = floor ? "floor" : holds ? "held" : "broken";
    return { measurement: { case: text, measured, demanded, sense, verdict, numbers }, cause: undefined };
  } catch (cause) {
    const measurement = {
      case: text,
      measured: Number.NaN,
      demanded: 0,
      sense: "at most",
      verdict: "broken",
      numbers: {},
    } as const;
    return { measurement, cause };
  }
}

/** How close a measurement is to breaking its promise: 1 is the limit. */
const strain = ({ measured, demanded, sense }: Measurement): number =>
  sense === "at most" ? measured / (demanded || Number.MIN_VALUE) : demanded / measured;
