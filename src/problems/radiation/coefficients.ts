import { diagonal, type Matrix } from "../../linalg/matrix.ts";
import type { ProductTerm } from "../../ttn/operators/product-sum.ts";
import type { CollocatedInput } from "./distributions.ts";

/** A number, the same everywhere, or a function of position. */
export type Profile = number | ((...position: number[]) => number);

/** The part amplitude(x) f(xi) of a coefficient. */
export interface RandomPart {
  /** Name of the input. */
  readonly input: string;
  readonly amplitude: Profile;
  /** f. Default: f(xi) = xi. */
  readonly of?: (value: number) => number;
}

/** A coefficient base(x) + sum_k amplitude_k(x) f_k(xi_k). */
export interface RandomCoefficient {
  readonly base: Profile;
  readonly random: readonly RandomPart[];
}

/** A coefficient: the same for all values of the inputs, or with random parts. */
export type Coefficient = Profile | RandomCoefficient;

/** A coefficient on grid points and nodes. Profiles that are constant stay one number. */
export interface TabulatedCoefficient {
  readonly base: number | Float64Array;
  readonly parts: readonly {
    readonly input: number;
    readonly amplitude: number | Float64Array;
    readonly values: Float64Array;
  }[];
  /** Largest value at any point and node. */
  readonly largest: number;
}

/** The values of a profile at points, one array for each coordinate. */
export const valuesAt = (profile: Profile, points: readonly Float64Array[]): Float64Array =>
  Float64Array.from(
    { length: points[0]!.length },
    typeof profile === "number" ? () => profile : (_, i) => profile(...points.map((p) => p[i]!)),
  );

/**
 * Evaluates a coefficient at points (one array for each coordinate) and at the nodes of the inputs.
 * Throws a RangeError when an input does not exist, a value is not finite, or the coefficient is negative somewhere: the message
 * names the point, the node and the value.
 */
export function tabulate(
  who: string,
  what: string,
  coefficient: Coefficient,
  points: readonly Float64Array[],
  inputs: readonly CollocatedInput[],
): TabulatedCoefficient {
  const { base: baseProfile, random } =
    typeof coefficient === "object" ? coefficient : { base: coefficient, random: [] };
  const count = points[0]!.length;
  const place = (i: number): number[] => points.map((p) => p[i]!);
  const onGrid = (profile: Profile): number | Float64Array =>
    typeof profile === "number" ? profile : valuesAt(profile, points);
  const base = onGrid(baseProfile);
  const parts = random.map(({ input, amplitude, of = (value) => value }) => {
    const k = inputs.findIndex((other) => other.name === input);
    if (k < 0)
      throw new RangeError(
        `${who}: ${what} depends on "${input}", known inputs: ${inputs.map((i) => i.name).join(", ") || "none"}`,
      );
    return { input: k, amplitude: onGrid(amplitude), values: inputs[k]!.nodes.map((v) => of(v)) };
  });

  const uniform = [base, ...parts.map((p) => p.amplitude)].every((v) => typeof v === "number");
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < (uniform ? 1 : count); i++) {
    // one input at a time: the parts are sums of functions of single inputs
    let [low, high] = [at(base, i), at(base, i)];
    const lowest = inputs.map(({ nodes }, k) => {
      const values = nodes.map((_, j) =>
        parts.reduce((sum, p) => (p.input === k ? sum + at(p.amplitude, i) * p.values[j]! : sum), 0),
      );
      const least = values.reduce((best, v, j) => (v < values[best]! ? j : best), 0);
      low += values[least]!;
      high += Math.max(...values);
      return least;
    });
    if (!(low >= 0 && high < Number.POSITIVE_INFINITY)) {
      const where = [
        ...(uniform ? [] : place(i).map((x, k) => `${"xyz"[k]} = ${x}`)),
        ...inputs.map(({ name, nodes }, k) => `${name} = ${nodes[lowest[k]!]}`),
      ];
      throw new RangeError(`${who}: ${what} is ${low} at ${where.join(", ") || "every point"}, expected zero or more`);
    }
    largest = Math.max(largest, high);
  }
  return { base, parts, largest };
}

const at = (values: number | Float64Array, i: number): number => (typeof values === "number" ? values : values[i]!);

/** The terms -c(x, xi) B, where B acts on the angle (mode 1; the identity when null) and c on space and inputs. */
export function decayTerms({ base, parts }: TabulatedCoefficient, angular: Matrix | null): ProductTerm[] {
  const onAngle = angular ? [{ mode: 1, operator: angular }] : [];
  const term = (amplitude: number | Float64Array, others: ProductTerm["factors"]): ProductTerm =>
    typeof amplitude === "number"
      ? { coefficient: -amplitude, factors: [...onAngle, ...others] }
      : { coefficient: -1, factors: [{ mode: 0, operator: diagonal(amplitude) }, ...onAngle, ...others] };
  return [
    term(base, []),
    ...parts.map(({ input, amplitude, values }) => term(amplitude, [{ mode: 2 + input, operator: diagonal(values) }])),
  ].filter(({ coefficient }) => coefficient !== 0);
}
