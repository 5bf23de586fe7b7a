import { diagonal, type Matrix } from "../../linalg/matrix.ts";
import { fromFunction, fromValues, type Tensor } from "../../linalg/tensor.ts";
import type { ProductTerm } from "../../ttn/operators/product-sum.ts";
import type { Tree } from "../../ttn/tree.ts";
import { allNumbers } from "../matrix/checks.ts";
import {
  type Coefficient,
  decayTerms,
  type Profile,
  type TabulatedCoefficient,
  tabulate,
  valuesAt,
} from "./coefficients.ts";
import { type CollocatedInput, collocate, type UncertainInput } from "./distributions.ts";
import { momentProblem, radiationTree } from "./moment-problem.ts";
import { moment } from "./observables.ts";
import type { RadiationProblem } from "./problem.ts";
import { checkCfl, type ExplicitScheme } from "./stability.ts";

/** An isotropic source: its profile is added to the zeroth moment up to the time `until`, where a step should end. */
export interface Source {
  readonly profile: Profile;
  /** Default: for ever. */
  readonly until?: number;
}

/** What transport in a slab and in the plane is described by alike. */
export interface TransportOptions {
  readonly name: string;
  /** Uncertain inputs, any number of them. Default: none. */
  readonly inputs?: readonly UncertainInput[];
  /** sigma_s, isotropic, by position and inputs. */
  readonly scattering: Coefficient;
  /** sigma_a. Default 0. */
  readonly absorption?: Coefficient;
  readonly source?: Source;
  /** Rank of the start, of which all directions but the first have amplitude zero. */
  readonly rank: number;
  /** dt / dx. */
  readonly cfl: number;
  /** The explicit scheme that `cfl` is checked for. Default "rk4" in a slab, "euler" in the plane. */
  readonly scheme?: ExplicitScheme;
  /** Default ((space, angle), (inputs, balanced)). */
  readonly tree?: Tree;
}

/** The term of streaming in space (mode 0) at the speeds of the angular matrix (mode 1). */
export const streaming = (coefficient: number, space: Matrix, angle: Matrix): ProductTerm => ({
  coefficient,
  factors: [
    { mode: 0, operator: space },
    { mode: 1, operator: angle },
  ],
});

/** What particles move through, at the points of a grid and the nodes of the inputs. */
export interface Medium {
  /** One array for each coordinate. */
  readonly points: readonly Float64Array[];
  readonly inputs: readonly CollocatedInput[];
  readonly scattering: TabulatedCoefficient;
  readonly absorption: TabulatedCoefficient;
}

/** How particles move. */
export interface Streaming {
  /** The grid of each direction. */
  readonly x: Float64Array;
  readonly y?: Float64Array;
  readonly dx: number;
  /** Size of the angular mode. */
  readonly moments: number;
  /** On modes 0 and 1. */
  readonly terms: readonly ProductTerm[];
}

/** n points from one end to the other, and their distance. */
export function gridOf(
  who: string,
  n: number,
  [low, high]: readonly [number, number],
): { x: Float64Array; dx: number } {
  allNumbers(who, { low, high });
  if (!(low < high)) throw new RangeError(`${who}: the interval is [${low}, ${high}], expected its ends in order`);
  const dx = (high - low) / (n - 1);
  return { x: Float64Array.from({ length: n }, (_, i) => low + i * dx), dx };
}

/** The medium of these options. `speed` adds the largest speeds of all directions. Throws a RangeError as `tabulate` and `checkCfl` do. */
export function mediumOf(
  options: TransportOptions,
  points: readonly Float64Array[],
  { speed, dx, scheme }: { readonly speed: number; readonly dx: number; readonly scheme: ExplicitScheme },
): Medium {
  const { name, cfl } = options;
  const inputs = collocate(name, options.inputs ?? []);
  const scattering = tabulate(name, "the scattering coefficient", options.scattering, points, inputs);
  const absorption = tabulate(name, "the absorption coefficient", options.absorption ?? 0, points, inputs);
  checkCfl(name, cfl, options.scheme ?? scheme, { speed, dx, decay: scattering.largest + absorption.largest });
  return { points, inputs, scattering, absorption };
}

/**
 * u' = (streaming) - sigma_s u G - sigma_a u + q e_0, G = diag(0, 1, ..., 1), from `initial` in the zeroth moment; null for zero. Steps are what
 * the CFL number gives, or `dt`.
 */
export function transportProblem(
  { name, cfl, rank, source, tree }: TransportOptions,
  { points, inputs, scattering, absorption }: Medium,
  { terms, ...grid }: Streaming,
  initial: Tensor | null,
  T: number,
  dt = cfl * grid.dx,
): RadiationProblem {
  const { moments } = grid;
  const { until = Number.POSITIVE_INFINITY } = source ?? {};
  if (!(until > 0)) throw new RangeError(`${name}: the source lasts until ${until}, expected a positive time`);
  const vectors = (u0: Tensor): Tensor[] => [
    u0,
    moment(moments),
    ...inputs.map(({ nodes }) => fromFunction([nodes.length], () => 1)),
  ];
  return momentProblem({
    name,
    tree: tree ?? radiationTree(inputs.length),
    ...grid,
    inputs,
    terms: [
      ...terms,
      ...decayTerms(scattering, diagonal(Float64Array.from({ length: moments }, (_, k) => (k === 0 ? 0 : 1)))),
      ...decayTerms(absorption, null),
    ],
    start: initial && vectors(initial),
    source: source ? { vectors: vectors(profileAt(source.profile, points)), until } : null,
    rank,
    T,
    dt,
  });
}

/** The vector of a profile's values at points. */
export const profileAt = (profile: Profile, points: readonly Float64Array[]): Tensor =>
  fromValues([points[0]!.length], valuesAt(profile, points));
