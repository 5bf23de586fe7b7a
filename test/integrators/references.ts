import { existsSync, readFileSync } from "node:fs";

/** Exact data of one quench (reference/ising_*.json), cut to t = 0, 0.1, ..., 1. Sites count from 1, site 1 = mode 0. */
export interface IsingReference {
  readonly d: number;
  readonly alpha: number | "inf";
  readonly Omega: number;
  readonly Delta: number;
  readonly nu: number;
  readonly times: readonly number[];
  readonly sz: readonly (readonly number[])[];
  readonly sx: readonly (readonly number[])[];
  readonly energy: readonly number[];
  /** By time, then by block of sites "first-last", inclusive. */
  readonly schmidt: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  readonly psi: Readonly<Record<string, { readonly re: readonly number[]; readonly im: readonly number[] }>>;
}

export const isingNames = ["d4_alpha1", "d4_alpha3", "d8_alpha1", "d8_alpha3", "d8_alphainf", "d10_alpha1"] as const;

const read = (path: URL): unknown => JSON.parse(readFileSync(path, "utf8"));

export const isingReference = (name: string): IsingReference =>
  read(new URL(`../data/ising_${name}_setA.json`, import.meta.url)) as IsingReference;

/** A file of the shared reference folder beside the repository; null where there is none. */
export function original(file: string): Readonly<Record<string, unknown>> | null {
  const path = new URL(`../../../shared/reference/${file}`, import.meta.url);
  return existsSync(path) ? (read(path) as Record<string, unknown>) : null;
}
