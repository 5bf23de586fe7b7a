import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readNpz, writeNpz } from "../../src/io/npz.ts";
import { seeded } from "../../src/linalg/random.ts";
import { fromArrays, toArrays } from "../../src/training/export/arrays.ts";
import { toOnnx } from "../../src/training/export/onnx.ts";
import { Message } from "../../src/training/export/protobuf.ts";
import { convolution } from "../../src/training/layers/convolution.ts";
import { activation, dense, lowRank } from "../../src/training/layers/layers.ts";
import { sequential } from "../../src/training/sequential.ts";
import { meanSquaredError } from "../../src/training/tape/losses.ts";
import { toDense } from "../../src/ttn/arithmetic.ts";

const model = sequential(
  36,
  [
    convolution({ height: 6, width: 6, channels: 1, filters: 2, kernel: 3, format: "tucker", rank: 2 }),
    activation("relu"),
    lowRank(5, { rank: 3 }),
    dense(4),
  ],
  meanSquaredError(),
);
const weights = model.initial(seeded(1));

describe("weights as arrays", () => {
  test("come back from an .npz file bit for bit, Tucker tensors too", () => {
    const back = fromArrays(readNpz(writeNpz(toArrays(weights))));
    expect(back.passengers).toEqual(weights.passengers);
    back.blocks.forEach((y, k) => {
      expect(y.tensors.map(({ data }) => [...data])).toEqual(weights.blocks[k]!.tensors.map(({ data }) => [...data]));
    });
    expect(toArrays(back)).toEqual(toArrays(weights));
  });

  const hasNumpy = spawnSync("python3", ["-c", "import numpy"]).status === 0;
  test.skipIf(!hasNumpy)("NumPy multiplies U S V^T to the same matrix", () => {
    const folder = mkdtempSync(join(tmpdir(), "dlra-"));
    try {
      writeFileSync(join(folder, "weights.npz"), writeNpz(toArrays(weights)));
      const script =
        "import numpy, json, sys; z = numpy.load(sys.argv[1]); print(json.dumps((z['block1.u'] @ z['block1.s'] @ z['block1.v'].T).ravel().tolist()))";
      const { stdout } = spawnSync("python3", ["-c", script, join(folder, "weights.npz")], { encoding: "utf8" });
      const product = JSON.parse(stdout) as number[];
      const { data } = toDense(weights.blocks[1]!);
      product.forEach((value, p) => {
        expect(Math.abs(value - data[p]!)).toBeLessThan(1e-14);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("what is missing or foreign is named", () => {
    const { "block1.s": _, ...without } = toArrays(weights);
    expect(() => fromArrays(without)).toThrow("fromArrays: the array block1.s is missing, expected float64");
    const more = { ...toArrays(weights), passenger9: weights.passengers[0]! };
    expect(() => fromArrays({})).toThrow("fromArrays: there are no arrays of weights");
    expect(() => fromArrays(more)).toThrow("fromArrays: the array passenger9 belongs to no weight");
  });
});

describe("ONNX", () => {
  test("a layer without a form is named", () => {
    expect(() => toOnnx(model, weights)).toThrow(
      "inference: layer 0, low-rank convolution of 2, has no form for export",
    );
  });

  test("messages are those of the specification of protocol buffers", () => {
    const inner = new Message().integer(1, 150);
    expect([...inner.encoded()]).toEqual([0x08, 0x96, 0x01]);
    expect([...new Message().bytes(2, "testing").encoded()]).toEqual([0x12, 7, ...new TextEncoder().encode("testing")]);
    expect([...new Message().bytes(3, inner).encoded()]).toEqual([0x1a, 3, 0x08, 0x96, 0x01]);
    expect([...new Message().integer(20, 2 ** 35).encoded()]).toEqual([0xa0, 0x01, 128, 128, 128, 128, 128, 1]);
  });
});
