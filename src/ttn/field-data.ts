import type { KroneckerSum } from "../linalg/kronecker-sum.ts";
import { type PackedTerms, packTerms, unpackTerms } from "../linalg/packed-terms.ts";
import { grownFrom } from "./growth.ts";
import { kroneckerField, sampledKronecker } from "./operators/kronecker-field.ts";
import type {
  Coefficient,
  KroneckerFieldData,
  LocalField,
  LocalFieldData,
  ModuleFieldData,
  ModuleReference,
  Rhs,
} from "./rhs.ts";
import { sumOfFields } from "./sum-rhs.ts";

/**
 * The local field of this data; it gives the same bits as the one that the data was taken from. `rhsOf` finds the right-hand side of a
 * module; by default there is none, which is an Error.
 */
export function fieldOf(data: LocalFieldData, rhsOf: (module: ModuleReference) => Rhs = noModules): LocalField {
  if (data.form === "kronecker") return kroneckerField(data);
  if (data.form === "sum") return sumOfFields(data.parts.map((part) => fieldOf(part, rhsOf)));
  return boundOf(data, rhsOf(data.module));
}

/** The step that a right-hand side is in, by its number and its time: runs of one program may have steps of the same number. */
const begun = new WeakMap<Rhs, readonly [step: number, t: number]>();

function boundOf({ trial, node, test, step, growths }: ModuleFieldData, rhs: Rhs): LocalField {
  for (const { basis, old, fresh } of growths) grownFrom(basis, { old, fresh });
  const last = begun.get(rhs);
  if (step && (last?.[0] !== step[0] || last[1] !== step[1])) {
    rhs.beginStep?.(...step);
    begun.set(rhs, step);
  }
  return rhs.bind(trial, node, test);
}

function noModules({ url }: ModuleReference): never {
  throw new Error(`local field: the module ${url} was not loaded here`);
}

/**
 * The data with its functions of time replaced by their values at `times`, the times at which a solver evaluates the field. Without
 * such times (a solver that chooses its own): null where there are functions of time.
 */
export function sampled(data: LocalFieldData, times: readonly number[] | undefined): LocalFieldData | null {
  if (data.form === "module") return data;
  if (data.form === "sum") {
    const parts = data.parts.flatMap((part) => sampled(part, times) ?? []);
    return parts.length === data.parts.length ? { form: "sum", parts } : null;
  }
  if (data.parts.every(({ coefficient }) => typeof coefficient !== "function")) return data;
  return times ? sampledKronecker(data, times) : null;
}

/** The data of a local field as it is sent to another thread. */
export type PackedField =
  | ModuleFieldData
  | { readonly form: "sum"; readonly parts: readonly PackedField[] }
  | (Omit<KroneckerFieldData, "parts"> & {
      readonly parts: readonly { readonly coefficient: Coefficient; readonly sum: Omit<KroneckerSum, "terms"> }[];
      readonly terms: PackedTerms;
    });

/** The data with its terms as numbers. */
export function packField(data: LocalFieldData): PackedField {
  if (data.form === "module") return data;
  if (data.form === "sum") return { form: "sum", parts: data.parts.map(packField) };
  return {
    ...data,
    parts: data.parts.map(({ coefficient, sum: { terms: _, ...sum } }) => ({ coefficient, sum })),
    terms: packTerms(data.parts.map(({ sum }) => sum.terms)),
  };
}

/** The data that was packed; numbers in it are as they were, matrices that were one are one. */
export function unpackField(data: PackedField): LocalFieldData {
  if (data.form === "module") return data;
  if (data.form === "sum") return { form: "sum", parts: data.parts.map(unpackField) };
  const { parts, terms, ...rest } = data;
  const lists = unpackTerms(terms);
  return {
    ...rest,
    parts: parts.map(({ coefficient, sum }, k) => ({ coefficient, sum: { ...sum, terms: lists[k]! } })),
  };
}

/** The modules that local fields of this data are made of. */
export const modulesOf = (data: LocalFieldData): readonly ModuleReference[] =>
  data.form === "module" ? [data.module] : data.form === "sum" ? data.parts.flatMap(modulesOf) : [];
