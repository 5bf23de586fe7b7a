import { block, combine, matmul, permute, place, scaled } from "../../linalg/contract.ts";
import { expm } from "../../linalg/expm.ts";
import { fromFunction, reshape, type Tensor, tensor } from "../../linalg/tensor.ts";

/** Mean and covariance of a Gaussian. */
export interface Moments {
  readonly mean: Float64Array;
  readonly covariance: Tensor;
}

/**
 * Mean and covariance of dX = -B X dt + sqrt(2 D) dW at time t from those at 0: m' = -B m, S' = -B S - S B^T + 2 D, by one exponential
 * of size 2 d. The real parts of B's eigenvalues are positive when there is a steady state. [vanloan1978computing]
 */
export function ornsteinUhlenbeck(drift: Tensor, diffusion: Tensor, start: Moments): (t: number) => Moments {
  const d = drift.shape[0]!;
  const both = tensor([2 * d, 2 * d]);
  place(scaled(-1, drift), both, [0, 0]);
  place(scaled(2, diffusion), both, [0, d]);
  place(permute(drift, [1, 0]), both, [d, d]);
  return (t) => {
    const e = expm(scaled(t, both));
    const flow = block(e, [0, 0], [d, d]);
    const noise = block(e, [0, d], [d, d]);
    const covariance = combine([
      [1, matmul(matmul(flow, start.covariance), flow, "N", "T")],
      [1, matmul(noise, flow, "N", "T")],
    ]);
    return {
      mean: matmul(
        flow,
        reshape(
          fromFunction([d], (i) => start.mean[i!]!),
          [d, 1],
        ),
      ).data,
      covariance,
    };
  };
}
