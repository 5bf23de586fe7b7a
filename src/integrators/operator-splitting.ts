import { allFinite } from "../linalg/tensor.ts";
import { moveCenter } from "../ttn/gauge.ts";
import { applyOperator, type TTNO } from "../ttn/operators/ttno.ts";
import { rootOf } from "../ttn/tree.ts";
import { type Truncation, truncating } from "../ttn/truncate.ts";
import { ranks, type TTN } from "../ttn/ttn.ts";
import { oneOf } from "./augment.ts";
import type { Integrator, StepContext, StepResult } from "./integrator.ts";
import type { Schedule } from "./schedule.ts";

/** Y(t + h) from Y(t) for a part of an equation that has its own solution; ranks may grow. */
export type Flow = (y: TTN, t: number, h: number) => TTN;

export interface SplittingOptions {
  /** "lie" (default): the integrator's step, then the flow. "strang": half a step, the flow, half a step. */
  readonly order?: "lie" | "strang";
}

/**
 * Y' = F(t, Y) + G(t, Y) with F, the right-hand side of the run, by an integrator, and G, that may be as stiff as it likes, by a
 * flow of its own: an implicit step, or the exact solution. Where neither raises the norm, their composition does not, whatever
 * the size of G.
 *
 * "lie" is of order 1; with backward Euler as the flow it is the IMEX Euler method, with the exact flow Lie's splitting.
 * "strang" is of order 2 when flow and integrator are, for two steps of the integrator. (The flow stands in the middle, since its truncation
 * would strip a start of its room.) The truncation tolerance of a step is divided evenly among what truncates.
 */
export function operatorSplitting(
  integrator: Integrator,
  flow: Flow,
  { order = "lie" }: SplittingOptions = {},
): Integrator {
  if (typeof integrator?.step !== "function")
    throw new TypeError(`operatorSplitting: integrator is ${JSON.stringify(integrator)}, expected one`);
  if (typeof flow !== "function") throw new TypeError(`operatorSplitting: flow is ${typeof flow}, expected a function`);
  oneOf("operatorSplitting: order", order, ["lie", "strang"]);
  const { promises, starter } = integrator;
  return {
    name: `${integrator.name}, ${order === "lie" ? "Lie" : "Strang"} splitting`,
    reference: integrator.reference,
    promises: {
      order: order === "strang" ? promises.order : 1,
      usualOrder: order === "strang" ? Math.min(2, promises.usualOrder ?? promises.order) : 1,
      exact: false,
      conserves: "nothing",
      descends: false,
      rankAdaptive: promises.rankAdaptive,
      keepsMoments: promises.keepsMoments ?? false,
    },
    ...(starter ? { starter: { ...starter, integrator: operatorSplitting(starter.integrator, flow, { order }) } } : {}),
    step: (context, y, t, h) => step(context, integrator, flow, order, y, t, h),
  };
}

function* step(
  whole: StepContext,
  integrator: Integrator,
  flow: Flow,
  order: "lie" | "strang",
  y: TTN,
  t: number,
  h: number,
): Schedule<StepResult> {
  const context = { ...whole, truncation: share(whole.truncation, order === "lie" ? 2 : 3) };
  const cut: Truncation = integrator.promises.rankAdaptive
    ? context.truncation
    : { ...context.truncation, tolerance: "off", maxRank: ranks(y) };
  const root = rootOf(y.tree);
  const first = yield* integrator.step(context, y, t, order === "lie" ? h : h / 2);
  if (!first.ok) return first;
  if (!allFinite(first.y.tensors[root]!)) return { ok: false, why: "not-finite", node: root };
  const flown = yield* truncating(moveCenter(flow(first.y, t, h), root), cut);
  const discarded = first.discarded + flown.discarded;
  if (order === "lie") return { ...first, y: flown.y, discarded };
  const second = yield* integrator.step(context, flown.y, t + h / 2, h / 2);
  if (!second.ok) return second;
  return {
    ok: true,
    y: second.y,
    discarded: discarded + second.discarded,
    applications: first.applications + second.applications,
    missed: first.missed === null ? second.missed : Math.max(first.missed, second.missed ?? 0),
    widened: first.widened,
  };
}

const share = (truncation: Truncation, parts: number): Truncation =>
  truncation.tolerance === "off" ? truncation : { ...truncation, tolerance: truncation.tolerance / parts };

/**
 * The flow Y(t + h) = B(h) Y(t) of an operator that depends on the length of the step only, such as (1 - h A)^-1 (backward Euler,
 * order 1) or exp(h A) (exact) for an A that is diagonal in products of modes. Operators are kept for the lengths asked for last.
 */
export function operatorFlow(operator: (h: number) => TTNO): Flow {
  const known = new Map<number, TTNO>();
  return (y, _t, h) => {
    const found = known.get(h) ?? operator(h);
    known.delete(h);
    known.set(h, found);
    if (known.size > 4) known.delete(known.keys().next().value!);
    return applyOperator(found, y);
  };
}
