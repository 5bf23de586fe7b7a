import type { Integrator, StepFailure, StepSuccess } from "../integrators/integrator.ts";
import { type Schedule, sideBySide } from "../integrators/schedule.ts";
import { combine, modeProduct } from "../linalg/contract.ts";
import { allFinite, identity, shapeText, type Tensor } from "../linalg/tensor.ts";
import { type Frame, ownFrame } from "../linalg/workspace.ts";
import { scale } from "../ttn/arithmetic.ts";
import { childIndex } from "../ttn/gauge.ts";
import { type Truncated, type Truncation, truncate } from "../ttn/truncate.ts";
import { modeSizes, type TTN, withTensor } from "../ttn/ttn.ts";
import { coreStep } from "./core-step.ts";
import { GradientFlow } from "./gradient-flow.ts";
import { ranksWithin } from "./rank-budget.ts";
import type { RuleState } from "./rules/rules.ts";
import type { StepPlan } from "./train-options.ts";
import { atRoots, type Objective, type Weights } from "./weights.ts";

/** What a step of training came to. */
export type Descended =
  | {
      readonly ok: true;
      readonly weights: Weights;
      /** Before the step. */
      readonly loss: number;
      /** For each block the norm of what truncation removed. */
      readonly discarded: readonly number[];
      /** Passes, forwards and backwards. */
      readonly passes: number;
    }
  | {
      readonly ok: false;
      readonly loss: number;
      /** What is not finite. */
      readonly why: string;
    };

/**
 * Steps of training, one after the other: each is one step of an integrator for the flow W' = -grad L(W), all blocks side by side, and then of the
 * rule for everything else, with the gradients of the step's last pass. Holds what steps leave for the next: the state of the rule, the velocity
 * of a heavy ball.
 */
export class Descent {
  readonly #plan: StepPlan;
  readonly #draw: (step: number, memory?: Frame) => Objective;
  readonly #flow: GradientFlow;
  readonly #state: RuleState;
  #step = 0;
  #t = 0;
  #velocity: Velocity = { blocks: [], passengers: [] };

  /**
   * `draw(step, memory)` is the objective of a step, counted from 0: the same function for as long as the step lasts. Its derivatives may lie in
   * `memory`, which ends with the step; nothing of the weights that come out of it does.
   */
  constructor(plan: StepPlan, draw: (step: number, memory?: Frame) => Objective, initial: Weights) {
    this.#plan = plan;
    this.#draw = draw;
    this.#flow = new GradientFlow(draw, initial);
    this.#state = plan.rule.begin();
  }

  /**
   * One step of length `h` from some weights, in any gauge, as a schedule of local problems; only cores and passengers move when bases are frozen. The first
   * throws when the objective differs from itself (TypeError) or does not fit the weights (RangeError).
   */
  *step(from: Weights, h: number, isFrozen = false): Schedule<Descended> {
    const weights = atRoots(from);
    const { momentum, adaptEvery, integrator, projection, penalty } = this.#plan;
    const [flow, state, velocity, t] = [this.#flow, this.#state, this.#velocity, this.#t];
    const step = this.#step++;
    const method = isFrozen || step % adaptEvery !== 0 ? core : methodAt(integrator, step);
    if (step === 0) checkRepeats(this.#draw(0), weights);
    const passes = flow.passes;
    using memory = ownFrame();
    flow.beginStep(step, memory);
    flow.moveTo(
      weights,
      weights.blocks.map((y, block) => [
        ...(velocity.blocks[block] ?? []).map((part) => scale(momentum, part)),
        ...(penalty ? [scale(-1, penalty.gradient(y))] : []),
      ]),
    );
    const results = yield* sideBySide(
      weights.blocks.map((y, block) => {
        const solver = state.solver(block, (problem) => flow.stateOf(problem.field));
        const context = { rhs: flow.rhs[block]!, solver, truncation: everything, measureMissed: false };
        return method.step(context, y, t, h);
      }),
      (stage) =>
        stage.forEach(([problem], block) => {
          if (problem) flow.moveBlock(block, problem.field, problem.initial);
        }),
    );
    const { loss } = flow;
    if (!Number.isFinite(loss)) return { ok: false, loss, why: `the loss is ${loss}` };
    const failure = results.find((r): r is StepFailure => !r.ok);
    if (failure) {
      const where = `node ${failure.node} of block ${results.indexOf(failure)}`;
      return { ok: false, loss, why: `the local solve at ${where} gave numbers that are not finite` };
    }
    const taken = results as readonly StepSuccess[];
    const moved = taken.map(({ y }) => y);
    const ends = method.promises.rankAdaptive ? cut(moved, this.#plan) : taken;
    const gradients = flow.latest.passengers.map((g, i) =>
      velocity.passengers.length === 0
        ? g
        : combine([
            [1, g],
            [-momentum, velocity.passengers[i]!],
          ]),
    );
    const advanced = weights.passengers.map((p, i) => state.advance(i, p, gradients[i]!, h));
    const bad = advanced.findIndex((p) => !allFinite(p));
    if (bad >= 0) return { ok: false, loss, why: `passenger ${bad} has numbers that are not finite` };
    if (momentum > 0)
      this.#velocity = {
        blocks: moved.map((y, k) => [scale(1 / h, y), scale(-1 / h, weights.blocks[k]!)]),
        passengers: advanced.map((p, i) =>
          combine([
            [1 / h, p],
            [-1 / h, weights.passengers[i]!],
          ]),
        ),
      };
    this.#t += h;
    return {
      ok: true,
      weights: {
        blocks: ends.map(({ y }) => projection?.apply(y) ?? y),
        passengers: advanced.map((p, i) => state.cut?.(i, p) ?? p),
      },
      loss,
      discarded: ends.map(({ discarded }) => discarded),
      passes: flow.passes - passes,
    };
  }
}

/** How weights moved in the last step, before ranks were cut; sums of networks for blocks. */
interface Velocity {
  readonly blocks: readonly (readonly TTN[])[];
  readonly passengers: readonly Tensor[];
}

const core = coreStep();

const methodAt = (integrator: Integrator, step: number): Integrator => {
  const { starter } = integrator;
  return starter && step < starter.steps ? starter.integrator : integrator;
};

/**
 * How the integrators cut: not at all. A direction that a basis gains is judged by what the step makes of it in both bases at once, not by
 * its share of the K-step alone, which sees the gradient through old bases only; so ranks are cut when the step is done.
 */
const everything: Truncation = { tolerance: "off" };

/** Cuts the ranks of all blocks: by the tolerance and limits of each, then by what they may have together. Complete bases stay so. */
function cut(
  blocks: readonly TTN[],
  { truncation, rankBudget, maxRanks, complete }: Pick<StepPlan, "truncation" | "rankBudget" | "maxRanks" | "complete">,
): readonly Truncated[] {
  const first = blocks.map((y, k) => truncate(y, limited(truncation, y, maxRanks?.[k], complete[k])));
  return withinBudget(first, rankBudget).map(({ y, discarded }, k) => ({ y: completed(y, complete[k]), discarded }));
}

/** The same cut further to what all blocks may have together. */
function withinBudget(cuts: readonly Truncated[], rankBudget: number): readonly Truncated[] {
  if (rankBudget === Number.POSITIVE_INFINITY) return cuts;
  const ranks = ranksWithin(
    rankBudget,
    cuts.map(({ y }) => y),
  );
  return cuts.map(({ y, discarded }, k) => {
    const second = truncate(y, { tolerance: "off", maxRank: ranks[k]! });
    return { y: second.y, discarded: Math.hypot(discarded, second.discarded) };
  });
}

/** The same truncation to at most a rank; the bases of some modes stay complete. */
function limited(
  truncation: Truncation,
  y: TTN,
  most = Number.POSITIVE_INFINITY,
  complete: readonly number[] = [],
): Truncation {
  if (most === Number.POSITIVE_INFINITY && complete.length === 0) return truncation;
  const { minRank = 1, maxRank = Number.POSITIVE_INFINITY } = truncation;
  const each = (limit: number | readonly number[], cap: number): readonly number[] =>
    y.tree.nodes.map(({ mode }, id) =>
      mode !== null && complete.includes(mode)
        ? modeSizes(y)[mode]!
        : Math.min(typeof limit === "number" ? limit : limit[id]!, cap),
    );
  return { ...truncation, minRank: each(minRank, most), maxRank: each(maxRank, most) };
}

/** The same network with the unit vectors for the basis of some modes, where it has become smaller: more than the other ranks can tell apart. */
const completed = (y: TTN, complete: readonly number[] = []): TTN =>
  complete.reduce((z, mode) => {
    const leaf = z.tree.leaves[mode]!;
    const basis = z.tensors[leaf]!;
    const [n, rank] = basis.shape as [number, number];
    if (rank === n) return z;
    const parent = z.tree.nodes[leaf]!.parent!;
    const whole = modeProduct(z.tensors[parent]!, childIndex(z.tree, leaf), basis);
    return withTensor(withTensor(z, leaf, identity(n)), parent, whole);
  }, y);

/**
 * Throws a TypeError when a loss differs from itself, since its randomness has to be fixed for a step, and a RangeError when there is not one derivative
 * for each weight, of a passenger's shape.
 */
function checkRepeats(objective: Objective, weights: Weights): void {
  const evaluation = objective(weights);
  for (const kind of ["blocks", "passengers"] as const)
    if (evaluation[kind].length !== weights[kind].length)
      throw new RangeError(
        `train: the objective gives derivatives by ${evaluation[kind].length} ${kind}, the weights have ${weights[kind].length}`,
      );
  evaluation.passengers.forEach(({ shape }, k) => {
    const expected = weights.passengers[k]!.shape;
    if (shapeText(shape) !== shapeText(expected))
      throw new RangeError(
        `train: the derivative of the objective by passenger ${k} is ${shapeText(shape)}, expected ${shapeText(expected)}`,
      );
  });
  const [first, second] = [evaluation.loss, objective(weights).loss];
  if (!Object.is(first, second))
    throw new TypeError(
      `train: the loss is ${first}, and ${second} when evaluated again at the same weights; what is random in it, such as dropped units, has to be drawn once for a step (in objective(samples))`,
    );
}
