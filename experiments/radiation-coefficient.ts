import * as z from "zod";
import { ConfigError, type Expression, parseExpression } from "../src/io/index.ts";
import type { Profile, RandomCoefficient, RandomPart } from "../src/problems/index.ts";

/** A parameter that may be given as a number or an expression. */
export const expressionParameter = (what: string, usual: string) =>
  z.union([z.number(), z.string()]).default("auto").describe(`${what}: a number, an expression, or auto (${usual})`);

/** A number that depends on the values of the inputs, in their order. */
export type InputFunction = (...values: number[]) => number;

/**
 * The coefficient base(x) + sum_k amplitude_k(x) f_k(xi_k) that an expression in the positions and inputs means.
 * Throws a ConfigError for an expression that cannot be read, or a term of it that mixes inputs, or an input and the position
 * otherwise than as a product.
 */
export async function coefficientOf(
  name: string,
  given: number | string,
  positions: readonly string[],
  inputs: readonly string[],
): Promise<RandomCoefficient> {
  const expression = await parseExpression(name, given, [...positions, ...inputs]);
  const profiles: (readonly Expression[])[] = [];
  const random: RandomPart[] = [];
  for (const factors of expression.terms()) {
    const of = [...new Set(factors.flatMap((f) => f.uses))].filter((v) => inputs.includes(v));
    const mixed = factors.find((f) => f.uses.some((v) => inputs.includes(v)) && f.uses.length > 1);
    if (of.length > 1 || mixed)
      throw new ConfigError(
        `${name} is ${JSON.stringify(given)}: its term ${textOf(factors)} ${
          of.length > 1 ? `depends on ${of.join(" and ")} together` : `mixes ${mixed!.uses.join(" and ")} in one factor`
        }, expected a sum of terms, each a function of one input times a function of position`,
      );
    const [input] = of;
    if (input === undefined) profiles.push(factors);
    else
      random.push({
        input,
        amplitude: profileOf([factors.filter((f) => !f.uses.includes(input))], positions),
        of: (value) =>
          product(
            factors.filter((f) => f.uses.includes(input)),
            { [input]: value },
          ),
      });
  }
  return { base: profileOf(profiles, positions), random };
}

/** A coefficient as a function of the inputs alone; null where it depends on the position. */
export function functionOfInputs({ base, random }: RandomCoefficient, inputs: readonly string[]): InputFunction | null {
  if ([base, ...random.map((part) => part.amplitude)].some((profile) => typeof profile !== "number")) return null;
  return (...values) =>
    random.reduce((sum, { input, amplitude, of = (value) => value }) => {
      return sum + (amplitude as number) * of(values[inputs.indexOf(input)]!);
    }, base as number);
}

/** The function of the position that an expression means. */
export async function profileExpression(
  name: string,
  given: number | string,
  positions: readonly string[],
): Promise<(...position: number[]) => number> {
  const expression = await parseExpression(name, given, positions);
  return (...position) => expression.at(named(positions, position));
}

const named = (names: readonly string[], values: readonly number[]): Record<string, number> =>
  Object.fromEntries(names.map((name, k) => [name, values[k]!]));

const textOf = (factors: readonly Expression[]): string => factors.map((f) => f.text).join(" * ");

/** Where a factor is zero, as a condition may be, the others are not asked. */
const product = (factors: readonly Expression[], values: Readonly<Record<string, number>>): number =>
  factors.reduce((p, f) => (p === 0 ? 0 : p * f.at(values)), 1);

/** A sum of products of functions of the position; a number where it is the same everywhere. */
function profileOf(terms: readonly (readonly Expression[])[], positions: readonly string[]): Profile {
  const at = (values: Readonly<Record<string, number>>): number =>
    terms.reduce((sum, factors) => sum + product(factors, values), 0);
  return terms.every((factors) => factors.every((f) => f.uses.length === 0))
    ? at({})
    : (...position) => at(named(positions, position));
}
