import { solvedAtOnce } from "../../../integrators/schedule.ts";
import { Descent } from "../../descent.ts";
import type { StepPlan } from "../../train-options.ts";
import type { Objective, Weights } from "../../weights.ts";
import { fromFloats, MirroredWeight } from "../float32.ts";
import { checkLearningRate, type StepSettings, stepPlan } from "../settings.ts";
import { arrayOf, factorArrays, factorNumbers, numbersOf, type Parts, partsOf } from "./parameters.ts";
import type { JaxLoss, Recorder } from "./recorder.ts";
import type { JaxTree, Operations } from "./types.ts";

/** What steps leave for the next: opaque, for the parameters that it was made for. */
export interface StepState {
  /** Steps so far. */
  readonly steps: number;
  /** Ranks of the weights, in the order of the tree. */
  readonly ranks: readonly number[];
  /** How often the loss and its derivatives were evaluated in the last step. */
  readonly passes: number;
  readonly run: Run;
}

/** The parameters as they are stepped. */
export interface Run {
  readonly mirrors: readonly MirroredWeight[];
  readonly plan: StepPlan;
  readonly descent: Descent;
  /** The objective of the step that is being made. */
  objective: Objective | null;
  /** The last batch's shapes, and how the loss uses its weights for them. */
  uses: { readonly shapes: string; readonly of: ReturnType<Recorder["usesOf"]> } | null;
}

/** Where a tree of parameters is, in float64. */
export function weightsOf({ weights, arrays }: Parts, { mirrors, plan }: Pick<Run, "mirrors" | "plan">): Weights {
  return {
    blocks: weights.map((w, k) => mirrors[k]!.read(factorNumbers(w), plan.projection?.apply)),
    passengers: arrays.map((a) => fromFloats(a.shape, numbersOf(a))),
  };
}

/** Starts stepping a tree of parameters, which stays one's own. Throws a RangeError when there is no weight of low rank in it. */
export function begin(who: string, settings: StepSettings, parameters: JaxTree): StepState {
  const parts = partsOf(parameters);
  if (parts.weights.length === 0)
    throw new RangeError(`${who}: there is no weight of low rank among the parameters: objects of exactly u, s and v`);
  const mirrors = parts.weights.map(({ u, v }) => new MirroredWeight(u.shape[0]!, v.shape[0]!, u.shape[1]!));
  const initial: Weights = {
    blocks: parts.weights.map((w, k) => mirrors[k]!.read(factorNumbers(w))),
    passengers: parts.arrays.map((a) => fromFloats(a.shape, numbersOf(a))),
  };
  const plan = stepPlan(
    who,
    settings,
    initial.blocks,
    mirrors.map(({ rankMax }) => rankMax),
  );
  const run: Run = {
    mirrors,
    plan,
    descent: new Descent(plan, () => run.objective!, initial),
    objective: null,
    uses: null,
  };
  return { steps: 0, ranks: initial.blocks.map((y) => y.tensors[0]!.shape[1]!), passes: 0, run };
}

/** One step of all parameters from `weights`; they stay one's own, and the new ones are returned. Throws an Error when a number is not finite. */
export function stepped(
  who: string,
  jax: Operations,
  { learningRate }: StepSettings,
  parts: Parts,
  weights: Weights,
  state: StepState,
) {
  const { mirrors, descent } = state.run;
  const taken = solvedAtOnce(descent.step(weights, learningRate));
  if (!taken.ok) throw new Error(`${who}: ${taken.why} in step ${state.steps + 1}; a smaller learningRate may help`);
  const { blocks, passengers } = taken.weights;
  const next = parts.rebuild(
    blocks.map((y, k) => {
      const { rows, columns, rankMax } = mirrors[k]!;
      return factorArrays(jax, mirrors[k]!.write(y), rows, columns, rankMax);
    }),
    passengers.map(({ shape, data }) => arrayOf(jax, shape, data)),
  );
  const ranks = blocks.map((y) => y.tensors[0]!.shape[1]!);
  const after: StepState = { steps: state.steps + 1, ranks, passes: taken.passes, run: state.run };
  return { parameters: next, state: after, loss: taken.loss };
}

/** Steps for losses that apply their weights by `linear`. */
export interface Stepper {
  /** What the first step needs. The parameters stay one's own. */
  init<P extends object>(parameters: P): StepState;
  /** One step on a batch, and the loss before it. Takes parameters and batch; what comes back is one's own. */
  step<P extends object, B>(
    loss: (parameters: P, batch: B) => object,
    parameters: P,
    batch: B,
    state: StepState,
  ): [parameters: P, state: StepState, loss: number];
}

/** See `jaxJs`. */
export function stepper(jax: Operations, recorder: Recorder, settings: StepSettings): Stepper {
  checkLearningRate("stepper", settings?.learningRate);
  return {
    init: (parameters) => begin("stepper", settings, parameters as unknown as JaxTree),
    step(loss, parameters, batch, state) {
      const own = loss as unknown as JaxLoss;
      const parts = partsOf(parameters as unknown as JaxTree);
      const { run } = state;
      if (parts.weights.length !== run.mirrors.length)
        throw new RangeError(
          `step: there are ${parts.weights.length} weights of low rank, the state is for ${run.mirrors.length}`,
        );
      const shapes = jax.tree.leaves(batch).map((a) => a.shape.join("x"));
      if (run.uses?.shapes !== shapes.join())
        run.uses = { shapes: shapes.join(), of: recorder.usesOf(own, parts, batch) };
      const { of: uses } = run.uses!;
      run.objective = (weights) => recorder.evaluate(own, parts, batch, uses, weights);
      const {
        parameters: next,
        state: after,
        loss: value,
      } = stepped("step", jax, settings, parts, weightsOf(parts, run), state);
      run.objective = null;
      jax.tree.dispose(parameters);
      jax.tree.dispose(batch);
      return [next as unknown as typeof parameters, after, value];
    },
  };
}
