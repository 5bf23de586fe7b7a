import { augment } from "../integrators/augment.ts";
import { exponential } from "../integrators/local/exponential.ts";
import { block, gramAllBut, matmul, modeProduct } from "../linalg/contract.ts";
import { svd } from "../linalg/factor.ts";
import { kroneckerFlops } from "../linalg/kronecker-flops.ts";
import { type KroneckerTerm, kroneckerSum, planKroneckerSum } from "../linalg/kronecker-sum.ts";
import type { Matrix } from "../linalg/matrix.ts";
import { orthAug } from "../linalg/orth-aug.ts";
import { type Random, randomTensor, seeded } from "../linalg/random.ts";
import { type Dtype, type Tensor, tensor, width } from "../linalg/tensor.ts";
import { workspace } from "../linalg/workspace.ts";
import { asBasis, fromBasis, splitMode, triangularOf } from "../ttn/gauge.ts";
import { kroneckerField } from "../ttn/operators/kronecker-field.ts";

/** What a step is made of: evaluations of local fields, environments, centres moved, bases augmented, edges cut. */
export type Kernel = "evaluate" | "contract" | "split" | "augment" | "cut";
export const kernels: readonly Kernel[] = ["evaluate", "contract", "split", "augment", "cut"];

/** What an environment costs beside its arithmetic, whatever its size. */
export interface Planning {
  /** For every term of the operator in it, and for every component that it has. */
  readonly secondsPerTerm: number;
  readonly secondsPerComponent: number;
}

/** How fast a machine does each kernel. */
export interface Machine extends Planning {
  /** Seconds for a floating-point operation of a kernel on tensors of so many numbers. */
  secondsPerFlop(kernel: Kernel, size: number): number;
  /** What was measured: for each kernel, seconds a flop by size. */
  readonly rates: Readonly<Record<Kernel, readonly Rate[]>>;
}

/** What an operation takes on tensors of `size` numbers. */
export interface Rate {
  readonly size: number;
  readonly secondsPerFlop: number;
}

/** A machine of measured rates; between sizes their logarithms are interpolated, beyond them the last one counts. */
export const machineOf = (
  rates: Machine["rates"],
  { secondsPerTerm, secondsPerComponent }: Planning = { secondsPerTerm: 0, secondsPerComponent: 0 },
): Machine => ({
  rates,
  secondsPerTerm,
  secondsPerComponent,
  secondsPerFlop(kernel, size) {
    const known = rates[kernel];
    const above = known.findIndex((rate) => rate.size >= size);
    if (above <= 0) return known.at(above)!.secondsPerFlop; // the first, or the last where none is above
    const [a, b] = [known[above - 1]!, known[above]!];
    const share = Math.log(size / a.size) / Math.log(b.size / a.size);
    return a.secondsPerFlop ** (1 - share) * b.secondsPerFlop ** share;
  },
});

/** What is measured, for how long, and by which clock. */
export interface MeasureOptions {
  /** Default "complex128". */
  readonly dtype?: Dtype;
  /** Ranks around the node that is measured. Default 2, 4, ..., 64. */
  readonly ranks?: readonly number[];
  /** Seconds that each measurement takes. Default 0.15. */
  readonly seconds?: number;
  /** Time in seconds. Default: wall time. On a busy machine, CPU time is nearer to what a quiet one takes. */
  readonly clock?: () => number;
}

/**
 * Measures the kernels on one node with three edges of each rank, with random tensors and a few terms of each kind, on the backend of this
 * process. Takes about two seconds; on a machine that is busy otherwise the result is worth little. Throws a RangeError for ranks that
 * are none.
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
  const planning = measurePlanning(dtype, clock, least);
  const rates = Object.fromEntries(
    kernels.map((kernel) => [
      kernel,
      ranks.map((r) => {
        const { flops, terms = 0, components = 0, run } = trial[kernel](r, dtype, seeded(r));
        const seconds = secondsOf(run, clock, least);
        const planned = terms * planning.secondsPerTerm + components * planning.secondsPerComponent;
        return { size: r ** 3, secondsPerFlop: Math.max(seconds - planned, seconds / 10) / flops };
      }),
    ]),
  ) as unknown as Machine["rates"];
  return machineOf(rates, planning);
}

/** The shortest of several times, each of two milliseconds or more. */
function secondsOf(run: () => void, clock: () => number, least: number): number {
  run();
  let best = Number.POSITIVE_INFINITY;
  let repeats = 1;
  for (let k = 0, spent = 0; k < 5 || (spent < least && k < 1000); k++) {
    const begin = clock();
    for (let i = 0; i < repeats; i++) run();
    const seconds = clock() - begin;
    spent += seconds;
    if (seconds < 2e-3) repeats *= 2;
    else best = Math.min(best, seconds / repeats);
    if (best === Number.POSITIVE_INFINITY) k = 0;
  }
  return best;
}

type Trial = (
  r: number,
  dtype: Dtype,
  random: Random,
) => { readonly flops: number; readonly terms?: number; readonly components?: number; readonly run: () => void };

const hermitian = (r: number, dtype: Dtype, random: Random): Tensor => {
  const a = randomTensor(random, [r, r], dtype);
  return matmul(a, a, "C", "N");
};

const one = { re: 1, im: 0 };
const product = (...matrices: (Matrix | null)[]): KroneckerTerm => ({ coefficient: 1, matrices });
const qr = (dtype: Dtype, rows: number, columns: number): number =>
  (width(dtype) === 2 ? 8 : 2) * rows * columns * columns;

/** The matrices of an environment; its operations are counted too, as executors ask for. */
function contracted(x: Tensor, components: readonly (readonly KroneckerTerm[])[], dtype: Dtype): void {
  for (const terms of components) {
    using frame = workspace().frame();
    const map = kroneckerSum(x.shape, terms, dtype);
    kroneckerFlops(map);
    const image = frame.take(map.shapeOut, dtype);
    planKroneckerSum(map, frame)(one, x, 0, image);
    gramAllBut(x, image, 2);
  }
}

/** From tensors so small that arithmetic costs nothing: many terms in one component, and as many in one each. */
function measurePlanning(dtype: Dtype, clock: () => number, least: number): Planning {
  const random = seeded(1);
  const x = randomTensor(random, [2, 2, 2], dtype);
  const [left, right] = [3, 4].map((count) => Array.from({ length: count }, () => randomTensor(random, [2, 2], dtype)));
  const terms = left!.flatMap((a) => right!.map((b) => product(a, b, null))); // a core joins all components of its children
  const seconds = (components: readonly (readonly KroneckerTerm[])[]): number =>
    secondsOf(() => contracted(x, components, dtype), clock, least);
  const together = seconds([terms]);
  const apart = seconds(terms.map((term) => [term]));
  const secondsPerComponent = Math.max(0, (apart - together) / (terms.length - 1));
  return { secondsPerComponent, secondsPerTerm: Math.max(0, (together - secondsPerComponent) / terms.length) };
}

const trial: Readonly<Record<Kernel, Trial>> = {
  /** Sums over one neighbour each, and products of two, as of interactions across a node. */
  evaluate(r, dtype, random) {
    const h = (): Tensor => {
      const a = hermitian(r, dtype, random);
      for (let i = 0; i < a.data.length; i++) a.data[i]! /= 8 * r;
      return a;
    };
    const terms = [
      product(h(), null, null),
      product(null, h(), null),
      product(null, null, h()),
      product(h(), h(), null),
      product(h(), null, h()),
      product(null, h(), h()),
    ];
    const phase = dtype === "complex128" ? { re: 0, im: -1 } : { re: -1, im: 0 };
    const field = kroneckerField({
      form: "kronecker",
      phase,
      parts: [{ coefficient: phase, sum: kroneckerSum([r, r, r], terms, dtype) }],
    });
    const initial = randomTensor(random, [r, r, r], dtype);
    const solver = exponential({ tolerance: 1e-8 });
    const run = () => solver.solve({ node: 0, field, initial, t0: 0, t1: 0.05, seeks: "state" });
    return { flops: run().applications * field.flops!(), run };
  },
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
    const gram = (width(dtype) === 2 ? 8 : 2) * r ** 4;
    const mapOf = (terms: readonly KroneckerTerm[]) => kroneckerSum(x.shape, terms, dtype);
    return {
      flops: components.reduce((sum, terms) => sum + kroneckerFlops(mapOf(terms)) + gram, 0),
      terms: components.flat().length,
      components: components.length,
      run: () => contracted(x, components, dtype),
    };
  },
  split(r, dtype, random) {
    const c = randomTensor(random, [r, r, r], dtype);
    return {
      flops: qr(dtype, r * r, r),
      run() {
        modeProduct(c, 2, splitMode(c, 0).r);
      },
    };
  },
  /** A basis of half as many columns, in half as many directions of each child. */
  augment(r, dtype, random) {
    const half = Math.max(1, r / 2);
    const basis = orthAug(tensor([half * half, 0], dtype), randomTensor(random, [half * half, half], dtype));
    const old = fromBasis(basis, [half, half, half]);
    const solution = randomTensor(random, [r, r, half], dtype);
    return {
      flops: 2 * (width(dtype) === 2 ? 8 : 2) * half ** 4 + 3 * qr(dtype, r * r, half),
      run() {
        const { fresh } = augment(old, solution, 0);
        if (fresh) matmul(fresh, asBasis(solution), "C", "N");
      },
    };
  },
  /** To half the rank, children first. */
  cut(r, dtype, random) {
    const half = Math.max(1, r / 2);
    const old = randomTensor(random, [r, r, r], dtype);
    const overlap = randomTensor(random, [half, r], dtype);
    return {
      flops: qr(dtype, r * r, r),
      run() {
        const whole = modeProduct(old, 2, triangularOf(old, 0));
        triangularOf(whole, 0);
        triangularOf(whole, 1);
        const amplitude = modeProduct(modeProduct(whole, 0, overlap), 1, overlap);
        const before = asBasis(modeProduct(modeProduct(old, 0, overlap), 1, overlap));
        const { u } = svd(asBasis(amplitude));
        matmul(block(u, [0, 0], [u.shape[0]!, Math.min(half, u.shape[1]!)]), before, "C", "N");
      },
    };
  },
};
