import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { fromValues, tensor } from "../../src/linalg/tensor.ts";
import { states } from "../../src/testing/index.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";
import { centers, moveCenter, shiftCenter, ttn } from "../../src/ttn/gauge.ts";
import { rootOf, tree } from "../../src/ttn/tree.ts";
import { checkFrames, checkGauge, worstRatio } from "./checks.ts";
import { relative, runs, Worst } from "./dense.ts";

const decays = [1, 0.1, 1e-3, 1e-8, 0];

describe("orthogonality centre (B3)", () => {
  test("moving the centre anywhere and orthonormalising keep the tensor and make isometries of all other nodes", () => {
    const [error, ratio] = [new Worst(), new Worst()];
    fc.assert(
      fc.property(states({ decays, maxEntries: 1024 }), (y) => {
        const seen = checkGauge(y);
        error.of(seen.error);
        ratio.of(seen.ratio);
      }),
      { numRuns: runs(200) },
    );
    console.info(`B3: error ${error.value.toExponential(1)}, ratio ${ratio.value.toFixed(2)}`);
  });

  test("a path to any node is the same as the shared centres, whatever the start", () => {
    fc.assert(
      fc.property(states({ maxEntries: 1024 }), fc.nat(), fc.nat(), (y, a, b) => {
        const [from, to] = [a % y.tree.nodes.length, b % y.tree.nodes.length];
        const moved = moveCenter(moveCenter(y, from), to);
        expect(moved.center).toBe(to);
        expect(worstRatio(moved)).toBeLessThan(30);
        expect(relative(toDense(moved), toDense(y))).toBeLessThanOrEqual(1e-13);
      }),
      { numRuns: runs(200) },
    );
  });

  test("all centres share one isometry for each direction of each edge, and are remembered", () => {
    fc.assert(
      fc.property(states({ maxEntries: 256 }), (y) => {
        const at = centers(y);
        expect(centers(y)).toBe(at);
        const distinct = new Set(at.flatMap((x) => x.tensors));
        const edges = y.tree.nodes.length - 1;
        expect(distinct.size).toBe(2 * edges + y.tree.nodes.length);
      }),
      { numRuns: runs(50) },
    );
  });

  test("a state whose centre stays is the very same object", () => {
    const y = ttn(tree([0, 1]), [
      fromValues([2, 2], [1, 2, 3, 4]),
      fromValues([2, 2], [1, 0, 0, 1]),
      fromValues([2, 2, 1], [1, 0, 0, 1]),
    ]);
    expect(moveCenter(y, rootOf(y.tree))).toBe(y);
  });
});

describe("null directions", () => {
  test("where a rank is larger than the amplitude's, Q is completed by new directions of the siblings first", () => {
    // a product state in 3 x 3 with rank 2: the amplitude is diag(1, 0)
    const e = fromValues([3, 2], [1, 0, 0, 1, 0, 0]);
    const y = ttn(tree([0, 1]), [e, e, fromValues([2, 2, 1], [1, 0, 0, 0])]);
    const at = shiftCenter(y, 0);
    expect([...at.tensors[0]!.data]).toEqual([1, 0, 0, 0, 0, 0]);
    expect([...at.tensors[2]!.data].map(Math.abs)).toEqual([1, 0, 0, 1]);
    expect(worstRatio(at)).toBeLessThan(30);
  });

  test("the zero tensor has isometries too", () => {
    const y = ttn(tree([0, [1, 2]]), [
      randomTensor(seeded(1), [3, 2]),
      randomTensor(seeded(2), [3, 2]),
      randomTensor(seeded(3), [3, 2]),
      randomTensor(seeded(4), [2, 2, 2]),
      tensor([2, 2, 1]),
    ]);
    for (const x of centers(y)) {
      expect(worstRatio(x)).toBeLessThan(30);
      expect(toDense(x).data.every((v) => v === 0)).toBe(true);
    }
  });
});

test("restriction after prolongation is the identity, and the frames are adjoint to each other (B6)", () => {
  const worst = new Worst();
  fc.assert(
    fc.property(states({ decays, maxEntries: 256, maxRank: 4 }), (y) => {
      worst.of(checkFrames(y));
    }),
    { numRuns: runs(200) },
  );
  console.info(`B6: ${worst.value.toExponential(1)}`);
});
