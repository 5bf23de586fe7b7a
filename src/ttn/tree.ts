/** Position of a node in post-order: children before parents, the root last. */
export type NodeId = number;

/** One node: a leaf carries one mode of the tensor, an inner node joins two or more children. */
export interface TreeNode {
  readonly parent: NodeId | null;
  readonly children: readonly NodeId[];
  /** The mode of the full tensor at a leaf; null at inner nodes. */
  readonly mode: number | null;
}

/** A dimension tree. */
export interface Tree {
  readonly nodes: readonly TreeNode[];
  /** Number of modes, that is of leaves. */
  readonly order: number;
  /** The leaf of each mode. */
  readonly leaves: readonly NodeId[];
}

/** A tree as nested arrays of modes, for example `[[0, 1], [2, [3, 4]]]`. */
export type Nested = number | readonly Nested[];

/**
 * The tree of a nested array. Throws a RangeError that shows the place when a mode is repeated, missing or no
 * non-negative integer, or when an inner node has fewer than two children.
 */
export function tree(nested: Nested): Tree {
  const nodes: { parent: NodeId | null; children: readonly NodeId[]; mode: number | null }[] = [];
  const seen = new Map<number, string>();
  const walk = (part: Nested, place: string): NodeId => {
    if (typeof part === "number") {
      if (!Number.isSafeInteger(part) || part < 0)
        throw new RangeError(`tree: mode ${part} at ${place} is no non-negative integer`);
      const before = seen.get(part);
      if (before !== undefined) throw new RangeError(`tree: mode ${part} stands twice, at ${before} and at ${place}`);
      seen.set(part, place);
      return nodes.push({ parent: null, children: [], mode: part }) - 1;
    }
    if (!Array.isArray(part))
      throw new RangeError(`tree: ${JSON.stringify(part)} at ${place} is neither a mode number nor an array`);
    if (part.length < 2)
      throw new RangeError(`tree: the inner node at ${place} has ${part.length} children, expected two or more`);
    const children = part.map((child, i) => walk(child, `${place}[${i}]`));
    const id = nodes.push({ parent: null, children, mode: null }) - 1;
    for (const child of children) nodes[child]!.parent = id;
    return id;
  };
  walk(nested, "tree");
  const order = seen.size;
  for (let mode = 0; mode < order; mode++)
    if (!seen.has(mode)) {
      const largest = Math.max(...seen.keys());
      throw new RangeError(
        `tree: mode ${mode} is missing; ${order} leaves carry modes up to ${largest}, expected 0 to ${order - 1}`,
      );
    }
  const leaves = Array.from({ length: order }, () => 0);
  nodes.forEach((node, id) => {
    if (node.mode !== null) leaves[node.mode] = id;
  });
  return { nodes, order, leaves };
}

/**
 * Balanced binary tree over modes first, first + 1, ...; any number d of leaves. With d = 2^N + c the left subtree has
 * 2^(N-1) + min(c, 2^(N-1)) of them, so that all leaves lie on two neighbouring levels.
 */
export function balanced(d: number): Tree {
  const build = (first: number, count: number): Nested => {
    if (count === 1) return first;
    let power = 1;
    while (2 * power <= count) power *= 2;
    const left = power / 2 + Math.min(count - power, power / 2);
    return [build(first, left), build(first + left, count - left)];
  };
  return tree(build(0, positive("balanced", d)));
}

/** Tensor train: `[0, [1, [2, ...]]]`, one leaf at each inner node. */
export function train(d: number): Tree {
  let nested: Nested = positive("train", d) - 1;
  for (let mode = d - 2; mode >= 0; mode--) nested = [mode, nested];
  return tree(nested);
}

/** Tucker format: all leaves are children of the root. */
export function star(d: number): Tree {
  positive("star", d);
  return tree(d === 1 ? 0 : Array.from({ length: d }, (_, mode) => mode));
}

function positive(what: string, d: number): number {
  if (!Number.isSafeInteger(d) || d < 1) throw new RangeError(`${what}: ${d} leaves, expected a positive integer`);
  return d;
}

/** The root: the last node. */
export const rootOf = (t: Tree): NodeId => t.nodes.length - 1;

/** All nodes but the root, children before parents: the edges of the tree, each named by its lower end. */
export const edgesOf = (t: Tree): readonly NodeId[] => t.nodes.slice(0, -1).map((_, id) => id);

/** The nested array of a subtree. */
export function nestedOf(t: Tree, node: NodeId = rootOf(t)): Nested {
  const { mode, children } = t.nodes[node]!;
  return mode ?? children.map((child) => nestedOf(t, child));
}

/** Modes below a node, in the order of its leaves. */
export function modesBelow(t: Tree, node: NodeId): readonly number[] {
  const { mode, children } = t.nodes[node]!;
  return mode !== null ? [mode] : children.flatMap((child) => modesBelow(t, child));
}

/** Distance of every node from the root. */
export function depths(t: Tree): readonly number[] {
  const depth = t.nodes.map(() => 0);
  for (let id = rootOf(t) - 1; id >= 0; id--) depth[id] = depth[t.nodes[id]!.parent!]! + 1;
  return depth;
}

/** Nodes grouped by distance from the root, the deepest first: every node comes after all of its descendants. */
export function levels(t: Tree): readonly (readonly NodeId[])[] {
  const depth = depths(t);
  const groups: NodeId[][] = Array.from({ length: Math.max(...depth) + 1 }, () => []);
  depth.forEach((k, id) => {
    groups[k]!.push(id);
  });
  return groups.reverse();
}

/**
 * A text drawing, one line a node; `label` adds a remark to each, such as its rank.
 *
 *     root
 *     ├─ 0
 *     └─ ·
 *        ├─ 1
 *        └─ 2
 */
export function draw(t: Tree, label: (node: NodeId) => string = () => ""): string {
  const lines: string[] = [];
  const walk = (id: NodeId, lead: string, branch: string): void => {
    const { mode, children, parent } = t.nodes[id]!;
    const name = mode !== null ? `${mode}` : parent === null ? "root" : "·";
    lines.push(`${lead}${branch}${name} ${label(id)}`.trimEnd());
    const deeper = branch === "" ? lead : lead + (branch === "└─ " ? "   " : "│  ");
    children.forEach((child, i) => {
      walk(child, deeper, i === children.length - 1 ? "└─ " : "├─ ");
    });
  };
  walk(rootOf(t), "", "");
  return lines.join("\n");
}
