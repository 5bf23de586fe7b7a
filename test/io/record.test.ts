import { describe, expect, test } from "vitest";
import { balanced, parallelBug, rk4, type Snapshot } from "../../src/index.ts";
import { record, stateHash } from "../../src/io/index.ts";
import { longRangeIsing, spinChain, spinState } from "../../src/problems/index.ts";

const tree = balanced(4);
const chain = (T = 0.1) => spinChain("chain", longRangeIsing(tree), spinState(tree, "up", 2), T);
const base = { integrator: parallelBug(), h: 0.01, every: 1 } as const;

describe("a record", () => {
  test("one row for each observed time; work and what was cut add up to that of the steps", async () => {
    const steps: Snapshot[] = [];
    const kept = await record(chain(), { ...base, every: 3, onStep: (s) => void steps.push(s) });
    expect(steps).toHaveLength(11);
    expect(kept.status).toBe("completed");
    expect(kept.message).toBeUndefined();
    expect(kept.times).toEqual([0, 0.03, 0.06, 0.09, 0.1].map((t) => expect.closeTo(t, 12)));
    for (const key of ["ranks", "discarded", "rejected", "applications", "stepSeconds"] as const)
      expect(kept[key]).toHaveLength(5);
    for (const values of Object.values(kept.observables)) expect(values).toHaveLength(5);
    const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    expect(total(kept.applications)).toBe(total(steps.map((s) => s.applications)));
    expect(total(kept.discarded)).toBeCloseTo(total(steps.map((s) => s.discarded)), 20);
    expect(kept.applications[1]).toBe(total(steps.slice(0, 4).map((s) => s.applications)));
    expect(kept.ranks.at(-1)).toEqual(steps.at(-1)!.ranks);
    expect(kept.state).toBe(steps.at(-1)!.y);
    expect(kept.seconds).toBeGreaterThanOrEqual(total(kept.stepSeconds));
  });

  test("observing rarely does not change the steps", async () => {
    const hash = async (every: number): Promise<string> => stateHash((await record(chain(), { ...base, every })).state);
    expect(await hash(5)).toBe(await hash(1));
    expect(await hash(1000)).toBe(await hash(1));
  });

  test("backwards and over no time at all", async () => {
    const back = await record({ ...chain(), span: [0.1, 0] }, { ...base, every: 5 });
    expect(back.times).toEqual([0.1, 0.05, 0].map((t) => expect.closeTo(t, 12)));
    const none = await record({ ...chain(), span: [0.3, 0.3] }, base);
    expect(none.times).toEqual([0.3]);
  });

  test("a failing solve ends it with what was computed", async () => {
    const failed = await record(chain(1e4), { ...base, h: 100, solver: rk4(), truncation: { tolerance: "off" } });
    expect(failed.status).toBe("failed");
    expect(failed.message).toContain("not finite");
    expect(failed.times.length).toBeGreaterThan(1);
    expect(failed.state.tensors.every((t) => t.data.every(Number.isFinite))).toBe(true);
    for (const values of Object.values(failed.observables)) expect(values).toHaveLength(failed.times.length);
  });

  test("why it ended is told also where its last state cannot be observed", async () => {
    const stop = new AbortController();
    const observables = {
      late: (_: unknown, t: number) => {
        if (t > 0) throw new Error("of the observable");
        return t;
      },
    };
    const stopped = await record(
      { ...chain(), observables },
      { ...base, every: 10, signal: stop.signal, onStep: (s) => s.step === 4 && stop.abort(new Error("enough")) },
    );
    expect(stopped).toMatchObject({ status: "interrupted", times: [0], observables: { late: [0] } });
    expect(stopped.message).toMatch(/^interrupted after t = 0\.04/);
    const failed = await record({ ...chain(), observables }, { ...base, every: 5 });
    expect(failed).toMatchObject({ status: "failed", message: "of the observable", times: [0] });
  });

  test("a signal ends it too", async () => {
    const stop = new AbortController();
    const stopped = await record(chain(), {
      ...base,
      signal: stop.signal,
      onStep: (s) => s.step === 4 && stop.abort(new Error("enough")),
    });
    expect(stopped.status).toBe("interrupted");
    expect(stopped.message).toMatch(/^interrupted after t = 0\.04/);
    expect(stopped.times).toHaveLength(5);
    const never = await record(chain(), { ...base, signal: AbortSignal.abort() });
    expect(never).toMatchObject({ status: "interrupted", message: "interrupted before the first step", times: [] });
  });

  test("misuse throws, and so do errors of others", async () => {
    await expect(record(chain(), { ...base, h: -1 })).rejects.toThrow(RangeError);
    const observables = {
      bad: () => {
        throw new Error("of the observable");
      },
    };
    await expect(record({ ...chain(), observables }, base)).rejects.toThrow("of the observable");
  });
});
