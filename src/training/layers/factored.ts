import { matmul, permute, scaleColumns, scaled } from "../../linalg/contract.ts";
import { svd } from "../../linalg/factor.ts";
import { randomTensor } from "../../linalg/random.ts";
import { type Tensor, tensor } from "../../linalg/tensor.ts";
import { factorsOf } from "../../ttn/matrix-rhs.ts";
import { decayingMatrix } from "../initial.ts";
import { addScaled, applyDense, withBias } from "../tape/operations.ts";
import { type Layer, type LowRankOptions, lowRankSizes } from "./layers.ts";
import { applyBase } from "./quantized.ts";

/**
 * z = A B x + b with two dense factors, m x r and r x n, that are stepped side by side as any dense matrix: the plain factorisation W = U V^T, of a
 * given rank. With a `base`, z = B0 x + scale A B x + b: LoRA, which starts with A = 0 and normal entries of variance 1 / n in B, and
 * in its papers has Adam for a rule and scale = alpha / r. To be compared with: as descent in the factors it is stiff where singular values are small,
 * and moves by A A^T G + G B^T B, not by a projection of G. Without a base it starts as `lowRank` does, with singular values halved between the two.
 * Throws as `lowRank` does. [hu2022lora; khodak2021initialization]
 */
export function factored(outputs: number, options: LowRankOptions = {}): Layer {
  const { base, scale = 1, bias = true } = options;
  const sizesFor = lowRankSizes("factored", outputs, options);
  return {
    name: `factored layer of ${outputs}`,
    sized(inputs) {
      const { rank, gain } = sizesFor(inputs);
      return {
        outputs,
        counts: { blocks: 0, passengers: bias ? 3 : 2 },
        spared: outputs * inputs - rank * (outputs + inputs),
        initial(random) {
          const factors =
            gain === 0
              ? [tensor([outputs, rank]), scaled(1 / Math.sqrt(inputs), randomTensor(random, [rank, inputs]))]
              : balanced(decayingMatrix(outputs, inputs, rank, random, gain));
          return { blocks: [], passengers: [...factors, ...(bias ? [tensor([outputs])] : [])] };
        },
        record(tape, x, { passengers: [a, b, shift] }) {
          const z = applyDense(tape, applyDense(tape, x, b!), a!);
          const whole = base ? addScaled(tape, applyBase(tape, x, base), scale, z) : z;
          return withBias(tape, whole, shift);
        },
      };
    },
  };
}

/** U S V^T as A B with A^T A = B B^T. */
function balanced(y: Parameters<typeof factorsOf>[0]): [Tensor, Tensor] {
  const { u, s, v } = factorsOf(y);
  const inner = svd(s);
  const roots = inner.s.map(Math.sqrt);
  const half = scaleColumns(permute(inner.vh, [1, 0]), roots);
  return [matmul(u, scaleColumns(inner.u, roots)), matmul(half, v, "T", "T")];
}
