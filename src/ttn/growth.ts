import { place } from "../linalg/contract.ts";
import { type Tensor, tensor } from "../linalg/tensor.ts";

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
  const rank = old.shape.at(-1)!;
  const last = fresh.shape.length - 1;
  const basis = tensor(fresh.shape.with(last, rank + fresh.shape[last]!), fresh.dtype);
  place(
    old,
    basis,
    old.shape.map(() => 0),
  );
  place(fresh, basis, old.shape.map(() => 0).with(last, rank));
  return grownFrom(basis, { old, fresh });
}

/** Tells of a basis that came from elsewhere which parts it was made of. */
export function grownFrom(basis: Tensor, parts: Growth): Tensor {
  grown.set(basis, parts);
  return basis;
}

/** All that is known of how these bases, and the parts that they were made of, have grown. */
export function growthsOf(bases: readonly Tensor[]): readonly (Growth & { readonly basis: Tensor })[] {
  return bases.flatMap((basis) => {
    const growth = grown.get(basis);
    return growth ? [{ basis, ...growth }, ...growthsOf([growth.old])] : [];
  });
}

/** The parts of a basis made by `grow`. */
export const growthOf = (basis: Tensor): Growth | undefined => grown.get(basis);
