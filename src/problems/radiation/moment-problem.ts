import { norm } from "../../linalg/level1.ts";
import { allFinite, type Tensor } from "../../linalg/tensor.ts";
import { scale } from "../../ttn/arithmetic.ts";
import { productState } from "../../ttn/construct.ts";
import { linearRhs } from "../../ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../ttn/operators/product-sum.ts";
import { sourceRhs } from "../../ttn/source-rhs.ts";
import { sumRhs } from "../../ttn/sum-rhs.ts";
import { balanced, type Nested, nestedOf, type Tree, tree } from "../../ttn/tree.ts";
import { allCounts, allNumbers } from "../matrix/checks.ts";
import type { CollocatedInput } from "./distributions.ts";
import { radiationObservables } from "./observables.ts";
import type { RadiationProblem } from "./problem.ts";

/** Everything of a moment equation but where its terms come from. */
export interface MomentEquation {
  readonly name: string;
  readonly tree: Tree;
  readonly x: Float64Array;
  /** For a problem in the plane. */
  readonly y?: Float64Array;
  readonly dx: number;
  /** Size of the angular mode. */
  readonly moments: number;
  readonly inputs: readonly CollocatedInput[];
  readonly terms: readonly ProductTerm[];
  /** The initial value, one vector for each mode; null for zero. */
  readonly start: readonly Tensor[] | null;
  readonly source: { readonly vectors: readonly Tensor[]; readonly until: number } | null;
  readonly rank: number;
  readonly T: number;
  readonly dt: number;
}

/** The problem of a moment equation. */
export function momentProblem(equation: MomentEquation): RadiationProblem {
  const { name, tree: t, x, y, dx, moments, inputs, terms, start, source, rank, T, dt } = equation;
  allCounts(name, { rank });
  allNumbers(name, { T });
  if (!(T > 0)) throw new RangeError(`${name}: T is ${T}, expected a positive number`);
  const sizes = [x.length * (y?.length ?? 1), moments, ...inputs.map((i) => i.nodes.length)];
  const operator = productSum(t, sizes, terms);
  const begin = start?.every((v) => norm(v) > 0 || !allFinite(v)) ? start : null;
  const shape = begin ?? source?.vectors;
  if (!shape)
    throw new RangeError(
      `${name}: ${start ? "the initial value is zero everywhere, and no source" : "neither a source nor an initial value"} was given, expected one of them`,
    );
  const padded = productState(t, shape, rank);
  const q = source && productState(t, source.vectors);
  const linear = linearRhs([{ operator }]);
  return {
    name,
    tree: t,
    grid: y ? { x, y } : { x },
    inputs,
    dt,
    steps: Math.floor(T / dt + 1e-9),
    terms,
    rhs: q
      ? sumRhs(
          linear,
          sourceRhs(Number.isFinite(source.until) ? (s) => scale(s <= source.until * (1 + 1e-12) ? 1 : 0, q) : q),
        )
      : linear,
    initial: begin ? padded : scale(0, padded),
    span: [0, T],
    observables: radiationObservables(moments, inputs, y ? dx * dx : dx),
  };
}

/** The tree ((space, angle), (inputs, balanced)). */
export function radiationTree(inputs: number): Tree {
  const shift = (part: Nested): Nested => (typeof part === "number" ? part + 2 : part.map(shift));
  return tree(inputs === 0 ? [0, 1] : [[0, 1], shift(nestedOf(balanced(inputs)))]);
}
