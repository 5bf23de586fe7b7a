import {
  augmentedBug,
  type BackendName,
  balanced,
  type Executor,
  evolve,
  exponential,
  inline,
  parallelBug,
  useBackend,
  workers,
} from "../src/index.ts";
import { longRangeIsing, spinChain, spinState } from "../src/problems/index.ts";
import { median } from "./counting.ts";
import { neighbours } from "./steps.ts";

export interface WorkersTime {
  readonly backend: BackendName;
  readonly model: "long range" | "neighbours";
  readonly method: "parallel" | "augmented";
  /** Wall seconds of a saturated step: median over all rounds but the first, in which engines compile what they run. */
  readonly inline: number;
  readonly one: number;
  readonly two: number;
  /** One worker against two, and against this thread. */
  readonly speedup: number;
  readonly overhead: number;
  /**
   * What two processes that know nothing of each other do in the time of one: as much as two cores of this machine can give, which share
   * their memory and its caches, and on which each process collects its garbage beside its own work.
   */
  readonly possible: number;
}

const hamiltonians = { "long range": (d: number) => longRangeIsing(balanced(d)), neighbours };

/** Times of saturated steps (dt = 0.01, bases to 1e-8) on an executor. */
async function stepsOn(
  executor: Executor,
  { model, method }: Pick<WorkersTime, "model" | "method">,
  d: number,
  rank: number,
  steps: number,
): Promise<number[]> {
  const problem = {
    ...spinChain("ising", hamiltonians[model](d), spinState(balanced(d), "up", 2), 10),
    observables: {},
  };
  const times: number[] = [];
  let before = "";
  for await (const { ranks, seconds } of evolve(problem, {
    integrator: method === "parallel" ? parallelBug() : augmentedBug(),
    h: 0.01,
    truncation: { tolerance: "off", maxRank: rank },
    solver: exponential({ basisTolerance: 1e-8 }),
    executor,
  })) {
    if (ranks.join() === before) times.push(seconds);
    before = ranks.join();
    if (times.length === steps) break;
  }
  return times;
}

/** Wall seconds of a saturated step in this thread: median. What `possible` compares. */
export async function inlineTime(backend: BackendName, what: Pick<WorkersTime, "model" | "method">): Promise<number> {
  useBackend(backend);
  await stepsOn(inline(), what, 32, 32, 7);
  return median(await stepsOn(inline(), what, 32, 32, 7));
}

/** One worker and two against this thread, in turns, so that what else the machine does meets all alike. Ising, d = 32, rank 32. */
export async function workersTime(
  backend: BackendName,
  what: Pick<WorkersTime, "model" | "method">,
  /** The same in a process of its own: `inlineTime`. */
  elsewhere: () => Promise<number>,
  rounds = 3,
): Promise<WorkersTime> {
  useBackend(backend);
  const executors = { inline: inline(), one: workers({ count: 1 }), two: workers({ count: 2 }) };
  const times = { inline: [] as number[], one: [] as number[], two: [] as number[] };
  for (let round = 0; round <= rounds; round++)
    for (const name of ["inline", "one", "two"] as const) {
      const seconds = await stepsOn(executors[name], what, 32, 32, 7);
      if (round > 0) times[name].push(...seconds);
    }
  for (const executor of Object.values(executors)) await executor[Symbol.asyncDispose]();
  const [here, one, two] = [median(times.inline), median(times.one), median(times.two)];
  const alone = await elsewhere();
  const together = await Promise.all([elsewhere(), elsewhere()]);
  const possible = together.reduce((sum, seconds) => sum + alone / seconds, 0);
  return { backend, ...what, inline: here, one, two, speedup: one / two, overhead: one / here - 1, possible };
}

/** A few steps at d = 64, rank 32 on this many workers, for the memory that they take. */
export async function workersMemory(backend: BackendName, count: number): Promise<void> {
  useBackend(backend);
  await using executor = workers({ count });
  await stepsOn(executor, { model: "long range", method: "parallel" }, 64, 32, 3);
}
