import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { rolldown } from "rolldown";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { WorkerLike } from "../../src/executors/worker-port.ts";
import {
  balanced,
  evolve,
  exponential,
  functionRhs,
  inline,
  linearRhs,
  methods,
  moduleRhs,
  productSum,
  randomState,
  rk4,
  scale,
  seeded,
  WorkerError,
  type WorkersOptions,
  workers,
} from "../../src/index.ts";
import { task } from "../../src/linalg/task.ts";
import { shift } from "../../src/ttn/gauge.ts";
import { type Fault, faultyWorker } from "./faulty-worker.ts";
import { hashes, spins } from "./spins.ts";

const made: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
afterEach(async () => {
  for (const executor of made.splice(0)) await executor[Symbol.asyncDispose]();
});
const notices: string[] = [];
const pool = (options: WorkersOptions = {}) => {
  const executor = workers({ count: 2, smallest: 0, onNotice: (notice) => void notices.push(notice), ...options });
  made.push(executor);
  return executor;
};
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const short = { problem: spins(8, 0.1) };
const expected = hashes(inline(), short);

test.each([1, 3])("%s workers give the same bits as none", async (count) => {
  expect(await hashes(pool({ count }), short)).toEqual(await expected);
});

test("what workers gave is let go of once nobody holds it", async () => {
  const executor = pool({ count: 1 });
  const y = randomState(balanced(4), [2, 2, 2, 2], 2, seeded(4));
  const given: WeakRef<object>[] = [];
  for (let k = 0; k < 5; k++) {
    const [center, neighbour] = [y.tensors[y.center]!, y.tensors[0]!];
    const [result] = await executor.runAll!([
      task(shift, { center, mode: 0, neighbour, back: 1 }, { node: 0, flops: null }),
    ]);
    given.push(new WeakRef(result as object));
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
  collectGarbage();
  expect(given.slice(0, -1).filter((ref) => ref.deref())).toEqual([]);
});

describe("a worker that fails", () => {
  const failing = (fault: Fault, options: WorkersOptions = {}) => {
    let workersMade = 0;
    const executor = pool({ createWorker: () => faultyWorker(workersMade++ === 0 ? fault : () => "none"), ...options });
    return { executor, count: () => workersMade };
  };

  test("by dying is replaced, and its problem solved again: the same bits", async () => {
    const { executor, count } = failing((k) => (k === 5 ? "deadly" : "none"));
    expect(await hashes(executor, short)).toEqual(await expected);
    expect(count()).toBe(3);
  });

  test("by giving no answer is taken for dead after the deadline", async () => {
    const { executor, count } = failing((k) => (k === 3 ? "lost" : "none"), { deadline: 0.5 });
    expect(await hashes(executor, short)).toEqual(await expected);
    expect(count()).toBeGreaterThan(2);
  });

  test("three times at the same problem ends the run with an error that names the node", async () => {
    const executor = pool({ count: 1, createWorker: () => faultyWorker((k) => (k > 0 ? "deadly" : "none")) });
    const error = await hashes(executor, short).catch((e) => e);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toMatch(
      /^workers: three workers died at the solve of node \d+; the last one: it ended with code 1$/,
    );
    expect(error.node).toBeGreaterThanOrEqual(0);
  });

  test("three times at the same work is not held against the work next in line", async () => {
    const executor = pool({ count: 1, createWorker: () => faultyWorker((k) => (k === 1 ? "deadly" : "none")) });
    const y = randomState(balanced(4), [2, 2, 2, 2], 2, seeded(4));
    const input = { center: y.tensors[y.center]!, mode: 0, neighbour: y.tensors[0]!, back: 1 };
    const tasks = [task(shift, input, { node: 1, flops: 1e8 }), task(shift, input, { node: 2, flops: 1e9 })];
    const error = await Promise.resolve(executor.runAll!(tasks)).catch((e) => e);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.node).toBe(2);
  });

  test("to start ends the run before its first step", async () => {
    const createWorker = () => new Worker("throw new Error('no such script')", { eval: true }) as unknown as WorkerLike;
    let steps = 0;
    const run = async () => {
      for await (const _ of evolve(spins(), { h: 0.1, executor: pool({ createWorker }) })) steps++;
    };
    await expect(run()).rejects.toThrow("workers: a worker did not start: no such script");
    expect(steps).toBe(0);
  });
});

describe("what is asked for", () => {
  test.each([0, -1, 1.5, Number.NaN, "2" as never])("count %s is refused", (count) => {
    expect(() => workers({ count })).toThrow(`workers: count is ${count}, expected a positive integer`);
  });

  test("a deadline and a smallest size have to be numbers that make sense", () => {
    expect(() => workers({ deadline: 0 })).toThrow("workers: deadline is 0, expected a positive number of seconds");
    expect(() => workers({ smallest: -1 })).toThrow("workers: smallest is -1, expected a number of operations");
  });

  test("an executor that was disposed is refused before the first step", async () => {
    const executor = pool();
    await executor[Symbol.asyncDispose]();
    await expect(hashes(executor, short)).rejects.toThrow(/this executor was disposed; make another one/);
  });

  test("more workers than problems are told once", async () => {
    notices.length = 0;
    await hashes(pool({ count: 4, smallest: 1e9 }), { problem: spins(4) });
    expect(notices).toEqual(["workers: 4 workers for at most 2 local problems: 2 have nothing to do"]);
  });
});

describe("a right-hand side", () => {
  const tree = balanced(4);
  const initial = randomState(tree, [2, 2, 2, 2], 2, seeded(3));
  const problem = (rhs: Awaited<ReturnType<typeof moduleRhs>>) =>
    ({ name: "growth", rhs, initial, span: [0, 0.2], observables: {} }) as const;
  const url = new URL("./rotation.js", import.meta.url).href;
  const some = workers({ count: 2, smallest: 0, onNotice: (notice) => void notices.push(notice) });
  afterAll(() => some[Symbol.asyncDispose]());
  const run = (rhs: Awaited<ReturnType<typeof moduleRhs>>, executor = inline()) =>
    hashes(executor, { problem: problem(rhs), integrator: methods.augmented, h: 0.1 });

  test("of a closure is solved in this thread, with one notice", async () => {
    notices.length = 0;
    const rhs = functionRhs((t, y) => scale(1 + t, y));
    expect(await run(rhs, some)).toEqual(await run(rhs));
    expect(notices.filter((n) => n.includes("function"))).toEqual([
      "workers: local problems are solved in this thread: the right-hand side is a function of this thread",
    ]);
  });

  test("of a module is made again on the workers", async () => {
    notices.length = 0;
    const rhs = await moduleRhs({ url, name: "growth", arguments: [1] });
    expect(await run(rhs, some)).toEqual(await run(rhs));
    expect(notices.filter((n) => n.includes("function"))).toEqual([]);
  });

  test("of a module is told of a step that begins at another time, though its number was there before", async () => {
    const pieces = async (executor = inline()) => {
      const rhs = await moduleRhs({ url, name: "frozen" });
      const found: string[][] = [];
      for (const span of [[0, 0.1] as const, [0.1, 0.2] as const])
        found.push(
          await hashes(executor, { problem: { ...problem(rhs), span }, integrator: methods.augmented, h: 0.1 }),
        );
      return found;
    };
    expect(await pieces(some)).toEqual(await pieces());
  });

  test("of a module that workers cannot make is solved in this thread, with one notice that says why", async () => {
    notices.length = 0;
    const rhs = await moduleRhs({ url, name: "unmovable" });
    expect(await run(rhs, pool())).toEqual(await run(rhs));
    expect(notices).toEqual([
      expect.stringMatching(
        /^workers: a worker could not do the solve of node \d+: not on a worker; it is done in this thread$/,
      ),
    ]);
  });

  test("with coefficients that are functions of time travels with their values", async () => {
    const x = { mode: 0, operator: spinMatrix };
    const rhs = linearRhs([
      { operator: productSum(tree, [2, 2, 2, 2], [{ coefficient: 1, factors: [x] }]), coefficient: Math.cos },
    ]);
    const options = { problem: problem(rhs), h: 0.1, integrator: methods.parallel };
    expect(await hashes(some, options)).toEqual(await hashes(inline(), options));
  });

  test("that a solver refuses throws what it throws in this thread", async () => {
    const rhs = await moduleRhs({ url, name: "growth", arguments: [1, "nonlinear"] });
    const steps = evolve(problem(rhs), { h: 0.1, solver: exponential(), executor: some });
    await steps.next();
    await expect(steps.next()).rejects.toThrow(TypeError);
  });
});

const spinMatrix = { dtype: "float64", shape: [2, 2], data: Float64Array.of(0, 1, 1, 0) } as const;

test("an executor that is disposed in mid-run ends it, and makes no new workers", async () => {
  let workersMade = 0;
  const createWorker = () => {
    workersMade++;
    return faultyWorker((k) => (k > 3 ? "lost" : "none"));
  };
  const executor = pool({ createWorker });
  const steps = evolve(spins(4), { h: 0.05, solver: rk4(), executor });
  await steps.next();
  setTimeout(() => executor[Symbol.asyncDispose](), 100);
  const run = async () => {
    for await (const _ of steps);
  };
  await expect(run()).rejects.toThrow("workers: this executor was disposed; make another one");
  expect(workersMade).toBe(2);
});

test("a signal ends a run though a worker is busy", async () => {
  const controller = new AbortController();
  const executor = pool({ createWorker: () => faultyWorker((k) => (k > 3 ? { delay: 5000 } : "none")) });
  const steps = evolve(spins(), { h: 0.05, solver: rk4(), executor, signal: controller.signal });
  await steps.next();
  setTimeout(() => controller.abort(new Error("enough")), 100);
  const run = async () => {
    for await (const _ of steps);
  };
  await expect(run()).rejects.toThrow("enough");
});

const someShift = (node: number) => {
  const y = randomState(balanced(4), [2, 2, 2, 2], 2, seeded(4));
  const input = { center: y.tensors[y.center]!, mode: 0, neighbour: y.tensors[0]!, back: 1 };
  return task(shift, input, { node, flops: null });
};

test("a signal ends a run though a worker has not started", async () => {
  const controller = new AbortController();
  const executor = pool({ createWorker: () => faultyWorker(() => "lost"), deadline: Number.POSITIVE_INFINITY });
  const run = executor.runAll!([someShift(1)], controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 100);
  await expect(run).rejects.toThrow("enough");
});

test("what was thrown in this thread ends the set on workers too: they are not replaced", async () => {
  const all: WorkerLike[] = [];
  const createWorker = () => {
    all.push(faultyWorker((k) => (k > 0 ? "lost" : "none")));
    return all.at(-1)!;
  };
  const executor = pool({ count: 1, createWorker });
  await executor.start!();
  const run = () => {
    throw new RangeError("too hot");
  };
  const here = { kind: "heat", message: null, node: 2, flops: null, run };
  await expect(executor.runAll!([someShift(1), here])).rejects.toThrow("too hot");
  await all[0]!.terminate();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(all).toHaveLength(1);
});

test("a process ends when its work is done, whether its workers were disposed or not, or had any work", async () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const program = `${root}dist/workers-test/undisposed.js`;
  const input = `${root}test/executors/undisposed.ts`;
  const bundle = await rolldown({ input, platform: "node", transform: { target: "es2022" } });
  await bundle.write({ file: program, format: "esm", codeSplitting: false });
  await bundle.close();
  for (const smallest of ["0", "1e12"])
    expect(execFileSync(process.execPath, [program, smallest], { encoding: "utf8", timeout: 50_000 })).toBe("done");
});
