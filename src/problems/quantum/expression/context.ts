import type { Scalar, Tensor } from "../../../linalg/tensor.ts";
import type { Fault, OperatorAlgebra, Term } from "./algebra.ts";

/** Values of the summation indices, by the slot that the scope gave them. */
export type Indices = number[];

/** What a node means: a number, a condition, or a sum of products of site operators, given the indices. */
export type Meaning =
  | { readonly type: "scalar"; readonly value: (indices: Indices) => Scalar }
  | { readonly type: "condition"; readonly holds: (indices: Indices) => boolean }
  | { readonly type: "operator"; readonly terms: (indices: Indices) => readonly Term[] };

/** What all nodes of an expression share. */
export interface Context {
  readonly text: string;
  readonly d: number;
  readonly parameters: Readonly<Record<string, number>>;
  readonly operators: Readonly<Record<string, Tensor>>;
  readonly algebra: OperatorAlgebra;
  /** The last scalar operation without a finite result; a term with such a coefficient keeps it. */
  fault: Fault | undefined;
  /** Size of the operators seen on each site. */
  readonly sizes: Map<number, number>;
}

/** Names of the summation indices in force, in the order of their slots. */
export type Scope = readonly string[];

/** What kind of thing this is, for messages. */
export const article = (m: Meaning): string =>
  m.type === "operator" ? "an expression with site operators" : m.type === "scalar" ? "a number" : "a condition";

/** " (i=0, j=3)", or nothing outside sums. */
export const assignment = (scope: Scope, indices: Indices): string =>
  scope.length === 0 ? "" : ` (${scope.map((name, slot) => `${name}=${indices[slot]}`).join(", ")})`;
