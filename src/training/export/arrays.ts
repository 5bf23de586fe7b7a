import type { Tensor } from "../../linalg/tensor.ts";
import { moveCenter } from "../../ttn/gauge.ts";
import { factorsOf, matrixNetwork } from "../../ttn/matrix-rhs.ts";
import { type Nested, nestedOf, rootOf, tree } from "../../ttn/tree.ts";
import { checkTensors, type TTN } from "../../ttn/ttn.ts";
import type { Weights } from "../weights.ts";

/** What `readNpz` and `writeNpz` of `dlra/io` call an array, as far as weights need it. */
export type WeightArray =
  | Tensor
  | { readonly dtype: "string"; readonly shape: readonly number[]; readonly data: readonly string[] };

/**
 * Weights as named arrays, for `writeNpz` of `dlra/io`: `block0.u`, `block0.s` and `block0.v` for a matrix U S V^T, `block0.tree` (nested modes
 * in JSON) and `block0.node0`, ... in post-order for any other tree; `passenger0`, ... for the rest. Bases are orthonormal.
 */
export function toArrays({ blocks, passengers }: Weights): Record<string, WeightArray> {
  const arrays: Record<string, WeightArray> = {};
  blocks.forEach((y, k) => {
    const state = moveCenter(y, rootOf(y.tree));
    if (isMatrix(y)) {
      for (const [name, factor] of Object.entries(factorsOf(state))) arrays[`block${k}.${name}`] = factor;
      return;
    }
    arrays[`block${k}.tree`] = { dtype: "string", shape: [1], data: [JSON.stringify(nestedOf(y.tree))] };
    state.tensors.forEach((t, id) => {
      arrays[`block${k}.node${id}`] = t;
    });
  });
  passengers.forEach((p, i) => {
    arrays[`passenger${i}`] = p;
  });
  return arrays;
}

/**
 * The weights in arrays made by `toArrays`, bit for bit. Throws a RangeError naming the array that is missing or no numbers, or that does not
 * belong to any weight; and as `matrixNetwork` and `ttn` do where sizes do not fit.
 */
export function fromArrays(
  arrays: Readonly<Record<string, { readonly dtype: string; readonly shape: readonly number[] }>>,
): Weights {
  const left = new Set(Object.keys(arrays));
  const take = (name: string): Tensor => {
    const array = arrays[name];
    if (array?.dtype !== "float64")
      throw new RangeError(`fromArrays: the array ${name} is ${array?.dtype ?? "missing"}, expected float64`);
    left.delete(name);
    return array as Tensor;
  };
  const has = (name: string): boolean => Object.hasOwn(arrays, name);
  const blocks: TTN[] = [];
  for (let k = 0; has(`block${k}.u`) || has(`block${k}.tree`); k++) {
    const name = (part: string): string => `block${k}.${part}`;
    if (has(name("u"))) {
      blocks.push(matrixNetwork(matrixTree, { left: take(name("u")), core: take(name("s")), right: take(name("v")) }));
      continue;
    }
    const nested = arrays[name("tree")] as WeightArray;
    if (nested.dtype !== "string") throw new RangeError(`fromArrays: the array ${name("tree")} is no text`);
    left.delete(name("tree"));
    const shape = tree(JSON.parse(nested.data[0]!) as Nested);
    const tensors = shape.nodes.map((_, id) => take(name(`node${id}`)));
    checkTensors(shape, tensors);
    blocks.push({ tree: shape, tensors, center: rootOf(shape) });
  }
  const passengers: Tensor[] = [];
  while (has(`passenger${passengers.length}`)) passengers.push(take(`passenger${passengers.length}`));
  const [extra] = left;
  if (extra !== undefined) throw new RangeError(`fromArrays: the array ${extra} belongs to no weight`);
  if (blocks.length + passengers.length === 0) throw new RangeError("fromArrays: there are no arrays of weights");
  return { blocks, passengers };
}

/** Rows first, columns second. */
const matrixTree = tree([0, 1]);

const isMatrix = ({ tree: { order, leaves } }: TTN): boolean => order === 2 && leaves[0]! < leaves[1]!;
