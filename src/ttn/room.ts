import { add, inner, norm, scale } from "./arithmetic.ts";
import { edgesOf } from "./tree.ts";
import { schmidtValues } from "./truncate.ts";
import { ranks, type TTN } from "./ttn.ts";

/**
 * Whether a derivative F points out of the tangent space of the manifold at Y (tensors of Y's ranks), so that integrators that
 * see F only through frames of Y cannot follow it: XXZ from a Neel state is an example, where every spin flip needs two
 * sites. Along a tangent direction, Y + eps F gets new Schmidt values of size eps^2 only, along another of size eps. The part
 * of F along Y does not count; parts out of the tangent space below 1e-5 of the rest are not seen.
 */
export function leavesTangentSpace(y: TTN, f: TTN): boolean {
  const size = norm(y);
  if (size === 0) return norm(f) > 0;
  const along = inner(y, f);
  const across = add(f, scale({ re: -along.re / size / size, im: -along.im / size / size }, y));
  const speed = norm(across);
  if (speed <= 1e-14 * norm(f)) return false;
  const moved = add(y, scale((eps * size) / speed, across));
  const before = ranks(y);
  return edgesOf(y.tree).some((id) => (schmidtValues(moved, id)[before[id]!] ?? 0) > 5 * eps * eps * size);
}

const eps = 1e-6;

/**
 * The same tensor as Y in bases that also hold those of F, with amplitude zero: a start from which integrators see all of F(Y).
 * Ranks add up. For a linear right-hand side F is `applyOperator(H, y)`.
 */
export const roomFor = (y: TTN, f: TTN): TTN => add(y, scale(0, f));
