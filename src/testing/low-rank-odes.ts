import fc, { type Arbitrary } from "fast-check";
import type { Dtype } from "../linalg/tensor.ts";
import { nestedOf } from "../ttn/tree.ts";
import { grown, pieces, type TreeOptions } from "./arbitraries.ts";
import { type LowRankOde, lowRankOde, type OdeSpec } from "./low-rank-ode.ts";

/** Which low-rank ODEs are drawn. */
export interface OdeOptions extends TreeOptions {
  /** Largest mode size. Default 5. */
  readonly maxSize?: number;
  /** Smallest and largest rank. Default 1 and 3. */
  readonly minRank?: number;
  readonly maxRank?: number;
  /** By how much a mode is larger than the rank, at least. Default 0. */
  readonly spare?: number;
  /** Smallest singular values to draw from. Default [0.1, 1e-4, 1e-8, 1e-16, 0]. */
  readonly smallest?: readonly number[];
  /** Scalar types to draw from. Default: both. */
  readonly dtypes?: readonly Dtype[];
  /** Default: both. */
  readonly kinds?: readonly OdeSpec["kind"][];
  /** Sizes of the coupling to draw from. Default [0, 1e-3, 0.1]. */
  readonly couplings?: readonly number[];
  /** Norms of the source to draw from. Default [0, 1e-3]. */
  readonly sources?: readonly number[];
  /** Distances of the start from the exact one to draw from. Default [0]. */
  readonly deltas?: readonly number[];
  /** Length of the time span. Default 0.4. */
  readonly T?: number;
}

/** What random low-rank ODEs are made of; they shrink to two small modes, rank one, real rotations without perturbation. */
export function odeSpecs(options: OdeOptions = {}): Arbitrary<OdeSpec> {
  const {
    maxSize = 5,
    minRank = 1,
    maxRank = 3,
    smallest = [0.1, 1e-4, 1e-8, 1e-16, 0],
    dtypes = ["float64", "complex128"],
    kinds = ["rotation", "general"],
    couplings = [0, 1e-3, 0.1],
    sources = [0, 1e-3],
    deltas = [0],
    T = 0.4,
    maxLeaves = 4,
    spare = 0,
  } = options;
  return fc
    .record({
      parts: pieces({ ...options, maxLeaves }),
      rank: fc.integer({ min: minRank, max: maxRank }),
      extra: fc.array(fc.nat(Math.max(0, maxSize - minRank)), { minLength: maxLeaves, maxLength: maxLeaves }),
      smallest: fc.constantFrom(...smallest),
      dtype: fc.constantFrom(...dtypes),
      kind: fc.constantFrom(...kinds),
      coupling: fc.constantFrom(...couplings),
      source: fc.constantFrom(...sources),
      delta: fc.constantFrom(...deltas),
      seed: fc.nat(),
    })
    .map(({ parts, extra, ...rest }): OdeSpec => {
      const shape = grown(parts);
      // a mode has room for the rank, and two dimensions, since a single one does not move
      const least = Math.max(2, rest.rank + spare);
      const sizes = Array.from({ length: shape.order }, (_, k) =>
        Math.max(least, Math.min(maxSize, rest.rank + extra[k]!)),
      );
      return { tree: nestedOf(shape), sizes, ...rest, T };
    });
}

/** Random low-rank ODEs with their solutions and constants. */
export const lowRankOdes = (options: OdeOptions = {}): Arbitrary<LowRankOde> => odeSpecs(options).map(lowRankOde);
