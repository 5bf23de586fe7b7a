import { describe, expect, it } from "vitest";
import { worthHandingOver } from "../../src/executors/schedule.ts";
import {
  balanced,
  centers,
  inline,
  type Kernel,
  type LinearRhs,
  type Machine,
  machineOf,
  measureMachine,
  measurePassing,
  type Passing,
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
import { copy, sizeOf, type Tensor } from "../../src/linalg/index.ts";
import { longRangeIsing, parseSpinExpression } from "../../src/problems/index.ts";
import { productFlops } from "../linalg/flops.ts";

const d = 16;
const tree = balanced(d);
const hamiltonian = longRangeIsing(tree);
const ranksAt = (rank: number): readonly number[] => spreadRanks(tree, Array<number>(d).fill(2), rank);
const of = (work: StepWork, kernel: Kernel) => work.flat().filter((piece) => piece.kernel === kernel);
const sum = (work: StepWork, kernel: Kernel): number => of(work, kernel).reduce((s, { flops }) => s + flops, 0);

/** A kernel that does a billion operations a second, whatever it works on. */
const even: Machine = {
  measured: {} as Machine["measured"],
  asking: { secondsPerTerm: 0, secondsPerComponent: 0 },
  planning: { secondsPerTerm: 0, secondsPerComponent: 0 },
  secondsPerFlop: () => 1e-9,
  secondsPerEvaluation: () => 0,
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
    const rhs = schroedinger(h);
    bindAll(rhs, centers(state));
    const isSquare = ({ shape }: Tensor): boolean => sizeOf(shape.slice(0, -1)) === shape.at(-1); // stays as it is in a step
    const next = { ...state, tensors: state.tensors.map((t) => (isSquare(t) ? t : copy(t))) };
    const at = centers(next);
    const done = productFlops(() => bindAll(rhs, at));
    const work = stepWork(h, { ranks: spreadRanks(small, sizes, 4) });
    const first = work.slice(
      0,
      work.findIndex((set) => set.some(({ kernel }) => kernel === "evaluate")),
    );
    const pieces = first.flat().filter(({ kernel }) => kernel === "contract"); // up, then down
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
    const slow = predictStep(work, even, { count: 2, passing: { latency: 1e-3, bandwidth: 1e9 } });
    const bytes = work.flat().reduce((s, piece) => s + piece.bytes, 0);
    expect(slow.passing).toBeCloseTo(1e-3 * work.length + bytes / 1e9, 12);
    expect(slow.computing).toBeCloseTo(fast.computing, 15);
    const solvesOnly = predictStep(work, even, { count: 2, divided: ["evaluate"], passing: { latency: 1e-3 } });
    expect(solvesOnly.passing).toBeCloseTo(2e-3, 12); // the root's is a set of its own
  });

  it("sends one piece after the other, each to the place with the least to do", () => {
    const piece = { ...work[0]![0]!, kernel: "evaluate" as const, evaluations: 0, bytes: 0, terms: 2, components: 1 };
    const set = [4, 3, 3, 2].map((s) => ({ ...piece, flops: s * 1e9, estimate: s * 1e9 }));
    const seconds = (count: number, passing: Partial<Passing>, isApart = true) =>
      predictStep([set], even, { count, isApart, passing }).seconds;
    const message = { seconds: 0.5, secondsPerTerm: 0.1 };
    const each = 0.5 + 3 * 0.1;
    expect(seconds(1, { sending: message, receiving: message })).toBeCloseTo(12 + 5 * each, 10); // the others are there in time
    expect(seconds(1, { sending: message, receiving: message }, false)).toBeCloseTo(12, 10); // the calling thread itself
    expect(seconds(2, { receiving: message })).toBeCloseTo(6 + 2 * each, 10);
    expect(seconds(2, { sending: message })).toBeCloseTo(2 * each + 3 + 3, 10); // after the first, on the second place
    expect(seconds(4, { sending: { seconds: 3, secondsPerTerm: 0 } })).toBeCloseTo(14, 10); // four sent, two for the last
    expect(seconds(2, { slowdown: 1.5 })).toBeCloseTo(9, 10);
    expect(seconds(1, { slowdown: 1.5 })).toBeCloseTo(12, 10);
  });

  it("counts what the calling thread does before it sends as its own", () => {
    const asking = { ...even, asking: { secondsPerTerm: 1, secondsPerComponent: 0 } };
    const terms = work.flat().reduce((s, piece) => s + piece.terms, 0);
    for (const count of [1, 2])
      expect(predictStep(work, asking, { count }).seconds - predictStep(work, even, { count }).seconds).toBeCloseTo(
        terms,
        6,
      );
  });

  it("leaves small pieces in the calling thread, beside the others, and small sets altogether", () => {
    const set = [60, 1, 40, 1].map((flops) => ({
      ...work[0]![0]!,
      kernel: "evaluate" as const,
      flops,
      estimate: flops,
      terms: 0,
      bytes: 8,
    }));
    const of = (smallest: number) =>
      predictStep([set], even, { count: 2, smallest, passing: { latency: 1, bandwidth: 8 } });
    expect(of(0).passing).toBeCloseTo(1 + 4, 12);
    expect(of(0).computing).toBeCloseTo(60e-9, 15);
    expect(of(2).passing).toBeCloseTo(1 + 2, 12);
    expect(of(33).passing).toBeCloseTo(1 + 2, 12);
    expect(of(34).passing).toBe(0); // the two larger ones are a hundred, less than three of the smallest that count
    expect(of(34).computing).toBeCloseTo(102e-9, 15);
  });

  it("hands a piece that is alone over only where it would keep the calling thread from all else", () => {
    expect(worthHandingOver([74], 1.5)).toEqual([]);
    expect(worthHandingOver([75], 1.5)).toEqual([0]);
    expect(worthHandingOver([49, 1], 1.5)).toEqual([0]);
    expect(worthHandingOver([3, 2], 1.5)).toEqual([0, 1]);
    expect(worthHandingOver([-1, 5], 0)).toEqual([1]);
    expect(worthHandingOver([], 1)).toEqual([]);
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
      { at: 8, seconds: 1e-8 },
      { at: 512, seconds: 1e-10 },
    ];
    const nothing = { secondsPerTerm: 0, secondsPerComponent: 0 };
    const kernels = { evaluate: rates, contract: rates, split: rates, augment: rates, cut: rates };
    const machine = machineOf({ kernels, evaluations: rates, asking: nothing, planning: nothing });
    for (const at of [(x: number) => machine.secondsPerFlop("cut", x), machine.secondsPerEvaluation]) {
      expect(at(1)).toBe(1e-8);
      expect(at(64)).toBeCloseTo(1e-9, 15);
      expect(at(1e6)).toBe(1e-10);
    }
  });

  it("is measured for every kernel", () => {
    let now = 0;
    const { measured } = measureMachine({ ranks: [2, 4], dtype: "complex128", clock: () => (now += 0.05) });
    for (const rates of Object.values(measured.kernels)) {
      expect(rates.map(({ at }) => at)).toEqual([2, 4]);
      for (const { seconds } of rates) expect(seconds).toBeGreaterThan(0);
    }
    expect(measured.evaluations.map(({ at }) => at)).toEqual([8, 64]);
    for (const { seconds } of measured.evaluations) expect(seconds).toBeGreaterThan(0);
  });

  it("is measured for odd ranks and in any order of them", () => {
    let now = 0;
    const { measured } = measureMachine({ ranks: [5, 1, 3], dtype: "float64", clock: () => (now += 0.05) });
    for (const rates of Object.values(measured.kernels)) {
      expect(rates.map(({ at }) => at)).toEqual([1, 3, 5]);
      for (const { seconds } of rates) expect(seconds).toBeGreaterThan(0);
    }
    expect(measured.evaluations.map(({ at }) => at)).toEqual([1, 27, 125]);
  });

  it("has executors measured that hand pieces over", async () => {
    const passing = await measurePassing(inline(), { count: 1, rank: 4, repeats: 1 });
    for (const value of [passing.latency, passing.sending.seconds, passing.receiving.seconds])
      expect(value).toBeGreaterThanOrEqual(0);
    expect(passing.bandwidth).toBeGreaterThan(0);
    expect(passing.slowdown).toBe(1);
    for (const count of [0, 1.5])
      await expect(measurePassing(inline(), { count })).rejects.toThrow(
        `count is ${count}, expected a positive integer`,
      );
  });
});
