import { describe, expect, it } from "vitest";
import { editDistance, nearest } from "../../src/text/nearest.ts";

describe("the nearest name", () => {
  it.each([
    ["Zz", ["X", "Z"], "Z"],
    ["z", ["Z", "X"], "Z"],
    ["sqr", ["exp", "sqrt"], "sqrt"],
    ["paralel-bug", ["augmented-bug", "parallel-bug"], "parallel-bug"],
    ["tolerence", ["tolerance", "maxRank"], "tolerance"],
    ["maxrank", ["maxStep", "maxRank"], "maxRank"],
    ["foo", ["root", "tol"], undefined],
    ["dd", ["d", "T"], "d"],
    ["slvr", ["solver", "rank"], "solver"],
    ["W", ["X", "Y"], undefined],
    ["temperature", ["J", "g"], undefined],
    ["x", [], undefined],
  ] as const)("of %s among %j is %s", (name, candidates, expected) => {
    expect(nearest(name, candidates)).toBe(expected);
  });

  it("counts a swap of neighbours as one edit and a change of case as a quarter", () => {
    expect(editDistance("ab", "ba")).toBe(1);
    expect(editDistance("kitten", "sitting")).toBe(3);
    expect(editDistance("abc", "aBc")).toBe(0.25);
    expect(editDistance("", "abc")).toBe(3);
  });
});
