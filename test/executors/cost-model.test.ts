import { describe, expect, it } from "vitest";
import {
  balanced,
  centers,
  type Kernel,
  type LinearRhs,
  type Machine,
  machineOf,
  measureMachine,
  predictStep,
  productSum,
  randomState,
  rootOf,
  type StepWork,
  schroedinger,
  seeded,
  spreadRanks,
  stepWork,
  type TTN,
} from "../../src/index.ts";
import { type Backend, backend, useBackend } from "../../src/linalg/index.ts";
import { longRangeIsing, parseSpinExpression } from "../../src/problems/index.ts";

const d = 16;
const tree = balanced(d);
const hamiltonian = longRangeIsing(tree);
const ranksAt = (rank: number): readonly number[] => spreadRanks(tree, Array<number>(d).fill(2), rank);
const of = (work: StepWork, kernel: Kernel) => work.flat().filter((piece) => piece.kernel === kernel);
const sum = (work: StepWork, kernel: Kernel): number => of(work, kernel).reduce((s, { flops }) => s + flops, 0);

/** Operations of the dense products that something does. */
function counted(action: () => void): number {
  const plain: Backend = backend();
  let flops = 0;
  useBackend({
    ...plain,
    gemm(g, ...rest) {
      flops += (g.dtype === "complex128" ? 8 : 2) * g.m * g.n * g.k * g.count;
      plain.gemm(g, ...rest);
    },
  });
  try {
    action();
  } finally {
    useBackend(plain);
  }
  return flops;
}

/** A kernel that does a billion operations a second, whatever it works on. */
const even: Machine = {
  rates: {} as Machine["rates"],
  secondsPerTerm: 0,
  secondsPerComponent: 0,
  secondsPerFlop: () => 1e-9,
};

describe("the work of a step", () => {
  const ranks = ranksAt(8);
  const y = randomState(tree, Array<number>(d).fill(2), ranks, seeded(1), "complex128");
  const bindAll = (rhs: LinearRhs, at: readonly TTN[]) => at.map((trial, id) => rhs.bind(trial, id));

  it("counts evaluations of local fields as they are, at every node", () => {
    const work = stepWork(hamiltonian, { ranks, evaluations: 1 });
    const fields = bindAll(schroedinger(hamiltonian), centers(y));
    for (const { node, flops } of of(work, "evaluate"))
      if (node !== rootOf(tree)) expect([node, flops]).toEqual([node, fields[node]!.flops!()]);
  });

  it("counts the products of environments as they are", () => {
    const small = balanced(8);
    const h = longRangeIsing(small);
    const sizes = Array<number>(8).fill(2);
    const state = randomState(small, sizes, 4, seeded(1), "complex128");
    const at = centers(state);
    const rhs = schroedinger(h);
    const done = counted(() => bindAll(rhs, at));
    const work = stepWork(h, { ranks: spreadRanks(small, sizes, 4) });
    const pieces = of(work, "contract").slice(0, 2 * (small.nodes.length - 1)); // up, then down
    expect(pieces.reduce((s, { flops }) => s + flops, 0)).toBe(done);
  });

  it("needs a rank for every node", () => {
    for (const wrong of [[1], ranks.with(3, 0), ranks.with(3, Number.NaN)])
      expect(() => stepWork(hamiltonian, { ranks: wrong })).toThrow("expected a positive integer for each of 31 nodes");
  });

  it("grows like the fourth power of the ranks, and like the number of sites", () => {
    const at = (sites: number, rank: number): StepWork => {
      const sizes = Array<number>(sites).fill(2);
      const own = balanced(sites);
      const h = productSum(own, sizes, parseSpinExpression("-sum(Z[i]*Z[i+1]) - sum(X[i])", sites));
      return stepWork(h, { ranks: spreadRanks(own, sizes, rank) });
    };
    const perSite = (work: [StepWork, StepWork]): number => sum(work[1], "contract") - sum(work[0], "contract");
    const [few, some, many] = [at(32, 8), at(64, 8), at(128, 8)];
    const growth = perSite([some, many]) / perSite([few, some]);
    expect(Math.abs(growth - 2)).toBeLessThan(0.1); // a level more has a few nodes more near the root
    const node = (rank: number) => of(at(16, rank), "evaluate").find((piece) => piece.size === rank ** 3)!.flops;
    expect(node(16) / node(8)).toBe(16);
  });
});

describe("the time of a step", () => {
  const work = stepWork(hamiltonian, { ranks: ranksAt(8) });
  const alone = predictStep(work, even, { count: 1 });

  it("is that of all work on one place, and never less than the longest path on many", () => {
    const all = work.flat().reduce((s, { flops }) => s + flops, 0);
    expect(alone.seconds).toBeCloseTo(1e-9 * all, 12);
    const longest = work.reduce((s, set) => s + Math.max(...set.map(({ flops }) => flops)), 0);
    const many = predictStep(work, even, { count: 1000 });
    expect(many.computing).toBeCloseTo(1e-9 * longest, 12);
    const two = predictStep(work, even, { count: 2 });
    expect(two.computing).toBeGreaterThanOrEqual(alone.seconds / 2);
    expect(two.computing).toBeLessThan(alone.seconds);
    expect(two.serial).toBe(alone.seconds);
  });

  it("adds latency and bytes for what is divided", () => {
    const fast = predictStep(work, even, { count: 2 });
    const slow = predictStep(work, even, { count: 2, latency: 1e-3, bandwidth: 1e9 });
    const sets = work.filter((set) => set.length > 1);
    const bytes = sets.flat().reduce((s, piece) => s + piece.bytes, 0);
    expect(slow.passing).toBeCloseTo(1e-3 * sets.length + bytes / 1e9, 12);
    expect(slow.computing).toBe(fast.computing);
    const solvesOnly = predictStep(work, even, { count: 2, divided: ["evaluate"], latency: 1e-3 });
    expect(solvesOnly.passing).toBeCloseTo(1e-3, 12);
  });

  it("leaves small pieces in the calling thread, beside the others", () => {
    const set = [6, 1, 4, 1].map((flops) => ({
      ...work[0]![0]!,
      kernel: "evaluate" as const,
      flops,
      terms: 0,
      bytes: 8,
    }));
    const of = (smallest: number) => predictStep([set], even, { count: 2, smallest, latency: 1, bandwidth: 8 });
    expect(of(0)).toMatchObject({ passing: 1 + 4 });
    expect(of(0).computing).toBeCloseTo(6e-9, 15);
    expect(of(2)).toMatchObject({ passing: 1 + 2 });
    expect(of(5).computing).toBeCloseTo(6e-9, 15); // six here, six away
    expect(of(7)).toMatchObject({ passing: 0 });
    expect(of(7).computing).toBeCloseTo(12e-9, 15);
  });

  it("refuses numbers of places that make no sense", () => {
    for (const count of [0, 1.5, Number.NaN])
      expect(() => predictStep(work, even, { count })).toThrow(`count is ${count}, expected a positive integer`);
  });
});

describe("a machine", () => {
  it("is not measured for ranks that are none", () => {
    for (const ranks of [[], [0], [2, 1.5]])
      expect(() => measureMachine({ ranks })).toThrow(`ranks are [${ranks.join(", ")}], expected one positive integer`);
  });

  it("has rates between those that were measured, and keeps the last beyond", () => {
    const rates = [
      { size: 8, secondsPerFlop: 1e-8 },
      { size: 512, secondsPerFlop: 1e-10 },
    ];
    const machine = machineOf({ evaluate: rates, contract: rates, split: rates, augment: rates, cut: rates });
    expect(machine.secondsPerFlop("cut", 1)).toBe(1e-8);
    expect(machine.secondsPerFlop("cut", 64)).toBeCloseTo(1e-9, 15);
    expect(machine.secondsPerFlop("cut", 1e6)).toBe(1e-10);
  });

  it("is measured for every kernel", () => {
    let now = 0;
    const machine = measureMachine({ ranks: [2, 4], dtype: "complex128", clock: () => (now += 0.05) });
    for (const rates of Object.values(machine.rates)) {
      expect(rates.map(({ size }) => size)).toEqual([8, 64]);
      for (const { secondsPerFlop } of rates) expect(secondsPerFlop).toBeGreaterThan(0);
    }
  });
});
