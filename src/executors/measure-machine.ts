import { augment } from "../integrators/augment.ts";
import { exponential } from "../integrators/local/exponential.ts";
import { matmul, modeProduct } from "../linalg/contract.ts";
import type { KroneckerTerm } from "../linalg/kronecker-sum.ts";
import type { Matrix } from "../linalg/matrix.ts";
import { orthAug } from "../linalg/orth-aug.ts";
import { type Random, randomTensor, seeded } from "../linalg/random.ts";
import { type Dtype, identity, type Tensor, tensor, width } from "../linalg/tensor.ts";
import { branchCut, cutFlops } from "../ttn/cut.ts";
import { asBasis, fromBasis, splitMode } from "../ttn/gauge.ts";
import { type Contraction, contraction, contractionTask } from "../ttn/operators/contraction.ts";
import { tree } from "../ttn/tree.ts";
import { type Kernel, type Machine, type Measured, machineOf, type Planning, type Rate } from "./machine.ts";
import { trialField } from "./trial-field.ts";

/** What is measured, for how long, and by which clock. */
export interface MeasureOptions {
  /** Default "complex128". */
  readonly dtype?: Dtype;
  /** Ranks around the node that is measured, in any order. Default 2, 4, ..., 64. */
  readonly ranks?: readonly number[];
  /** Seconds that each measurement takes at least. Default 0.15. */
  readonly seconds?: number;
  /** Time in seconds. Default: wall time. On a busy machine, CPU time is nearer to what a quiet one takes. */
  readonly clock?: () => number;
}

/**
 * Measures the kernels on one node with three edges of each rank, with random tensors and a few terms of each kind, on the backend of this
 * process. Eight measurements and six more for each rank, of `seconds` or more each: at least 6.6 s by default. On a machine that is busy otherwise
 * the result is worth little. Throws a RangeError for ranks that are none.
 */
export function measureMachine({
  dtype = "complex128",
  ranks = [2, 4, 8, 16, 32, 64],
  seconds: least = 0.15,
  clock = () => performance.now() / 1000,
}: MeasureOptions = {}): Machine {
  const wrong = ranks.find((r) => !(Number.isSafeInteger(r) && r > 0));
  if (wrong !== undefined || ranks.length === 0)
    throw new RangeError(`measureMachine: ranks are [${ranks.join(", ")}], expected one positive integer or more`);
  const both = measurePlanning(dtype, (run) => secondsOf(run, clock, least));
  /** Seconds of a trial without its planning. */
  const seconds = ({ terms = 0, components = 0, run }: Trial): number => {
    const all = secondsOf(run, clock, least);
    const { secondsPerTerm, secondsPerComponent } = both.planning;
    return Math.max(all - terms * secondsPerTerm - components * secondsPerComponent, all / 10);
  };
  const ascending = [...ranks].sort((a, b) => a - b);
  const solves = ascending.map((r) => {
    const [few, many] = [solve(r, dtype, false), solve(r, dtype, true)];
    const [a, b] = [seconds(few) / few.evaluations, seconds(many) / many.evaluations];
    const [f, g] = [few.flops / few.evaluations, many.flops / many.evaluations];
    const perFlop = Math.min(Math.max((b - a) / (g - f), b / g / 3), b / g); // beyond this it was noise
    return { r, perFlop, perEvaluation: Math.max(b - g * perFlop, b / 100) };
  });
  const others = Object.fromEntries(
    Object.entries(trials).map(([kernel, trial]) => [
      kernel,
      ascending.map((r) => {
        const made = trial(r, dtype, seeded(r));
        return { at: r, seconds: seconds(made) / made.flops };
      }),
    ]),
  ) as unknown as Record<Exclude<Kernel, "evaluate">, readonly Rate[]>;
  return machineOf({
    kernels: { ...others, evaluate: solves.map(({ r, perFlop }) => ({ at: r, seconds: perFlop })) },
    evaluations: solves.map(({ r, perEvaluation }) => ({ at: r ** 3, seconds: perEvaluation })),
    ...both,
  });
}

/** The shortest of several times. Each is of as many repeats as take two milliseconds, going by the shortest time so far. */
function secondsOf(run: () => void, clock: () => number, least: number): number {
  let best = Number.POSITIVE_INFINITY;
  let repeats = 1;
  let spent = 0;
  for (let long = 0; long < 5 || spent < least; ) {
    const begin = clock();
    for (let i = 0; i < repeats; i++) run();
    const seconds = clock() - begin;
    spent += seconds;
    if (seconds < 1e-4)
      repeats *= 4; // too short for the clock
    else {
      best = Math.min(best, seconds / repeats);
      if (repeats * best > 1e-3) long++;
      repeats = Math.max(1, Math.ceil(2e-3 / best));
    }
  }
  return best;
}

/** Work of a known amount. */
interface Trial {
  readonly flops: number;
  readonly terms?: number;
  readonly components?: number;
  readonly run: () => void;
}

const hermitian = (r: number, dtype: Dtype, random: Random): Tensor => {
  const a = randomTensor(random, [r, r], dtype);
  return matmul(a, a, "C", "N");
};

const product = (...matrices: (Matrix | null)[]): KroneckerTerm => ({ coefficient: 1, matrices });

/** An environment of these components, each a sum of terms. */
const environment = (ket: Tensor, components: readonly (readonly KroneckerTerm[])[], dtype: Dtype): Contraction => ({
  ket,
  bra: ket,
  open: 2,
  dtype,
  fresh: null,
  components: components.map((terms) => ({ terms, symmetry: 0, old: null })),
});

/** From tensors so small that arithmetic costs nothing: many terms in one component, and as many in one each. */
function measurePlanning(dtype: Dtype, seconds: (run: () => void) => number): Pick<Measured, "asking" | "planning"> {
  const random = seeded(1);
  const x = randomTensor(random, [2, 2, 2], dtype);
  const [left, right] = [3, 4].map((count) => Array.from({ length: count }, () => randomTensor(random, [2, 2], dtype)));
  const terms = left!.flatMap((a) => right!.map((b) => product(a, b, null))); // a core joins all components of its children
  const planningOf = (run: (components: readonly (readonly KroneckerTerm[])[]) => void): Planning => {
    const measured = [seconds, seconds].map((of) => [
      of(() => run([terms])),
      of(() => run(terms.map((term) => [term]))),
    ]);
    const [together, apart] = measured[1] as [number, number]; // the first time, the engine compiled what it ran
    const secondsPerComponent = Math.max(0, (apart - together) / (terms.length - 1));
    return { secondsPerComponent, secondsPerTerm: Math.max(0, (together - secondsPerComponent) / terms.length) };
  };
  return {
    asking: planningOf((components) => {
      const found = components.map((all) => all.map((term) => ({ ...term, matrices: [...term.matrices] })));
      contractionTask(environment(x, found, dtype), 0);
    }),
    planning: planningOf((components) => contraction.run(environment(x, components, dtype))),
  };
}

/** A solve with sums over one neighbour each, and, on demand, products of two, as of interactions across a node. */
function solve(r: number, dtype: Dtype, hasPairs: boolean): Trial & { readonly evaluations: number } {
  const random = seeded(r);
  const h = (): Tensor => {
    const a = hermitian(r, dtype, random);
    for (let i = 0; i < a.data.length; i++) a.data[i]! /= 8 * r;
    return a;
  };
  const terms = [product(h(), null, null), product(null, h(), null), product(null, null, h())];
  for (let k = 0; k < (hasPairs ? 3 : 0); k++)
    terms.push(product(h(), h(), null), product(h(), null, h()), product(null, h(), h()));
  const field = trialField([r, r, r], terms, dtype);
  const initial = randomTensor(random, [r, r, r], dtype);
  const solver = exponential({ tolerance: 1e-8 });
  const run = () => solver.solve({ node: 0, field, initial, t0: 0, t1: 0.05, seeks: "state" });
  const evaluations = run().applications;
  return { flops: evaluations * field.flops!(), evaluations, terms: terms.length, run };
}

const trials: Readonly<Record<Exclude<Kernel, "evaluate">, (r: number, dtype: Dtype, random: Random) => Trial>> = {
  /** An environment of four components. */
  contract(r, dtype, random) {
    const x = randomTensor(random, [r, r, r], dtype);
    const m = (): Tensor => hermitian(r, dtype, random);
    const [a, b] = [m(), m()];
    const components = [
      [product(a, null, null)],
      [product(null, b, null)],
      [product(a, b, null)],
      [product(m(), null, null), product(null, m(), null), product(a, b, null)],
    ];
    const input = environment(x, components, dtype);
    return {
      flops: contractionTask(input, 0).flops!,
      terms: components.flat().length,
      components: components.length,
      run: () => contraction.run(input),
    };
  },
  split(r, dtype, random) {
    const c = randomTensor(random, [r, r, r], dtype);
    return {
      flops: (width(dtype) === 2 ? 8 : 2) * 3 * r ** 4,
      run() {
        modeProduct(c, 2, splitMode(c, 0).r);
      },
    };
  },
  /** A basis of half as many columns, rounded down, in as many directions of each child. */
  augment(r, dtype, random) {
    const half = Math.max(1, Math.floor(r / 2));
    const basis = orthAug(tensor([half * half, 0], dtype), randomTensor(random, [half * half, half], dtype));
    const old = fromBasis(basis, [half, half, half]);
    const solution = randomTensor(random, [r, r, half], dtype);
    return {
      flops: (width(dtype) === 2 ? 8 : 2) * r * r * half * (4 * half + 6 * half),
      run() {
        const { fresh } = augment(old, solution, 0);
        if (fresh) matmul(fresh, asBasis(solution), "C", "N");
      },
    };
  },
  /** A node with two leaves below it, all to half the rank, rounded down. */
  cut(r, dtype, random) {
    const half = Math.max(1, Math.floor(r / 2));
    const branch = tree([[0, 1], 2]);
    const top = branch.nodes[0]!.parent!;
    const tensors = branch.nodes.map((_, id) =>
      id < top ? identity(r, dtype) : id === top ? randomTensor(random, [r, r, r], dtype) : null,
    );
    const limit = { theta: 0, tail: "l2" as const, min: half, max: half, stays: false };
    const input = {
      ...{ tree: branch, top, tensors, limits: branch.nodes.map(() => limit) },
      weight: randomTensor(random, [half, r], dtype),
    };
    return { flops: cutFlops(dtype, [r, r, r]), run: () => void branchCut.run(input) };
  },
};
