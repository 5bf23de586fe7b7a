import { describe, expect, test } from "vitest";
import {
  applyOperator,
  balanced,
  dopri5,
  euler,
  exponential,
  fromDense,
  type LocalField,
  type LocalSolver,
  linearRhs,
  parallelBug,
  productSum,
  type Rhs,
  randomState,
  rk4,
  schroedinger,
  seeded,
  type Tensor,
  type Truncated,
  type Truncation,
  type TTN,
  toDense,
  tree,
  truncate,
} from "../../src/index.ts";
import { combine } from "../../src/linalg/contract.ts";
import { conj } from "../../src/linalg/level1.ts";
import { tensor } from "../../src/linalg/tensor.ts";
import { longRangeIsing } from "../../src/problems/index.ts";
import { afterEvaluation } from "../../src/testing/after-evaluations.ts";
import {
  attractedOde,
  BrokenPromise,
  type ContractTest,
  checkExactness,
  checkOrder,
  checkRobustness,
  checkTruncation,
  checkWork,
  lowRankOde,
  type OdeSpec,
  rhsContract,
  solverContract,
} from "../../src/testing/index.ts";
import { sourceRhs } from "../../src/ttn/source-rhs.ts";

/** Names of the tests of a contract that fail, all of them with a BrokenPromise. */
async function failing(contract: readonly ContractTest[]): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { name, run } of contract)
    await run().catch((error: unknown) => {
      expect(error).toBeInstanceOf(BrokenPromise);
      const { message, sense, demanded } = error as BrokenPromise;
      expect(message).toContain("measured");
      expect(message).toContain(`demanded ${sense} ${demanded}`.slice(0, 18));
      names.push(name);
    });
  return names;
}

describe("the check of truncations", () => {
  test("the library's own keeps its tolerance, per tensor or per edge", async () => {
    await checkTruncation(truncate);
    await checkTruncation(truncate, { settings: { method: "paper" }, factor: (edges) => Math.sqrt(edges) });
  });

  test.each<[string, (y: TTN, truncation: Truncation) => Truncated]>([
    [
      "cuts twice as much",
      (y, { tolerance, ...rest }) => truncate(y, { ...rest, tolerance: 2 * (tolerance as number) }),
    ],
    [
      "spends the tolerance on every edge",
      (y, t) => truncate(y, { ...t, tolerance: Math.sqrt(y.tree.nodes.length - 1) * (t.tolerance as number) }),
    ],
    ["ignores the limit", (y, { tolerance }) => truncate(y, { tolerance })],
    ["reports nothing", (y, t) => ({ ...truncate(y, t), discarded: 0 })],
    ["does nothing", (y) => ({ y, discarded: 0 })],
    [
      "leaves a gauge of its own",
      (y, t) => {
        const cut = truncate(y, t);
        const [leaf] = cut.y.tensors as [Tensor];
        const root = cut.y.tensors.at(-1)!;
        const tensors = [combine([[2, leaf]]), ...cut.y.tensors.slice(1, -1), combine([[0.5, root]])];
        return { ...cut, y: { ...cut.y, tensors } };
      },
    ],
  ])("one that %s is caught", async (name, wrong) => {
    const error = await checkTruncation(wrong, { name }).then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(BrokenPromise);
    expect(error).toMatchObject({ subject: name, verdict: "broken" });
    expect((error as BrokenPromise).measured).toBeGreaterThan((error as BrokenPromise).demanded);
    expect((error as BrokenPromise).case).toMatch(/^tree \[.*sizes.*ranks.*tolerance/);
  });
});

test("checks that could see nothing are refused", async () => {
  expect(() => checkOrder(parallelBug(), { steps: [10] })).toThrow(
    "checkOrder: steps is [10], expected at least 2 numbers",
  );
  expect(() => checkRobustness(parallelBug(), { smallest: [0.1] })).toThrow(
    "checkRobustness: smallest is [0.1], expected",
  );
  expect(() => checkExactness(parallelBug(), { exact: true, h: [] })).toThrow(
    "checkExactness: h is [], expected at least 1 number",
  );
  expect(() => checkExactness(parallelBug(), { exact: false, h: [0.1] })).toThrow("expected at least 2 numbers");
  for (const numRuns of [0, 1.5, Number.NaN])
    await expect(checkWork(parallelBug(), { numRuns })).rejects.toThrow(
      `numRuns is ${numRuns}, expected an integer of at least 1`,
    );
  await expect(checkWork(parallelBug(), { shrinks: -1 })).rejects.toThrow(
    "shrinks is -1, expected an integer of at least 0",
  );
});

describe("the contract of local solvers", () => {
  test("holds for Euler and Runge-Kutta", async () => {
    expect(await failing(solverContract(euler()))).toEqual([]);
    expect(await failing(solverContract(rk4()))).toEqual([]);
    expect(await failing(solverContract(rk4({ substeps: 2 })))).toEqual([]);
  });

  test.each<[string, string, LocalSolver]>([
    ["claims too high an order", "order 5", { ...rk4(), order: 5 }],
    ["claims a tolerance", "relative error", { ...rk4(), order: Number.POSITIVE_INFINITY }],
    ["miscounts", "evaluations", { ...rk4(), solve: (p) => ({ ...rk4().solve(p), applications: 3 }) }],
    ["goes too far", "inside the interval", { ...rk4(), solve: (p) => rk4().solve({ ...p, t1: p.t1 + 1e-3 }) }],
    [
      "works in place",
      "initial value stays",
      {
        ...rk4(),
        solve(p) {
          const solution = rk4().solve(p);
          p.initial.data.set(solution.final.data);
          return solution;
        },
      },
    ],
    ["always converges", "not finite", { ...rk4(), solve: (p) => ({ ...rk4().solve(p), converged: true }) }],
    [
      "moves in no time",
      "length zero",
      { ...rk4(), solve: (p) => rk4().solve(p.t1 === p.t0 ? { ...p, t1: p.t0 + 1e-9 } : p) },
    ],
  ])("one that %s is caught", async (_, what, solver) => {
    expect((await failing(solverContract(solver))).some((name) => name.includes(what))).toBe(true);
  });

  test("solvers with a tolerance reach it, and count truly", async () => {
    for (const solver of [exponential(), dopri5()]) {
      const contract = solverContract(solver);
      expect(contract).toHaveLength(6);
      expect(await failing(contract)).toEqual([]);
    }
  });
});

describe("the contract of right-hand sides", () => {
  const spins = balanced(5);
  const ising = longRangeIsing(spins);
  const state = randomState(spins, Array(5).fill(2), 2, seeded(3), "complex128");
  const dense = (_t: number, y: Tensor): Tensor =>
    combine([[{ re: 0, im: -1 }, toDense(applyOperator(ising, fromDense(spins, y)))]]);
  const spec: OdeSpec = {
    tree: [[0, 1], 2],
    sizes: [3, 4, 3],
    rank: 2,
    smallest: 0.1,
    dtype: "complex128",
    kind: "general",
    coupling: 0.3,
    source: 0.4,
    delta: 0,
    T: 1,
    seed: 5,
  };

  describe("Schroedinger's equation", () => {
    for (const { name, run } of rhsContract(schroedinger(ising), state, { dense })) test(name, run);
  });
  describe("with a coefficient that depends on time", () => {
    const driven = schroedinger([{ operator: ising, coefficient: (t) => Math.cos(t) }]);
    for (const { name, run } of rhsContract(driven, state)) test(name, run);
  });
  describe("with a moving source", () => {
    const { problem } = lowRankOde(spec);
    for (const { name, run } of rhsContract(problem.rhs, problem.initial)) test(name, run);
  });
  describe("attracted by a solution, real", () => {
    const { problem } = attractedOde({ ...spec, dtype: "float64" });
    for (const { name, run } of rhsContract(problem.rhs, problem.initial)) test(name, run);
  });
  describe("a source with a known integral", () => {
    const shape = tree([[0, 1], 2]);
    const random = (seed: number): TTN => randomState(shape, [3, 2, 3], 2, seeded(seed));
    const source = sourceRhs(random(1));
    for (const { name, run } of rhsContract(source, random(2))) test(name, run);
  });

  /** The right-hand side with something done to its local fields. */
  const changed = (rhs: Rhs, change: (field: LocalField, node: number, wide: boolean) => LocalField): Rhs => ({
    ...rhs,
    bind: (trial, node, test) =>
      change(test ? rhs.bind(trial, node, test) : rhs.bind(trial, node), node, test !== undefined && test !== trial),
  });
  const twice = (_t: number, _x: Tensor, out: Tensor): void => out.data.set(out.data.map((v) => 2 * v));
  const nudge = (x: Tensor, by: number): void => x.data.set([x.data[0]! + by]);
  const good = schroedinger(ising);
  let calls = 0;

  test.each<[string, string, Rhs]>([
    [
      "is twice as large at one node",
      "neighbours",
      changed(good, (f, node) => (node === 1 ? afterEvaluation(f, twice) : f)),
    ],
    ["is twice as large everywhere", "full tensor", changed(good, (f) => afterEvaluation(f, twice))],
    [
      "skips a conjugation",
      "full tensor",
      changed(good, (f) => afterEvaluation(f, (_t, _x, out) => out.data.set(conj(out).data))),
    ],
    ["is wrong in wider bases", "wider bases", changed(good, (f, _n, wide) => (wide ? afterEvaluation(f, twice) : f))],
    [
      "adds to what is there",
      "same bits",
      changed(good, (field) => ({
        ...field,
        plan(frame) {
          const g = field.plan(frame);
          const part = tensor(field.shapeOut, field.dtype);
          return (t, x, out) => {
            g(t, x, part);
            for (let i = 0; i < out.data.length; i++) out.data[i]! += part.data[i]!;
          };
        },
      })),
    ],
    [
      "is another one at every call",
      "same bits",
      changed(good, (f) => afterEvaluation(f, (_t, _x, out) => nudge(out, 1e-9 * calls++))),
    ],
    ["writes into its argument", "same bits", changed(good, (f) => afterEvaluation(f, (_t, x) => nudge(x, 1e-9)))],
    [
      "claims not to depend on time",
      "do not depend on time",
      changed(schroedinger([{ operator: ising, coefficient: (t) => t }]), (f) => ({ ...f, autonomous: true })),
    ],
    [
      "claims to be linear",
      "are linear",
      changed(good, (f) => afterEvaluation(f, (_t, x, out) => nudge(out, x.data[0]! ** 2))),
    ],
    [
      "claims to be Hermitian",
      "Hermitian",
      changed(
        linearRhs([{ operator: productSum(spins, Array(5).fill(2), [{ coefficient: 1, factors: [upper(0)] }]) }]),
        (f) => ({ ...f, kind: "linear-hermitian", phase: { re: 1, im: 0 } }),
      ),
    ],
    [
      "has a wrong integral",
      "increments",
      changed(sourceRhs(state), (f) => ({ ...f, increment: (t0, t1, out) => f.increment!(t0, t1 + 0.1, out) })),
    ],
    ["says a wrong shape", "shapes", changed(good, (f) => ({ ...f, shapeOut: [...f.shapeOut.slice(0, -1), 7] }))],
  ])("one that %s is caught", async (_, what, rhs) => {
    const names = await failing(rhsContract(rhs, state, { dense })).catch((error: unknown) => [String(error)]);
    expect(names.some((name) => name.includes(what))).toBe(true);
  });

  function upper(mode: number) {
    return { mode, operator: tensor([2, 2], "float64", Float64Array.of(0, 1, 0, 0)) };
  }
});
