import { augmentedBug } from "../integrators/augmented-bug.ts";
import { fixedRankBug } from "../integrators/fixed-rank-bug.ts";
import type { Integrator } from "../integrators/integrator.ts";
import { parallelBug } from "../integrators/parallel-bug.ts";
import { projectorSplitting } from "../integrators/projector-splitting.ts";
import { atGivenRanks } from "./given-ranks.ts";
import { adam } from "./rules/adam.ts";
import { boundedCondition, type CoreProjection, conditionPenalty, type Penalty } from "./rules/core-condition.ts";
import { galore } from "./rules/galore.ts";
import { rankPruning } from "./rules/rank-pruning.ts";
import { type Rule, sgd } from "./rules/rules.ts";
import { smmf } from "./rules/smmf.ts";

/** What some methods can be told; each takes those that it lists under `takes`. */
export interface MethodSettings {
  /** Bound on the condition of cores: condlr (default 1.5), robust (default: none). */
  readonly condition?: number;
  /** Strength of the penalty on the condition: robust (default: none). */
  readonly beta?: number;
  /** Columns of the projection: galore (default 8). */
  readonly rank?: number;
  /** Steps from one renewal of the projection to the next: galore (default 200); from one cut to the next: trp (default 20). */
  readonly every?: number;
  /** What a cut removes, relative to |W|: trp (default 0.1). */
  readonly tolerance?: number;
  /** Strength of the nuclear norm: trp (default 0). */
  readonly nuclear?: number;
}

/** A way to train: what `train` is given, the layers it is for, and a rate to start from. */
export interface TrainingMethod {
  readonly name: string;
  readonly summary: string;
  /** Key of the paper, or null for common knowledge. */
  readonly reference: string | null;
  /**
   * The layers that hold the large matrices: "low-rank" (`lowRank`), "tucker" (`tuckerLayer`, a tensor of more than two modes), "shared"
   * (`sharedLowRank`), "factors" (`factored`), "adapter" (`factored` with a base) or "dense" (`dense`).
   */
  readonly layers: "low-rank" | "tucker" | "shared" | "factors" | "adapter" | "dense";
  /** Whether ranks follow a tolerance; else they stay as they start. */
  readonly adaptsRanks: boolean;
  /** A learning rate that suits small perceptrons with standardised inputs. */
  readonly rate: number;
  readonly takes: readonly (keyof MethodSettings)[];
  readonly integrator: Integrator;
  readonly rule: Rule;
  readonly projection?: CoreProjection;
  readonly penalty?: Penalty;
}

type Parts = Pick<TrainingMethod, "integrator" | "rule" | "projection" | "penalty">;
interface Entry
  extends Pick<TrainingMethod, "summary" | "reference" | "layers" | "rate">,
    Partial<Pick<TrainingMethod, "adaptsRanks" | "takes">> {
  make(settings: MethodSettings): Parts;
}

const flow = (
  summary: string,
  reference: string,
  integrator: () => Integrator,
  layers: TrainingMethod["layers"] = "low-rank",
): Entry => ({ summary, reference, layers, rate: 0.2, make: () => ({ integrator: integrator(), rule: sgd() }) });

/** Methods of dense matrices and factors have no integrator to speak of: all their weights are passengers. */
const passive = (rule: Rule): Parts => ({ integrator: parallelBug(), rule });

const geolora = (): Integrator => parallelBug({ root: "assembled", firstStep: "parallel" });
const abc = (): Integrator => projectorSplitting({ backward: "augmented-corrected" });

const entries = {
  parallel: flow("parallel BUG with a Galerkin root: one pass a step", "ceruti2024parallel", () => parallelBug()),
  geolora: flow("parallel BUG with an assembled root (GeoLoRA)", "schotthoefer2024geolora", geolora),
  assembled: flow("the same as geolora", "schotthoefer2024geolora", geolora),
  dlrt: flow("augmented BUG (DLRT)", "schotthoefer2022low", () => augmentedBug()),
  augmented: flow("the same as dlrt", "schotthoefer2022low", () => augmentedBug()),
  abc: flow("augmented, backward-corrected projector splitting (abc-PSI)", "kusch2025augmented", abc),
  "abc-psi": flow("the same as abc", "kusch2025augmented", abc),
  bc: {
    ...flow(
      "backward-corrected projector splitting (bc-PSI): two passes a step for matrices, no descent",
      "kusch2025augmented",
      () => projectorSplitting({ backward: "corrected" }),
    ),
    adaptsRanks: false,
  },
  "fixed-rank": {
    ...flow("fixed-rank BUG: two passes a step for matrices, no descent", "schotthoefer2022low", () => fixedRankBug()),
    adaptsRanks: false,
  },
  tdlrt: flow("augmented BUG for Tucker tensors", "zangrando2023tucker", () => augmentedBug(), "tucker"),
  lotr: flow("augmented BUG for layers with shared bases", "bershatsky2024lotr", () => augmentedBug(), "shared"),
  condlr: {
    summary: "parallel BUG at a given rank with cores of bounded condition",
    reference: "savostianova2023robust",
    layers: "low-rank",
    adaptsRanks: false,
    rate: 0.2,
    takes: ["condition"],
    make: ({ condition = 1.5 }) => ({
      integrator: atGivenRanks(parallelBug()),
      rule: sgd(),
      projection: boundedCondition({ condition }),
    }),
  },
  robust: {
    summary: "augmented BUG with Adam on cores; with beta a penalty on their condition, with condition a bound",
    reference: "schotthoefer2025robust",
    layers: "low-rank",
    rate: 0.002,
    takes: ["condition", "beta"],
    make: ({ condition, beta }) => ({
      integrator: augmentedBug(),
      rule: adam(),
      ...(beta === undefined ? {} : { penalty: conditionPenalty(beta) }),
      ...(condition === undefined ? {} : { projection: boundedCondition({ condition, around: "rms" }) }),
    }),
  },
  smmf: {
    summary: "augmented BUG with SMMF on cores",
    reference: "park2025smmf",
    layers: "low-rank",
    rate: 0.002,
    make: () => ({ integrator: augmentedBug(), rule: smmf() }),
  },
  uv: {
    summary: "descent in two factors W = U V^T of a given rank",
    reference: null,
    layers: "factors",
    adaptsRanks: false,
    rate: 0.2,
    make: () => passive(sgd()),
  },
  lora: {
    summary: "Adam on two factors beside a base that stays (LoRA)",
    reference: "hu2022lora",
    layers: "adapter",
    adaptsRanks: false,
    rate: 0.002,
    make: () => passive(adam()),
  },
  trp: {
    summary: "dense matrices, truncated every few steps (trained rank pruning)",
    reference: "xu2020trp",
    layers: "dense",
    rate: 0.1,
    takes: ["every", "tolerance", "nuclear"],
    make: ({ tolerance = 0.1, ...options }) => passive(rankPruning({ tolerance, ...options })),
  },
  galore: {
    summary: "dense matrices, Adam on projected gradients (GaLore)",
    reference: "zhao2024galore",
    layers: "dense",
    adaptsRanks: false,
    rate: 0.02,
    takes: ["rank", "every"],
    make: ({ rank = 8, ...options }) => passive(galore({ rank, ...options })),
  },
  dense: {
    summary: "dense matrices, gradient descent",
    reference: null,
    layers: "dense",
    adaptsRanks: false,
    rate: 0.1,
    make: () => passive(sgd()),
  },
  "dense-adam": {
    summary: "dense matrices, Adam",
    reference: "kingma2015adam",
    layers: "dense",
    adaptsRanks: false,
    rate: 0.001,
    make: () => passive(adam()),
  },
} as const satisfies Readonly<Record<string, Entry>>;

/** A name that `trainingMethod` knows. */
export type TrainingMethodName = keyof typeof entries;

/** The names that `trainingMethod` knows; the first is the default of experiments. */
export const trainingMethodNames = Object.keys(entries) as [TrainingMethodName, ...TrainingMethodName[]];

/**
 * A method by its name, published ones and those that they are compared with:
 *
 *     const { integrator, rule, rate } = trainingMethod("robust", { beta: 0.1 });
 *     train(model, data, { integrator, rule, rate, epochs: 10 })
 *
 * Throws a RangeError for a name that is not known, or a setting that the method does not take; and as what it is made of does.
 */
export function trainingMethod(
  name: TrainingMethodName | (string & {}),
  settings: MethodSettings = {},
): TrainingMethod {
  const entry: Entry | undefined = Object.hasOwn(entries, name) ? entries[name as TrainingMethodName] : undefined;
  if (!entry)
    throw new RangeError(
      `trainingMethod: ${JSON.stringify(name)} is no method; known: ${trainingMethodNames.join(", ")}`,
    );
  const { make, takes = [], adaptsRanks = true, ...about } = entry;
  const foreign = Object.keys(settings).find((key) => !takes.includes(key as keyof MethodSettings));
  if (foreign !== undefined)
    throw new RangeError(
      `trainingMethod: ${name} takes ${takes.length > 0 ? takes.join(", ") : "no settings"}, not ${foreign}`,
    );
  return { name, ...about, takes, adaptsRanks, ...make(settings) };
}

const rules = { sgd, adam, smmf } as const;

/** A name that `trainingRule` knows. */
export type RuleName = keyof typeof rules;

/** The names that `trainingRule` knows. */
export const ruleNames = Object.keys(rules) as [RuleName, ...RuleName[]];

/** A rule by its name, with its defaults. Throws a RangeError for a name that is not known. */
export function trainingRule(name: RuleName | (string & {})): Rule {
  if (!Object.hasOwn(rules, name))
    throw new RangeError(`trainingRule: ${JSON.stringify(name)} is no rule; known: ${ruleNames.join(", ")}`);
  return rules[name as RuleName]();
}
