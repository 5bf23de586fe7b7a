import { fromFloats, type PaddedFactors } from "../float32.ts";
import type { JaxArray, JaxFactors, JaxTree, Operations } from "./types.ts";

/** What a tree of parameters is made of: weights of low rank, and all other arrays. */
export interface Parts {
  readonly weights: readonly JaxFactors[];
  readonly arrays: readonly JaxArray[];
  /** Where they are, for messages. */
  readonly places: readonly string[];
  /** The same tree of other things. */
  rebuild(weights: readonly JaxFactors[], arrays: readonly JaxArray[]): JaxTree;
}

/** Takes a tree of parameters apart: an object of exactly u, s and v is a weight of low rank. */
export function partsOf(parameters: JaxTree): Parts {
  const weights: JaxFactors[] = [];
  const arrays: JaxArray[] = [];
  const places: string[] = [];
  type Rebuild = (weights: readonly JaxFactors[], arrays: readonly JaxArray[]) => JaxTree;
  const walk = (node: JaxTree, place: string): Rebuild => {
    if (isArray(node)) {
      const k = arrays.push(node) - 1;
      return (_, all) => all[k]!;
    }
    if (isFactors(node)) {
      const k = weights.push(node) - 1;
      places.push(place);
      return (all) => all[k] as unknown as JaxTree;
    }
    if (Array.isArray(node)) {
      const parts = node.map((child, k) => walk(child, `${place}[${k}]`));
      return (w, a) => parts.map((part) => part(w, a));
    }
    if (typeof node !== "object" || node === null)
      throw new TypeError(`jaxJs: ${place} is ${String(node)}, expected arrays in objects and lists`);
    const parts = Object.entries(node).map(([key, child]) => [key, walk(child, `${place}.${key}`)] as const);
    return (w, a) => Object.fromEntries(parts.map(([key, part]) => [key, part(w, a)]));
  };
  const rebuild = walk(parameters, "params");
  return { weights, arrays, places, rebuild };
}

const isArray = (node: unknown): node is JaxArray => typeof (node as Partial<JaxArray>)?.dataSync === "function";

function isFactors(node: unknown): node is JaxFactors {
  if (typeof node !== "object" || node === null || Object.keys(node).sort().join() !== "s,u,v") return false;
  const { u, s, v } = node as JaxFactors;
  if (![u, s, v].every((a) => isArray(a) && a.shape.length === 2)) return false;
  const rank = u.shape[1];
  return s.shape[0] === rank && s.shape[1] === rank && v.shape[1] === rank;
}

/** The numbers of an array that stays one's own. */
export const numbersOf = (a: JaxArray): Float32Array => Float32Array.from(a.ref.dataSync());

/** The numbers of an array that is given away, as a tensor. */
export const tensorOf = (a: JaxArray) => {
  const { shape } = a;
  return fromFloats(shape, a.dataSync());
};

export const factorNumbers = ({ u, s, v }: JaxFactors): PaddedFactors => ({
  u: numbersOf(u),
  s: numbersOf(s),
  v: numbersOf(v),
});

/** An array of these numbers. */
export const arrayOf = (jax: Operations, shape: readonly number[], values: ArrayLike<number>): JaxArray =>
  jax.numpy.array(Float32Array.from(values)).reshape(shape);

/** Padded factors as arrays. */
export function factorArrays(
  jax: Operations,
  { u, s, v }: PaddedFactors,
  rows: number,
  columns: number,
  rank: number,
): JaxFactors {
  return {
    u: arrayOf(jax, [rows, rank], u),
    s: arrayOf(jax, [rank, rank], s),
    v: arrayOf(jax, [columns, rank], v),
  };
}
