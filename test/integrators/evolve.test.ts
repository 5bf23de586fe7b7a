import { describe, expect, test } from "vitest";
import {
  add,
  augmentedBug,
  balanced,
  EvolutionError,
  type EvolveOptions,
  evolve,
  imaginaryTime,
  inline,
  moveCenter,
  norm,
  type Problem,
  parallelBug,
  productSum,
  type Rhs,
  rk4,
  type Snapshot,
  scale,
  schroedinger,
  star,
  type TTN,
} from "../../src/index.ts";
import { stateHash } from "../../src/io/result.ts";
import { fromFunction } from "../../src/linalg/tensor.ts";
import { longRangeIsing, spinChain, spinOperators, spinState } from "../../src/problems/index.ts";
import { afterEvaluations } from "../../src/testing/after-evaluations.ts";
import { withTensor } from "../../src/ttn/ttn.ts";
import { snapshots } from "./support.ts";

const tree = balanced(4);
const hamiltonian = longRangeIsing(tree);
const chain = (T = 0.1): Problem => spinChain("chain", hamiltonian, spinState(tree, "up", 2), T);
const defaults = { integrator: parallelBug(), h: 0.02 } as const;

/** A right-hand side that must not be asked for anything. */
const untouchable = (rhs: Rhs): Rhs => ({
  ...rhs,
  beginStep: () => {
    throw new Error("work was done");
  },
  bind: () => {
    throw new Error("work was done");
  },
});

/** The same right-hand side, failing from its k-th evaluation on. */
function failing(rhs: Rhs, from: number, fail: (out: Float64Array) => void): Rhs {
  let calls = 0;
  return afterEvaluations(rhs, ({ out }) => {
    if (++calls >= from) fail(out.data);
  });
}

describe("misuse is refused before any work, with both facts that disagree", () => {
  const refused = async (change: Partial<EvolveOptions>, problem: Partial<Problem> = {}): Promise<Error> => {
    const base = chain();
    const run = evolve({ ...base, rhs: untouchable(base.rhs), ...problem }, { ...defaults, ...change });
    return run.next().then(
      () => new Error("nothing was refused"),
      (e: Error) => e,
    );
  };

  test.each([0, -0.1, Number.NaN, Number.POSITIVE_INFINITY])("step size %d", async (h) => {
    const error = await refused({ h });
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain(`evolve: step size h is ${h}, expected a positive number`);
  });

  test.each([0, -1e-8, Number.NaN, Number.POSITIVE_INFINITY])("tolerance %d", async (tolerance) => {
    expect((await refused({ truncation: { tolerance } })).message).toBe(
      `truncation: tolerance is ${tolerance}, expected a positive number, or "off"`,
    );
  });

  test.each([0, -3, 1.5, Number.NaN])("largest rank %d", async (maxRank) => {
    expect((await refused({ truncation: { tolerance: 1e-8, maxRank } })).message).toBe(
      `truncation: maxRank is ${maxRank}, expected a positive integer`,
    );
    expect(
      (await refused({ truncation: { tolerance: 1e-8, maxRank: [4, 4, 4, maxRank, 4, 4, 1] } })).message,
    ).toContain(`maxRank is ${maxRank}`);
    expect((await refused({ truncation: { tolerance: 1e-8, minRank: maxRank } })).message).toContain(
      `minRank is ${maxRank}`,
    );
  });

  test("a list of ranks for another tree", async () => {
    expect((await refused({ truncation: { tolerance: 1e-8, maxRank: [4, 4] } })).message).toBe(
      "truncation: maxRank has 2 entries, the tree has 7 nodes",
    );
    expect((await refused({ truncation: { tolerance: 1e-8, minRank: [4, 4] } })).message).toBe(
      "truncation: minRank has 2 entries, the tree has 7 nodes",
    );
  });

  test.each([-0.01, 0.2, Number.NaN])("time %d to observe", async (t) => {
    expect((await refused({ observeAt: [0.05, t] })).message).toBe(
      `evolve: time ${t} to observe is outside the span [0, 0.1]`,
    );
  });

  test("a span that is not finite", async () => {
    expect((await refused({}, { span: [0, Number.POSITIVE_INFINITY] })).message).toBe(
      "evolve: the span is [0, Infinity], expected finite times",
    );
  });

  test("an initial value with a NaN, with the node", async () => {
    const initial = spinState(tree, "up", 2);
    const broken = withTensor(initial, 3, {
      ...initial.tensors[3]!,
      data: initial.tensors[3]!.data.with(1, Number.NaN),
    });
    expect((await refused({}, { initial: broken })).message).toContain(
      "the initial value has entries that are not finite, at node 3",
    );
  });

  test("a state on another tree, of other mode sizes, or real where the equation is complex", async () => {
    expect((await refused({}, { initial: spinState(star(4), "up") })).message).toMatch(/tree/);
    expect((await refused({}, { initial: spinState(balanced(5), "up") })).message).toMatch(/tree/);
    const three = productSum(
      tree,
      [2, 2, 3, 2],
      [{ coefficient: 1, factors: [{ mode: 2, operator: fromFunction([3, 3], (i, j) => (i === j ? 1 : 0)) }] }],
    );
    const rhs = untouchable(schroedinger(three));
    expect((await refused({}, { rhs })).message).toMatch(/3/);
    const real: TTN = {
      ...chain().initial,
      tensors: chain().initial.tensors.map((t) => fromFunction(t.shape, (...i) => (i.every((k) => k === 0) ? 1 : 0))),
    };
    const error = await refused({}, { initial: real });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe("right-hand side: it is complex128, the state is float64; make the state complex first");
  });

  test("zero, where the norm is to be restored", async () => {
    const rhs = untouchable(imaginaryTime(hamiltonian));
    expect((await refused({ normalize: true }, { rhs, initial: scale(0, chain().initial) })).message).toBe(
      "evolve: the initial value is zero and cannot be normalised",
    );
  });

  test("an operator promised Hermitian that is not", () => {
    const raising = productSum(
      tree,
      [2, 2, 2, 2],
      [{ coefficient: 1, factors: [{ mode: 1, operator: spinOperators["Sp"]! }] }],
    );
    expect(() => schroedinger(raising)).toThrow(TypeError);
    expect(() => schroedinger(raising)).toThrow(/Hermitian/);
    expect(() => imaginaryTime([{ operator: hamiltonian }, { operator: raising }])).toThrow(/part 1/);
  });

  test("an unknown option of parallel BUG", () => {
    expect(() => parallelBug({ root: "assembed" as "assembled" })).toThrow(
      'parallelBug: root is "assembed", expected "galerkin" or "assembled"',
    );
    expect(() => parallelBug({ coupling: "eulr" as "euler" })).toThrow('coupling is "eulr"');
    expect(() => parallelBug({ firstStep: "none" as "parallel" })).toThrow('firstStep is "none"');
  });
});

describe("snapshots", () => {
  test("the first is the initial value; every step tells what it did", async () => {
    const all = await snapshots(chain(), defaults);
    expect(all.map((s) => s.step)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(all.map((s) => s.t)).toEqual([0, 0.02, 0.04, 0.06, 0.08, 0.1].map((t) => expect.closeTo(t, 14)));
    expect(all[0]).toMatchObject({ h: 0, discarded: 0, rejected: 0, applications: 0, seconds: 0 });
    expect(all.at(-1)!.t).toBe(0.1);
    for (const s of all.slice(1)) {
      expect(s.h).toBeCloseTo(0.02, 14);
      expect(s.applications).toBeGreaterThan(0);
      expect(s.seconds).toBeGreaterThan(0);
      expect(s.discarded).toBeGreaterThanOrEqual(0);
      expect(s.discarded).toBeLessThanOrEqual(1e-8);
      expect(s.ranks).toHaveLength(7);
      expect(s.ranks.at(-1)).toBe(1);
      expect(s.y.center).toBe(6);
      expect(Object.keys(s.observables!)).toEqual(["sz", "sx", "sz_mean", "energy", "norm"]);
      expect(s.observables!["sz"]).toHaveLength(4);
    }
  });

  test("a state centred elsewhere is the same start", async () => {
    const base = chain();
    const [first] = await snapshots({ ...base, initial: moveCenter(base.initial, 0) }, defaults);
    expect(first!.y.center).toBe(6);
    expect(norm(first!.y)).toBeCloseTo(1, 14);
  });

  test("steps are shortened to meet the times to observe, and only there is anything observed", async () => {
    const times = [0.05, 0.09, 0.03];
    const all = await snapshots(chain(), { ...defaults, observeAt: times });
    expect(all.filter((s) => s.observables).map((s) => s.t)).toEqual([0.03, 0.05, 0.09]);
    expect(all.at(-1)).toMatchObject({ t: 0.1, observables: null });
    for (const s of all) expect(s.h).toBeLessThanOrEqual(0.02 + 1e-15);
    expect(all.map((s) => s.t)).toEqual([0, 0.02, 0.03, 0.05, 0.07, 0.09, 0.1].map((t) => expect.closeTo(t, 14)));
  });

  test("the ends can be observed, doubled times count once, and no times mean none", async () => {
    const both = await snapshots(chain(), { ...defaults, observeAt: [0.1, 0, 0.1, 0] });
    expect(both.filter((s) => s.observables).map((s) => s.t)).toEqual([0, 0.1]);
    expect(both).toHaveLength(6);
    const none = await snapshots(chain(), { ...defaults, observeAt: [] });
    expect(none.every((s) => s.observables === null)).toBe(true);
  });

  test("backwards, times come in their own order", async () => {
    const all = await snapshots({ ...chain(), span: [0.1, 0] }, { ...defaults, h: 0.04, observeAt: [0.03, 0.07] });
    expect(all.map((s) => s.t)).toEqual([0.1, 0.07, 0.03, 0].map((t) => expect.closeTo(t, 14)));
    for (const s of all.slice(1)) expect(s.h).toBeLessThan(0);
  });

  test("a step larger than the span is the span", async () => {
    const all = await snapshots(chain(), { ...defaults, h: 5 });
    expect(all.map((s) => s.t)).toEqual([0, 0.1]);
  });

  test("the starter makes as many first steps as it says", async () => {
    const made: string[] = [];
    const traced = (name: string) => ({
      ...augmentedBug(),
      step: (...args: Parameters<ReturnType<typeof augmentedBug>["step"]>) => {
        made.push(name);
        return augmentedBug().step(...args);
      },
    });
    await snapshots(chain(), {
      ...defaults,
      integrator: { ...traced("later"), starter: { integrator: traced("first"), steps: 2 } },
    });
    expect(made).toEqual(["first", "first", "later", "later", "later"]);
  });

  test("beginStep is called once a step, with its number and time", async () => {
    const base = chain();
    const calls: [number, number][] = [];
    await snapshots({ ...base, rhs: { ...base.rhs, beginStep: (step, t) => void calls.push([step, t]) } }, defaults);
    expect(calls).toEqual([0, 1, 2, 3, 4].map((k) => [k, expect.closeTo(0.02 * k, 14)]));
  });
});

describe("scale", () => {
  test.each([1e-12, 1e12])("a state of norm %d evolves as one of norm one, with a relative tolerance", async (size) => {
    const base = chain();
    const truncation = { tolerance: 1e-8, relative: true } as const;
    const one = (await snapshots(base, { ...defaults, truncation })).at(-1)!;
    const other = (await snapshots({ ...base, initial: scale(size, base.initial) }, { ...defaults, truncation })).at(
      -1,
    )!;
    expect(other.ranks).toEqual(one.ranks);
    expect(norm(add(scale(1 / size, other.y), scale(-1, one.y)))).toBeLessThan(1e-8);
  });
});

describe("ending early", () => {
  test("a signal aborted before the start: nothing is done, and its reason comes back", async () => {
    const base = chain();
    const reason = new Error("no time");
    const run = evolve({ ...base, rhs: untouchable(base.rhs) }, { ...defaults, signal: AbortSignal.abort(reason) });
    await expect(run.next()).rejects.toBe(reason);
  });

  test("a signal during the run: the last snapshot is the last completed step", async () => {
    const stop = new AbortController();
    const reason = { code: "enough" };
    const seen: Snapshot[] = [];
    const run = async (): Promise<void> => {
      for await (const s of evolve(chain(), { ...defaults, signal: stop.signal })) {
        seen.push(s);
        if (s.step === 2) stop.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(seen.map((s) => s.step)).toEqual([0, 1, 2]);
    const undisturbed = await snapshots(chain(), defaults);
    expect(stateHash(seen[2]!.y)).toBe(stateHash(undisturbed[2]!.y));
  });

  test("a signal in the middle of a step ends it before it is complete", async () => {
    const stop = new AbortController();
    const base = chain();
    let calls = 0;
    const rhs = failing(base.rhs, 1, () => {
      if (++calls === 40) stop.abort(new Error("stop"));
    });
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      for await (const s of evolve({ ...base, rhs }, { ...defaults, signal: stop.signal })) seen.push(s.step);
    };
    await expect(run()).rejects.toThrow("stop");
    expect(seen.length).toBeLessThan(6);
  });

  test("going on from the last completed step gives the bits of a run that was not stopped", async () => {
    const whole = await snapshots(chain(), defaults);
    // augmented BUG has no first step of its own
    const options = { ...defaults, integrator: augmentedBug(), h: 0.025 };
    const unbroken = await snapshots(chain(), options);
    const resumed = await snapshots({ ...chain(), initial: unbroken[2]!.y, span: [unbroken[2]!.t, 0.1] }, options);
    expect(stateHash(resumed.at(-1)!.y)).toBe(stateHash(unbroken.at(-1)!.y));
    expect(whole).toHaveLength(6);
  });

  test("leaving the loop, or an error in its body, ends the run; the next one works", async () => {
    for await (const s of evolve(chain(), defaults)) if (s.step === 1) break;
    const body = async (): Promise<void> => {
      for await (const s of evolve(chain(), defaults)) if (s.step === 1) throw new Error("of the body");
    };
    await expect(body()).rejects.toThrow("of the body");
    const run = evolve(chain(), defaults);
    await run.next();
    expect(await run.return()).toEqual({ value: undefined, done: true });
    expect(await run.next()).toEqual({ value: undefined, done: true });
    expect(await snapshots(chain(), defaults)).toHaveLength(6);
  });

  test("an error of an observable, or of the right-hand side, is passed on unchanged", async () => {
    const broken = new Error("broken observable");
    const observables = {
      x: (_y: TTN, t: number): number => {
        if (t > 0.03) throw broken;
        return 0;
      },
    };
    await expect(snapshots({ ...chain(), observables }, defaults)).rejects.toBe(broken);
    const base = chain();
    const rhs = failing(base.rhs, 30, () => {
      throw broken;
    });
    await expect(snapshots({ ...base, rhs }, defaults)).rejects.toBe(broken);
    expect(await snapshots(chain(), defaults)).toHaveLength(6);
  });
});

test("numbers that are not finite end the run with the last good state, wherever they appear", async () => {
  const whole = await snapshots(chain(), { ...defaults, solver: rk4() });
  const total = whole.reduce((sum, s) => sum + s.applications, 0);
  for (let from = 1; from <= total; from += 7) {
    const base = chain();
    const rhs = failing(base.rhs, from, (out) => {
      out[0] = from % 2 ? Number.NaN : Number.POSITIVE_INFINITY;
    });
    const error = (await snapshots({ ...base, rhs }, { ...defaults, solver: rk4() }).catch(
      (e: unknown) => e,
    )) as EvolutionError;
    expect(error).toBeInstanceOf(EvolutionError);
    expect(error.code).toBe("not-finite");
    let done = 0;
    let step = 0;
    for (const s of whole) {
      done += s.applications;
      if (done < from) step = s.step;
    }
    expect(error.last.step).toBe(step);
    expect(error.step).toBe(step + 1);
    expect(stateHash(error.last.y)).toBe(stateHash(whole[step]!.y));
  }
});

test("executors may delay, and do not change the bits", async () => {
  const slow = inline();
  const delayed = {
    ...slow,
    solveAll: async (...[problems, solver, signal]: Parameters<typeof slow.solveAll>) => {
      // each problem by itself, the last one first
      const found = [];
      for (let k = problems.length - 1; k >= 0; k--) {
        await new Promise((resolve) => setTimeout(resolve, k % 3));
        found[k] = (await slow.solveAll([problems[k]!], solver, signal))[0]!;
      }
      return found;
    },
  };
  const hashes = async (options: Partial<EvolveOptions>): Promise<string[]> =>
    (await snapshots(chain(), { ...defaults, ...options })).map((s) => stateHash(s.y));
  expect(await hashes({ executor: delayed })).toEqual(await hashes({}));
});
