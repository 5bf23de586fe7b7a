import { combine, concatLast, matmul, permute, scaleColumns } from "../../../linalg/contract.ts";
import { svd } from "../../../linalg/factor.ts";
import { norm } from "../../../linalg/level1.ts";
import { identity, type Tensor } from "../../../linalg/tensor.ts";
import { matrixNetwork } from "../../../ttn/matrix-rhs.ts";
import type { TTN } from "../../../ttn/ttn.ts";
import { corner, fromFloats } from "../float32.ts";
import { checkLearningRate, type StepSettings } from "../settings.ts";
import { arrayOf, numbersOf, partsOf } from "./parameters.ts";
import { begin, type StepState, stepped, weightsOf } from "./stepper.ts";
import type { JaxArray, JaxFactors, JaxTree, Operations } from "./types.ts";

/** As `StepSettings`, for the only method that a single gradient by U, S and V is enough for. */
export type TransformationSettings = Omit<StepSettings, "method">;

/** A transformation of gradients, as optimizers of JAX are written. */
export interface Transformation {
  /** The parameters stay one's own. */
  init<P extends object>(parameters: P): StepState;
  /** What to add to the parameters. Takes gradients and parameters. */
  update<P extends object>(gradients: P, state: StepState, parameters: P): [updates: P, state: StepState];
}

/** See `jaxJs`. */
export function transformation(jax: Operations, given: TransformationSettings): Transformation {
  checkLearningRate("transformation", given?.learningRate);
  const settings: StepSettings = { ...given, method: "geolora" };
  return {
    init: (parameters) => begin("transformation", settings, parameters as unknown as JaxTree),
    update(gradients, state, parameters) {
      const parts = partsOf(parameters as unknown as JaxTree);
      const slopes = partsOf(gradients as unknown as JaxTree);
      const weights = weightsOf(parts, state.run);
      const evaluation = {
        loss: 0,
        blocks: parts.weights.map((w, k) =>
          tangentGradient(weights.blocks[k]!, w, slopes.weights[k]!, parts.places[k]!),
        ),
        passengers: slopes.arrays.map((a) => fromFloats(a.shape, numbersOf(a))),
      };
      state.run.objective = () => evaluation;
      const next = stepped("update", jax, settings, parts, weights, state);
      const ends = partsOf(next.parameters);
      const change = (from: JaxArray, to: JaxArray): JaxArray => {
        const [a, b] = [numbersOf(from), numbersOf(to)];
        return arrayOf(
          jax,
          from.shape,
          b.map((value, k) => value - a[k]!),
        );
      };
      const updates = parts.rebuild(
        parts.weights.map(({ u, s, v }, k) => {
          const end = ends.weights[k]!;
          return { u: change(u, end.u), s: change(s, end.s), v: change(v, end.v) };
        }),
        parts.arrays.map((a, k) => change(a, ends.arrays[k]!)),
      );
      for (const tree of [gradients, parameters, next.parameters]) jax.tree.dispose(tree);
      return [updates as unknown as typeof parameters, next.state];
    },
  };
}

/**
 * The part of dL/dW in the tangent space, G V V^T + U U^T G - U U^T G V V^T, from dL/dU = G V S^T, dL/dV = G^T U S and dL/dS = U^T G V: all that a step
 * needs in which every new direction meets old ones only. Throws a RangeError when bases are not orthonormal, or S is singular.
 */
function tangentGradient(y: TTN, weight: JaxFactors, gradient: JaxFactors, place: string): TTN {
  const rank = y.tensors[0]!.shape[1]!;
  const of = ({ u, s, v }: JaxFactors): readonly [Tensor, Tensor, Tensor] => [
    corner(numbersOf(u), u.shape[0]!, rank, u.shape[1]!),
    corner(numbersOf(s), rank, rank, s.shape[1]!),
    corner(numbersOf(v), v.shape[0]!, rank, v.shape[1]!),
  ];
  const [u, s, v] = of(weight);
  const [gu, gs, gv] = of(gradient);
  for (const [name, basis] of Object.entries({ u, v })) {
    const defect = norm(minus(matmul(basis, basis, "T", "N"), identity(rank)));
    if (!(defect < 1e-3))
      throw new RangeError(
        `update: the columns of ${place}.${name} are not orthonormal: U^T U - 1 has the norm ${defect}`,
      );
  }
  const { u: p, s: values, vh: q } = svd(s);
  if (!(values.at(-1)! > 1e-6 * values[0]!))
    throw new RangeError(
      `update: ${place}.s is singular, its values go from ${values[0]} to ${values.at(-1)}; a stepper needs no inverse`,
    );
  const inverse = values.map((x) => 1 / x);
  const gk = matmul(gu, matmul(scaleColumns(p, inverse), q));
  const gl = matmul(gv, matmul(scaleColumns(permute(q, [1, 0]), inverse), p, "N", "T"));
  return matrixNetwork(y.tree, {
    left: concatLast(gk, u),
    right: concatLast(v, minus(gl, matmul(v, gs, "N", "T"))),
  });
}

const minus = (a: Tensor, b: Tensor): Tensor =>
  combine([
    [1, a],
    [-1, b],
  ]);
