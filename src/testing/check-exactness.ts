import fc, { type Arbitrary } from "fast-check";
import type { Integrator } from "../integrators/integrator.ts";
import { exactIncrement } from "../integrators/local/increment.ts";
import { norm as frobenius } from "../linalg/level1.ts";
import { type Dtype, shapeText } from "../linalg/tensor.ts";
import { toDense } from "../ttn/arithmetic.ts";
import { type Nested, nestedOf, tree } from "../ttn/tree.ts";
import { grown, pieces, possibleRanks } from "./arbitraries.ts";
import type { Report } from "./broken-promise.ts";
import { givenRhs, type Movement, startOf, straightMovement } from "./given-solution.ts";
import { distance, march } from "./march.ts";
import { type CheckOptions, checkLength, type Finding, search } from "./search.ts";

/** Options of `checkExactness`. */
export interface ExactnessOptions extends CheckOptions {
  /** Whether to demand exactness, or only an error of second order over a fixed number of steps. Default: as promised. */
  readonly exact?: boolean;
  /** Step sizes, two or more where exactness is not demanded; ten steps are made with each. Default [1e-1, 1e-2, 1e-3, 1e-4]. */
  readonly h?: readonly number[];
}

interface MovementSpec {
  readonly tree: Nested;
  readonly sizes: readonly number[];
  readonly ranks: readonly number[];
  readonly dtype: Dtype;
  readonly seed: number;
}

/**
 * A solution A(t) of the tree's rank, given as F(t, Y) = A'(t) with exact increments: the error after ten steps is at most
 * 1e-11 |A| where exactness is promised. Elsewhere it is of second order in h over ten steps, falling at least 50-fold from h to
 * h / 10 where h is below 0.05, unless it is below 1e-11 already. Matrices, Tucker tensors, trains, binary and other trees.
 */
export function checkExactness(integrator: Integrator, options: ExactnessOptions = {}): Promise<Report> {
  const { exact = integrator.promises.exact, h = [1e-1, 1e-2, 1e-3, 1e-4] } = options;
  checkLength("checkExactness", "h", h, exact ? 1 : 2);
  return search<MovementSpec>(
    {
      promise: exact ? "exactness for solutions of the tree's rank" : "an error of order two over ten steps",
      subject: integrator.name,
      cases: movementSpecs(),
      numRuns: 16,
      describe: ({ tree, sizes, ranks, dtype, seed }) =>
        `tree ${JSON.stringify(tree)}, sizes ${shapeText(sizes)}, ranks ${ranks.join(" ")}, ${dtype}, numbers from seed ${seed}`,
      async measure(spec) {
        const movement = straightMovement(tree(spec.tree), spec.sizes, spec.ranks, spec.seed, spec.dtype);
        const errors: number[] = [];
        for (const step of h) errors.push(await relativeError(integrator, movement, step, spec.ranks));
        const numbers = { h, error: errors };
        if (exact) return { measured: worstOf(errors), demanded: 1e-11, numbers };
        return { ...slowestFall(h, errors), numbers };
      },
    },
    options,
  );
}

/** The largest number; NaN when one is. */
export const worstOf = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);

/** The least fall of the error from one step size to the next, in powers of ten of h; errors at round-off have fallen. */
function slowestFall(h: readonly number[], errors: readonly number[]): Finding {
  const falls = h.slice(1).flatMap((fine, k) => {
    const [before, after] = [errors[k]!, errors[k + 1]!];
    return h[k]! > 0.05 || after <= 1e-11 ? [] : [(before / after) ** (1 / Math.log10(h[k]! / fine))];
  });
  const measured = falls.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return { measured: errors.every(Number.isFinite) ? measured : Number.NaN, demanded: 50, sense: "at least" };
}

async function relativeError(
  integrator: Integrator,
  movement: Movement,
  h: number,
  maxRank: readonly number[],
): Promise<number> {
  const problem = {
    name: "given solution",
    rhs: givenRhs(movement),
    initial: startOf(movement),
    span: [0, 10 * h],
    observables: {},
  } as const;
  const truncation = { tolerance: "off", maxRank } as const;
  const all = await march(problem, { integrator, h, truncation, solver: exactIncrement() });
  const exact = toDense(movement.at(10 * h));
  return distance(toDense(all.at(-1)!.y), exact) / frobenius(exact);
}

/** The shapes that papers treat apart, and any others. */
const named: readonly Nested[] = [
  [0, 1],
  [0, 1, 2],
  [0, [1, [2, 3]]],
  [
    [0, 1],
    [2, 3],
  ],
  [[0, 1, 2], 3],
];

const movementSpecs = (): Arbitrary<MovementSpec> =>
  fc
    .record({
      shape: fc.oneof(fc.constantFrom(...named).map(tree), pieces({ maxLeaves: 4 }).map(grown)),
      sizes: fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 4, maxLength: 4 }),
      rank: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 8, maxLength: 8 }),
      dtype: fc.constantFrom<Dtype>("float64", "complex128"),
      seed: fc.nat(),
    })
    .map(({ shape, sizes, rank, ...rest }) => {
      const fitting = sizes.slice(0, shape.order);
      return { tree: nestedOf(shape), sizes: fitting, ranks: possibleRanks(shape, fitting, rank), ...rest };
    });
