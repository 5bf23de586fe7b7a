import type { Tensor } from "../linalg/tensor.ts";
import type { LocalField, Rhs } from "../ttn/rhs.ts";
import type { NodeId } from "../ttn/tree.ts";
import type { TTN } from "../ttn/ttn.ts";

/** An evaluation of a local field: where the field is bound, its time, its argument and the value. */
export interface Evaluation {
  readonly trial: TTN;
  readonly node: NodeId;
  readonly test: TTN;
  readonly t: number;
  readonly x: Tensor;
  readonly out: Tensor;
}

/** The field with something done after each evaluation, before its value is read. It has no data: it is evaluated where it is. */
export const afterEvaluation = (
  { data: _, ...field }: LocalField,
  act: (t: number, x: Tensor, out: Tensor) => void,
): LocalField => ({
  ...field,
  plan(frame) {
    const g = field.plan(frame);
    return (t, x, out) => {
      g(t, x, out);
      act(t, x, out);
    };
  },
});

/** The right-hand side with something done after each evaluation of its local fields. */
export const afterEvaluations = (rhs: Rhs, act: (evaluation: Evaluation) => void): Rhs => ({
  ...rhs,
  bind: (trial, node, test) =>
    afterEvaluation(rhs.bind(trial, node, test), (t, x, out) => act({ trial, node, test: test ?? trial, t, x, out })),
});

/** The right-hand side with its evaluations counted. */
export function counting(rhs: Rhs): { readonly rhs: Rhs; readonly count: () => number } {
  let calls = 0;
  return { rhs: afterEvaluations(rhs, () => void calls++), count: () => calls };
}
