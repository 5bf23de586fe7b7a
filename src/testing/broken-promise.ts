/** Which side of the demanded number the measured one has to lie on. */
export type Sense = "at most" | "at least";

/** One measured case: the number that decides, and everything else that was measured on the way. */
export interface Measurement {
  /** The case in words: tree, sizes, ranks, step size, singular values. */
  readonly case: string;
  readonly measured: number;
  readonly demanded: number;
  readonly sense: Sense;
  /** "held", "broken", or "floor": the case cannot tell, since something else than the step size limits the error. */
  readonly verdict: "held" | "broken" | "floor";
  readonly numbers: Readonly<Record<string, number | readonly number[]>>;
}

/** What a check measured. The same seed gives the same report. */
export interface Report {
  readonly promise: string;
  readonly subject: string;
  readonly seed: number;
  readonly measurements: readonly Measurement[];
  /** The measurement closest to breaking the promise. */
  readonly worst: Measurement;
}

/** Where a broken promise was seen. */
export interface Breach {
  readonly promise: string;
  readonly subject: string;
  readonly measurement: Measurement;
  /** The shrunk case as the check's arbitrary made it. */
  readonly example: unknown;
  readonly seed: number;
  readonly path: string;
}

/**
 * A promise that does not hold, with the smallest case that shows it. The same check with `{ seed, path }` of the error runs that
 * case alone.
 */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
  /** Which promise. */
  readonly promise: string;
  /** Whose: the name of the integrator, solver or function. */
  readonly subject: string;
  readonly measured: number;
  readonly demanded: number;
  readonly sense: Sense;
  /** "floor": the promise could not be seen in any case; nothing is said against it. */
  readonly verdict: "broken" | "floor";
  /** The smallest failing case, in words. */
  readonly case: string;
  readonly example: unknown;
  /** What else was measured in that case. */
  readonly numbers: Measurement["numbers"];
  readonly seed: number;
  readonly path: string;

  constructor({ promise, subject, measurement, example, seed, path }: Breach, cause?: unknown) {
    const { measured, demanded, sense, verdict, numbers } = measurement;
    const what =
      verdict === "floor"
        ? `${subject}: ${promise} cannot be seen here (floor): measured ${figure(measured)}, demanded ${sense} ${figure(demanded)}`
        : `${subject} breaks its promise of ${promise}: measured ${figure(measured)}, demanded ${sense} ${figure(demanded)}`;
    const lines = [
      what,
      `  case: ${measurement.case}`,
      ...Object.entries(numbers).map(([name, value]) => `  ${name}: ${[value].flat().map(figure).join(", ")}`),
      ...(cause instanceof Error ? [`  the run threw: ${cause.message}`] : []),
      `  to run it again: { seed: ${seed}, path: "${path}" }`,
    ];
    super(lines.join("\n"), cause === undefined ? undefined : { cause });
    this.promise = promise;
    this.subject = subject;
    this.measured = measured;
    this.demanded = demanded;
    this.sense = sense;
    this.verdict = verdict === "floor" ? "floor" : "broken";
    this.case = measurement.case;
    this.example = example;
    this.numbers = numbers;
    this.seed = seed;
    this.path = path;
  }
}

/** A number in a message: three digits are enough to judge it. */
export function figure(x: number): string {
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return `${x}`;
  const short = Number(x.toPrecision(3));
  return Math.abs(short) < 1e-3 ? short.toExponential() : `${short}`;
}
