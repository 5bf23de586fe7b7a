/** What a step is made of: evaluations of local fields, environments, centres moved, bases augmented, edges cut. */
export type Kernel = "evaluate" | "contract" | "split" | "augment" | "cut";
export const kernels: readonly Kernel[] = ["evaluate", "contract", "split", "augment", "cut"];

/** What environments and local problems cost beside their arithmetic, whatever their sizes. */
export interface Planning {
  /** For every term of the operator in it, and for every component of an environment. */
  readonly secondsPerTerm: number;
  readonly secondsPerComponent: number;
}

/** How fast a machine is. */
export interface Machine {
  /** Seconds for a floating-point operation of a kernel along modes of this length. */
  secondsPerFlop(kernel: Kernel, extent: number): number;
  /** Seconds that an evaluation takes beside its products: what a solver does with tensors of so many numbers. */
  secondsPerEvaluation(size: number): number;
  /** What the calling thread does before: it finds terms and estimates their arithmetic. */
  readonly asking: Planning;
  /** What goes before the first product, where these are. */
  readonly planning: Planning;
  readonly measured: Measured;
}

/** What was measured of a machine. */
export interface Measured {
  /** For each kernel seconds a floating-point operation, by the length of the modes. */
  readonly kernels: Readonly<Record<Kernel, readonly Rate[]>>;
  /** Seconds that an evaluation takes beside its products, by the numbers of the tensor. */
  readonly evaluations: readonly Rate[];
  readonly asking: Planning;
  readonly planning: Planning;
}

/** What something takes at some size. */
export interface Rate {
  readonly at: number;
  readonly seconds: number;
}

/** A machine as it was measured; between sizes logarithms are interpolated, and beyond them the nearest one counts. */
export const machineOf = (measured: Measured): Machine => ({
  asking: measured.asking,
  planning: measured.planning,
  secondsPerFlop: (kernel, extent) => rateAt(measured.kernels[kernel], extent),
  secondsPerEvaluation: (size) => rateAt(measured.evaluations, size),
  measured,
});

function rateAt(known: readonly Rate[], size: number): number {
  const above = known.findIndex(({ at }) => at >= size);
  if (above <= 0) return known.at(above)!.seconds; // the first, or the last where none is above
  const [a, b] = [known[above - 1]!, known[above]!];
  const share = Math.log(size / a.at) / Math.log(b.at / a.at);
  return a.seconds ** (1 - share) * b.seconds ** share;
}
