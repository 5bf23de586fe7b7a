import { describe, expect, it } from "vitest";
import { RankError, RanksLostError } from "../../src/executors/mpi/communicator.ts";
import { launch } from "../../src/executors/mpi/library.ts";
import { longestFirst } from "../../src/executors/schedule.ts";
import {
  balanced,
  type Executor,
  evolve,
  inline,
  type MpiOptions,
  mpi,
  parallelBug,
  workers,
} from "../../src/index.ts";
import { stateHash } from "../../src/io/index.ts";
import type { Task } from "../../src/linalg/task.ts";
import { longRangeIsing, spinChain, spinState } from "../../src/problems/index.ts";
import { ranksInMemory } from "./ranks.ts";

const tree = balanced(4);
const problem = spinChain("quench", longRangeIsing(tree), spinState(tree, "up", 1), 0.03);
const settings = { integrator: parallelBug(), h: 0.01, truncation: { tolerance: 1e-6 } };

/** SHA-256 of the state after every step. */
async function hashes(executor: Executor, signal?: AbortSignal, of = problem): Promise<string[]> {
  const found: string[] = [];
  for await (const { y } of evolve(of, { ...settings, executor, ...(signal ? { signal } : {}) }))
    found.push(stateHash(y));
  return found;
}

/** Runs the same program on ranks in memory; how it ended on each. */
const onRanks = <T>(
  size: number,
  program: (executor: Executor, rank: number) => Promise<T>,
  options: (rank: number) => MpiOptions = () => ({}),
): Promise<PromiseSettledResult<T>[]> =>
  Promise.allSettled(
    ranksInMemory(size).map(async (communicator) => {
      try {
        const result = await program(mpi({ communicator, ...options(communicator.rank) }), communicator.rank);
        await communicator.leave();
        return result;
      } catch (error) {
        await communicator.leave(error);
        throw error;
      }
    }),
  );

const messages = (ends: readonly PromiseSettledResult<unknown>[]): string[] =>
  ends.map((end) => (end.status === "rejected" ? (end.reason as Error).message : "ended well"));

/** Solves inline, but fails or hangs from the given set of problems on. */
const troubled = (after: number, trouble: () => Promise<never>): Executor => {
  const plain = inline();
  let sets = 0;
  return { ...plain, solveAll: (...all) => (sets++ < after ? plain.solveAll(...all) : trouble()) };
};

describe("MPI, with ranks in memory", () => {
  it("computes the same bits on any number of ranks, more than there are problems included", async () => {
    const expected = await hashes(inline());
    for (const size of [1, 2, 9]) {
      const ends = await onRanks(size, (executor) => hashes(executor));
      for (const end of ends) expect(end).toEqual({ status: "fulfilled", value: expected });
    }
  });

  it("computes the same bits where every environment, centre and new basis is divided too", async () => {
    const expected = await hashes(inline());
    const ends = await onRanks(
      3,
      (executor) => hashes(executor),
      () => ({ smallest: 0 }),
    );
    for (const end of ends) expect(end).toEqual({ status: "fulfilled", value: expected });
  });

  it("divides tasks between solves, unless they are too small to be worth a message", async () => {
    const done: string[] = [];
    const tasks = (rank: number, flops: number | null): Task[] =>
      [1, 2, 3].map((k) => ({
        kind: "square",
        message: () => k,
        node: k,
        flops,
        run() {
          done.push(`${rank}: ${k}`);
          return { square: k * k };
        },
      }));
    for (const [flops, expected] of [
      [1e9, ["0: 1", "0: 3", "1: 2"]],
      [null, ["0: 1", "0: 3", "1: 2"]],
      [10, ["0: 1", "0: 2", "0: 3", "1: 1", "1: 2", "1: 3"]],
    ] as const) {
      const ends = await onRanks(2, (executor, rank) => executor.runAll!(tasks(rank, flops)));
      for (const end of ends)
        expect(end).toEqual({ status: "fulfilled", value: [{ square: 1 }, { square: 4 }, { square: 9 }] });
      expect(done.splice(0).sort()).toEqual(expected);
    }
  });

  it("throws an error of one rank on all", async () => {
    const ends = await onRanks(
      3,
      (executor) => hashes(executor),
      (rank) => (rank === 1 ? { inner: troubled(4, () => Promise.reject(new RangeError("too hot"))) } : {}),
    );
    expect(messages(ends)).toEqual(["rank 1: too hot", "too hot", "rank 1: too hot"]);
    expect((ends[0] as PromiseRejectedResult).reason).toBeInstanceOf(RankError);
  });

  it("tells the others when a rank leaves with an error outside of a solve", async () => {
    const ends = await onRanks(2, async (executor, rank) => {
      if (rank === 1) throw new Error("no memory");
      return hashes(executor);
    });
    expect(messages(ends)).toEqual(["rank 1: no memory", "no memory"]);
  });

  it("stops all ranks at the same step when one of them is asked to", async () => {
    const stop = new AbortController();
    let steps = 0;
    const ends = await onRanks(
      2,
      (executor, rank) => hashes(executor, rank === 1 ? stop.signal : undefined),
      (rank) => {
        const plain = inline();
        const counting: Executor = {
          ...plain,
          solveAll: (...all) => {
            if (++steps === 5) stop.abort(new Error("asked to stop"));
            return plain.solveAll(...all);
          },
        };
        return rank === 1 ? { inner: counting } : {};
      },
    );
    expect(messages(ends)).toEqual(["interrupted on another rank", "asked to stop"]);
  });

  it("stops all ranks at the same step where each of them has workers of its own", async () => {
    const stop = new AbortController();
    const ends = await onRanks(
      2,
      async (executor, rank) => {
        const signal = rank === 1 ? stop.signal : new AbortController().signal;
        for await (const { step } of evolve(problem, { ...settings, executor, signal }))
          if (rank === 1 && step === 2) stop.abort(new Error("asked to stop"));
      },
      () => ({ inner: workers({ count: 1, onNotice() {} }) }),
    );
    expect(messages(ends)).toEqual(["interrupted on another rank", "asked to stop"]);
  });

  it("aborts the signals of a communicator together", async () => {
    const stop = new AbortController();
    const ranks = ranksInMemory(2);
    const signals = ranks.map((c) => c.signal(c.rank === 0 ? stop.signal : new AbortController().signal));
    stop.abort(new Error("asked to stop"));
    expect(signals.map((s) => s.aborted)).toEqual([false, false]);
    await Promise.all(ranks.map((c) => c.agree("the weather", "fine")));
    expect(signals.map((s) => s.aborted)).toEqual([true, true]);
  });

  it("tells ranks apart that went different ways", async () => {
    const other = { ...problem, initial: spinState(tree, "plus", 1) };
    const ends = await onRanks(2, (executor, rank) => hashes(executor, undefined, rank === 0 ? problem : other));
    for (const message of messages(ends))
      expect(message).toMatch(/went different ways: rank 1 computed .* same settings, backend/);
    const [a, b] = ranksInMemory(2);
    const told = await Promise.allSettled([a!.agree("the backend", "openblas"), b!.agree("the backend", "wasm")]);
    expect(messages(told)[0]).toBe("mpi: the backend differs between the ranks: openblas on rank 0, wasm on rank 1");
  });

  describe("when a rank hangs", () => {
    const never = () => new Promise<never>(() => {});
    /** A run on ranks of which one hangs at its fourth set of problems: what each came to, and what was said. */
    const run = (size: number, hanging: number) => {
      const notices: string[] = [];
      const ranks = ranksInMemory(size);
      const ends = ranks.map((communicator) =>
        hashes(
          mpi({
            communicator,
            deadline: 0.05,
            onNotice: (notice) => notices.push(`${communicator.rank}: ${notice}`),
            ...(communicator.rank === hanging ? { inner: troubled(3, never) } : {}),
          }),
        ),
      );
      for (const end of ends) end.catch(() => {});
      return { ranks, ends, notices };
    };

    it("goes on alone on the first, with the same bits and one notice, and ends on the others with an error", async () => {
      const { ranks, ends, notices } = run(3, 1);
      expect(await ends[0]).toEqual(await hashes(inline()));
      const lost = "mpi: rank 1 is lost, at the solve of node 5: no word for 0.05 s";
      expect(notices).toEqual([`0: ${lost}; rank 0 goes on alone`]);
      await expect(ends[2]).rejects.toThrow(lost);
      await expect(ends[2]).rejects.toBeInstanceOf(RanksLostError);
      expect(ranks.map(({ size, isWhole }) => [size, isWhole])).toEqual([
        [1, false],
        [3, true], // which knows nothing of it
        [3, false],
      ]);
      await ranks[0]!.agree("the weather", "fine");
      expect(await ranks[0]!.texts("fine")).toEqual(["fine"]);
      expect(mpi({ communicator: ranks[0]!, ranks: 3 }).name).toBe("mpi, 1 rank"); // the next point of a sweep
      await ranks[0]!.leave();
      const others = ranks[2]!.leave(undefined, 0.05).then(() => "ended");
      expect(await Promise.race([others, new Promise((done) => setTimeout(done, 200, "waits"))])).toBe("waits");
    });

    it("ends on the others where it is the first that hangs", async () => {
      const { ranks, ends, notices } = run(2, 0);
      await expect(ends[1]).rejects.toThrow(/^mpi: rank 0 is lost, at the solve of node 2: no word for 0.05 s$/);
      expect(notices).toEqual([]);
      await expect(ranks[1]!.exchange("agree", {})).rejects.toThrow("rank 1 has left the run, or was left");
      await expect(ranks[1]!.leave(undefined, 0.05)).rejects.toThrow("aborted with 3");
    });

    it("throws what the first itself could not do", async () => {
      const [first] = ranksInMemory(2);
      const inner = troubled(0, () => Promise.reject(new RangeError("too hot")));
      const executor = mpi({ communicator: first!, deadline: 0.05, inner, onNotice() {} });
      await expect(hashes(executor)).rejects.toThrow("too hot");
    });
  });

  it("does what only one rank may do on the first, and throws its error everywhere", async () => {
    const ranks = ranksInMemory(2);
    const done: number[] = [];
    await Promise.all(ranks.map((c) => c.first(() => void done.push(c.rank))));
    expect(done).toEqual([0]);
    const ends = await Promise.allSettled(ranks.map((c) => c.first(() => Promise.reject(new Error("disk full")))));
    expect(messages(ends)).toEqual(["disk full", "rank 0: disk full"]);
  });

  it("refuses rank counts that were not granted, numbers that are none, and what was disposed", async () => {
    const [communicator] = ranksInMemory(2);
    expect(() => mpi({ communicator: communicator!, ranks: 4 })).toThrow("mpi: 4 ranks were asked for, MPI granted 2");
    for (const ranks of [0, 1.5, Number.NaN])
      expect(() => mpi({ communicator: communicator!, ranks })).toThrow(
        `ranks is ${ranks}, expected a positive integer`,
      );
    expect(() => mpi({ communicator: communicator!, deadline: 0 })).toThrow(
      "deadline is 0, expected a positive number",
    );
    const executor = mpi({ communicator: communicator! });
    await executor[Symbol.asyncDispose]();
    await expect(hashes(executor)).rejects.toThrow("mpi: the executor was disposed");
  });

  it("says how to start ranks where there are none", () => {
    expect(() => mpi()).toThrow("not one of several ranks; start it by mpirun -n 4 npx dlra run");
  });
});

describe("how a process was launched", () => {
  it("is read from what launchers set", () => {
    expect(launch({})).toBe(null);
    expect(launch({ SLURM_NTASKS: "8", SLURM_PROCID: "0" })).toBe(null); // a batch script is no rank
    expect(launch({ OMPI_COMM_WORLD_SIZE: "4", OMPI_COMM_WORLD_RANK: "3" })).toEqual({
      by: "OMPI_COMM_WORLD_SIZE",
      rank: 3,
      family: "Open MPI",
      ranks: 4,
    });
    expect(launch({ PMI_SIZE: "2", PMI_RANK: "0" })).toEqual({ by: "PMI_SIZE", family: "MPICH", rank: 0, ranks: 2 });
    expect(launch({ PMIX_RANK: "1", SLURM_STEP_NUM_TASKS: "8" })).toMatchObject({ family: "PMIx", ranks: 8 });
    expect(launch({ PMIX_RANK: "1" })).toMatchObject({ family: "PMIx", ranks: null });
  });
});

describe("longest first", () => {
  it("gives every task to one place, by Graham's rule", () => {
    expect(longestFirst([1, 5, 2, 4, 3], 2)).toEqual([
      [1, 2, 0],
      [3, 4],
    ]);
    expect(longestFirst([1, 1], 3)).toEqual([[0], [1], []]);
    expect(longestFirst([], 2)).toEqual([[], []]);
  });
});
