import { moveCenter } from "../ttn/gauge.ts";
import { type Nested, nestedOf, rootOf, tree } from "../ttn/tree.ts";
import { checkTensors, type TTN } from "../ttn/ttn.ts";
import { type NpyArray, readNpz, writeNpz } from "./npz.ts";

/**
 * A state as an `.npz` archive: `tree`, its tree as nested modes in JSON, and `node0`, `node1`, ..., the tensor of each node in
 * post-order, with the orthogonality centre at the root.
 */
export function writeState(y: TTN): Uint8Array {
  const { tensors } = moveCenter(y, rootOf(y.tree));
  const nodes = tensors.map((t, id): [string, NpyArray] => [`node${id}`, t]);
  const nested: NpyArray = { dtype: "string", shape: [1], data: [JSON.stringify(nestedOf(y.tree))] };
  return writeNpz({ tree: nested, ...Object.fromEntries(nodes) });
}

/**
 * The state in an archive made by `writeState`, bit for bit. Throws a RangeError or TypeError when arrays are missing or do not fit
 * the tree, and as `readNpz` does.
 */
export function readState(bytes: Uint8Array): TTN {
  const { tree: nested, ...nodes } = readNpz(bytes);
  if (nested?.dtype !== "string") throw new RangeError('readState: the archive has no array "tree" of strings');
  const shape = tree(JSON.parse(nested.data[0]!) as Nested);
  const tensors = shape.nodes.map((_, id) => {
    const t = nodes[`node${id}`];
    if (t?.dtype !== "float64" && t?.dtype !== "complex128")
      throw new RangeError(`readState: the array node${id} is ${t?.dtype ?? "missing"}, expected numbers`);
    return t;
  });
  checkTensors(shape, tensors);
  return { tree: shape, tensors, center: rootOf(shape) };
}
