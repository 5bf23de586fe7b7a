import { matmul } from "../../linalg/contract.ts";
import { fromFunction, identity, type Tensor } from "../../linalg/tensor.ts";
import { toDense } from "../../ttn/arithmetic.ts";
import { fromDense } from "../../ttn/construct.ts";
import { matrixRhs } from "../../ttn/matrix-rhs.ts";
import { linearRhs } from "../../ttn/operators/linear-rhs.ts";
import { productSum } from "../../ttn/operators/product-sum.ts";
import type { Problem } from "../../ttn/problem.ts";
import { sumRhs } from "../../ttn/sum-rhs.ts";
import { balanced } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { stateNorm } from "../quantum/observables.ts";
import { allCounts, allNumbers } from "./checks.ts";
import { secondDifference } from "./stencils.ts";

export interface AllenCahnOptions {
  /** Grid points a direction. Default 32. */
  readonly n?: number;
  /** Diffusion; interfaces are about sqrt(eps) wide. Default 0.05. */
  readonly eps?: number;
  /** X(0) as a function of x and y. Default: 0.5 sin x cos y + 0.3 cos 2 x, of rank two. */
  readonly initial?: (x: number, y: number) => number;
  /** End of the span. Default 5. */
  readonly T?: number;
}

/**
 * The Allen-Cahn equation of phase separation on the periodic square [0, 2 pi)^2,
 *
 *     X' = eps (L X + X L^T) + X - X^3,   L = (n / 2 pi)^2 (1, -2, 1) on a ring, the cube entry by entry,
 *
 * X n x n and real. A gradient flow: with dx = 2 pi / n the observable
 *
 *     energy = dx^2 sum_ij ( eps / 2 |grad X|_ij^2 + (1 - X_ij^2)^2 / 4 )
 *
 * never rises along the solution; `mean` and `norm` are observed too. The cube of a matrix of rank r has rank r^3, so it is taken
 * of the full matrix, at O(n^2 r) an evaluation; for solvers such as `rk4` (stable for eps h (n / 2 pi)^2 < 0.3 a substep) or
 * `dopri5`. Throws a RangeError for numbers that make no sense. [rodgers2022adaptive]
 */
export function allenCahn(options: AllenCahnOptions = {}): Problem {
  const { n = 32, eps = 0.05, T = 5 } = options;
  const { initial = (x, y) => 0.5 * Math.sin(x) * Math.cos(y) + 0.3 * Math.cos(2 * x) } = options;
  allCounts("allenCahn", { n }, 3);
  allNumbers("allenCahn", { eps, T });
  const tree = balanced(2);
  const dx = (2 * Math.PI) / n;
  const laplace = secondDifference(n, "periodic");
  const operator = productSum(
    tree,
    [n, n],
    [
      { coefficient: 1, factors: [] },
      ...[0, 1].map((mode) => ({ coefficient: eps / dx ** 2, factors: [{ mode, operator: laplace }] })),
    ],
  );
  const right = identity(n);
  const minusCube = matrixRhs(
    (_t, { u, s, v }) => {
      const x = matmul(matmul(u, s), v, "N", "T");
      return { left: { ...x, data: x.data.map((e) => -e * e * e) }, right };
    },
    { autonomous: true },
  );
  return {
    name: "Allen-Cahn equation",
    rhs: sumRhs(linearRhs([{ operator }], { hermitian: true }), minusCube),
    initial: fromDense(
      tree,
      fromFunction([n, n], (i, j) => initial(i! * dx, j! * dx)),
    ),
    span: [0, T],
    observables: {
      energy: (y) => dx ** 2 * energyOf(toDense(y), eps / dx ** 2),
      mean: (y) => meanOf(y),
      norm: stateNorm,
    },
  };
}

/** sum of eps / 2 |differences|^2 + (1 - X^2)^2 / 4 over a periodic grid, eps in units of the grid. */
function energyOf({ data, shape }: Tensor, eps: number): number {
  const n = shape[0]!;
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const x = data[i * n + j]!;
      const down = data[((i + 1) % n) * n + j]! - x;
      const across = data[i * n + ((j + 1) % n)]! - x;
      sum += (eps / 2) * (down * down + across * across) + (1 - x * x) ** 2 / 4;
    }
  return sum;
}

const meanOf = (y: TTN): number => {
  const { data } = toDense(y);
  return data.reduce((sum, x) => sum + x, 0) / data.length;
};
