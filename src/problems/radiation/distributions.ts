import { gaussHermite, gaussLegendre } from "../quadrature.ts";

/** A random number that coefficients depend on, with the Gauss quadrature that means over it are taken by. */
export type UncertainInput = {
  readonly name: string;
  /** Quadrature nodes: the mode size of this input. */
  readonly nodes: number;
} & (
  | {
      readonly distribution: "uniform";
      /** Bounds. Default -1 and 1. */
      readonly low?: number;
      readonly high?: number;
    }
  | {
      readonly distribution: "normal";
      /** Default 0. */
      readonly mean?: number;
      /** Standard deviation, positive. Default 1. */
      readonly deviation?: number;
    }
);

/** An input by collocation: its values, ascending, and their weights, which sum to one. */
export interface CollocatedInput {
  readonly name: string;
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

const known = ["uniform", "normal"];

/**
 * The nodes and weights of uncertain inputs: Gauss-Legendre for a uniform distribution, Gauss-Hermite for a normal one.
 * Throws a RangeError for an unknown distribution, a name given twice, a number of nodes that is no positive integer,
 * and bounds or a deviation that describe no distribution.
 */
export function collocate(who: string, inputs: readonly UncertainInput[]): readonly CollocatedInput[] {
  return inputs.map((input, k) => {
    const { name, nodes, distribution } = input;
    if (inputs.findIndex((other) => other.name === name) !== k)
      throw new RangeError(`${who}: there are two inputs named "${name}"`);
    if (!known.includes(distribution))
      throw new RangeError(
        `${who}: the distribution of "${name}" is ${JSON.stringify(distribution)}, known: ${known.join(", ")}`,
      );
    if (!Number.isSafeInteger(nodes) || nodes < 1)
      throw new RangeError(`${who}: "${name}" has ${nodes} nodes, expected a positive integer`);
    if (distribution === "uniform") {
      const { low = -1, high = 1 } = input;
      if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
        throw new RangeError(`${who}: "${name}" is uniform from ${low} to ${high}, expected an interval`);
      const rule = gaussLegendre(nodes);
      return { name, nodes: rule.nodes.map((x) => (low + high) / 2 + ((high - low) / 2) * x), weights: rule.weights };
    }
    const { mean = 0, deviation = 1 } = input;
    if (!Number.isFinite(mean) || !(deviation > 0 && deviation < Number.POSITIVE_INFINITY))
      throw new RangeError(
        `${who}: "${name}" is normal with mean ${mean} and deviation ${deviation}, expected a number and a positive one`,
      );
    const rule = gaussHermite(nodes);
    return { name, nodes: rule.nodes.map((x) => mean + deviation * x), weights: rule.weights };
  });
}
