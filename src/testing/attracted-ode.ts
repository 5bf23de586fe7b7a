import { matmul, scaled } from "../linalg/contract.ts";
import { expm } from "../linalg/expm.ts";
import { denseOf } from "../linalg/matrix-product.ts";
import { seeded } from "../linalg/random.ts";
import { type Tensor, tensor } from "../linalg/tensor.ts";
import { workspace } from "../linalg/workspace.ts";
import { norm, scale, toDense } from "../ttn/arithmetic.ts";
import { type LinearRhs, linearRhs } from "../ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../ttn/operators/product-sum.ts";
import type { LocalField, Rhs } from "../ttn/rhs.ts";
import type { TTN } from "../ttn/ttn.ts";
import { describeOde, type KnownOde, linearPart, type OdeSpec } from "./low-rank-ode.ts";
import { spectrum, stateWithSpectrum } from "./spectra.ts";

/**
 * F(t, Y) = K A(t) + M (Y - A(t)) with A(t) = exp(t K) A(0): its solution is A(t), of the tree's rank, while F leaves the tangent
 * space everywhere else. So no rank limits the error, and no splitting is exact. K rotates every mode by itself; M is the linear part
 * of the low-rank ODE of this spec, with its coupling.
 */
export function attractedOde(spec: OdeSpec): KnownOde {
  const { sizes } = spec;
  const { tree, terms, linear } = linearPart(spec);
  const rotation = linearPart({ ...spec, kind: "rotation", coupling: 0, seed: spec.seed + 2 }).terms;
  const values = spectrum(spec.rank, spec.smallest);
  const start = stateWithSpectrum(tree, sizes, values, seeded(spec.seed + 1), spec.dtype);
  const initial = scale(1 / norm(start), start);
  const minus = terms.map((term): ProductTerm => ({ ...term, coefficient: -term.coefficient }));
  const rest = linearRhs([{ operator: productSum(tree, sizes, [...rotation, ...minus]) }]);
  const known = new Map<number, TTN>();
  const at = (t: number): TTN => {
    const found = known.get(t);
    if (found) return found;
    const tensors = initial.tensors.map((c, id): Tensor => {
      const { mode } = tree.nodes[id]!;
      // a new object for every time: what is remembered of a tensor goes with it
      return mode === null ? { ...c } : matmul(expm(scaled(t, denseOf(rotation[mode]!.factors[0]!.operator))), c);
    });
    const moved = { ...initial, tensors };
    known.set(t, moved);
    return moved;
  };
  return {
    text: `K A(t) + M (Y - A(t)), ${describeOde(spec)}`,
    problem: { name: "attracted", rhs: attractedRhs(linear, rest, at), initial, span: [0, spec.T], observables: {} },
    exact: (t) => toDense(at(t)),
  };
}

/** M Y + (K - M) A(t). */
const attractedRhs = (linear: LinearRhs, rest: LinearRhs, at: (t: number) => TTN): Rhs => ({
  dtype: linear.dtype,
  check: (y) => linear.check(y),
  bind(trial, node, test = trial): LocalField {
    const field = linear.bind(trial, node, test);
    const seen = new Map<number, Tensor>();
    const restAt = (t: number): Tensor => {
      const found = seen.get(t);
      if (found) return found;
      using frame = workspace().frame();
      const out = tensor(field.shapeOut, field.dtype);
      rest.bind(at(t), node, test).plan(frame)(t, at(t).tensors[node]!, out);
      seen.set(t, out);
      return out;
    };
    return {
      kind: "nonlinear",
      autonomous: false,
      dtype: field.dtype,
      shapeOut: field.shapeOut,
      plan(frame) {
        const apply = field.plan(frame);
        return (t, x, out) => {
          apply(t, x, out);
          const g = restAt(t);
          for (let i = 0; i < out.data.length; i++) out.data[i]! += g.data[i]!;
        };
      },
    };
  },
});
