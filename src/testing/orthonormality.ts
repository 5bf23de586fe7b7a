import { matmul } from "../linalg/contract.ts";
import { identity } from "../linalg/tensor.ts";
import { asBasis } from "../ttn/gauge.ts";
import type { TTN } from "../ttn/ttn.ts";
import { distance } from "./march.ts";

/** Largest |U* U - 1| over all nodes but the root, the centre. */
export const orthonormalityDefect = (y: TTN): number =>
  y.tensors.slice(0, -1).reduce((worst, c) => {
    const u = asBasis(c);
    return Math.max(worst, distance(matmul(u, u, "C", "N"), identity(u.shape[1]!, u.dtype)));
  }, 0);
