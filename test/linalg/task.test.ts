import { describe, expect, test } from "vitest";
import { allDone, doneHere, inParallel, type Task, type Work } from "../../src/linalg/task.ts";

const square = (n: number): Task => ({ kind: "square", message: null, node: n, flops: 1, run: () => n * n });

/** One set for each list of numbers; returns the sum of all squares. */
function* squares(sets: readonly (readonly number[])[]): Work<number> {
  let sum = 0;
  for (const set of sets) for (const n of yield* allDone<number>(set.map(square))) sum += n;
  return sum;
}

describe("two works in parallel", () => {
  test("share their sets, each gets its own results, and the longer one goes on alone", () => {
    const work = inParallel(squares([[1, 2], [3]]), squares([[4], [5, 6], [], [7]]));
    const sizes: number[] = [];
    let next = work.next();
    while (!next.done) {
      sizes.push(next.value.tasks.length);
      next = work.next(next.value.tasks.map((t) => t.run()));
    }
    expect(sizes).toEqual([3, 3, 1]);
    expect(next.value).toEqual([1 + 4 + 9, 16 + 25 + 36 + 49]);
  });

  test("need no set at all where neither has one", () => {
    expect(doneHere(inParallel(squares([]), squares([[]])))).toEqual([0, 0]);
  });

  test("are both ended when one throws, and when nobody goes on", () => {
    let ended = 0;
    function* holding(): Work<void> {
      try {
        yield* allDone([square(1)]);
        yield* allDone([square(2)]);
      } finally {
        ended++;
      }
    }
    function* failing(): Work<void> {
      yield* allDone([square(3)]);
      throw new Error("no further");
    }
    expect(() => doneHere(inParallel(holding(), failing()))).toThrow("no further");
    expect(ended).toBe(1);
    const abandoned = inParallel(holding(), holding());
    abandoned.next();
    abandoned.return([undefined, undefined]);
    expect(ended).toBe(3);
  });
});
