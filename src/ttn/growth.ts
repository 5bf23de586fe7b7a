import { concatLast, pad } from "../linalg/contract.ts";
import type { Tensor } from "../linalg/tensor.ts";

/** Of which parts a basis [U0, Ut] was put together. */
export interface Growth {
  /** U0 as it was, in the old bases of the children, which are the first vectors of the new ones. */
  readonly old: Tensor;
  /** Ut, in the new bases of the children. */
  readonly fresh: Tensor;
}

const grown = new WeakMap<Tensor, Growth>();

/**
 * The basis [U0, Ut] of a node: U0 zero padded to the children's new ranks, then the new directions. Remembers its parts, so
 * that what was contracted with U0 need not be contracted again.
 */
export function grow(old: Tensor, fresh: Tensor): Tensor {
  const basis = concatLast(pad(old, [...fresh.shape.slice(0, -1), old.shape.at(-1)!]), fresh);
  grown.set(basis, { old, fresh });
  return basis;
}

/** The parts of a basis made by `grow`. */
export const growthOf = (basis: Tensor): Growth | undefined => grown.get(basis);
