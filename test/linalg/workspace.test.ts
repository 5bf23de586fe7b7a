import { describe, expect, test } from "vitest";
import { openblasBackend } from "../../src/linalg/backends/openblas.ts";
import { backend, backendNames, useBackend } from "../../src/linalg/current.ts";
import { fromValues, tensor } from "../../src/linalg/tensor.ts";
import { ownFrame, Workspace, workspace } from "../../src/linalg/workspace.ts";

const available = backendNames.filter((name) => name !== "openblas" || openblasBackend() !== null);

describe.each(available)("scratch memory of %s", (name) => {
  const fresh = (): Workspace => new Workspace(useBackend(name));

  test("tensors of one frame never overlap, also across slabs and with sizes of zero", () => {
    const space = fresh();
    using frame = space.frame();
    const taken = [[3, 5], [0, 4], [1], [700, 700], [2, 2, 2], [300, 1000], [7]].map((shape, k) =>
      frame.take(shape, k % 2 === 0 ? "float64" : "complex128"),
    );
    taken.forEach((t, k) => {
      t.data.fill(k + 1);
    });
    taken.forEach((t, k) => {
      expect(t.data.every((v) => v === k + 1)).toBe(true);
      expect(t.data.length).toBe(t.shape.reduce((p, n) => p * n, 1) * (k % 2 === 0 ? 1 : 2));
    });
    useBackend("auto");
  });

  test("every tensor starts on a cache line of its slab", () => {
    const space = fresh();
    using frame = space.frame();
    const offsets = [1, 3, 8, 9, 17].map((n) => frame.take([n], "float64").data.byteOffset);
    for (const offset of offsets) expect((offset - offsets[0]!) % 64).toBe(0);
    useBackend("auto");
  });

  test("a frame gives back all that was taken since it began, also when an error passes through", () => {
    const space = fresh();
    const where = (): number => {
      using frame = space.frame();
      return frame.take([4], "float64").data.byteOffset;
    };
    const before = where();
    expect(() => {
      using frame = space.frame();
      frame.take([1000], "complex128");
      throw new Error("inside");
    }).toThrow("inside");
    expect(where()).toBe(before);
    useBackend("auto");
  });

  test("frames nest: an inner one does not disturb the outer one's tensors", () => {
    const space = fresh();
    using outer = space.frame();
    const kept = outer.take([10], "float64");
    kept.data.fill(7);
    for (let k = 0; k < 3; k++) {
      using inner = space.frame();
      inner.take([100], "float64").data.fill(k);
    }
    const later = outer.take([10], "float64");
    later.data.fill(9);
    expect(kept.data.every((v) => v === 7)).toBe(true);
    useBackend("auto");
  });

  test("memory is taken once: the high-water mark stays when the same frames come again", () => {
    const space = fresh();
    const work = (): void => {
      using frame = space.frame();
      frame.take([600, 600], "complex128");
      using inner = space.frame();
      inner.take([200, 200], "float64");
    };
    work();
    const mark = space.bytes;
    for (let k = 0; k < 100; k++) work();
    expect(space.bytes).toBe(mark);
    expect(mark).toBeGreaterThanOrEqual(8 * (2 * 600 * 600 + 200 * 200));
    useBackend("auto");
  });

  test("tensors that grow from frame to frame do not leave a slab behind each", () => {
    const space = fresh();
    const first = (1 << 23) + 8;
    let largest = 0;
    for (let step = 0; step < 20; step++) {
      using frame = space.frame();
      largest = frame.take([first + step * 1000], "float64").data.byteLength;
    }
    expect(space.bytes).toBeLessThan(2 * largest);
    useBackend("auto");
  });

  test("frames on stacks of their own do not disturb each other, in whatever order they end, and leave their memory to the next", () => {
    useBackend(name);
    const [first, second] = [ownFrame(), ownFrame()];
    const [a, b] = [first.take([50], "float64"), second.take([50], "float64")];
    a.data.fill(1);
    b.data.fill(2);
    first[Symbol.dispose]();
    first[Symbol.dispose](); // ends once
    second.take([50], "float64").data.fill(3);
    {
      using shared = workspace().frame();
      shared.take([1000], "float64").data.fill(4);
    }
    expect(b.data.every((v) => v === 2)).toBe(true);
    expect(a.data.every((v) => v === 1)).toBe(true);
    using third = ownFrame();
    using fourth = ownFrame();
    const again = third.take([50], "float64");
    expect([again.data.buffer === a.data.buffer, again.data.byteOffset]).toEqual([true, a.data.byteOffset]);
    again.data.fill(5);
    fourth.take([50], "float64").data.fill(6);
    expect(b.data.every((v) => v === 2)).toBe(true);
    second[Symbol.dispose]();
    useBackend("auto");
  });

  test("held tensors are copies, of another type if asked for", () => {
    const space = fresh();
    using frame = space.frame();
    const t = fromValues([2], [1, 2]);
    const [same, wide] = [frame.hold(t), frame.hold(t, "complex128")];
    t.data[0] = 5;
    expect([...same.data]).toEqual([1, 2]);
    expect([...wide.data]).toEqual([1, 0, 2, 0]);
    expect(() => frame.hold(tensor([1], "complex128"), "float64")).toThrow(TypeError);
    useBackend("auto");
  });
});

test.each(available)("a tensor within a frame is itself where %s reaches it, else a copy that it does", (name) => {
  useBackend(name);
  using frame = workspace().frame();
  const [own, other] = [frame.take([3], "float64"), fromValues([3], [1, 2, 3])];
  expect(frame.within(own) === own).toBe(backend().reaches?.(own.data) ?? false);
  const seen = frame.within(other);
  expect([...seen.data]).toEqual([1, 2, 3]);
  expect(seen === other).toBe(backend().reaches?.(other.data) ?? false);
  expect([...frame.within(other, "complex128").data]).toEqual([1, 0, 2, 0, 3, 0]);
  useBackend("auto");
});

test("each backend has one workspace of its own", () => {
  const spaces = available.map((name) => {
    useBackend(name);
    expect(workspace()).toBe(workspace());
    return workspace();
  });
  expect(new Set(spaces).size).toBe(available.length);
  useBackend("auto");
  expect(backend().name).toBe(available.includes("openblas") ? "openblas" : "wasm");
});
