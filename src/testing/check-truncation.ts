import fc from "fast-check";
import { toDense } from "../ttn/arithmetic.ts";
import { nestedOf } from "../ttn/tree.ts";
import { schmidtValues, type Truncated, type Truncation } from "../ttn/truncate.ts";
import { modeSizes, ranks, type TTN } from "../ttn/ttn.ts";
import { type StateOptions, states } from "./arbitraries.ts";
import { figure, type Report } from "./broken-promise.ts";
import { distance } from "./march.ts";
import { orthonormalityDefect } from "./orthonormality.ts";
import { type CheckOptions, type Finding, search } from "./search.ts";

/** Options of `checkTruncation`. */
export interface TruncationOptions extends CheckOptions {
  /** Name for messages. Default: that of the function. */
  readonly name?: string;
  /** Tolerances to draw from, beside some just below what a cut removes. Default [1e-1, 1e-2, 1e-4, 1e-8, 1e-12]. */
  readonly tolerances?: readonly number[];
  /**
   * Error allowed, in tolerances, for a tree with so many edges. Default 1: the tolerance is meant for the whole tensor. Root of the
   * number of edges where it is meant for every edge.
   */
  readonly factor?: (edges: number) => number;
  /** Other settings of the truncation under test. */
  readonly settings?: Omit<Truncation, "tolerance" | "maxRank">;
  /** Which states are drawn. Default: singular values that fall by 1, 0.1, 1e-3 or to zero. */
  readonly states?: StateOptions;
}

/**
 * A truncation: |Y - trunc(Y)| <= tolerance + 1e-14 |Y|, the discarded norm it reports is true to a percent, ranks never grow and
 * keep their limit, every node but the root is orthonormal, and a second truncation, to round-off, changes nothing. (One to the same
 * tolerance may cut further: what the first removed from one edge is missing on others.)
 */
export function checkTruncation(
  truncate: (y: TTN, truncation: Truncation) => Truncated,
  options: TruncationOptions = {},
): Promise<Report> {
  const { name = truncate.name || "truncation", tolerances = [1e-1, 1e-2, 1e-4, 1e-8, 1e-12] } = options;
  const { factor = () => 1, settings = {} } = options;
  const drawn = states({ maxLeaves: 5, maxSize: 4, maxEntries: 512, decays: [1, 0.1, 1e-3, 0], ...options.states });
  const cases = fc.record({
    y: drawn,
    // just below what some cut would remove, where a truncation that takes a little too much is seen
    tolerance: fc.oneof(fc.constantFrom(...tolerances), fc.record({ edge: fc.nat(20), rank: fc.nat(3) })),
    maxRank: fc.constantFrom(Number.POSITIVE_INFINITY, 2, 1),
  });
  return search(
    {
      promise: "truncation to a tolerance",
      subject: name,
      cases: cases.map(({ tolerance, ...rest }) => ({
        ...rest,
        tolerance: typeof tolerance === "number" ? tolerance : belowTail(rest.y, tolerance.edge, tolerance.rank),
      })),
      numRuns: 200,
      shrinks: 400,
      describe: ({ y, tolerance, maxRank }) =>
        `tree ${JSON.stringify(nestedOf(y.tree))}, sizes ${modeSizes(y).join("x")}, ranks ${ranks(y).join(" ")}, ` +
        `${y.tensors[0]!.dtype}, tolerance ${figure(tolerance)}, largest rank ${maxRank}`,
      measure({ y, tolerance, maxRank }): Finding {
        const truncation = { ...settings, tolerance, ...(maxRank < Number.POSITIVE_INFINITY ? { maxRank } : {}) };
        const { y: cut, discarded } = truncate(y, truncation);
        const full = toDense(y);
        const error = distance(full, toDense(cut));
        const allowed = factor(Math.max(1, y.tree.nodes.length - 1)) * tolerance + 1e-14;
        const again = truncate(cut, { ...settings, tolerance: 1e-14 });
        const [before, after] = [ranks(y), ranks(cut)];
        const numbers = { error, discarded, "ranks after": after };
        const demands: readonly Finding[] = [
          // a limit of ranks may cut deeper than the tolerance: what it removes is then what is reported
          {
            measured: error,
            demanded: maxRank < Number.POSITIVE_INFINITY ? Math.max(allowed, 1.01 * discarded) : allowed,
          },
          { measured: error > 1e-12 ? Math.abs(discarded / error - 1) : 0, demanded: options.factor ? 1 : 0.01 },
          { measured: Math.max(...after.map((r, id) => r - Math.min(before[id]!, maxRank))), demanded: 0 },
          { measured: orthonormalityDefect(cut), demanded: 1e-12 },
          { measured: distance(toDense(again.y), toDense(cut)), demanded: 1e-13 * (1 + error) },
          { measured: Math.max(...ranks(again.y).map((r, id) => r - after[id]!)), demanded: 0 },
        ];
        return named(demands, numbers);
      },
    },
    options,
  );
}

/** A tolerance a little smaller than the norm that cutting an edge to this rank removes; 0.01 where it removes nothing. */
function belowTail(y: TTN, edge: number, rank: number): number {
  if (y.tree.order === 1) return 0.01;
  const s = schmidtValues(y, edge % (y.tree.nodes.length - 1));
  const tail = Math.hypot(...s.subarray(1 + (rank % Math.max(1, s.length - 1))));
  return tail > 1e-13 ? 0.95 * tail : 0.01;
}

const what = [
  "error",
  "reported discarded norm, relative error",
  "rank above what is allowed",
  "departure from orthonormality",
  "change by a second truncation",
  "rank gained by a second truncation",
];

/** The first demand that is not met, or the first of all. */
function named(demands: readonly Finding[], numbers: Finding["numbers"] & object): Finding {
  const k = demands.findIndex(({ measured, demanded }) => !(measured <= demanded));
  const finding = demands[Math.max(k, 0)]!;
  return k < 0 ? { ...finding, numbers } : { ...finding, numbers: { ...numbers, [what[k]!]: finding.measured } };
}
