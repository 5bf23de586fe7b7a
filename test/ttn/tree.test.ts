import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { trees } from "../../src/testing/index.ts";
import {
  balanced,
  depths,
  draw,
  edgesOf,
  levels,
  modesBelow,
  type Nested,
  nestedOf,
  rootOf,
  star,
  train,
  tree,
} from "../../src/ttn/tree.ts";
import { runs } from "./dense.ts";

describe("nested arrays", () => {
  test("nodes stand in post-order, the root last, and know parents, children and modes", () => {
    const t = tree([
      [1, 0],
      [2, [3, 4]],
    ]);
    expect(t.order).toBe(5);
    expect(t.nodes.map((n) => n.mode)).toEqual([1, 0, null, 2, 3, 4, null, null, null]);
    expect(t.nodes.map((n) => n.parent)).toEqual([2, 2, 8, 7, 6, 6, 7, 8, null]);
    expect(t.leaves).toEqual([1, 0, 3, 4, 5]);
    expect(rootOf(t)).toBe(8);
    expect(edgesOf(t)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(modesBelow(t, 7)).toEqual([2, 3, 4]);
    expect(depths(t)).toEqual([2, 2, 1, 2, 3, 3, 2, 1, 0]);
    expect(levels(t)).toEqual([[4, 5], [0, 1, 3, 6], [2, 7], [8]]);
  });

  test("a single mode is a tree with one leaf", () => {
    const t = tree(0);
    expect(t.nodes).toEqual([{ parent: null, children: [], mode: 0 }]);
    expect(edgesOf(t)).toEqual([]);
    expect(levels(t)).toEqual([[0]]);
  });

  test("every tree is made again from its nested array, children stand before parents", () => {
    fc.assert(
      fc.property(trees(), (t) => {
        expect(tree(nestedOf(t))).toEqual(t);
        t.nodes.forEach(({ parent, children, mode }, id) => {
          expect(children.every((c) => c < id && t.nodes[c]!.parent === id)).toBe(true);
          expect(parent === null).toBe(id === rootOf(t));
          expect(mode === null ? children.length >= 2 : children.length === 0).toBe(true);
        });
        expect([...modesBelow(t, rootOf(t))].sort((a, b) => a - b)).toEqual(t.leaves.map((_, k) => k));
        t.leaves.forEach((leaf, mode) => {
          expect(t.nodes[leaf]!.mode).toBe(mode);
        });
        expect(
          levels(t)
            .flat()
            .sort((a, b) => a - b),
        ).toEqual(t.nodes.map((_, id) => id));
      }),
      { numRuns: runs(200) },
    );
  });

  test.each<[string, unknown, string]>([
    ["a repeated mode", [0, [1, 0]], "tree: mode 0 stands twice, at tree[0] and at tree[1][1]"],
    ["a missing mode", [0, [1, 3]], "tree: mode 2 is missing; 3 leaves carry modes up to 3, expected 0 to 2"],
    ["a lone mode that is not 0", 1, "tree: mode 0 is missing; 1 leaves carry modes up to 1, expected 0 to 0"],
    ["a node with one child", [0, [1]], "tree: the inner node at tree[1] has 1 children, expected two or more"],
    ["a node with no child", [0, []], "tree: the inner node at tree[1] has 0 children, expected two or more"],
    ["a mode that is no integer", [0, 1.5], "tree: mode 1.5 at tree[1] is no non-negative integer"],
    ["a negative mode", [0, -1], "tree: mode -1 at tree[1] is no non-negative integer"],
    ["NaN", [Number.NaN, 0], "tree: mode NaN at tree[0] is no non-negative integer"],
    [
      "an integer too large to count",
      [0, 2 ** 53],
      "tree: mode 9007199254740992 at tree[1] is no non-negative integer",
    ],
    ["a text", [0, ["1", 2]], 'tree: "1" at tree[1][0] is neither a mode number nor an array'],
    ["null", null, "tree: null at tree is neither a mode number nor an array"],
  ])("%s is refused, naming the place", (_, nested, message) => {
    expect(() => tree(nested as Nested)).toThrow(new RangeError(message));
  });
});

describe("constructors", () => {
  test("balanced trees of any number of leaves are binary, in order, with leaves on two neighbouring levels", () => {
    expect(nestedOf(balanced(1))).toBe(0);
    for (let d = 2; d <= 130; d++) {
      const t = balanced(d);
      expect(t.nodes.length).toBe(2 * d - 1);
      expect(modesBelow(t, rootOf(t))).toEqual(Array.from({ length: d }, (_, k) => k));
      expect(t.nodes.every((n) => n.mode !== null || n.children.length === 2)).toBe(true);
      const depth = depths(t);
      const ofLeaves = t.leaves.map((leaf) => depth[leaf]!);
      expect(Math.min(...ofLeaves)).toBe(Math.floor(Math.log2(d) + 1e-9));
      expect(Math.max(...ofLeaves)).toBe(Math.ceil(Math.log2(d) - 1e-9));
      // the left subtree has 2^(N-1) + min(c, 2^(N-1)) leaves for d = 2^N + c
      const power = 2 ** Math.floor(Math.log2(d) + 1e-9);
      const left = t.nodes[rootOf(t)]!.children[0]!;
      expect(modesBelow(t, left).length).toBe(power / 2 + Math.min(d - power, power / 2));
    }
  });

  test("the balanced trees of 5 and 6 modes are those of the docstring's rule", () => {
    expect(nestedOf(balanced(4))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(nestedOf(balanced(5))).toEqual([
      [[0, 1], 2],
      [3, 4],
    ]);
    expect(nestedOf(balanced(6))).toEqual([
      [
        [0, 1],
        [2, 3],
      ],
      [4, 5],
    ]);
  });

  test("a train has one leaf at each inner node, a star all leaves at the root", () => {
    expect(nestedOf(train(4))).toEqual([0, [1, [2, 3]]]);
    expect(nestedOf(star(4))).toEqual([0, 1, 2, 3]);
    for (const make of [balanced, train, star]) expect(nestedOf(make(1))).toBe(0);
    for (const make of [balanced, train, star]) expect(nestedOf(make(2))).toEqual([0, 1]);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("%d leaves are refused", (d) => {
    expect(() => balanced(d)).toThrow(new RangeError(`balanced: ${d} leaves, expected a positive integer`));
    expect(() => train(d)).toThrow(new RangeError(`train: ${d} leaves, expected a positive integer`));
    expect(() => star(d)).toThrow(new RangeError(`star: ${d} leaves, expected a positive integer`));
  });
});

describe("drawing", () => {
  test("one line a node, branches aligned", () => {
    expect(draw(tree([[1, [0, 2]], 3]))).toBe(
      ["root", "├─ ·", "│  ├─ 1", "│  └─ ·", "│     ├─ 0", "│     └─ 2", "└─ 3"].join("\n"),
    );
  });

  test("remarks stand behind each node; a single leaf is its mode", () => {
    expect(draw(tree([0, 1]), (id) => `r = ${id}`)).toBe("root r = 2\n├─ 0 r = 0\n└─ 1 r = 1");
    expect(draw(tree(0))).toBe("0");
  });
});
