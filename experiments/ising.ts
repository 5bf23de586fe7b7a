import * as z from "zod";
import { seeded, type Tree, type TTN } from "../src/index.ts";
import {
  ConfigError,
  experiment,
  integratorOf,
  isChosen,
  type RunSettings,
  runSettings,
  treeOf,
} from "../src/io/index.ts";
import { longRangeIsingTerms, spinState } from "../src/problems/index.ts";
import { studySpins } from "./spin-study.ts";

/** Parameters that all studies of spin chains share. */
export const spinParameters = {
  d: z.int().min(1).max(4096).default(16).describe("a number of spins from 1 to 4096"),
  ...runSettings,
  initial: z
    .union([z.string(), z.array(z.string())])
    .default("up")
    .describe(
      "up, down, plus, minus, neel, random (product of random spins), or an array of states, one for each site",
    ),
  initialRank: z
    .union([z.int().positive(), z.literal("auto")])
    .default("auto")
    .describe(
      "rank to which edges of the initial state are padded, a positive integer, or auto (room for where H moves it, if it needs any; 2 for firstStep=parallel; for methods that keep their ranks maxRank, or 8)",
    ),
  exact: z.boolean().default(false).describe("whether to compare with the full solution (d <= 12): true or false"),
  compare: z
    .boolean()
    .default(false)
    .describe("whether to run augmented too (for integrator=augmented, parallel): true or false"),
  ladder: z
    .int()
    .positive()
    .default(4)
    .describe("with exact: how many runs at dt, 2 dt, 4 dt, ..., or at rtol, 10 rtol, ..., a positive integer"),
};

/** The initial state of these parameters, its edges padded to a rank. */
export function initialState(
  tree: Tree,
  { initial, seed }: { readonly initial: string | readonly string[]; readonly seed: number },
): (rank: number) => TTN {
  if (typeof initial !== "string" && initial.length !== tree.order)
    throw new ConfigError(`initial names ${initial.length} states, expected one for each of the ${tree.order} sites`);
  return (rank) => spinState(tree, initial, rank, seeded(seed));
}

const number = z.number();
const adapts = (s: RunSettings): boolean => integratorOf(s).promises.rankAdaptive;

/** The long-range Ising quench, section 5.1 of the parallel BUG paper [ceruti2024parallel]. */
export const ising = experiment({
  name: "ising",
  summary: "quench of a long-range Ising chain in a transverse field, from all spins up",
  parameters: z.object({
    ...spinParameters,
    maxRank: runSettings.maxRank.describe(runSettings.maxRank.description!.replace("64", "40, the paper's")),
    Omega: number.default(1).describe("transverse field, a number"),
    Delta: number.default(1).describe("detuning, a number"),
    nu: number.default(2).describe("strength of the interaction, a number"),
    alpha: z
      .preprocess(
        (v) => (typeof v === "string" && /^\+?inf(inity)?$/i.test(v) ? Number.POSITIVE_INFINITY : v),
        z.union([number.nonnegative(), z.literal(Number.POSITIVE_INFINITY)]),
      )
      .default(1)
      .describe("decay of the interaction, zero or more, or inf for nearest neighbours"),
  }),
  quick: { d: 8, T: 1, every: 2, exact: true, compare: true },
  run(p, host) {
    const tree = treeOf(p.tree, p.d);
    return studySpins({
      name: "ising",
      tree,
      terms: longRangeIsingTerms(p.d, p),
      initial: initialState(tree, p),
      settings: p.maxRank === "auto" && !isChosen(p) && adapts(p) ? { ...p, maxRank: 40 } : p,
      host,
    });
  },
});
