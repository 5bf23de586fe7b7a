import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { balanced, randomState, seeded, type TTN } from "../../src/index.ts";
import {
  OutputError,
  prepareFolder,
  type RunRecord,
  readNpz,
  removeOlder,
  resultFiles,
  stateHash,
  writeFiles,
} from "../../src/io/index.ts";

const root = mkdtempSync(join(tmpdir(), "dlra-result-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("the hash of a state", () => {
  const y = randomState(balanced(3), [2, 3, 2], 2, seeded(1), "complex128");

  test("is SHA-256 over type, shape and bytes of each tensor", () => {
    const hash = createHash("sha256");
    for (const t of y.tensors) {
      hash.update(`complex128 ${t.shape.join("x")}\n`);
      const bytes = Buffer.alloc(8 * t.data.length);
      t.data.forEach((v, i) => {
        bytes.writeDoubleLE(v, 8 * i);
      });
      hash.update(bytes);
    }
    expect(stateHash(y)).toBe(hash.digest("hex"));
  });

  test("sees the last bit of any number, its sign at zero, and shapes", () => {
    const changed = (f: (data: Float64Array) => void): TTN => ({
      ...y,
      tensors: y.tensors.with(
        2,
        (({ data, ...rest }) => {
          const own = data.slice();
          f(own);
          return { ...rest, data: own };
        })(y.tensors[2]!),
      ),
    });
    const hashes = [
      stateHash(y),
      stateHash(
        changed((d) => {
          d[3]! *= 1 + Number.EPSILON;
        }),
      ),
      stateHash(
        changed((d) => {
          d[3] = 0;
        }),
      ),
      stateHash(
        changed((d) => {
          d[3] = -0;
        }),
      ),
      stateHash({ ...y, tensors: y.tensors.with(2, { ...y.tensors[2]!, shape: [...y.tensors[2]!.shape].reverse() }) }),
    ];
    expect(new Set(hashes).size).toBe(y.tensors[2]!.shape.join() === [...y.tensors[2]!.shape].reverse().join() ? 4 : 5);
    expect(stateHash(changed(() => {}))).toBe(stateHash(y));
  });

  test("does not depend on where in a buffer the data lie", () => {
    const views = y.tensors.map((t) => {
      const wide = new Float64Array(t.data.length + 5);
      wide.set(t.data, 3);
      return { ...t, data: wide.subarray(3, 3 + t.data.length) };
    });
    expect(stateHash({ ...y, tensors: views })).toBe(stateHash(y));
  });
});

describe("folders", () => {
  test("are made, and left empty", async () => {
    const path = join(root, "a", "b", "c");
    await prepareFolder(path, false);
    expect(readdirSync(path)).toEqual([]);
    await prepareFolder(path, false);
  });

  test("that hold a result are refused without force; other files do not matter", async () => {
    const path = join(root, "held");
    mkdirSync(path);
    writeFileSync(join(path, "notes.txt"), "");
    await prepareFolder(path, false);
    writeFileSync(join(path, "result.json"), "{}");
    await expect(prepareFolder(path, false)).rejects.toThrow(OutputError);
    await expect(prepareFolder(path, false)).rejects.toThrow("already holds a result; use --force");
    await prepareFolder(path, true);
  });

  test("where result.json is a folder are refused, with force too", async () => {
    const path = join(root, "nested");
    mkdirSync(join(path, "result.json"), { recursive: true });
    for (const force of [false, true])
      await expect(prepareFolder(path, force)).rejects.toThrow(`${join(path, "result.json")}: is a folder`);
  });

  test("that are files, or lie below one, are refused", async () => {
    const path = join(root, "file");
    writeFileSync(path, "");
    for (const p of [path, join(path, "x"), join(path, "x", "y")])
      await expect(prepareFolder(p, true)).rejects.toThrow(/cannot be written/);
  });
});

describe("what an older run left", () => {
  test("state and figures go, unless they were written again; other files stay", async () => {
    const path = join(root, "older");
    mkdirSync(path);
    const names = ["F1-ranks.svg", "F2-norm.svg", "drawing.svg", "notes.txt", "result.json", "state.npz"];
    for (const name of names) writeFileSync(join(path, name), "");
    await removeOlder(path, ["result.json", "F1-ranks.svg"]);
    expect(readdirSync(path).sort()).toEqual(["F1-ranks.svg", "drawing.svg", "notes.txt", "result.json"]);
  });
});

describe("files", () => {
  const record: RunRecord = {
    status: "completed",
    times: [0, 0.5],
    observables: { a: [1, Number.NaN], b: [Float64Array.of(1, 2), Float64Array.of(3, Number.POSITIVE_INFINITY)] },
    ranks: [
      [1, 2, 1],
      [2, 2, 1],
    ],
    discarded: [0, 1e-9],
    errors: { modelling: [0, 0], integration: [0, null], solver: [0, 1e-13], truncation: [0, 1e-9] },
    rejected: [0, 1],
    applications: [0, 12],
    stepSeconds: [0, 0.25],
    seconds: 0.5,
    state: randomState(balanced(2), [2, 2], 1, seeded(2)),
  };

  test("JSON stays JSON, also with NaN and infinities; NPZ keeps them", () => {
    const files = resultFiles("test", { alpha: Number.POSITIVE_INFINITY }, record, { more: 1 });
    const json = JSON.parse(files["result.json"] as string) as Record<string, unknown>;
    expect(json).toMatchObject({
      experiment: "test",
      parameters: { alpha: "inf" },
      more: 1,
      times: [0, 0.5],
      observables: {
        a: [1, null],
        b: [
          [1, 2],
          [3, "inf"],
        ],
      },
    });
    expect(json).not.toHaveProperty("state");
    const arrays = readNpz(files["result.npz"] as Uint8Array);
    expect(arrays["a"]!.data).toEqual(Float64Array.of(1, Number.NaN));
    expect(arrays["b"]).toMatchObject({ shape: [2, 2], data: Float64Array.of(1, 2, 3, Number.POSITIVE_INFINITY) });
    expect(arrays["ranks"]).toMatchObject({ dtype: "int32", shape: [2, 3] });
  });

  test("a record without rows can be written too", () => {
    const empty: RunRecord = {
      ...record,
      status: "interrupted",
      message: "early",
      times: [],
      observables: { a: [] },
      ranks: [],
      discarded: [],
      rejected: [],
      applications: [],
      stepSeconds: [],
    };
    const files = resultFiles("test", {}, empty);
    expect(JSON.parse(files["result.json"] as string)).toMatchObject({
      status: "interrupted",
      message: "early",
      times: [],
    });
    expect(readNpz(files["result.npz"] as Uint8Array)["times"]!.shape).toEqual([0]);
  });

  test("are all tried, and nothing half-written stays", async () => {
    const path = join(root, "tried");
    for (const name of ["a.txt", "c.txt"]) mkdirSync(join(path, name), { recursive: true });
    const writing = writeFiles(path, { "a.txt": "a", "b.txt": "b", "c.txt": "c" });
    await expect(writing).rejects.toThrow(/a\.txt: cannot be written .*; .*c\.txt: cannot be written/);
    expect(readdirSync(path).sort()).toEqual(["a.txt", "b.txt", "c.txt"]);
    expect(readFileSync(join(path, "b.txt"), "utf8")).toBe("b");
  });

  test("are whole, and replace older ones", async () => {
    const path = join(root, "written");
    await prepareFolder(path, false);
    await writeFiles(path, { "a.txt": "old", "b.bin": Uint8Array.of(1, 2) });
    await writeFiles(path, { "a.txt": "new" });
    expect(readdirSync(path).sort()).toEqual(["a.txt", "b.bin"]);
    expect(readFileSync(join(path, "a.txt"), "utf8")).toBe("new");
    await expect(writeFiles(join(root, "nowhere"), { "a.txt": "" })).rejects.toThrow(OutputError);
  });
});
