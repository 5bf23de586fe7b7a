import { solvedAtOnce } from "../../../integrators/schedule.ts";
import { type Tensor, tensor } from "../../../linalg/tensor.ts";
import type { TTN } from "../../../ttn/ttn.ts";
import { Descent } from "../../descent.ts";
import type { StepPlan } from "../../train-options.ts";
import type { Evaluation, Objective, Weights } from "../../weights.ts";
import { fromFloats, rankOfPadded } from "../float32.ts";
import { checkLearningRate, type StepSettings, stepPlan } from "../settings.ts";
import { readFactors, writeFactors } from "./layer.ts";
import type { LowRankSite, Recorder } from "./recorder.ts";
import type { Operations, TfTensor, TfVariable } from "./types.ts";

/** What this adapter's optimizer has beside what every optimizer has. */
export interface LowRankOptimizerExtras {
  learningRate: number;
  /** Ranks of the layers, by their names; empty before the first step. */
  readonly ranks: Readonly<Record<string, number>>;
  /** How often the loss and its derivatives were evaluated in the last step. */
  readonly passes: number;
}

/** What is used of the base class. */
declare class Base {
  readonly iterations: number;
  protected iterations_: number;
  protected incrementIterations(): void;
  protected saveIterations(): Promise<NamedTensor>;
  protected extractIterations(weights: NamedTensor[]): Promise<NamedTensor[]>;
}

interface NamedTensor {
  readonly name: string;
  readonly tensor: TfTensor;
}

/** The variables that are trained together, and the steps taken so far. */
interface Run {
  readonly variables: readonly TfVariable[];
  readonly sites: readonly LowRankSite[];
  readonly passengers: readonly TfVariable[];
  readonly plan: StepPlan;
  readonly descent: Descent;
  /** The last weights whose loss was finite. */
  good: Weights | null;
}

/**
 * The optimizer class for a module. A step of it is that of `train`: one step of an integrator for all layers of low rank, side by side, and of the rule
 * for all other variables. TensorFlow.js calls `minimize` for each batch and expects the step to be over when that returns; the loss is
 * evaluated as often as the method needs.
 */
export function optimizerClass(
  tf: Operations,
  recorder: Recorder,
): new (
  options: StepSettings,
) => LowRankOptimizerExtras {
  class LowRankOptimizer extends (tf.Optimizer as unknown as typeof Base) {
    static readonly className = "LowRankOptimizer";
    readonly options: StepSettings;
    learningRate: number;
    passes = 0;
    #run: Run | null = null;
    #objective: Objective | null = null;

    constructor(options: StepSettings) {
      super();
      const { learningRate } = options ?? {};
      checkLearningRate("LowRankOptimizer", learningRate);
      this.options = options;
      this.learningRate = learningRate;
      stepPlan("LowRankOptimizer", options, [], []);
    }

    minimize(f: () => TfTensor, returnCost = false, varList?: readonly TfVariable[]): TfTensor | null {
      const variables = varList ?? Object.values(tf.engine().registeredVariables).filter((v) => v.trainable);
      const run = this.#runOf(variables);
      const { sites, passengers, plan, descent } = run;
      const weights: Weights = {
        blocks: sites.map((site) => site.mirror.read(readFactors(site), plan.projection?.apply)),
        passengers: passengers.map((p) => fromFloats(p.shape, p.dataSync())),
      };
      let cost: TfTensor | null = null;
      this.#objective = ({ blocks }) => {
        const pass = evaluate(tf, recorder, sites, blocks, passengers, cost ? withoutTraces(tf, f) : f);
        cost ??= pass.cost;
        if (cost !== pass.cost) pass.cost.dispose();
        return pass.evaluation;
      };
      const taken = solvedAtOnce(descent.step(weights, this.learningRate));
      if (Number.isFinite(taken.loss)) run.good = weights;
      if (!taken.ok) {
        if (run.good) this.#write(run, run.good);
        throw new Error(
          `LowRankOptimizer: ${taken.why} in step ${this.iterations + 1}; the variables hold the last weights whose loss is finite; a smaller learningRate may help`,
        );
      }
      this.#write(run, taken.weights);
      this.passes = taken.passes;
      this.incrementIterations();
      if (returnCost) return cost;
      cost!.dispose();
      return null;
    }

    /** Not enough for a step, which may need the loss more than once. Throws an Error: call `minimize`. */
    applyGradients(): never {
      throw new Error("LowRankOptimizer: applyGradients has no loss to evaluate; call minimize");
    }

    setLearningRate(learningRate: number): void {
      this.learningRate = learningRate;
    }

    get ranks(): Readonly<Record<string, number>> {
      const blocks = this.#run?.sites.map((site) => [site.name, rankOf(site)] as const) ?? [];
      return Object.fromEntries(blocks);
    }

    /** The number of steps, and the ranks; what a rule or a heavy ball remembers is not kept and starts anew. */
    async getWeights(): Promise<NamedTensor[]> {
      const ranks = Int32Array.from(Object.values(this.ranks));
      return [await this.saveIterations(), { name: "ranks", tensor: tf.tensor(ranks, [ranks.length], "int32") }];
    }

    /** Takes up the number of steps. Ranks are those that the variables of the layers have: they are checked at the next step. */
    async setWeights(weights: NamedTensor[]): Promise<void> {
      await this.extractIterations(weights);
      this.#run = null;
    }

    getConfig(): StepSettings {
      return { ...this.options, learningRate: this.learningRate };
    }

    static fromConfig(
      cls: new (options: StepSettings) => LowRankOptimizer,
      { customObjects: _, ...options }: StepSettings & { customObjects?: unknown },
    ) {
      return new cls(options);
    }

    #runOf(variables: readonly TfVariable[]): Run {
      const known = this.#run;
      if (known && variables.length === known.variables.length && variables.every((v, k) => v === known.variables[k]))
        return known;
      const sites = [...new Set(variables.flatMap((v) => recorder.sites.get(v) ?? []))];
      if (sites.length === 0)
        throw new RangeError(
          `LowRankOptimizer: none of the ${variables.length} variables belongs to a LowRankDense layer of the same adapter`,
        );
      const factors = new Set(sites.flatMap(({ u, s, v }) => [u, s, v]));
      const missing = [...factors].find((v) => !variables.includes(v));
      if (missing)
        throw new RangeError(
          `LowRankOptimizer: ${missing.name} is not among the variables, but others of its layer are`,
        );
      const passengers = variables.filter((v) => !factors.has(v));
      const blocks = sites.map((site) => site.mirror.read(readFactors(site)));
      const plan = stepPlan(
        "LowRankOptimizer",
        this.options,
        blocks,
        sites.map(({ mirror }) => mirror.rankMax),
      );
      const initial = { blocks, passengers: passengers.map((p) => tensor(p.shape)) };
      const descent = new Descent(plan, () => this.#objective!, initial);
      this.#run = { variables, sites, passengers, plan, descent, good: null };
      return this.#run;
    }

    #write({ sites, passengers }: Run, weights: Weights): void {
      sites.forEach((site, k) => {
        writeFactors(tf, site, site.mirror.write(weights.blocks[k]!));
      });
      tf.tidy(() => {
        passengers.forEach((p, i) => {
          const { shape, data } = weights.passengers[i]!;
          p.assign(tf.tensor(Float32Array.from(data), [...shape], "float32"));
        });
        return undefined;
      });
    }
  }
  tf.serialization.registerClass(LowRankOptimizer as never);
  return LowRankOptimizer;
}

/** Loss and derivatives with these weights in their layers. The loss is kept as a tensor too. */
function evaluate(
  tf: Operations,
  recorder: Recorder,
  sites: readonly LowRankSite[],
  blocks: readonly TTN[],
  passengers: readonly TfVariable[],
  f: () => TfTensor,
): { readonly evaluation: Evaluation; readonly cost: TfTensor } {
  let evaluation: Evaluation | null = null;
  const cost = tf.tidy(() => {
    const { value: found, derivatives } = recorder.during(sites, blocks, () =>
      tf.variableGrads(f, [...sites.map(({ s }) => s), ...passengers]),
    );
    evaluation = {
      loss: found.value.dataSync()[0]!,
      blocks: derivatives,
      passengers: passengers.map((p) => gradientOf(p, found.grads[p.name])),
    };
    return tf.keep(found.value);
  });
  return { evaluation: evaluation!, cost };
}

/** The same loss without the tensors that it keeps for its caller, such as the metrics of `model.fit`, which are those of the first pass. */
const withoutTraces = (tf: Operations, f: () => TfTensor) => (): TfTensor => {
  const value = f();
  for (const t of tf.engine().state.activeScope.track) if (t.kept && t !== value) t.dispose();
  return value;
};

const rankOf = (site: LowRankSite): number => rankOfPadded(site.u.dataSync(), site.mirror.rows);

/** The gradient by a passenger; zeros where the loss does not depend on it. */
const gradientOf = (p: TfVariable, gradient: TfTensor | null | undefined): Tensor =>
  gradient ? fromFloats(p.shape, gradient.dataSync()) : tensor(p.shape);
