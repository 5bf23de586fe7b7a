import fc, { type Arbitrary } from "fast-check";
import type { Integrator } from "../integrators/integrator.ts";
import { euler } from "../integrators/local/euler.ts";
import { combine, modeProduct } from "../linalg/contract.ts";
import { norm as size } from "../linalg/level1.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { reshape, shapeText, type Tensor } from "../linalg/tensor.ts";
import { toDense } from "../ttn/arithmetic.ts";
import type { Functional } from "../ttn/conserved.ts";
import { linearRhs } from "../ttn/operators/linear-rhs.ts";
import { applyOperator, type TTNO } from "../ttn/operators/ttno.ts";
import { nestedOf } from "../ttn/tree.ts";
import { dtypeOfState, modeSizes, ranks, type TTN } from "../ttn/ttn.ts";
import { type StateOptions, statesWithOperators } from "./arbitraries.ts";
import type { Report } from "./broken-promise.ts";
import { worstOf } from "./check-exactness.ts";
import { smallStates } from "./hamiltonians.ts";
import { distance, march } from "./march.ts";
import { type CheckOptions, search } from "./search.ts";

/** Options of `checkMoments`. */
export interface MomentsOptions extends CheckOptions {
  /** Whether the functionals are given to the method. Default true; without, the departure is that of a method that knows nothing. */
  readonly conserved?: boolean;
  /** Steps of a run. Default 3. */
  readonly steps?: number;
  /** Step size. Default 0.05. */
  readonly h?: number;
  /** Truncation tolerance, relative. Default 0.05. */
  readonly tolerance?: number;
  /** Which states are drawn. */
  readonly states?: StateOptions;
}

interface Case {
  readonly y: TTN;
  readonly operator: TTNO;
  readonly functionals: readonly Functional[];
}

/**
 * The moment law M(Y1) = M(Y0) + h M(F(Y0)) of explicit Euler, for random linear F and one or two random functionals, any modes of
 * which are free: departures of at most 1e-12 (|Y0| + h |F(Y0)|) in every step, for functionals of norm one.
 */
export function checkMoments(integrator: Integrator, options: MomentsOptions = {}): Promise<Report> {
  const { conserved = true, steps = 3, h = 0.05, tolerance = 0.05 } = options;
  return search<Case>(
    {
      promise: "the moment law of explicit Euler",
      subject: integrator.name,
      cases: cases({ ...smallStates, dtypes: ["float64", "complex128"], ...options.states }),
      numRuns: 40,
      describe: ({ y, functionals }) =>
        `tree ${JSON.stringify(nestedOf(y.tree))}, sizes ${shapeText(modeSizes(y))}, ranks ${ranks(y).join(" ")}, ` +
        `${dtypeOfState(y)}, functionals of modes ${functionals.map(modesOf).join(" and ")}`,
      async measure({ y, operator, functionals }) {
        const problem = { name: "moments", rhs: linearRhs([{ operator }]), initial: y, span: [0, steps * h] } as const;
        const truncation = { tolerance, relative: true, ...(conserved ? { conserved: functionals } : {}) };
        const run = { integrator, h, solver: euler(), truncation };
        const all = await march({ ...problem, observables: {} }, run);
        const departures = all.slice(1).flatMap((after, k) => {
          const before = all[k]!.y;
          const [now, old, change] = [after.y, before, applyOperator(operator, before)].map(toDense) as Tensor[];
          return functionals.map((f) => {
            const law = combine([
              [1, moment(old!, f)],
              [h, moment(change!, f)],
            ]);
            return distance(moment(now!, f), law) / (size(old!) + h * size(change!));
          });
        });
        return { measured: worstOf(departures), demanded: 1e-12 };
      },
    },
    options,
  );
}

const modesOf = ({ vectors }: Functional): string => `(${vectors.flatMap((v, mode) => (v ? [mode] : [])).join(" ")})`;

const moment = (full: Tensor, { vectors }: Functional): Tensor =>
  vectors.reduce<Tensor>((t, v, mode) => (v ? modeProduct(t, mode, reshape(v, [1, v.shape[0]!])) : t), full);

/** States with a linear right-hand side of norm about one, and functionals of norm one. */
const cases = (options: StateOptions): Arbitrary<Case> =>
  statesWithOperators(options, { minTerms: 1, maxTerms: 4, maxFactors: 3, dtypes: ["float64"] }).chain(
    ({ y, operator }) => {
      const sizes = modeSizes(y);
      const free = fc.array(fc.boolean(), { minLength: sizes.length, maxLength: sizes.length });
      return fc
        .record({ patterns: fc.array(free, { minLength: 1, maxLength: 2 }), fixed: fc.nat(20), seed: fc.integer() })
        .map(({ patterns, fixed, seed }) => {
          const random = seeded(seed);
          const functionals = patterns.map((pattern) => ({
            vectors: sizes.map((n, mode) => {
              const v = randomTensor(random, [n], dtypeOfState(y));
              if (pattern[mode] && mode !== fixed % sizes.length) return null;
              return { ...v, data: v.data.map((x) => x / size(v)) };
            }),
          }));
          return { y, operator, functionals };
        });
    },
  );
