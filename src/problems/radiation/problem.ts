import type { ProductTerm } from "../../ttn/operators/product-sum.ts";
import type { Problem } from "../../ttn/problem.ts";
import type { Tree } from "../../ttn/tree.ts";
import type { CollocatedInput } from "./distributions.ts";

/** A kinetic equation with uncertain coefficients, by moments in angle and collocation in the inputs. */
export interface RadiationProblem extends Problem {
  /** Modes in this order: space, angle, then the inputs. */
  readonly tree: Tree;
  /** Grid points; in the plane, point (x_i, y_j) has index i n + j. */
  readonly grid: { readonly x: Float64Array } | { readonly x: Float64Array; readonly y: Float64Array };
  readonly inputs: readonly CollocatedInput[];
  /** The step that the CFL number gives; in the plane shorter where the span asks for it. */
  readonly dt: number;
  /** Full steps in the span. */
  readonly steps: number;
  /** The right-hand side, a sum of products of matrices on the modes (without sources). */
  readonly terms: readonly ProductTerm[];
}
